"""Repeats a lesson's small experiments with several seeds: `python -m benchmarks.seeds [experiment …]`.

Each experiment becomes one file in `benchmarks/results/seeds`, with the result card of every run; the lessons' tables
of seeds are made from these files (`course_utils.baselines.seeds`). The file is rewritten after each run.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from course_utils.data import load_dataset
from course_utils.models import classifier
from course_utils.recipes import Recipe, recipe
from course_utils.runs import SEEDS_FORMAT, results_folder, write_json
from course_utils.training import train

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
        parts: how many pictures of each part; None for all.
    """

    config: str
    variants: Mapping[str, dict]
    recipe: Recipe
    seeds: int
    parts: Mapping[str, int] | None = None


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
}


def record(name: str) -> None:
    """Runs one experiment and writes its file."""
    experiment = EXPERIMENTS[name]
    data = load_dataset("shapes")
    if experiment.parts:
        data = data.subset(**experiment.parts)
    runs = {variant: [] for variant in experiment.variants}
    path = results_folder() / "seeds" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    for seed in range(experiment.seeds):
        for variant, changes in experiment.variants.items():
            network = classifier(experiment.config, data.input_shape, data.num_classes, seed=seed, **changes)
            run = train(network, data, experiment.recipe, seed=seed, monitor="none")
            runs[variant].append(run.card())
            write_json(path, {"format": SEEDS_FORMAT, "runs": runs})
            print(f"{name}, seed {seed}, {variant}: {run}", flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description=__doc__.splitlines()[0])
    parser.add_argument("experiment", nargs="*", help=f"of {', '.join(EXPERIMENTS)}; default: all")
    names = parser.parse_args(arguments).experiment or list(EXPERIMENTS)
    for name in names:
        if name not in EXPERIMENTS:
            parser.error(f"unknown experiment {name!r}; choose from {', '.join(EXPERIMENTS)}")
    for name in names:
        record(name)


if __name__ == "__main__":
    main()
