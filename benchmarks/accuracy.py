"""Trains networks and writes a result card for each run; started again, it goes on where it was stopped.

    COURSE_DATA=folder/with/cifar100.npz python -m benchmarks.accuracy vit_course mixer_course --seeds 3

Without a model's name it trains the five papers' `course` networks. While a run is under way its checkpoint and its
card lie in `benchmarks/runs`; when it has ended, the card is put into `benchmarks/results` and the checkpoint goes. A
run whose card is there already is left out. Ctrl-C, a crash or a power cut cost the epoch that was under way.
"""

import argparse
from pathlib import Path

import keras

from course_utils.data import load_dataset
from course_utils.files import write_json
from course_utils.models import CONFIGS, classifier
from course_utils.results.cards import CardError, read_card
from course_utils.system import accelerators
from course_utils.training import train
from course_utils.training.checkpoint import CheckpointError
from course_utils.training.devices import precision
from course_utils.training.recipes import RECIPES, Recipe, recipe

HERE = Path(__file__).resolve().parent
PAPERS = ("mixer", "fnet", "gmlp", "vit", "small_data_vit")
COURSE = [f"{paper}_course" for paper in PAPERS]
# The side that the keras.io examples enlarge their images to.
SIDES = {f"{paper}_keras_io": 72 if "vit" in paper else 64 for paper in PAPERS}
# Of SPT and LSA the name alone is "both".
SPT_AND_LSA = {
    "spt": {"temperature": False, "mask_diagonal": False},
    "lsa": {"shifted_patches": False},
    "plain": {"shifted_patches": False, "temperature": False, "mask_diagonal": False},
}
MIMETIC = {"mimetic": {"attention_start": "mimetic"}}
# {the beginning of a configuration's name: what may stand after a +}
VARIANTS = {"small_data_vit": SPT_AND_LSA | MIMETIC, "vit": MIMETIC}


def network(name: str) -> tuple[str, dict]:
    """Returns the configuration and its changes that a model's name on the command line stands for.

    A name is a key of `CONFIGS`; one of a ViT may end in "+mimetic", of the small-data ViT in "+spt", "+lsa" or
    "+plain", too.

    Raises:
        ValueError: there is no such model.
    """
    config, _, variant = name.partition("+")
    known = next((found for start, found in VARIANTS.items() if config.startswith(start)), {})
    if config not in CONFIGS or (variant and not known):
        raise ValueError(f"unknown model {name!r}; choose from {', '.join(CONFIGS)}")
    if variant and variant not in known:
        raise ValueError(f"unknown model {name!r}; after the + stands one of {', '.join(known)}")
    return config, known[variant] if variant else {}


def recipe_for(name: str, config: str, **changes):
    """Returns the recipe called `name`; "published" is that of the keras.io example on the configuration's paper."""
    if name == "published":
        paper = next((paper for paper in reversed(PAPERS) if config.startswith(paper)), None)
        if paper is None:
            raise ValueError(f"no lesson was published on {config!r}: --recipe published needs a network of {PAPERS}")
        name = f"keras_io_{paper}"
    return recipe(name, **changes)


def stem_of(name: str, data: str, recipe_name: str, seed: int, given) -> str:
    """Returns what a run's files are called; what was asked for beyond the recipe has files of its own."""
    data = data.replace(": ", "_").replace(" ", "_")
    stem = f"{name.replace('+', '_')}_{data}_{recipe_name}"
    if given.epochs is not None:
        stem += f"_{given.epochs}_epochs"
    if given.precision is not None:
        stem += f"_{given.precision}"
    return stem + (f"_seed{seed}" if seed else "")


def finished(card: Path, how: Recipe) -> bool:
    """Says whether the run of a card came to its end, with the same recipe."""
    try:
        found = read_card(card)
        known = Recipe(**found["recipe"])
    except (FileNotFoundError, CardError, TypeError, ValueError):  # none, no card, or a recipe of another release
        return False
    return found["test"] is not None and not _broken(found["stopped"]) and known == how


def _broken(stopped: str | None) -> bool:
    """Says whether a run ended before its time for a reason that makes it no result."""
    return stopped is not None and not stopped.startswith("no lower validation loss")


def build(name: str, dataset, seed: int = 0):
    """Returns the network that a model's name on the command line stands for, for the images of a data set."""
    config, variant = network(name)
    side = SIDES.get(config)
    shape = (side, side, dataset.input_shape[2]) if side else dataset.input_shape
    return classifier(config, shape, dataset.num_classes, seed=seed, **variant)


def run_one(name: str, dataset, recipe_name: str, seed: int, changes: dict, given):
    """Trains one network with one seed, unless that has been done."""
    how = recipe_for(recipe_name, network(name)[0], **changes)
    stem = stem_of(name, dataset.name, recipe_name, seed, given)
    card, running = given.results / f"{stem}.json", given.runs / f"{stem}.json"
    if finished(card, how) and not given.again:
        print(f"{stem}: its card is there already; --again repeats the run", flush=True)
        return
    model = build(name, dataset, seed)
    checkpoint = given.runs / f"{stem}.npz"
    print(f"{stem}: {'goes on' if checkpoint.exists() else 'begins'}; {how}", flush=True)
    run = train(
        model, dataset, how, seed=seed, monitor="lines", card=running, checkpoint=checkpoint,
        jit_compile=True if given.xla else "auto",
    )  # fmt: skip
    print(run, flush=True)
    if run.stopped == "interrupted":
        raise KeyboardInterrupt
    if run.test is None or _broken(run.stopped):
        raise RuntimeError(f"{stem}: {run.stopped}; no card was written to {given.results}")
    run.model["name"] = name.replace("+", "_")  # the variants of a network are told apart
    write_json(card, run.card())
    checkpoint.unlink(missing_ok=True)
    running.unlink(missing_ok=True)


def main(arguments=None):
    names = [*RECIPES, "published"]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", metavar="model", help=f"such as vit_course; default: {' '.join(COURSE)}")
    parser.add_argument("--recipe", default="course", choices=names, help="default: course")
    parser.add_argument("--seeds", type=int, default=1, help="train with seeds 0, 1, … N - 1; default: 1")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--data", default="cifar100", help="cifar100, fashion_mnist, shapes or a folder of images")
    parser.add_argument("--precision", help="a Keras policy; default: what the device does well")
    parser.add_argument("--again", action="store_true", help="repeat runs whose card is there already")
    parser.add_argument("--xla", action="store_true", help="compile with XLA on a CPU too")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="where the cards go")
    parser.add_argument("--runs", type=Path, default=HERE / "runs", help="where runs under way are kept")
    given = parser.parse_args(arguments)
    models = given.models or COURSE
    try:
        for name in models:  # before hours of training, not after
            network(name)
            recipe_for(given.recipe, network(name)[0])
        if given.seeds < 1:
            raise ValueError(f"--seeds must be at least 1, but it is {given.seeds}")
        changes = {"epochs": given.epochs} if given.epochs is not None else {}
        recipe(RECIPES["quick"], **changes)
        keras.config.set_dtype_policy(given.precision or precision(accelerators()))
    except ValueError as error:
        parser.error(str(error))
    dataset = load_dataset(given.data)
    try:
        for name in models:
            build(name, dataset)
    except ValueError as error:
        parser.error(f"{name} on {dataset.name}: {error}")
    for folder in (given.runs, given.results):
        folder.mkdir(parents=True, exist_ok=True)
    failed = []
    try:
        for seed in range(given.seeds):
            for name in models:
                try:
                    run_one(name, dataset, given.recipe, seed, changes, given)
                except (CheckpointError, RuntimeError) as error:  # the other runs go on
                    failed.append(str(error))
                    print(f"{name}, seed {seed}: {error}", flush=True)
    except KeyboardInterrupt:
        parser.exit(130, "Interrupted. The same command goes on from the last finished epoch.\n")
    if failed:
        parser.exit(1, "".join(f"{message}\n" for message in failed))


if __name__ == "__main__":
    main()
