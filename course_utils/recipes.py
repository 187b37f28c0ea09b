"""What to train with: a recipe holds every number of a training run that is not the network's or the data's."""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, replace
from numbers import Real

AUGMENTATIONS = ("flip", "crop", "zoom", "rotate", "randaugment", "erase", "mixup", "cutmix")
"""What a recipe may ask for, in the order in which it is done:

- "flip": left-right, half of the time.
- "crop": an eighth of the side padded with black, then a random window.
- "zoom": in or out by up to 20 %; "rotate": by up to 2 % of a full turn. The published lessons do these.
- "randaugment": two of RandAugment's operations (arXiv 1909.13719), by Keras' own layers, up to about half of the
  ranges in AutoAugment's table (arXiv 1805.09501); posterize and solarize use all of theirs. The operations are drawn
  for a quarter of a batch, their strength for each picture.
- "erase": a random rectangle, in a quarter of the pictures (arXiv 1708.04896).
- "mixup" (arXiv 1710.09412, α = 0.8) and "cutmix" (arXiv 1905.04899): pictures of a batch are mixed in pairs, labels
  too. Half of the batches are mixed, each by one of those that were asked for, as in the small-data paper's script.
"""
SCHEDULES = ("cosine", "constant", "plateau")
MEASURES = ("val_accuracy", "val_loss")


@dataclass(frozen=True, repr=False)
class Recipe:
    """The settings of one training run. AdamW throughout (Loshchilov and Hutter 2019, arXiv 1711.05101).

    Attributes:
        epochs: passes over the training pictures.
        batch_size: pictures in one step.
        learning_rate: its peak.
        schedule: "cosine" (warm-up, then a half cosine down to `last_rate`), "constant" (after the warm-up) or
            "plateau" (no warm-up; halved whenever the validation loss has not fallen for 5 epochs).
        warmup: share of all steps in which the rate climbs linearly from 0 to its peak.
        weight_decay: Keras' AdamW decays by `learning_rate × weight_decay` a step; biases, norms and positions are
            left alone.
        label_smoothing: share of a label that is spread over all classes.
        augment: what happens to a training picture, at its own size, before any resizing: any of
            `AUGMENTATIONS`.
        last_rate: where "cosine" ends.
        patience: end the run when the validation loss has not fallen for so many epochs; None to go on to the end.
        keep: what chooses the epoch whose weights are kept: "val_accuracy" or "val_loss".
        repeats: repeated augmentation (arXiv 1901.09335): an epoch shows each picture so often, in versions of its
            own, and so many fewer pictures.

    Raises:
        ValueError: a value is out of its range, or a name is unknown.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 3e-3
    schedule: str = "cosine"
    warmup: float = 0.1
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    augment: tuple[str, ...] = ()
    last_rate: float = 0.0
    patience: int | None = None
    keep: str = "val_accuracy"
    repeats: int = 1

    def __post_init__(self):
        for name in ("epochs", "batch_size", "repeats", "patience"):
            value = getattr(self, name)
            if name == "patience" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"Recipe: {name} must be a whole number of at least 1, but it is {value!r}")
        numbers = ("learning_rate", "warmup", "weight_decay", "label_smoothing", "last_rate")
        for name in numbers:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real):
                raise ValueError(f"Recipe: {name} must be a number, but it is {value!r}")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"Recipe: learning_rate must be above 0, but it is {self.learning_rate!r}")
        limits = {"warmup": 1, "label_smoothing": 1, "weight_decay": float("inf"), "last_rate": self.learning_rate}
        for name, limit in limits.items():
            if not 0 <= getattr(self, name) < limit:
                raise ValueError(
                    f"Recipe: {name} must be at least 0 and below {limit}, but it is {getattr(self, name)!r}"
                )
        for name, known in (("schedule", SCHEDULES), ("keep", MEASURES)):
            if getattr(self, name) not in known:
                raise ValueError(f"Recipe: {name} must be one of {', '.join(known)}, but it is {getattr(self, name)!r}")
        if isinstance(self.augment, str):
            raise ValueError(f"Recipe: augment must be several names, such as ({self.augment!r},), but it is a text")
        object.__setattr__(self, "augment", tuple(self.augment))
        for name in self.augment:
            if name not in AUGMENTATIONS:
                raise ValueError(f"Recipe: augment knows {', '.join(AUGMENTATIONS)}, but it holds {name!r}")

    def __repr__(self):
        """Leaves out the less common settings where they are as usual."""
        rare = ("last_rate", "patience", "keep", "repeats")
        shown = [f for f in fields(self) if f.name not in rare or getattr(self, f.name) != _default(f)]
        return f"Recipe({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in shown)})"


def _default(field):
    return None if field.default is MISSING else field.default


_PUBLISHED_MLP = Recipe(
    epochs=50, batch_size=128, schedule="plateau", warmup=0.0, weight_decay=1e-4, augment=("flip", "zoom"),
    patience=10, keep="val_loss",
)  # fmt: skip
_PUBLISHED_VIT = Recipe(
    epochs=100, batch_size=256, learning_rate=1e-3, schedule="constant", warmup=0.0, weight_decay=1e-4,
    augment=("flip", "zoom", "rotate"),
)  # fmt: skip

_COURSE = Recipe(
    epochs=50, learning_rate=2e-3, warmup=0.05, weight_decay=0.05, label_smoothing=0.1,
    augment=("flip", "crop", "mixup", "cutmix"),
)  # fmt: skip

RECIPES = {
    # For the embedded puzzle.
    "quick": Recipe(epochs=8, batch_size=128, learning_rate=3.5e-3, warmup=0.2),
    # For CIFAR-100 in few epochs, too few to overfit much.
    "short": Recipe(
        epochs=8, learning_rate=2e-3, warmup=0.1, weight_decay=0.05, label_smoothing=0.1, augment=("flip", "crop")
    ),
    "long": Recipe(
        epochs=30, learning_rate=2e-3, warmup=0.03, weight_decay=0.05, label_smoothing=0.1, augment=("flip", "crop")
    ),
    # For CIFAR-100 in as many epochs as the published lessons on the MLPs: against overfitting, pictures are mixed.
    "course": _COURSE,
    # The same with batches of half the size: twice as many steps an epoch, for networks that are slow to learn.
    "small_batches": replace(_COURSE, batch_size=64, learning_rate=1.5e-3),
    # How the published lessons train (decay as Keras' AdamW reads it today: their old one decayed 1000 times more).
    "published_mixer": replace(_PUBLISHED_MLP, learning_rate=5e-3),
    "published_fnet": replace(_PUBLISHED_MLP, learning_rate=1e-3),
    "published_gmlp": replace(_PUBLISHED_MLP, learning_rate=3e-3),
    "published_vit": _PUBLISHED_VIT,
    "published_small_data_vit": replace(_PUBLISHED_VIT, epochs=50),
    # The small-data paper's (arXiv 2112.13492, section 4.1), with RandAugment in the place of AutoAugment.
    "paper": Recipe(
        epochs=100, batch_size=128, learning_rate=1e-3, warmup=0.1, weight_decay=0.05, label_smoothing=0.1,
        augment=("flip", "crop", "randaugment", "erase", "mixup", "cutmix"), last_rate=1e-6, repeats=3,
    ),
}  # fmt: skip
"""The recipes by name. What each has cost and reached, from the result cards (by `python -m benchmarks.report`):

- "quick":
    - fnet tiny on shapes: odd_one_out, 0.3 minutes of processor time: test top-1 100.0 %
    - gmlp tiny on shapes: odd_one_out, 0.3 minutes of processor time: test top-1 99.8 %
    - mixer tiny on shapes: odd_one_out, 0.3 minutes of processor time: test top-1 99.8 %
    - no mixing tiny on shapes: odd_one_out, 0.2 minutes of processor time: test top-1 5.6 %
    - small data vit tiny on shapes: odd_one_out, 0.5 minutes of processor time: test top-1 100.0 %
    - vit tiny on shapes: odd_one_out, 0.3 minutes of processor time: test top-1 100.0 %
- "short":
    - fnet course on cifar100, 22.6 minutes of processor time: test top-1 36.6 %
    - gmlp course on cifar100, 36.7 minutes of processor time: test top-1 47.3 %
    - mixer course on cifar100, 15.4 minutes of processor time: test top-1 38.8 %
    - small data vit course on cifar100, 26.0 minutes of processor time: test top-1 35.4 %
    - vit course on cifar100, 22.0 minutes of processor time: test top-1 34.1 %
- "long":
    - mixer course on cifar100, 60.5 minutes of processor time: test top-1 49.5 %
- "course":
    - fnet course on cifar100, 142.1 minutes of processor time: test top-1 50.9 %
    - gmlp course on cifar100, 24 epochs, 104.7 minutes of processor time: test top-1 55.0 %
    - mixer course on cifar100, 98.8 minutes of processor time: test top-1 54.1 %
    - mixer tiny on cifar100, 11.3 minutes of processor time: test top-1 36.7 %
    - small data vit course on cifar100, 153.6 minutes of processor time: test top-1 59.8 %
    - vit course on cifar100, 45 epochs, 144.4 minutes of processor time: test top-1 52.1 %
- "small_batches":
    - vit course mimetic on cifar100, 134.8 minutes of processor time: test top-1 57.2 %
- "published_mixer":
    - mixer published on cifar100, the first 5 of 50 epochs, 17.5 minutes of processor time: test top-1 31.5 %
- "published_fnet":
    - fnet published on cifar100, the first 2 of 50 epochs, 7.9 minutes of processor time: test top-1 18.0 %
- "published_gmlp":
    - gmlp published on cifar100, the first 2 of 50 epochs, 10.9 minutes of processor time: test top-1 24.3 %
- "published_vit":
    - vit published on cifar100, the first 2 of 100 epochs, 23.5 minutes of processor time: test top-1 12.6 %
- "published_small_data_vit":
    - small data vit published on cifar100, the first of 50 epochs, 15.2 minutes of processor time: test top-1 9.5 %
- "paper":
    - small data vit course on cifar100, 18 epochs, 71.4 minutes of processor time: test top-1 30.7 %
    - small data vit course plain on cifar100, 18 epochs, 62.7 minutes of processor time: test top-1 30.4 %
"""


def name_of(how: Recipe) -> str | None:
    """Returns the name of a recipe, whatever number of epochs it was given; None if none is like it."""
    exact = (name for name, known in RECIPES.items() if known == how)
    alike = (name for name, known in RECIPES.items() if replace(known, epochs=how.epochs) == how)
    return next(exact, None) or next(alike, None)


def plateau_rate(recipe: Recipe, losses: Sequence[float]) -> float:
    """Returns the rate of the next epoch under "plateau".

    Args:
        recipe: whose `learning_rate` is the first one.
        losses: the validation loss after each epoch so far.
    """
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
    """Returns the recipe called `name` (a key of `RECIPES`), or a given recipe, with some values changed.

    Raises:
        ValueError: there is no such recipe, no such value, or the value is out of its range.
    """
    if isinstance(name, str):
        if name not in RECIPES:
            raise ValueError(f"unknown recipe {name!r}; choose from {', '.join(RECIPES)}, or give a Recipe")
        name = RECIPES[name]
    elif not isinstance(name, Recipe):
        raise TypeError(f"a recipe must be a name or a Recipe, but it is a {type(name).__name__}")
    known = [field.name for field in fields(Recipe)]
    for change in changes:
        if change not in known:
            raise ValueError(f"a recipe has no {change!r}; it has {', '.join(known)}")
    return replace(name, **changes)
