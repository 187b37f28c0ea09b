"""What to train with: a recipe holds every number of a training run that is not the network's or the data's."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Annotated, Literal

from pydantic import Field

from course_utils.checked import Count, Number, Share, Text, checked, shown
from course_utils.training.augmentation import Augmentations


def counted(epochs: int) -> str:
    """Returns a number of epochs in words."""
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"


@checked
class Recipe:
    """The settings of one training run.

    Attributes:
        epochs: passes over the training images.
        batch_size: images in one step.
        learning_rate: its peak.
        schedule: "cosine" (warm-up, then a half cosine down to `last_rate`), "constant" (after the warm-up) or
            "plateau" (no warm-up; halved whenever the validation loss has not fallen for 5 epochs).
        warmup: share of all steps in which the rate climbs linearly from 0 to its peak.
        weight_decay: a step decays by `learning_rate × weight_decay`; biases, norms and positions are left alone.
        label_smoothing: share of a label that is spread over all classes.
        augment: any of `augmentation.AUGMENTATIONS`, done to training images at their own size, before any resizing.
        last_rate: where "cosine" ends.
        patience: end the run when the validation loss has not fallen for so many epochs; None to go on to the end.
        keep: what chooses the epoch whose weights are kept: "val_accuracy" or "val_loss".
        repeats: repeated augmentation (arXiv 1901.09335): an epoch shows each image so often, in versions of its
            own, and so many fewer images.
        optimizer: "adamw" (Loshchilov and Hutter 2019, arXiv 1711.05101), or "muon" for the matrices in the blocks
            (Jordan et al. 2024; with AdamW's rates as in Liu et al. 2025, arXiv 2502.16982) and AdamW for all else.
        name: the key of `RECIPES` that it was made from, whatever was changed since; None for one of its own.

    Raises:
        ValueError: a value is out of its range, or a name is unknown.
    """

    epochs: Count
    batch_size: Count = 128
    learning_rate: Annotated[Number, Field(gt=0)] = 3e-3
    schedule: Literal["cosine", "constant", "plateau"] = "cosine"
    warmup: Share = 0.1
    weight_decay: Annotated[Number, Field(ge=0)] = 0.01
    label_smoothing: Share = 0.0
    augment: Augmentations = ()
    last_rate: Annotated[Number, Field(ge=0)] = 0.0
    patience: Count | None = None
    keep: Literal["val_accuracy", "val_loss"] = "val_accuracy"
    repeats: Count = 1
    optimizer: Literal["adamw", "muon"] = "adamw"
    name: Text | None = None

    def __post_init__(self):
        if self.schedule == "plateau" and self.warmup not in (0, Recipe.warmup):
            raise ValueError(f"Recipe: warmup must be 0 with schedule='plateau', but it is {self.warmup!r}")
        if self.last_rate >= self.learning_rate:
            raise ValueError(
                f"Recipe: last_rate must be below learning_rate={self.learning_rate}, but it is {self.last_rate!r}"
            )

    @property
    def label(self) -> str:
        """Its name for tables and legends: "course", "course, 24 epochs", or "a recipe of its own"."""
        known = RECIPES.get(self.name)
        if known is None:
            return self.name or "a recipe of its own"
        return self.name if self.epochs == known.epochs else f"{self.name}, {counted(self.epochs)}"

    def same_as(self, other: "Recipe") -> bool:
        """Says whether two recipes train alike, whatever they are called."""
        return replace(self, name=None) == replace(other, name=None)

    def __repr__(self):
        """Leaves out the less common settings where they are as usual."""
        rare = ("last_rate", "patience", "keep", "repeats", "optimizer", "name")
        shown = [f for f in fields(self) if f.name not in rare or getattr(self, f.name) != f.default]
        return f"Recipe({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in shown)})"


_KERAS_IO_MLP = Recipe(
    epochs=50, batch_size=128, schedule="plateau", warmup=0.0, weight_decay=1e-4, augment=("flip", "zoom"),
    patience=10, keep="val_loss",
)  # fmt: skip
_KERAS_IO_VIT = Recipe(
    epochs=100, batch_size=256, learning_rate=1e-3, schedule="constant", warmup=0.0, weight_decay=1e-4,
    augment=("flip", "zoom", "rotate"),
)  # fmt: skip

_SHORT = Recipe(
    epochs=8, learning_rate=2e-3, warmup=0.1, weight_decay=0.05, label_smoothing=0.1, augment=("flip", "crop")
)
_COURSE = replace(_SHORT, epochs=50, warmup=0.05, augment=("flip", "crop", "mixup", "cutmix"))

RECIPES = {
    # For the embedded puzzle.
    "quick": Recipe(epochs=6, batch_size=128, learning_rate=5e-3, warmup=0.2),
    # For CIFAR-100 in few epochs, too few to overfit much.
    "short": _SHORT,
    "long": replace(_SHORT, epochs=30, warmup=0.03),
    # For CIFAR-100 in as many epochs as the keras.io examples on the MLPs: against overfitting, images are mixed.
    "course": _COURSE,
    # The same with batches of half the size: twice as many steps an epoch, for networks that are slow to learn.
    "small_batches": replace(_COURSE, batch_size=64, learning_rate=1.5e-3),
    # How the keras.io examples train (decay as Keras' AdamW reads it today: their old one decayed 1000 times more).
    "keras_io_mixer": replace(_KERAS_IO_MLP, learning_rate=5e-3),
    "keras_io_fnet": replace(_KERAS_IO_MLP, learning_rate=1e-3),
    "keras_io_gmlp": replace(_KERAS_IO_MLP, learning_rate=3e-3),
    "keras_io_vit": _KERAS_IO_VIT,
    "keras_io_small_data_vit": replace(_KERAS_IO_VIT, epochs=50),
    # Muon instead of AdamW: CIFAR-100 in few epochs, and in as many as the keras.io examples.
    "muon_short": replace(_SHORT, learning_rate=8e-3, optimizer="muon"),
    "muon": replace(_COURSE, learning_rate=8e-3, optimizer="muon"),
    # The small-data paper's (arXiv 2112.13492, section 4.1). An epoch of its authors' script passes three times over
    # all images: here each pass is an epoch. What differs: they use AutoAugment, not RandAugment; erase in the mean
    # colour; drop branches at 0.1 in all blocks (`Config.drop_path` rises from 0 to it); decay all weights; have
    # no biases in query, key and value; start positions and class token at standard deviation 1; learn 1 / temperature.
    "paper": replace(
        _SHORT, epochs=300, learning_rate=1e-3, last_rate=1e-6,
        augment=("flip", "crop", "randaugment", "erase", "mixup", "cutmix"),
    ),
}  # fmt: skip
"""The recipes by name; what each has cost and reached stands in docs/results.md."""
RECIPES = {name: replace(known, name=name) for name, known in RECIPES.items()}


def plateau_rate(recipe: Recipe, losses: Sequence[float]) -> float:
    """Returns the rate of the next epoch under "plateau", from the validation loss after each epoch so far."""
    rate, best, waited = recipe.learning_rate, float("inf"), 0
    for loss in losses:
        if loss < best - 1e-4:  # as much as Keras' ReduceLROnPlateau asks for
            best, waited = loss, 0
        else:
            waited += 1
        if waited == 5:
            rate, waited = rate / 2, 0
    return rate


def out_of_patience(recipe: Recipe, losses: Sequence[float]) -> bool:
    """Says whether the validation loss has not fallen for `recipe.patience` epochs."""
    if recipe.patience is None or len(losses) <= recipe.patience:
        return False
    return min(losses[-recipe.patience :]) >= min(losses[: -recipe.patience])


def recipe(name: str | Recipe, **changes) -> Recipe:
    """Returns a recipe, by its key in `RECIPES` or as it is, with some values changed; ValueError if none such."""
    if isinstance(name, str):
        if name not in RECIPES:
            raise ValueError(f"unknown recipe {name!r}; choose from {', '.join(RECIPES)}, or give a Recipe")
        name = RECIPES[name]
    if not isinstance(name, Recipe):
        raise TypeError(f"a recipe must be a name or a Recipe, but it is {shown(name)}")
    return replace(name, **changes)
