"""The checks of lesson 07: right answers pass, and each typical mistake gets its hint."""

import numpy as np
import pytest

from course_utils import exercises
from tests.exercises.support import assert_hints


def distances(new, others):
    return np.square(new[:, None] - others).sum(axis=-1)


def means(features, labels, mean=np.mean):
    return np.stack([mean(features[labels == k], axis=0) for k in range(labels.max() + 1)])


def nearest_mean(features, labels, new):
    return distances(new, means(features, labels)).argmin(axis=1)


def stretch(values, size, places=lambda i, k, size: (i + 0.5) * k / size - 0.5):
    at = places(np.arange(size), len(values), size)
    return np.stack([np.interp(at, np.arange(len(values)), column) for column in values.T], axis=1)


def occlude(probability, image, p, colour=lambda image, part: image.mean(axis=(0, 1)), fresh=True):
    rows, columns = image.shape[0] // p, image.shape[1] // p
    found, copy = np.zeros((rows, columns)), image.copy()
    for row in range(rows):
        for column in range(columns):
            copy = image.copy() if fresh else copy
            part = copy[p * row : p * (row + 1), p * column : p * (column + 1)]
            part[:] = colour(image, part)
            found[row, column] = probability(image) - probability(copy)
    return found


def uncopied(probability, image, p, before=None, mean=None):
    found = np.zeros((image.shape[0] // p, image.shape[1] // p))
    for row, column in np.ndindex(found.shape):
        image[p * row : p * (row + 1), p * column : p * (column + 1)] = image.mean((0, 1)) if mean is None else mean
        found[row, column] = (probability(image) if before is None else before) - probability(image)
    return found


def seen_before(train, test):
    return (train[:, None] == test[None]).all(axis=(2, 3, 4)).any(axis=0)


ANSWERS = {
    "nearest_mean": (
        [nearest_mean, lambda f, y, new: ((new @ (m := means(f, y)).T) - (m**2).sum(axis=1) / 2).argmax(axis=1)],
        {
            "the nearest mean wins": lambda f, y, new: distances(new, means(f, y)).argmax(axis=1),
            "not with each image": lambda f, y, new: y[distances(new, f).argmin(axis=1)],
            "the number of the nearest image": lambda f, y, new: distances(new, f).argmin(axis=1),
            "a mean, not a sum": lambda f, y, new: distances(new, means(f, y, np.sum)).argmin(axis=1),
            "the largest product": lambda f, y, new: (new @ means(f, y).T).argmax(axis=1),
            "one class for each new image": lambda f, y, new: distances(new, means(f, y)),
            "the classes are not": lambda f, y, new: 0 * nearest_mean(f, y, new),
        },
    ),
    "stretch": (
        [stretch],
        {
            "the centre of the new vector": lambda v, s: stretch(v, s, lambda i, k, s: i * (k - 1) / (s - 1)),
            "take 0.5 off again": lambda v, s: stretch(v, s, lambda i, k, s: (i + 0.5) * k / s),
            "where does the half go": lambda v, s: stretch(v, s, lambda i, k, s: i * k / s),
            "the nearest old vector": lambda v, s: v[np.arange(s) * len(v) // s],
            "for 4 vectors stretched to 6: the shape is right": lambda v, s: np.zeros((s, v.shape[1])),
        },
    ),
    "occlude": (
        [occlude],
        {
            "minus the covered one's": lambda f, x, p: -occlude(f, x, p),
            "how much less is it?": lambda f, x, p: f(x) - occlude(f, x, p),
            "alone is covered: start from a fresh copy": lambda f, x, p: occlude(f, x, p, fresh=False),
            "from a fresh copy": lambda f, x, p: uncopied(f, x, p),
            "start from a fresh copy": lambda f, x, p: uncopied(f, x, p, f(x)),
            "a fresh copy": lambda f, x, p: uncopied(f, x, p, f(x), x.mean(axis=(0, 1))),
            "not with black": lambda f, x, p: occlude(f, x, p, lambda image, part: 0.0),
            "not with the patch's own": lambda f, x, p: occlude(f, x, p, lambda image, part: part.mean(axis=(0, 1))),
            "has three numbers": lambda f, x, p: occlude(f, x, p, lambda image, part: image.mean()),
            "for 2 × 3 patches of 4 pixels: patch (row, column)": lambda f, x, p: occlude(f, x, p)[::-1],
        },
    ),
    "seen_before": (
        [seen_before, lambda train, test: [x.tobytes() in {y.tobytes() for y in train} for x in test]],
        {
            "one equal pixel": lambda train, test: (train[:, None] == test[None]).any(axis=(0, 2, 3, 4)),
            "the other way round": lambda train, test: ~seen_before(train, test),
            "compare each test image with all": lambda train, test: [
                k < len(train) and np.array_equal(train[k], x) for k, x in enumerate(test)
            ],
            "np.isin asks for each number": lambda train, test: np.isin(test, train).all(axis=(1, 2, 3)),
            "compare the pixels": lambda train, test: np.isin(test.sum(axis=(1, 2, 3)), train.sum(axis=(1, 2, 3))),
            "any training image": lambda train, test: (train[:, None] == test[None]).all(axis=(2, 3, 4)),
            "one answer for each *test* image": lambda train, test: seen_before(test, train),
            "pixel by pixel": lambda train, test: (train[:, None, :7] == test[None, :, :7]).all(axis=(2, 3, 4)).any(0),
        },
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_right_answers_pass_and_typical_mistakes_get_their_hint(name):
    check, (right, wrong) = getattr(exercises, f"check_{name}"), ANSWERS[name]
    for attempt in right:
        check.require(attempt)
    assert_hints(check, wrong)
