"""One training run, and the result card it is written to: one JSON file for each run, with one schema for both."""

import json
import math
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar

from course_utils.checked import Accuracy, Count, Name, Number, Text, Whole, adapter, checked, one_line
from course_utils.files import file_path, write_json
from course_utils.models.network import Network
from course_utils.system import hardware, versions
from course_utils.training.recipes import Recipe, counted


def as_card(card: Any) -> dict:
    """Returns a card of any kind as plain JSON values; numbers that are not finite become None."""
    kind: Any = type(card)
    return {"format": card.FORMAT, **json.loads(adapter(kind).dump_json(card))}


@checked
class Data:
    """What a run learned from: the data set's name and the images in its three parts."""

    name: Text
    classes: Count
    train: Count
    validation: Count
    test: Count

    @classmethod
    def of(cls, dataset) -> "Data":
        """Describes a `Dataset`; what cannot stand in a name on a card is left out of it."""
        name = one_line(str(dataset.name))[:200]
        sizes = {part: len(getattr(dataset, f"x_{part}")) for part in ("train", "validation", "test")}
        return cls(name=name, classes=dataset.num_classes, **sizes)


@checked
class Measured:
    """What the kept weights reach on the test images: shares between 0 and 1; `top5` is None below 6 classes."""

    loss: Number | None
    top1: Accuracy
    top5: Accuracy | None

    def __post_init__(self):
        if self.top5 is not None and self.top1 > self.top5:
            raise ValueError(f"Measured: top5 must be at least top1={self.top1}, but it is {self.top5}")

    @classmethod
    def of(cls, found: dict) -> "Measured":
        """Returns what `evaluate` gave; a loss that is not finite becomes None."""
        return cls(**found | {"loss": found["loss"] if math.isfinite(found["loss"]) else None})


@checked
class Hardware:
    """What a run ran on; of several accelerators, those that it used."""

    processor: Text
    cores: Count | None
    accelerators: list[Text]
    backend: Text


@checked(frozen=False)
class Run:
    """One training run: what went in, what came of it.

    Attributes:
        model: the network, from `models.describe`.
        recipe: what it was trained with.
        dataset: what it learned from.
        seed: seeds the order and the augmentation of the training images.
        policy: Keras' precision policy, such as "mixed_bfloat16".
        history: one list for each quantity, one number for each finished epoch: "loss" and "accuracy" (training, as
            measured while the weights move), "val_loss", "val_accuracy", "val_top5", "learning_rate", "seconds"
            (training and validation, wall clock), "cpu_seconds"; "test_accuracy" where it was asked for.
        best_epoch: the epoch, from 1, whose weights were kept; 0 if no epoch was finished.
        test: what the kept weights reach on the test images.
        stopped: why the run ended early: "interrupted" or "the loss is not finite"; None if it did not.
        dry_run: the run only showed that everything works (see `train`): its figures are no results.
        trained_before: the network began with weights that had been trained, not with fresh ones.
        versions, hardware: what it ran on.
    """

    FORMAT: ClassVar[str] = "course_utils result card 2"

    model: Network
    recipe: Recipe
    dataset: Data
    seed: Whole
    policy: Text
    history: dict[Name, list[Number | None]] = field(default_factory=dict)
    best_epoch: Whole = 0
    test: Measured | None = None
    stopped: Text | None = None
    dry_run: bool = False
    trained_before: bool = False
    versions: dict[Text, Text | None] = field(default_factory=versions)
    hardware: Hardware = field(default_factory=lambda: Hardware(**hardware()))

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.history.get("loss", ()))

    @property
    def label(self) -> str:
        """A short name for a legend."""
        return self.model.label.replace("_", " ")

    @property
    def val_top1(self) -> float:
        """What the kept weights reach on the validation images."""
        return self.history["val_accuracy"][self.best_epoch - 1]

    @property
    def minutes(self) -> float:
        """For how many minutes it kept processors busy, or, with an accelerator, how many went by."""
        return sum(self.history["seconds" if self.hardware.accelerators else "cpu_seconds"]) / 60

    def card(self) -> dict:
        """Returns the run as plain JSON values; numbers that are not finite become None."""
        return as_card(self)

    def save_card(self, path) -> Path:
        """Writes the result card to `path`. An older card there is replaced only once the new one is whole.

        OSError if it could not be written, TypeError or ValueError if it is no path, or the run is a dry run.
        """
        if self.dry_run:
            raise ValueError("save_card: this run is a dry run (COURSE_DRY_RUN is set): its figures are no results")
        return write_json(file_path(path, "save_card: path"), self.card())

    def __repr__(self):
        if not self.epochs:
            return f"Run({self.label}: no finished epoch{', ' + self.stopped if self.stopped else ''})"
        text = "Run(dry run, no result: " if self.dry_run else "Run("
        text += f"{self.label} on {self.dataset.name}: {counted(self.epochs)}, best {self.best_epoch}"
        text += f", validation {100 * self.val_top1:.1f} %"
        if self.test:
            text += f", test {100 * self.test.top1:.1f} %"
        text += ", trained before" if self.trained_before else ""
        return text + (f", {self.stopped})" if self.stopped else ")")

    def __post_init__(self):
        lengths = {len(values) for values in self.history.values()}
        if len(lengths) > 1:
            raise ValueError(f"Run: history must have as many numbers of each kind, but it has {sorted(lengths)}")
        for name, values in self.history.items():
            share = name.endswith(("accuracy", "top5"))
            if share and not all(value is None or 0 <= value <= 1 for value in values):
                raise ValueError(f"Run: history[{name!r}] must hold shares from 0 to 1")
        if self.model.num_classes != self.dataset.classes:
            raise ValueError(
                f"Run: model.num_classes must be {self.dataset.classes}, but it is {self.model.num_classes}"
            )
        if self.epochs > self.recipe.epochs:
            raise ValueError(f"Run: recipe.epochs must be at least {self.epochs}, but it is {self.recipe.epochs}")
        first = 1 if self.test else 0
        if not first <= self.best_epoch <= self.epochs:
            raise ValueError(f"Run: best_epoch must be from {first} to {self.epochs}, but it is {self.best_epoch}")
