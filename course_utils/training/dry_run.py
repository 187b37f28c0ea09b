"""A dry run: every line of a training works, nothing is learned."""

from dataclasses import replace

import keras

from course_utils.system import switch

IMAGES = {"validation": 100, "test": 100}  # how many a dry run is measured on, if there are so many
STEPS = 2  # how many batches it trains on: the head starts at zero, so that the first moves nothing before it

_one_before = False


def dry_running() -> bool:
    """Says whether the variable COURSE_DRY_RUN asks for a dry run; ValueError if it is neither yes, no nor "eager"."""
    return bool(switch("COURSE_DRY_RUN", "eager"))


def without_graph() -> bool:
    """Says whether this dry run goes without a graph: on TensorFlow, from a process's second one on.

    For a dry run's two steps a graph is not worth building. That it can be built here, the first dry run shows,
    unless COURSE_DRY_RUN is "eager".
    """
    global _one_before
    before = _one_before or switch("COURSE_DRY_RUN", "eager") == "eager"
    _one_before = True
    return before and keras.backend.backend() == "tensorflow"


def shortened(dataset, recipe, **files):
    """Returns data and recipe of a dry run: one epoch of two batches; ValueError if it should write `files`."""
    for name, path in files.items():
        if path is not None:
            raise ValueError(
                f"train: COURSE_DRY_RUN is set, and a dry run is no result: it writes no {name}. Unset the "
                f"variable, or leave `{name}` out"
            )
    most = {"train": STEPS * recipe.batch_size} | IMAGES
    few = dataset.subset(**{part: min(n, len(getattr(dataset, f"x_{part}"))) for part, n in most.items()})
    return few, replace(recipe, epochs=1)
