"""The embedded data set: the same everywhere, balanced, and unsolvable cell by cell."""

import hashlib
import time

import numpy as np
import pytest
from scipy.stats import chi2_contingency
from scipy.stats.contingency import crosstab

from course_utils.data import shapes

# The bytes of 200 images and labels, seed 7. They must never change: recorded runs rest on them.
PINNED = {
    "odd_one_out": "442784e60b2e06bcc67b585850a77de00d0632a49613c35395fd6a4758d53eeb",
    "match": "fdaaa68221bbbc1d58271e2c6d06c83a235eff0311ddeffe781d272cac4ad5c0",
    "relation": "870627040e9747f88b232d6cf7499015ae47cb968add948f7819a32f84359923",
    "content": "d531fa7a9e0d5009f38246295553d4ebd03223e751b92120d6dd234fc5972e63",
}


def cells(images):
    """(n, 32, 32, 3) -> (n, 16, 8 * 8 * 3), row-major."""
    grid = images.reshape(-1, 4, 8, 4, 8, 3).transpose(0, 1, 3, 2, 4, 5)
    return grid.reshape(len(images), 16, -1)


def read_back(images):
    """What each cell of each image shows, read from the pixels: shape and colour numbers, (n, 16)."""
    backgrounds, kinds, colours = len(shapes.BACKGROUNDS), len(shapes.SHAPES) + 1, len(shapes.COLOURS)
    number = np.stack(np.meshgrid(range(backgrounds), range(kinds), range(colours), indexing="ij"), -1).reshape(-1, 3)
    every = [np.broadcast_to(number[:, i, None, None], (len(number), 4, 4)) for i in range(3)]
    known = shapes.render(every[1], every[2], number[:, 0])
    table = {
        tile.tobytes(): (shape, colour) for tile, (_, shape, colour) in zip(cells(known)[:, 0], number, strict=True)
    }
    seen = np.array([[table[tile.tobytes()] for tile in row] for row in cells(images)])
    return seen[..., 0], seen[..., 1]


@pytest.mark.parametrize("task", shapes.TASKS)
def test_bytes_are_the_same_on_every_machine(task):
    images, labels = shapes.make(task, 200, seed=7)
    assert images.shape == (200, 32, 32, 3)
    assert images.dtype == np.uint8
    assert labels.shape == (200,)
    assert labels.dtype == np.int32
    assert hashlib.sha256(images.tobytes() + labels.astype("<i4").tobytes()).hexdigest() == PINNED[task]


@pytest.mark.parametrize("task", shapes.TASKS)
def test_classes_are_balanced_and_in_random_order(task):
    _, labels = shapes.make(task, 1003)
    counts = np.bincount(labels, minlength=len(shapes.class_names(task)))
    assert counts.max() - counts.min() <= 1
    assert len(counts) == len(shapes.class_names(task))
    assert (np.sort(labels) != labels).any()


def test_label_says_which_cell_is_the_odd_one():
    images, labels = shapes.make("odd_one_out", 300)
    shape, colour = read_back(images)
    assert (shape != shapes.EMPTY).all()
    for row, label in zip(colour, labels, strict=True):
        rest = np.delete(row, label)
        assert (rest == rest[0]).all()
        assert row[label] != rest[0]
    assert shapes.class_names()[6] == "row 1, column 2"  # counted from 0, like the tokens


@pytest.mark.parametrize("task", ["match", "relation"])
def test_label_says_what_two_objects_share(task):
    images, labels = shapes.make(task, 300)
    shape, colour = read_back(images)
    here = shape != shapes.EMPTY
    assert (here.sum(axis=1) == 2).all()
    shape, colour = shape[here].reshape(-1, 2), colour[here].reshape(-1, 2)
    same_shape, same_colour = shape[:, 0] == shape[:, 1], colour[:, 0] == colour[:, 1]
    said = np.array(shapes.class_names(task))[labels]
    if task == "match":
        np.testing.assert_array_equal(said == "same colour", same_colour)
        # The shapes must not give the answer away.
        assert abs(same_shape[same_colour].mean() - same_shape[~same_colour].mean()) < 0.2
    else:
        names = {
            (1, 0): "same shape",
            (0, 1): "same colour",
            (1, 1): "same shape and colour",
            (0, 0): "nothing in common",
        }
        assert [names[key] for key in zip(same_shape * 1, same_colour * 1, strict=True)] == said.tolist()


def test_label_says_which_shape_in_which_colour():
    images, labels = shapes.make("content", 300)
    shape, colour = read_back(images)
    here = shape != shapes.EMPTY
    assert set(here.sum(axis=1)) == {1, 2, 3, 4}
    colours = list(shapes.COLOURS)
    for i, label in enumerate(labels):
        said = {f"{colours[c]} {shapes.SHAPES[s]}" for s, c in zip(shape[i, here[i]], colour[i, here[i]], strict=True)}
        assert said == {shapes.class_names("content")[label]}


def cells_that_tell(task, size=6000):
    """How many of the 16 cells tell something of the class, by the chi-square test at one in a million."""
    images, labels = shapes.make(task, size)
    shape, colour = read_back(images)
    seen = np.where(shape == shapes.EMPTY, 0, 1 + colour)
    return sum(chi2_contingency(crosstab(labels, seen[:, cell]).count).pvalue < 1e-6 for cell in range(16))


@pytest.mark.parametrize(("task", "telling"), [("odd_one_out", 0), ("match", 0), ("relation", 0), ("content", 16)])
def test_one_cell_alone_says_nothing_about_the_class_but_in_the_task_without_mixing(task, telling):
    assert cells_that_tell(task) == telling


def readout(features, labels, classes):
    """Share of unseen images that the best least-squares readout of `features` gets right."""
    features = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    learn = len(labels) * 3 // 4
    weights = np.linalg.lstsq(features[:learn], np.eye(classes)[labels[:learn]], rcond=1e-8)[0]
    return ((features[learn:] @ weights).argmax(axis=1) == labels[learn:]).mean()


def counted(task, size=6000):
    """How often each colour occurs in an image: the sum over cells of what each shows, wherever it is."""
    images, labels = shapes.make(task, size)
    shape, colour = read_back(images)
    seen = np.where(shape == shapes.EMPTY, 10, colour)
    return np.eye(11)[seen][..., :10], labels


def products(sums):
    return np.concatenate([sums, (sums[:, :, None] * sums[:, None, :]).reshape(len(sums), -1)], axis=1)


def test_cells_without_their_places_do_not_give_the_odd_one_away():
    evidence, labels = counted("odd_one_out")
    sums = evidence.sum(axis=1)
    assert readout(sums, labels, 16) < 0.1
    assert readout(products(sums), labels, 16) < 0.1, "no readout whatever of the sum can know the place"


def test_match_needs_a_comparison_and_a_comparison_suffices():
    evidence, labels = counted("match")
    sums = evidence.sum(axis=1)
    same, different = sums[labels == 1], sums[labels == 0]
    assert np.abs(same.mean(axis=0) - different.mean(axis=0)).max() < 0.04, "the mean evidence is the same"
    assert readout(sums, labels, 2) < 0.58
    assert readout(products(sums), labels, 2) > 0.99


def test_evidence_with_its_place_finds_at_most_half_of_the_odd_ones():
    """Always taking the cell with the "highest" colour is right when the odd colour ranks above the common one."""
    evidence, labels = counted("odd_one_out")
    rank = evidence.argmax(axis=2)
    assert 0.4 < (rank.argmax(axis=1) == labels).mean() < 0.55
    assert readout(evidence.reshape(len(labels), -1), labels, 16) < 0.6


@pytest.mark.timing
def test_ten_thousand_images_take_about_a_second(measured):
    shapes.make(size=100)
    start = time.perf_counter()
    shapes.make()
    seconds = time.perf_counter() - start
    measured(f"10,000 images of shapes: {seconds:.2f} s")
    assert seconds < 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "odd"}, r"task must be one of 'odd_one_out'.*got 'odd'"),
        ({"size": 5}, r"size must be a whole number in 16\.\.1,000,000, at least one image per class.*got 5"),
        ({"size": 100.0}, r"size must be a whole number.*got 100\.0"),
        ({"size": 10**12}, r"size must be a whole number.*got 1000000000000"),
        ({"seed": -1}, "seed must be a whole number from 0 on; got -1"),
        ({"seed": True}, "seed must be a whole number.*got True"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        shapes.make(**arguments)


@pytest.mark.parametrize(
    ("shape", "colour", "background", "message"),
    [
        (np.zeros((1, 4, 3), int), np.zeros((1, 4, 3), int), 0, r"must both be \(n, 4, 4\); got \(1, 4, 3\)"),
        (np.full((1, 4, 4), 11), np.zeros((1, 4, 4), int), 0, r"shape must be in 0\.\.10; got 11\.\.11"),
        (np.zeros((1, 4, 4)), np.zeros((1, 4, 4), int), 0, "shape must hold whole numbers; got float64"),
        (np.zeros((1, 4, 4), int), np.full((1, 4, 4), -1), 0, r"colour must be in 0\.\.9"),
        (np.zeros((1, 4, 4), int), np.zeros((1, 4, 4), int), [0, 0], "background must be one number or 1"),
    ],
)
def test_render_names_what_is_wrong(shape, colour, background, message):
    with pytest.raises(ValueError, match=message):
        shapes.render(shape, colour, background)
