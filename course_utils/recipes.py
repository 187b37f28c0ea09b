"""What to train with: a recipe holds every number of a training run that is not the network's or the data's."""

from dataclasses import dataclass, fields, replace

AUGMENTATIONS = ("flip", "crop")
SCHEDULES = ("cosine", "constant")


@dataclass(frozen=True)
class Recipe:
    """The settings of one training run. AdamW throughout (Loshchilov and Hutter 2019, arXiv 1711.05101).

    Attributes:
        epochs: passes over the training pictures.
        batch_size: pictures in one step.
        learning_rate: its peak.
        schedule: "cosine" (warm-up, then a half cosine down to 0) or "constant" (after the warm-up).
        warmup: share of all steps in which the rate climbs linearly from 0 to its peak.
        weight_decay: Keras' AdamW decays by `learning_rate × weight_decay` a step; biases, norms and positions are
            left alone.
        label_smoothing: share of a label that is spread over all classes.
        augment: what happens to a training picture, at its own size, before any resizing: "flip" (left-right, half
            of the time) and "crop" (an eighth of the side padded with black, then a random window).

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

    def __post_init__(self):
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"Recipe: {name} must be a whole number of at least 1, but it is {value!r}")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"Recipe: learning_rate must be above 0, but it is {self.learning_rate!r}")
        for name, limit in (("warmup", 1), ("label_smoothing", 1), ("weight_decay", float("inf"))):
            if not 0 <= getattr(self, name) < limit:
                raise ValueError(
                    f"Recipe: {name} must be at least 0 and below {limit}, but it is {getattr(self, name)!r}"
                )
        if self.schedule not in SCHEDULES:
            raise ValueError(f"Recipe: schedule must be one of {', '.join(SCHEDULES)}, but it is {self.schedule!r}")
        object.__setattr__(self, "augment", tuple(self.augment))
        for name in self.augment:
            if name not in AUGMENTATIONS:
                raise ValueError(f"Recipe: augment knows {', '.join(AUGMENTATIONS)}, but it holds {name!r}")


RECIPES = {
    "quick": Recipe(epochs=8, batch_size=128, learning_rate=3.5e-3, warmup=0.2),
    "course": Recipe(
        epochs=30, learning_rate=2e-3, warmup=0.03, weight_decay=0.05, label_smoothing=0.1, augment=("flip", "crop")
    ),
}


def recipe(name: str | Recipe, **changes) -> Recipe:
    """Returns the recipe called `name` ("quick" or "course"), or a given recipe, with some values changed.

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
