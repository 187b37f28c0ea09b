"""Repeats a lesson's small experiments with several seeds: `python -m benchmarks.seeds [experiment …]`.

Each experiment becomes one file in `benchmarks/results/seeds`, with the result card of every run; the lessons' tables
of seeds are made from these files (`course_utils.results.tables`). The file is rewritten after each run, and the same
command goes on after the last recorded one.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from course_utils.data import load_dataset
from course_utils.files import write_json
from course_utils.models import classifier
from course_utils.results.cards import SEEDS_FORMAT, CardError, read_seeds, results_folder
from course_utils.training import train
from course_utils.training.recipes import Recipe, recipe

PLAIN = {"shifted_patches": False, "temperature": False, "mask_diagonal": False}
SPT = {"temperature": False, "mask_diagonal": False}


@dataclass(frozen=True)
class Experiment:
    """Networks that differ in one idea, trained on the puzzle with one recipe and several seeds.

    Attributes:
        config: the network, as `models.classifier` takes it.
        variants: {name in the table: changes of the configuration}.
        recipe: what all are trained with.
        seeds: how many.
        parts: how many images of each part; None for all.
        data: the data set.
    """

    config: str
    variants: Mapping[str, dict]
    recipe: Recipe
    seeds: int
    parts: Mapping[str, int] | None = None
    data: str = "shapes"


EXPERIMENTS = {
    "gate_bias": Experiment(
        "gmlp_tiny",
        {"b starts at 1": {}, "b starts at 0": {"gate_bias_start": 0.0}},
        recipe("quick"),
        seeds=5,
    ),
    "spt_and_lsa": Experiment(
        "small_data_vit_tiny",
        {
            "plain ViT": PLAIN,
            "temperature alone": PLAIN | {"temperature": True},
            "mask alone": PLAIN | {"mask_diagonal": True},
            "LSA": {"shifted_patches": False},
            "SPT": SPT,
            "SPT with shift 0": SPT | {"shift": 0.0},
            "SPT and LSA": {},
        },
        Recipe(epochs=6, batch_size=32, learning_rate=5e-3),
        seeds=3,
        parts={"train": 2000, "validation": 500, "test": 1000},
    ),
    "spt_and_lsa_cifar100": Experiment(
        "small_data_vit_tiny",
        {"plain ViT": PLAIN, "LSA": {"shifted_patches": False}, "SPT": SPT, "SPT and LSA": {}},
        recipe("short"),
        seeds=3,
        data="cifar100",
    ),
}


def done_before(name: str, experiment: Experiment) -> dict[str, list[dict]]:
    """Returns the runs that an earlier start of the same experiment has recorded."""
    try:
        found = read_seeds(name)
    except (FileNotFoundError, CardError):
        return {}
    return {
        variant: [card for card in cards if Recipe(**card["recipe"]) == experiment.recipe and card["test"]]
        for variant, cards in found.items()
    }


def record(name: str, again: bool = False) -> None:
    """Runs one experiment and writes its file; what a stopped start has recorded is kept, unless it is done `again`."""
    experiment = EXPERIMENTS[name]
    data = load_dataset(experiment.data)
    if experiment.parts:
        data = data.subset(**experiment.parts)
    earlier = {} if again else done_before(name, experiment)
    runs = {variant: earlier.get(variant, []) for variant in experiment.variants}
    path = results_folder() / "seeds" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    for seed in range(experiment.seeds):
        for variant, changes in experiment.variants.items():
            if any(card["seed"] == seed for card in runs[variant]):
                print(f"{name}, seed {seed}, {variant}: recorded before; --again repeats it", flush=True)
                continue
            network = classifier(experiment.config, data.input_shape, data.num_classes, seed=seed, **changes)
            run = train(network, data, experiment.recipe, seed=seed, monitor="none")
            if run.stopped == "interrupted":
                raise KeyboardInterrupt
            runs[variant].append(run.card())
            write_json(path, {"format": SEEDS_FORMAT, "runs": runs})
            print(f"{name}, seed {seed}, {variant}: {run}", flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description=__doc__.splitlines()[0])
    parser.add_argument("experiment", nargs="*", help=f"of {', '.join(EXPERIMENTS)}; default: all")
    parser.add_argument("--again", action="store_true", help="repeat the runs that are recorded already")
    given = parser.parse_args(arguments)
    names = given.experiment or list(EXPERIMENTS)
    for name in names:
        if name not in EXPERIMENTS:
            parser.error(f"unknown experiment {name!r}; choose from {', '.join(EXPERIMENTS)}")
    for name in names:
        record(name, given.again)


if __name__ == "__main__":
    main()
