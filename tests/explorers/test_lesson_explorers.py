"""The explorers of the lessons: what they show is what layers and `analysis` gave, to the bit."""

import re

import numpy as np
import pytest

from course_utils import explorers, figures
from course_utils.explorers.core.encode import LIMIT
from tests.explorers.support import carried, images, influences, token_weights

# ---- patches ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def patches():
    return explorers.explore_patches()


def test_patches_default_is_three_photographs_and_the_shapes(patches):
    image, patch_size = patches.spec["settings"]
    assert image["values"] == ["astronaut", "cat", "coffee", "shapes"]
    assert patch_size["values"] == [4, 8, 16, 32]


@pytest.mark.parametrize("p", [4, 8, 16, 32])
def test_each_token_is_shown_bit_for_bit(patches, p):
    from course_utils.data.images import photographs
    from course_utils.layers import Patches

    for name, image in photographs(64).items():
        tokens = np.asarray(Patches(p)(image[None].astype("float32")))[0]
        state = {"image": name, "patch_size": p, "patch": 0}
        n = (64 // p) ** 2
        in_order = patches.pages("The tokens, in order", state=state)
        vectors = patches.pages("The token as a vector", state=state)
        assert (patches.pages("The image, cut into patches", state=state)[0] == image).all()
        assert (in_order.reshape(n, -1) == tokens).all()
        assert (vectors.max(axis=-1).reshape(n, -1) == tokens).all()
        assert vectors.shape == (n, p, 3 * p, 3)
        assert (vectors[..., 0::3, 1:] == 0).all()  # every third cell is red alone


def test_patches_words_give_the_arithmetic(patches):
    words = patches.words({"image": "cat", "patch_size": 16, "patch": 6})
    token = patches.pages("The tokens, in order", state={"image": "cat", "patch_size": 16, "patch": 6})[6]
    r, g, b = token[0, 0]
    assert words == (
        "cat: n = (64/16)·(64/16) = 16 patches; each becomes a token of p·p·c = 16·16·3 = 768 numbers. "
        f"Token 6 is the patch in row 1, column 2. It begins {r} (red), {g} (green), {b} (blue), …"
    )


def test_patches_of_grey_and_oblong_images():
    image = np.arange(8 * 12, dtype=np.uint8).reshape(8, 12, 1)
    explorer = explorers.explore_patches({"ramp": image}, patch_sizes=(2, 4))
    state = {"patch_size": 4, "patch": 5}
    assert explorer.spec["place"]["grids"] == [[4, 6], [2, 3]]
    assert (explorer.pages("The tokens, in order", state=state)[5, ..., 0] == image[4:8, 8:12, 0]).all()
    assert "4·4·1 = 16 numbers" in explorer.words(state)
    assert "(grey)" in explorer.words(state)


def test_patches_take_an_image_of_your_own():
    explorer = explorers.explore_patches(patch_sizes=(8,))
    own = np.zeros((90, 120, 3), np.uint8)
    own[:, :, 1] = 200
    explorer.use_image(own, "holiday-at-the-seaside-2019.png")
    assert explorer.spec["settings"][0]["values"][-1] == "holiday-at-the-…2019.png"
    assert explorer.default_state["image"] == "holiday-at-the-…2019.png"
    assert (explorer.pages("The image, cut into patches")[0] == [0, 200, 0]).all()


def test_a_file_that_is_no_image_is_named():
    explorer = explorers.explore_patches(patch_sizes=(8,))
    with pytest.raises(ValueError, match="image"):
        explorer.use_image(b"not an image", "notes.txt")
    assert len(explorer.spec["settings"][0]["values"]) == 4


# ---- influence --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def influence():
    return explorers.influence_explorer_from_arrays(influences(), images(), [1, 2], (4, 4))


LIT, PAIRS = "The input tokens, lit by their influence", "All pairs: ‖∂yᵢ/∂xⱼ‖"


def test_a_row_of_the_matrix_lights_the_image(influence):
    values = influences()["after"][1, 0]
    state = {"network": "after", "image": "image 1", "depth": 1}
    colours = figures.sequential(values, values.max(), "sqrt")  # (16, 16, 3)
    heat = influence.pages(LIT, layer=1, state=state)
    assert heat.shape == (16, 4, 4, 4)
    assert (heat[..., :3].reshape(16, 16, 3) == colours).all()
    assert (influence.pages(PAIRS, state=state)[0] == colours).all()
    faded = figures.faded(images()["image 1"])
    assert (influence.pages(LIT, state=state)[0] == faded).all()


def test_the_bar_ends_at_the_largest_entry(influence):
    bar = influence.spec["panels"][1]["bar"]["ticks"][0]
    assert bar[0] == [0.0, "0"]
    assert bar[-1] == [1.0, f"{influences()['before'][0, 0].max():.2g}"]


def test_influence_words(influence):
    state = {"network": "after", "image": "image 0", "depth": 2, "token": 5}
    row = influences()["after"][0, 1, 5]
    assert influence.words(state) == (
        "after, image 0, block 2: output token 5 (row 1, column 1) is moved by 16 of 16 input tokens, "
        f"most by token 5 itself: {100 * row[5] / row.sum():.0f} % of the total."
    )
    assert influence.words({**state, "network": "no mixing"}).endswith(
        "output token 5 (row 1, column 1) is moved by 1 of 16 input tokens: itself, and no other."
    )


def test_influence_words_when_another_token_counts_most():
    values = np.full((1, 1, 4, 4), 1.0)
    values[0, 0, 0, 3] = 5
    values[0, 0, 1] = 0
    explorer = explorers.influence_explorer_from_arrays({"net": values}, images(1, 8), [3], (2, 2))
    assert explorer.words({"token": 0}).endswith(
        "most by token 3 (row 1, column 1): 62 % of the total; token 0 itself gives 12 %."
    )
    assert explorer.words({"token": 1}).endswith("is moved by none of the 4 input tokens.")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((2, 2, 9, 9)), r"must be \(2, 2, 16, 16\), but it is \(2, 2, 9, 9\)"),
        (np.full((2, 2, 16, 16), np.nan), "must be finite numbers, >= 0"),
        (np.full((2, 2, 16, 16), -1.0), "must be finite numbers, >= 0"),
    ],
)
def test_influences_that_cannot_be_are_refused(values, words):
    with pytest.raises(ValueError, match=words):
        explorers.influence_explorer_from_arrays({"net": values}, images(), [1, 2], (4, 4))


def test_influence_of_a_real_network():
    from course_utils import analysis, models

    shape = (16, 16, 3)
    networks = {
        name: models.classifier(name, shape, 4, embed_dim=8, channels_mlp_dim=8, **more)
        for name, more in (("mixer", {"tokens_mlp_dim": 4}), ("no_mixing", {}))
    }
    shown = images(1, 16)
    explorer = explorers.explore_influence(networks, shown)
    assert explorer.spec["settings"][2]["values"] == [1, 2]
    values = analysis.influence(networks["mixer"], shown["image 0"], 2)
    state = {"network": "mixer", "image": "image 0", "depth": 2}
    assert (explorer.pages(PAIRS, state=state)[0] == figures.sequential(values, values.max(), "sqrt")).all()
    assert re.search("1 of 4 input tokens: itself", explorer.words({**state, "network": "no_mixing"}))
    with pytest.raises(ValueError, match="depths must be a whole number from 1 to 2, but it is 3"):
        explorers.explore_influence(networks, shown, depths=[3])
    with pytest.raises(ValueError, match=r"models must be .* with at least one"):
        explorers.explore_influence({}, shown)


# ---- token mixing -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def token_mixing():
    return explorers.token_mixing_explorer_from_arrays(token_weights(), (4, 4))


def test_each_unit_is_shown_as_a_map_over_the_tokens(token_mixing):
    w_in, w_out = token_weights()["after"][1]
    for side, maps in (("in", w_in.T), ("out", w_out)):
        pages = token_mixing.pages("All hidden units", state={"network": "after", "block": 2, "side": side})
        wanted = figures.diverging(maps.reshape(12, 4, 4), np.abs(maps).max())
        assert (pages == wanted).all()
        unit = token_mixing.pages("The unit pointed at", state={"network": "after", "block": 2, "side": side})
        assert (unit == wanted).all()


def test_token_mixing_words_name_the_strongest_tokens(token_mixing):
    w_in = token_weights()["before"][0][0][:, 3]
    high, low = w_in.argmax(), w_in.argmin()
    words = token_mixing.words({"unit": 3})
    assert words.startswith("before, block 1: hidden unit 3 reads 16 tokens.")
    assert f"positive: token {high} (row {high // 4}, column {high % 4}, weight +{w_in[high]:.2f})" in words
    assert f"negative: token {low} (row {low // 4}, column {low % 4}, weight −{-w_in[low]:.2f})" in words
    assert "writes to" in token_mixing.words({"unit": 3, "side": "out"})


def test_token_mixing_of_a_real_network():
    from course_utils import analysis, models

    mixer = models.classifier("mixer", (16, 16, 3), 4, embed_dim=8, channels_mlp_dim=8, tokens_mlp_dim=6)
    explorer = explorers.explore_token_mixing({"mixer": mixer})
    w_in, _ = analysis.token_mixing_weights(mixer)[0]
    pages = explorer.pages("All hidden units")
    assert (pages == figures.diverging(w_in.T.reshape(6, 2, 2), np.abs(w_in).max())).all()
    with pytest.raises(ValueError, match="needs Mixer blocks"):
        explorers.explore_token_mixing({"none": models.classifier("no_mixing", (16, 16, 3), 4)})


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({}, "weights must be .* with at least one"),
        (token_weights(n=9), r"w_in of block 1 of 'before' must be \(16, 12\), but it is \(9, 12\)"),
        ({"a": [(np.full((16, 2), np.nan), np.zeros((2, 16)))]}, "must be finite"),
        ({**token_weights(["a"]), **token_weights(["b"], units=5)}, "as many blocks, at least one, of as many units"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights, words):
    with pytest.raises(ValueError, match=words):
        explorers.token_mixing_explorer_from_arrays(weights, (4, 4))


# ---- bad images, and size -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "explore",
    [
        explorers.explore_patches,
        explorers.explore_shift,
        explorers.explore_frequencies,
        explorers.explore_fourier,
        lambda images: explorers.influence_explorer_from_arrays(influences(), images, [1, 2], (4, 4)),
    ],
    ids=["patches", "shift", "frequencies", "fourier", "influence"],
)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({}, r"images must be \{name: uint8 image .* with at least one"),
        ([np.zeros((8, 8, 3), np.uint8)], r"images must be \{name"),
        ({"a": np.zeros((8, 8), np.uint8)}, r"images\['a'\] must be uint8 \(h, w, 1 or 3\), from 0 to 255, .*\(8, 8\)"),
        ({"a": np.full((8, 8, 3), np.nan)}, r"images\['a'\] must be uint8 .* float64"),
    ],
)
def test_images_that_cannot_be_shown_are_refused(explore, bad, words):
    with pytest.raises(ValueError, match=words):
        explore(bad)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (({"a": np.zeros((10, 8, 3), np.uint8)}, (4,)), "patch size 4 does not divide.*10 × 8"),
        ((None, ()), "patch_sizes must be different whole numbers, at least one"),
        ((None, (8, 8)), "patch_sizes must be different whole numbers, at least one"),
        ((None, (0,)), "patch_sizes must be a whole number"),
        ((None, (7,)), "patch size 7 does not divide"),
    ],
)
def test_images_that_cannot_be_cut_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        explorers.explore_patches(*arguments)


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape)


GATES = {"gMLP": {epoch: [(noise(64, 64), noise(64))] * 4 for epoch in range(31)}}
TABLES = {f"{n} tokens": np.full((4, 1, 4, n, n), 1 / n) + noise(n) / 1e5 for n in (64, 65)}
SIZES = [
    (explorers.explore_patches, 1_500_000),
    (explorers.explore_shift, 1_500_000),
    (explorers.explore_frequencies, 1_500_000),
    (explorers.explore_fourier, 1_500_000),
    (explorers.explore_gating, 1_500_000),
    (lambda: explorers.gate_explorer_from_arrays(GATES, (8, 8)), 1_500_000),
    (lambda: explorers.attention_explorer_from_arrays(TABLES, images(1), (8, 8)), 1_500_000),
    (lambda: explorers.influence_explorer_from_arrays(influences(n=64), images(), [1, 2], (8, 8)), LIMIT),
    (lambda: explorers.token_mixing_explorer_from_arrays(token_weights(blocks=4, n=64, units=64), (8, 8)), LIMIT),
]


@pytest.mark.parametrize(("make", "most"), SIZES)
def test_what_lessons_show_stays_light(make, most):
    assert carried(make()) <= most
