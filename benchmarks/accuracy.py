"""Trains networks and writes a result card for each run; started again, it goes on where it was stopped.

    COURSE_DATA=folder/with/cifar100.npz python -m benchmarks.accuracy vit_course mixer_course --seeds 3
    python -m benchmarks.accuracy vit_course,attention_start=mimetic --recipe small_batches

Without a model it trains the lessons' `course` networks. While a run is under way its checkpoint and its card lie in
`benchmarks/runs`; when it has ended, the card is put into `benchmarks/results` and the checkpoint goes. A run that is
recorded there already is left out, whatever its file is called. Ctrl-C, a crash or a power cut cost the epoch that was
under way.
"""

import argparse
import io
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from pydantic import ValidationError

from benchmarks.plain import SIZES
from course_utils.checked import adapter, in_words
from course_utils.data import Dataset, load_dataset
from course_utils.files import write_whole
from course_utils.models import CONFIGS, Config, classifier
from course_utils.papers import WITH_LESSON
from course_utils.results.cards import every
from course_utils.system import accelerators
from course_utils.training import train
from course_utils.training.devices import precision
from course_utils.training.recipes import RECIPES, Recipe, recipe
from course_utils.training.run import Data, Run

HERE = Path(__file__).resolve().parent
RUNS = HERE / "runs"
SNAPSHOTS = (1, 8)
COURSE = [f"{paper}_course" for paper in WITH_LESSON]


@dataclass(frozen=True)
class Job:
    """One training: everything that goes in, which is what tells one run from another."""

    config: Config
    input_shape: tuple[int, int, int]
    dataset: Dataset
    recipe: Recipe
    seed: int = 0

    @property
    def name(self) -> str:
        """What its files are called."""
        policy = keras.config.dtype_policy().name
        rare = ("" if policy == "float32" else policy, f"seed{self.seed}" if self.seed else "")
        parts = (self.config.label, self.dataset.name, self.recipe.label, *rare)
        return re.sub(r"[^\w.=]+", "_", "_".join(filter(None, parts)))

    def is_done_by(self, run: Run) -> bool:
        """Says whether a recorded run is this one, come to its end."""
        found = (run.model.config, run.model.input_shape, run.dataset, run.seed, run.policy)
        wanted = (self.config, self.input_shape, Data.of(self.dataset), self.seed, keras.config.dtype_policy().name)
        return found == wanted and run.recipe.same_as(self.recipe) and complete(run)

    def build(self) -> keras.Model:
        """Returns the network, not yet trained."""
        return classifier(self.config, self.input_shape, self.dataset.num_classes, seed=self.seed)

    def run(
        self, folder: Path, keep: Callable[[Run], object], jit_compile: bool | str = "auto", weights: Path | None = None
    ) -> None:
        """Trains, or goes on from the checkpoint in `folder`, gives the run to `keep` and removes the checkpoint.

        With `weights`, a folder, the weights after the epochs `SNAPSHOTS` and the kept ones stay there, as
        `benchmarks.ship` takes them.

        Raises:
            KeyboardInterrupt: the run was interrupted.
            RuntimeError: it came to no result.
        """
        folder.mkdir(parents=True, exist_ok=True)
        card, checkpoint = folder / f"{self.name}.json", folder / f"{self.name}.npz"
        print(f"{self.name}: {'goes on' if checkpoint.exists() else 'begins'}; {self.recipe}", flush=True)
        model = self.build()

        def note(epoch: int) -> None:
            if weights and epoch in SNAPSHOTS:
                save_weights(model, weights / f"{self.name}_{epoch}.npz")

        run = train(
            model, self.dataset, self.recipe, seed=self.seed, monitor="lines", card=card, checkpoint=checkpoint,
            jit_compile=jit_compile, after_epoch=note,
        )  # fmt: skip
        print(run, flush=True)
        if run.stopped == "interrupted":
            raise KeyboardInterrupt
        if not complete(run):
            raise RuntimeError(f"{self.name}: {run.stopped}; no card was written")
        if weights:
            save_weights(model, weights / f"{self.name}_{run.best_epoch}.npz")
        keep(run)
        checkpoint.unlink(missing_ok=True)
        card.unlink(missing_ok=True)


def save_weights(model, path: Path) -> None:
    """Writes a network's weights in full precision, in their order."""
    buffer = io.BytesIO()
    np.savez(buffer, *model.get_weights())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, buffer.getbuffer(), "the weights")


def complete(run: Run) -> bool:
    """Says whether a run came to its end and is a result."""
    return run.test is not None and run.stopped not in ("interrupted", "the loss is not finite")


def network(text: str) -> tuple[str, Config]:
    """Returns the name and the configuration that a model on the command line stands for: `name,field=value,…`.

    Raises:
        ValueError: there is no such name or field, or a value is not what its field wants.
    """
    name, *changes = text.split(",")
    if name not in CONFIGS:
        raise ValueError(f"unknown model {name!r}; choose from {', '.join(CONFIGS)}")
    if wrong := [change for change in changes if "=" not in change]:
        raise ValueError(f"{text}: a change should be field=value, but it is {wrong[0]!r}")
    changed = dict(change.split("=", 1) for change in changes)
    try:
        return name, adapter(Config).validate_python({**asdict(CONFIGS[name]), **changed}, strict=False)
    except ValidationError as error:
        raise ValueError(in_words(text, error)) from None


def recipe_for(name: str, config: Config, **changes) -> Recipe:
    """Returns the recipe called `name`; "keras_io" is that of the keras.io example on the network's paper."""
    own = f"{name}_{config.mixing}"
    if name == "keras_io" and own not in RECIPES:
        raise ValueError(f"there is no keras.io example on {config.mixing!r}: choose another --recipe")
    return recipe(own if own in RECIPES else name, **changes)


def job(model: str, dataset: Dataset, recipe_name: str, seed: int = 0, **changes) -> Job:
    """Returns the training of a model on the command line. The keras.io examples' networks see enlarged images."""
    name, config = network(model)
    shape = dataset.input_shape
    if name == f"{config.mixing}_keras_io":
        side = SIZES[config.mixing]["side"]
        shape = (side, side, shape[2])
    return Job(config, shape, dataset, recipe_for(recipe_name, config, **changes), seed)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of every command that trains."""
    parser.add_argument("--again", action="store_true", help="repeat runs that are recorded already")
    policies = ("float32", "mixed_bfloat16", "mixed_float16", "bfloat16", "float16")
    parser.add_argument("--precision", choices=policies, help="Keras' policy; default: what the device does well")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where runs under way are kept")


def set_precision(policy: str | None) -> None:
    """Sets Keras' policy: the given one, or the one that the device does well."""
    keras.config.set_dtype_policy(policy or precision(accelerators()))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description="Trains and records networks.")
    about = f"a configuration, such as vit_course or vit_course,depth=6; default: {' '.join(COURSE)}"
    parser.add_argument("models", nargs="*", metavar="model", help=about)
    parser.add_argument("--recipe", default="course", choices=[*RECIPES, "keras_io"], help="default: course")
    parser.add_argument("--seeds", type=int, default=1, help="train with seeds 0, 1, … N - 1; default: 1")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--data", default="cifar100", help="cifar100, fashion_mnist, shapes or a folder of images")
    parser.add_argument("--xla", action="store_true", help="compile with XLA on a CPU too")
    parser.add_argument("--weights", type=Path, help="a folder for the weights, for benchmarks.ship; default: none")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="where the cards go")
    add_common(parser)
    given = parser.parse_args(arguments)
    models = given.models or COURSE
    changes = {} if given.epochs is None else {"epochs": given.epochs}
    try:
        for model in models:  # before hours of training, not after
            recipe_for(given.recipe, network(model)[1], **changes)
        if given.seeds < 1:
            raise ValueError(f"--seeds must be at least 1, but it is {given.seeds}")
        set_precision(given.precision)
    except ValueError as error:
        parser.error(str(error))
    dataset = load_dataset(given.data)
    try:
        for model in models:
            job(model, dataset, given.recipe, **changes).build()
    except ValueError as error:
        parser.error(f"{model} on {dataset.name}: {error}")
    given.results.mkdir(parents=True, exist_ok=True)
    failed = []
    try:
        for seed in range(given.seeds):
            for model in models:
                task = job(model, dataset, given.recipe, seed, **changes)
                known = [path for path, run in every(inside=given.results).items() if task.is_done_by(run)]
                if known and not given.again:
                    print(f"{task.name}: recorded already ({known[0].name}); --again repeats the run", flush=True)
                    continue
                path = known[0] if known else given.results / f"{task.name}.json"
                try:
                    task.run(given.runs, lambda run, path=path: run.save_card(path), given.xla or "auto", given.weights)
                except (ValueError, RuntimeError) as error:  # such as another run's checkpoint; the other runs go on
                    failed.append(str(error))
                    print(f"{model}, seed {seed}: {error}", flush=True)
    except KeyboardInterrupt:
        parser.exit(130, "Interrupted. The same command goes on from the last finished epoch.\n")
    if failed:
        parser.exit(1, "".join(f"{message}\n" for message in failed))


if __name__ == "__main__":
    main()
