"""The checks of lesson 07."""

import numpy as np

from course_utils.exercises.judging import compare, verdict
from course_utils.models.adapt import interpolated


@verdict("features, labels, new", "Right: a class is the mean of its images, and a new image goes to the nearest.")
def check_nearest_mean(attempt):
    """Checks `nearest_mean(features, labels, new)`: `(m, d)`, `(m,)` and `(k, d)` to the class of each, `(k,)`."""
    rng = np.random.default_rng(0)
    for classes, d in ((3, 4), (5, 2)):
        labels = rng.permutation(np.repeat(np.arange(classes), np.arange(2, classes + 2)))
        centres = 3 * rng.normal(size=(classes, d))
        features = centres[labels] + rng.normal(size=(len(labels), d))
        new = centres[rng.integers(0, classes, 60)] + 2 * rng.normal(size=(60, d))
        means = np.stack([features[labels == k].mean(axis=0) for k in range(classes)])
        sums = np.stack([features[labels == k].sum(axis=0) for k in range(classes)])
        to_means, to_all, to_sums = (np.square(new[:, None] - each).sum(axis=-1) for each in (means, features, sums))
        mistakes = {
            "the nearest mean wins, not the one farthest away": to_means.argmax(axis=1),
            "compare with the mean of each class, not with each image": labels[to_all.argmin(axis=1)],
            "this is the number of the nearest image, not of a class": to_all.argmin(axis=1),
            "divide by the number of images of a class: a mean, not a sum": to_sums.argmin(axis=1),
            "the largest product is not the smallest distance": (new @ means.T).argmax(axis=1),
        }
        shapes = {(60, classes): "argmin along the classes gives one class for each new image"}
        otherwise = "the shape is right, the classes are not: which class's mean is nearest?"
        compare(attempt, (features, labels, new), to_means.argmin(axis=1), "(k,)", mistakes, otherwise, shapes=shapes)


@verdict("values, size", "Right: straight lines between the old vectors, and the same ground covered.")
def check_stretch(attempt):
    """Checks `stretch(values, size)`: a row of vectors `(k, d)` to `(size, d)`, linear in between."""
    rng = np.random.default_rng(0)
    for k, size in ((4, 6), (8, 12), (6, 3)):
        values = rng.normal(size=(k, 3))
        expected = interpolated(values.astype("float32"), (1, k), (1, size))
        new = np.arange(size)

        def at(places, values=values):
            return np.stack([np.interp(places, np.arange(len(values)), column) for column in values.T], axis=1)

        ends, inside, edges = at(np.linspace(0, k - 1, size)), at((new + 0.5) * k / size), at(new * k / size)
        nearest = values[new * k // size]
        mistakes = {
            "the centre of the new vector i lies at (i + 0.5) · k / size − 0.5 on the old axis": ends,
            "count from the centres of the old vectors: take 0.5 off again": inside,
            "this starts at the edge of a patch, not in its middle: where does the half go?": edges,
            "this takes the nearest old vector: go in a straight line from one to the next": nearest,
        }
        where = f"for {k} vectors stretched to {size}"
        otherwise = "the shape is right, the numbers are not: np.interp, one channel at a time"
        compare(attempt, (values, size), expected, "(size, d)", mistakes, otherwise, where)


@verdict("probability, image, p", "Right: one patch at a time, in the mean colour, and the image stays as it was.")
def check_occlude(attempt):
    """Checks `occlude(probability, image, p)`: what covering each patch takes from a probability, `(rows, columns)`."""
    rng = np.random.default_rng(0)
    for rows, columns, p in ((2, 3, 4), (3, 3, 2)):
        image = rng.uniform(0, 255, (rows * p, columns * p, 3))
        weights = rng.normal(size=image.shape) / 1000

        def probability(pixels, weights=weights):
            return float(1 / (1 + np.exp(-(weights * np.asarray(pixels)).sum())))

        def drops(colour, keep=False, image=image, shape=(rows, columns), p=p, probability=probability):
            found, copy = np.zeros(shape), image.copy()
            for row, column in np.ndindex(shape):
                copy = copy if keep else image.copy()
                part = copy[p * row : p * row + p, p * column : p * column + p]
                colours = {"own": part, "now": copy}
                part[:] = colours[colour].mean(axis=(0, 1)) if isinstance(colour, str) else colour
                found[row, column] = probability(image) - probability(copy)
            return found

        mean = image.mean(axis=(0, 1))
        expected = drops(mean)
        # The mean of what is covered by then; and the image itself covered, which is compared with itself.
        uncopied = (drops(mean, keep=True), drops("now", keep=True), np.zeros_like(expected))
        mistakes = {
            "the drop is the whole image's probability minus the covered one's": -expected,
            "this is the probability of the covered image: how much less is it?": probability(image) - expected,
            "each time one patch alone is covered: start from a fresh copy of the image": lambda got, all=uncopied: any(
                np.allclose(got, wrong) for wrong in all
            ),
            "cover with the mean colour of the image, not with black": drops(0.0),
            "cover with the mean colour of the image, not with the patch's own": drops("own"),
            "the mean colour has three numbers: the mean over rows and columns alone": drops(mean.mean()),
        }
        where = f"for {rows} × {columns} patches of {p} pixels"
        otherwise = "patch (row, column) begins at pixel (p · row, p · column)"
        compare(attempt, (probability, image, p), expected, "(rows, columns)", mistakes, otherwise, where)


@verdict("train, test", "Right: you would have found the images that were known before the test.")
def check_seen_before(attempt):
    """Checks `seen_before(train, test)`: for each test image, whether it is a training image too, `(k,)`."""
    rng = np.random.default_rng(0)
    for m, k in ((6, 5), (3, 7)):
        train = rng.integers(0, 256, (m, 8, 8, 3)).astype("uint8")
        test = rng.integers(0, 256, (k, 8, 8, 3)).astype("uint8")
        test[1], test[3] = train[2], train[0]
        test[0, :7] = train[1, :7]  # alike, but not in its last row
        test[4] = train[1][::-1]
        expected = np.isin(np.arange(k), (1, 3))
        equal = train[:, None] == test[None]  # (m, k, 8, 8, 3)
        in_place = np.array([j < m and equal[j, j].all() for j in range(k)])
        by_number = np.isin(test, train).all(axis=(1, 2, 3))
        mistakes = {
            "one equal pixel does not make the same image: all of them must be equal": equal.any(axis=(0, 2, 3, 4)),
            "this is the other way round: True where the image was seen before": ~expected,
            "an image's place counts for nothing: compare each test image with all training images": in_place,
            "np.isin asks for each number by itself: an image is known if all its pixels are those of *one* image": (
                by_number
            ),
            "the sum of the pixels is not the image: compare the pixels": lambda got: got[4],
        }
        shapes = {
            (m,): "one answer for each *test* image",
            (m, k): "one answer for each test image: any training image",
        }
        otherwise = "which of the test images are, pixel by pixel, training images?"
        compare(attempt, (train, test), expected, "(k,)", mistakes, otherwise, shapes=shapes)
