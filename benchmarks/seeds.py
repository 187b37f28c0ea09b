"""Repeats small experiments with several seeds: `python -m benchmarks.seeds [experiment …]`.

Each experiment becomes one card in `benchmarks/results/seeds`, with all its runs: `course_utils.results.tables` makes
tables of seeds from it. It is rewritten after each run, and the same command goes on where it was stopped; a run that
another experiment has recorded is taken from there.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy import Job, add_common, set_precision
from course_utils.data import load_dataset
from course_utils.models import Config, named_config
from course_utils.papers import PAPERS
from course_utils.results.cards import Seeds, every, folder, write
from course_utils.training.recipes import Recipe, recipe

NO_SPT = {"shifted_patches": False}
NO_LSA = {"temperature": False, "mask_diagonal": False}
VARIANTS = {
    "plain ViT": NO_SPT | NO_LSA,
    "temperature alone": NO_SPT | {"mask_diagonal": False},
    "mask alone": NO_SPT | {"temperature": False},
    "LSA": NO_SPT,
    "SPT": NO_LSA,
    "SPT with shift 0": NO_LSA | {"shift": 0.0},
    "SPT and LSA": {},
}
CORNERS = {title: VARIANTS[title] for title in ("plain ViT", "LSA", "SPT", "SPT and LSA")}


def changed(name: str, variants: Mapping[str, dict]) -> dict[str, Config]:
    """Returns a configuration in several variants, by their names in the table."""
    return {title: named_config(name, **changes) for title, changes in variants.items()}


@dataclass(frozen=True)
class Experiment:
    """Networks that are trained with one recipe and several seeds.

    Attributes:
        networks: by their names in the table.
        recipe: what all are trained with; a name is looked up when the experiment is run.
        seeds: how many.
        data: the data set.
        parts: how many images of each part; None for all.
    """

    networks: Mapping[str, Config]
    recipe: str | Recipe
    seeds: int = 3
    data: str = "cifar100"
    parts: Mapping[str, int] | None = None


# An eighth of the puzzles, in as many steps as three epochs with all of them.
FEW = Experiment(
    {"MLP": named_config("mixer_tiny"), "attention": named_config("vit_tiny")},
    recipe("quick", epochs=27),
    data="shapes",
    parts={"train": 1000, "validation": 1000, "test": 1000},
)
EXPERIMENTS = {
    "gate_bias": Experiment(
        changed("gmlp_tiny", {"b starts at 1": {}, "b starts at 0": {"gate_bias_start": 0.0}}),
        "quick",
        seeds=5,
        data="shapes",
    ),
    "spt_and_lsa": Experiment(
        changed("small_data_vit_tiny", VARIANTS),
        Recipe(epochs=6, batch_size=32, learning_rate=5e-3),
        data="shapes",
        parts={"train": 2000, "validation": 500, "test": 1000},
    ),
    "convolution": Experiment({"convolution": named_config("conv_tiny")}, recipe("quick", epochs=25), data="shapes"),
    "fnet_positions": Experiment(
        changed("fnet_tiny", {"with positions": {}, "without positions": {"position_embedding": False}}),
        recipe("quick", epochs=20),
        data="shapes",
    ),
    "few_images": FEW,
    "spt_and_lsa_cifar100": Experiment(changed("small_data_vit_tiny", CORNERS), "short"),
    "spt_and_lsa_64_tokens": Experiment(changed("small_data_vit_course", CORNERS), "muon_short"),
    "course_networks": Experiment(
        {paper.title: named_config(f"{key}_course") for key, paper in PAPERS.items() if paper.arxiv}, "muon_short"
    ),
}


def record(name: str, checkpoints: Path, again: bool = False) -> None:
    """Runs one experiment and writes its card; what is recorded already is kept, unless it is done `again`."""
    experiment = EXPERIMENTS[name]
    data = load_dataset(experiment.data)
    if experiment.parts:
        data = data.subset(**experiment.parts)
    cards = [] if again else every("seeds/*", Seeds).values()
    recorded = [run for card in cards for runs in card.runs.values() for run in runs]
    runs, missing = {title: [] for title in experiment.networks}, []
    for seed in range(experiment.seeds):
        for title, config in experiment.networks.items():
            job = Job(config, data.input_shape, data, recipe(experiment.recipe), seed)
            if known := next((run for run in recorded if job.is_done_by(run)), None):
                runs[title].append(known)
            else:
                missing.append((title, job))
    done = sum(map(len, runs.values()))
    print(f"{name}: {len(missing)} runs to do{f', {done} recorded already; --again repeats them' if done else ''}")
    for title, job in missing:

        def keep(run, title=title):
            runs[title] = sorted([*runs[title], run], key=lambda run: run.seed)
            write(folder() / "seeds" / f"{name}.json", Seeds(runs))

        job.run(checkpoints, keep)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description="Repeats experiments with seeds.")
    parser.add_argument("experiment", nargs="*", help=f"of {', '.join(EXPERIMENTS)}; default: all")
    add_common(parser)
    given = parser.parse_args(arguments)
    names = given.experiment or list(EXPERIMENTS)
    try:
        for name in names:
            if name not in EXPERIMENTS:
                raise ValueError(f"unknown experiment {name!r}; choose from {', '.join(EXPERIMENTS)}")
            recipe(EXPERIMENTS[name].recipe)
        set_precision(given.precision)
    except ValueError as error:
        parser.error(str(error))
    try:
        for name in names:
            record(name, given.runs, given.again)
    except KeyboardInterrupt:
        parser.exit(130, "Interrupted. The same command goes on where it was stopped.\n")


if __name__ == "__main__":
    main()
