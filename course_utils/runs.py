"""What is kept of a training run, and the result card it can be written to: one JSON file for each run."""

import json
import math
import os
import platform
import re
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from course_utils.disk import write_whole
from course_utils.recipes import Recipe

CARD_FORMAT = "course_utils result card 1"
SEEDS_FORMAT = "course_utils runs with several seeds 1"
_REQUIRED = (
    "model", "recipe", "dataset", "seed", "policy", "history", "best_epoch", "test", "versions", "hardware",
)  # fmt: skip


class CardError(ValueError):
    """A file is not a result card, or a card is incomplete."""


def versions() -> dict:
    """Returns the versions of Python and of the libraries that a result depends on; None where one is missing."""
    found = {"python": platform.python_version()}
    for name in ("keras", "tensorflow", "jax", "torch", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def hardware() -> dict:
    """Returns what a run runs on: processor, number of cores it may use, and the accelerators by name."""
    import keras

    from course_utils.colab import accelerators

    name = platform.processor() or platform.machine()
    try:
        info = Path("/proc/cpuinfo").read_text()
        name = re.search(r"model name\s*:\s*(.+)", info).group(1).strip()
    except (OSError, AttributeError):
        pass  # not Linux, or a processor that does not say
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processor": name, "cores": cores, "accelerators": accelerators(), "backend": keras.backend.backend()}


@dataclass
class Run:
    """One training run: what went in, what came of it.

    Attributes:
        model: sizes of the network, from `models.describe`.
        recipe: what it was trained with.
        dataset: name, sizes and number of classes.
        seed: seeds the order and the augmentation of the training pictures.
        policy: Keras' precision policy, such as "mixed_bfloat16".
        history: one list for each quantity, one number for each finished epoch: "loss" and "accuracy" (training, as
            measured while the weights move), "val_loss", "val_accuracy", "val_top5", "learning_rate", "seconds"
            (training and validation, wall clock), "cpu_seconds"; "test_accuracy" where it was asked for.
        best_epoch: the epoch, from 1, whose weights were kept; 0 if no epoch was finished.
        test: "top1", "top5" (None below 6 classes) and "loss" on the test pictures, with the kept weights.
        stopped: why the run ended early: "interrupted" or "the loss is not finite"; None if it did not.
        rehearsal: the run only showed that everything works (see `train`): its figures are no results.
        versions, hardware: what it ran on; of several accelerators, those that it used.
    """

    model: dict
    recipe: Recipe
    dataset: dict
    seed: int
    policy: str
    history: dict[str, list] = field(default_factory=dict)
    best_epoch: int = 0
    test: dict | None = None
    stopped: str | None = None
    rehearsal: bool = False
    versions: dict = field(default_factory=versions)
    hardware: dict = field(default_factory=hardware)

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.history.get("loss", ()))

    @property
    def label(self) -> str:
        """A short name for a legend."""
        return self.model["name"].replace("_", " ")

    def card(self) -> dict:
        """Returns the run as plain JSON values; numbers that are not finite become None."""
        seconds = self.history.get("seconds", [])
        return _finite(
            {
                "format": CARD_FORMAT,
                **asdict(self),
                "seconds_per_epoch": sum(seconds) / len(seconds) if seconds else None,
            }
        )

    def save_card(self, path) -> Path:
        """Writes the result card to `path`. An older card there is replaced only once the new one is whole.

        Raises:
            OSError: the card could not be written (no such folder, no right, disk full); what was there before is
                still there.
            ValueError: the run is a rehearsal.
        """
        if self.rehearsal:
            raise ValueError("save_card: this run is a rehearsal (COURSE_REHEARSAL is set): its figures are no results")
        return write_json(path, self.card())

    def __repr__(self):
        if not self.epochs:
            return f"Run({self.label}: no finished epoch{', ' + self.stopped if self.stopped else ''})"
        text = "Run(rehearsal, no result: " if self.rehearsal else "Run("
        text += f"{self.label} on {self.dataset['name']}: {self.epochs} epochs, best {self.best_epoch}"
        text += f", validation {100 * self.history['val_accuracy'][self.best_epoch - 1]:.1f} %"
        if self.test:
            text += f", test {100 * self.test['top1']:.1f} %"
        return text + (f", {self.stopped})" if self.stopped else ")")


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(path, value) -> Path:
    """Writes `value` as JSON to `path`; an older file there is replaced only once the new one is whole.

    Raises:
        OSError: it could not be written; what was there before is still there.
    """
    path = Path(path)
    return write_whole(path, (json.dumps(value, indent=1) + "\n").encode(), path.name)


def read_card(path) -> dict:
    """Reads a result card.

    Raises:
        FileNotFoundError: there is no such file.
        CardError: the file is not JSON, not a result card, or an incomplete one; it says what is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"read_card: there is no result card at {path}")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CardError(f"read_card: {path} is not a result card: it is not JSON ({error})") from error
    if not isinstance(card, dict) or card.get("format") != CARD_FORMAT:
        found = card.get("format") if isinstance(card, dict) else type(card).__name__
        raise CardError(f"read_card: {path} is not a result card: 'format' must be {CARD_FORMAT!r}; it is {found!r}")
    missing = [key for key in _REQUIRED if key not in card]
    if missing:
        raise CardError(f"read_card: the result card {path} is incomplete: it has no {', '.join(missing)}")
    return card


def results_folder() -> Path:
    """Returns the folder of the recorded cards: in the installed package, or `benchmarks/results` in a checkout."""
    here = Path(__file__).resolve().parent
    packaged = here / "results"
    return packaged if packaged.is_dir() else here.parent / "benchmarks" / "results"


def recorded(name: str) -> dict:
    """Returns the recorded card called `name`, such as "mixer_course_cifar100_cpu".

    Raises:
        FileNotFoundError: there is no such card; the message lists those there are.
        CardError: the file is not a card.
    """
    path = results_folder() / f"{name}.json"
    if not path.is_file():
        known = sorted(found.stem for found in results_folder().glob("*.json"))
        raise FileNotFoundError(f"recorded: there is no result card {name!r}; there are {', '.join(known) or 'none'}")
    return read_card(path)


def read_seeds(name: str) -> dict[str, list[dict]]:
    """Reads an experiment that was repeated with several seeds, as written by `benchmarks.seeds`.

    Returns:
        {network: [the result card of each seed]}.

    Raises:
        FileNotFoundError: there is no such experiment; the message lists those there are.
        CardError: the file holds something else.
    """
    folder = results_folder() / "seeds"
    path = folder / f"{name}.json"
    if not path.is_file():
        known = sorted(found.stem for found in folder.glob("*.json"))
        raise FileNotFoundError(f"read_seeds: there is no experiment {name!r}; there are {', '.join(known) or 'none'}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CardError(f"read_seeds: {path} is not JSON ({error})") from error
    if not isinstance(found, dict) or found.get("format") != SEEDS_FORMAT:
        raise CardError(f"read_seeds: {path} holds no runs with several seeds")
    return found["runs"]
