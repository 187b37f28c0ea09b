"""What an explorer cannot show is refused in a sentence: whose argument, what came, and what would be right."""

from functools import partial

import numpy as np
import pytest

from course_utils import analysis, explorers
from tests.explorers.support import (
    LEARNED,
    diary,
    images,
    influences,
    network,
    products,
    similarity,
    tables,
    token_weights,
)

ZERO, NAN = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), np.nan)
TEMPERATURE = {"products": products(), "learned": LEARNED, "head_dim": 4, "images": images(), "grid": (4, 4)}


def attention(values, shown=None):
    return explorers.attention_explorer_from_arrays(values, shown or images(), (4, 4))


def influence(values, shown=None):
    return explorers.influence_explorer_from_arrays(values, images() if shown is None else shown, [1, 2], (4, 4))


def gate(snapshots):
    return explorers.gate_explorer_from_arrays(snapshots, (2, 3))


def positions(values, grid=(3, 4)):
    return explorers.positions_explorer_from_arrays(values, grid)


def token_mixing(weights):
    return explorers.token_mixing_explorer_from_arrays(weights, (4, 4))


def temperature(**changes):
    return explorers.temperature_explorer_from_arrays(**{**TEMPERATURE, **changes})


def refused(make, *cases):
    """Returns what `pytest` asks: a call and the words of its error, for each (arguments, words)."""
    return [pytest.param(partial(make, *given), words) for *given, words in cases]


ARRAYS = [
    *refused(
        attention,
        ({}, "attention must be {network: array} with at least one"),
        ({"a": tables(n=9)}, r"must be \(blocks, 2 images, heads, n, n\) with n = 16, or 17 with a class token"),
        ({"a": tables(count=1)}, "2 images"),
        ({"a": tables() * np.nan}, r"\['a'\]: the rows of attention must be 0 or more"),
        ({"a": -tables()}, r"\['a'\]: the rows of attention must be 0 or more"),
        ({"a": 16 * tables()}, "must be 0 or more and sum to 1"),
        ({"a": tables(), "b": tables(heads=2)}, r"blocks and heads differ: \{'a': \(2, 3\), 'b': \(2, 2\)\}"),
        ({"a": tables()}, images(2, 30), "4 × 4 tokens do not divide"),
    ),
    *refused(
        influence,
        ({"net": np.zeros((2, 2, 9, 9))}, r"must be \(2, 2, 16, 16\), but it is \(2, 2, 9, 9\)"),
        ({"net": np.full((2, 2, 16, 16), np.nan)}, "must be finite numbers, >= 0"),
        ({"net": np.full((2, 2, 16, 16), -1.0)}, "must be finite numbers, >= 0"),
    ),
    *refused(
        gate,
        ({}, "snapshots must be .* with at least one"),
        ({"one": {}}, r"snapshots\['one'\] must be {epoch: .* with at least one"),
        ({"one": {0: []}}, "at least one, but they have {0}"),
        ({"one": diary(n=4)}, r"W of block 1 of 'one', epoch 0, must be \(6, 6\), but it is \(4, 4\)"),
        ({"one": {0: [(np.full((6, 6), np.nan), np.ones(6))]}}, "W of block 1 of 'one', epoch 0, must be finite"),
        ({"one": diary(), "two": diary(blocks=3)}, "as many blocks, at least one, but they have {2, 3}"),
        ({"one": diary((0, 1)), "two": diary((2, 3))}, "no epoch is in all of 'one', 'two'"),
    ),
    *refused(
        positions,
        ({}, "similarity must be {network: array} with at least one"),
        ({"a": similarity(9)}, r"must be \(12, 12\), but it is \(9, 9\)"),
        ({"a": 2 * similarity()}, "finite numbers, from -1.001 to 1.001"),
        ({"a": np.full((12, 12), np.nan)}, "finite numbers, from -1.001 to 1.001"),
        ({"a": np.ones((1, 1))}, (1, 1), "rows · columns must be a whole number of at least 2"),
    ),
    *refused(
        token_mixing,
        ({}, "weights must be .* with at least one"),
        (token_weights(n=9), r"w_in of block 1 of 'before' must be \(16, 12\), but it is \(9, 12\)"),
        ({"a": [(np.full((16, 2), np.nan), np.zeros((2, 16)))]}, "must be finite"),
        ({**token_weights(["a"]), **token_weights(["b"], units=5)}, "as many blocks, at least one, of as many units"),
    ),
    *refused(
        explorers.explore_gating,
        ({}, "at least one"),
        ({"z": np.zeros(4)}, r"tokens\['z'\] must be \(rows, columns\).*\(4,\)"),
        ({"z": np.zeros((1, 4))}, "must be at least 2 × 2"),
        ({"z": np.full((2, 2), 255)}, "numbers, from 0 to 1"),
        ({"z": np.full((2, 2), np.nan)}, "numbers, from 0 to 1"),
    ),
    *refused(
        lambda changes: temperature(**changes),
        ({"images": {}}, "at least one"),
        ({"products": products(n=9)}, r"must be \(blocks, images, heads, n, n\) with 2 images and n = 4·4"),
        ({"products": products(count=1)}, "with 2 images"),
        ({"products": products() * np.nan}, "must be finite"),
        ({"learned": np.ones((2, 2))}, r"learned must be \(2, 3\), but it is \(2, 2\)"),
        ({"learned": 0 * LEARNED}, "numbers above 0"),
        ({"images": images(side=30)}, "do not divide"),
    ),
]


@pytest.mark.parametrize(("call", "words"), ARRAYS)
def test_arrays_that_cannot_be_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


TAKE_IMAGES = {name: getattr(explorers, f"explore_{name}") for name in ("patches", "shift", "frequencies", "fourier")}
TAKE_IMAGES["influence"] = partial(influence, influences())


@pytest.mark.parametrize("explore", TAKE_IMAGES.values(), ids=TAKE_IMAGES)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({}, r"images must be \{name: uint8 image .* with at least one"),
        ([ZERO], r"images must be \{name"),
        (3, r"images must be \{name"),
        ({"a": ZERO[..., 0]}, r"images\['a'\] must be uint8 \(h, w, 1 or 3\), from 0 to 255, .*\(8, 8\)"),
        ({"a": NAN}, r"images\['a'\] must be uint8 .* float64"),
    ],
)
def test_images_that_cannot_be_shown_are_refused(explore, bad, words):
    with pytest.raises(ValueError, match=words):
        explore(bad)


SIZES = [
    ({"patch_sizes": ()}, "patch_sizes must be different whole numbers, at least one"),
    ({"patch_sizes": 8}, "patch_sizes must be different whole numbers, at least one, but it is 8"),
    ({"patch_sizes": (8, 8)}, "patch_sizes must be different whole numbers, at least one"),
    ({"patch_sizes": (0,)}, "patch_sizes must be a whole number"),
    ({"patch_sizes": (7,)}, "patch size 7 does not divide"),
    ({"size": -5}, "size must be a whole number of at least 1, but it is -5"),
]


@pytest.mark.parametrize(
    ("make", "changes", "words"),
    [
        *((make, *case) for make in (explorers.explore_patches, explorers.explore_shift) for case in SIZES),
        (
            explorers.explore_patches,
            {"images": {"a": np.zeros((10, 8, 3), np.uint8)}},
            "size 4 does not divide.*10 × 8",
        ),
        (explorers.explore_shift, {"fractions": ()}, "fractions must be numbers from 0 to 1, at least one"),
        (explorers.explore_shift, {"fractions": 0.5}, "fractions must be numbers from 0 to 1, at least one"),
        (explorers.explore_shift, {"fractions": (1.5,)}, "fractions must be a number from 0 to 1, but it is 1.5"),
        (explorers.explore_frequencies, {"size": "a"}, "size must be a whole number of at least 1, but it is 'a'"),
        (
            explorers.explore_frequencies,
            {"images": {**images(1, 16), "b": ZERO}},
            "all images must have the same height and width",
        ),
        (explorers.explore_fourier, {"images": images(1, 10)}, "patch size 8 does not divide .*10 × 10"),
        (explorers.explore_fourier, {"patch_size": 0}, "patch_size must be a whole number of at least 1"),
        (explorers.explore_fourier, {"patch_size": 7}, "patch_size=7 does not divide a size of 64"),
        (explorers.explore_fourier, {"size": 1.5}, "size must be a whole number of at least 1, but it is 1.5"),
    ],
)
def test_images_that_cannot_be_cut_are_refused(make, changes, words):
    with pytest.raises(ValueError, match=words):
        make(**changes)


def test_networks_that_an_explorer_cannot_ask_are_refused():
    one, none, local = network(), network("no_mixing"), network("small_data_vit", num_heads=2)
    both, shown = {"one": one, "other": network(patch_size=4)}, images(1, 16)
    asked = explorers.explore_temperature
    for call, words in (
        (lambda: explorers.explore_attention({}, shown), r"models must be .* with at least one"),
        (lambda: explorers.explore_attention({"one": one}, {}), "with at least one"),
        (lambda: explorers.explore_attention({"none": none}, shown), "needs Transformer blocks"),
        (lambda: explorers.explore_attention(both, shown), "the models' tokens differ"),
        (lambda: explorers.explore_influence({}, shown), r"models must be .* with at least one"),
        (lambda: explorers.explore_influence({"none": none}, shown, [3]), "depths must be .* from 1 to 2, but it is 3"),
        (
            lambda: explorers.explore_influence({"none": none}, shown, 3),
            "depths must be different whole numbers, .* is 3",
        ),
        (lambda: positions(np.eye(4), 5), r"grid must be \(rows, columns\), at least one, but it is 5"),
        (lambda: positions(np.eye(4), (2, 2, 1)), r"grid must be \(rows, columns\), but it is \(2, 2, 1\)"),
        (lambda: explorers.explore_token_mixing({"none": none}), "needs Mixer blocks"),
        (lambda: explorers.explore_positions({}), "with at least one"),
        (lambda: explorers.explore_positions({"none": none}), "has no position embedding"),
        (lambda: explorers.explore_positions(both), "the models' tokens differ"),
        (lambda: analysis.gate_weights(one), "needs gMLP blocks"),
        (lambda: asked(local, shown, blocks=[3]), "blocks must be a whole number from 1 to 2, but it is 3"),
        (lambda: asked(local, shown, heads=[0]), "heads must be a whole number from 1 to 2, but it is 0"),
        (lambda: asked(network(pool="class_token"), shown), "class token has no position"),
        (lambda: asked(none, shown), "Transformer blocks"),
        (lambda: asked(local, {}), "at least one"),
        (lambda: asked(local, {"a": shown["image 0"][..., :1]}), r"images\['a'\] must be uint8 \(h, w, 3\)"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
