"""What a classifier gets wrong: how sure it was of it, and which classes it takes for which."""

import numpy as np

from course_utils.analysis.parts import shares, whole


def calibration(probabilities: np.ndarray, labels: np.ndarray, bins: int = 10) -> tuple[np.ndarray, ...]:
    """Compares how sure a network is with how often it is right.

    Images are sorted into bins of equal width by the probability of their most probable class. Source: Guo et al. 2017,
    "On Calibration of Modern Neural Networks" (arXiv 1706.04599), section 2.

    Returns:
        `(sure, right, count)`, each `(filled,)`, for the bins that hold an image: the mean of the largest
        probability, the share of right answers, and how many images there are.

    Raises:
        ValueError: probabilities that are not `(b, classes)` or no shares of 1, labels that are not `(b,)`, no bins.
    """
    probabilities, labels = shares("calibration", probabilities), np.asarray(labels)
    bins = whole("calibration", "bins", bins, 1, 1000)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise ValueError(
            f"calibration: probabilities must be (b, classes) and labels (b,), but they are {probabilities.shape} and "
            f"{labels.shape}"
        )
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((sure * bins).astype(int), bins - 1)
    filled = np.unique(place)
    means = [(sure[place == k].mean(), right[place == k].mean(), (place == k).sum()) for k in filled]
    return tuple(np.array(column) for column in zip(*means, strict=True))


def confusions(said: np.ndarray, labels: np.ndarray) -> list[tuple[int, int, int]]:
    """Counts which classes are taken for which: `(right class, said class, how often)`, the most frequent first.

    ValueError if the classes that a network says and the right ones are not `(b,)` both.
    """
    said, labels = np.asarray(said), np.asarray(labels)
    if said.ndim != 1 or said.shape != labels.shape:
        raise ValueError(f"confusions: said and labels must be (b,) both, but they are {said.shape} and {labels.shape}")
    wrong = said != labels
    pairs, times = np.unique(np.stack([labels[wrong], said[wrong]], axis=1), axis=0, return_counts=True)
    order = np.argsort(-times, kind="stable")
    return [(int(pairs[k, 0]), int(pairs[k, 1]), int(times[k])) for k in order]
