"""Dividing images into training, validation and test: balanced over the classes, the same on every machine."""

import numpy as np

from course_utils.data.rng import Draw


def split(labels: np.ndarray, shares: list[float], seed: int) -> list[np.ndarray]:
    """Divide images into parts that do not overlap, each balanced over the classes and in `balanced_order`.

    The parts are arrays of indices: first what remains (the training part), then one for each share of all images;
    shares are in (0, 1), together below 1. Every class gives at least one image to every part: ValueError if it cannot.
    """
    draw = Draw(seed)
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() <= len(shares):
        raise ValueError(
            f"every class needs at least {len(shares) + 1} images, one for each part; "
            f"class {classes[counts.argmin()]} has {counts.min()}."
        )
    order = draw.order(len(labels))
    by_class = [order[labels[order] == c] for c in classes]
    left, taken = counts.copy(), []
    for position, share in enumerate(shares):
        still_to_serve = len(shares) - position  # the parts after this one, and training, keep one image each
        taken.append(_quota(counts, share, left - still_to_serve, reverse=position % 2 == 1))
        left = left - taken[-1]
    cuts = np.cumsum([left, *taken], axis=0)
    pieces = [np.split(members, cuts[:-1, i]) for i, members in enumerate(by_class)]
    parts = [np.concatenate(piece) for piece in zip(*pieces, strict=True)]
    return [part[balanced_order(labels[part], draw)] for part in parts]


def _quota(counts: np.ndarray, share: float, most: np.ndarray, reverse: bool) -> np.ndarray:
    """How many images each class gives, so that the sum is right and no class differs from its share by over one."""
    exact = counts * share
    quota = np.clip(np.floor(exact).astype(np.int64), 1, most)
    # Ties are served from the first class on, then for the next part from the last one: with 625 images per class
    # each gives 62 or 63 to validation and 63 or 62 to test, and training stays exactly balanced.
    ties = -np.arange(len(counts)) if reverse else np.arange(len(counts))
    short = round(float(counts.sum() * share)) - int(quota.sum())
    for i in np.lexsort((ties, np.round(quota - exact, 9)))[: max(short, 0)]:
        quota[i] = min(quota[i] + 1, most[i])
    return quota


def balanced_order(labels: np.ndarray, draw: Draw) -> np.ndarray:
    """A random order in which every beginning holds the classes in their proportions, as nearly as it can.

    Each class's images are spread evenly over the whole, in random order among themselves.
    """
    order = draw.order(len(labels))
    _, index, counts = np.unique(labels[order], return_inverse=True, return_counts=True)
    grouped = np.argsort(index, kind="stable")
    start = np.cumsum(counts) - counts
    position = np.empty(len(labels))
    position[grouped] = (np.arange(len(labels)) - np.repeat(start, counts) + 0.5) / np.repeat(counts, counts)
    # Images at the same position are in the random order they had, because the sort is stable.
    return order[np.argsort(position, kind="stable")]
