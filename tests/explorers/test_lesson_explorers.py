"""The explorers of the lessons: what they show is what layers and `analysis` gave, to the bit."""

import numpy as np
import pytest

from course_utils import analysis, explorers, figures
from course_utils.explorers.core.encode import LIMIT
from course_utils.explorers.fourier import REBUILT
from course_utils.explorers.influence import DARKEST
from tests.explorers.support import carried, images, influences, network, token_weights

# ---- patches ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def patches():
    return explorers.explore_patches()


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


# ---- influence --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def influence():
    return explorers.influence_explorer_from_arrays(influences(), images(), [1, 2], (4, 4))


LIT, PAIRS = "The input tokens, lit by their influence", "All pairs: ‖∂yᵢ/∂xⱼ‖"


def test_a_row_of_the_matrix_lights_the_image(influence):
    values = influences()["after"][1, 0]
    state = {"network": "after", "image": "image 1", "depth": 1}
    assert (influence.pages(PAIRS, state=state)[0] == figures.sequential(values, values.max(), "sqrt")).all()
    dark = influence.pages(LIT, layer=1, state=state)
    assert dark.shape == (16, 4, 4, 4)
    assert not dark[..., :3].any()
    wanted = 255 * DARKEST * (1 - np.sqrt(values / values.max()))
    assert np.abs(dark[..., 3].reshape(16, 16) - wanted).max() <= 0.5 + 1e-6
    assert (influence.pages(LIT, state=state)[0] == figures.as_rgb(images()["image 1"])).all()


def test_the_influence_explorer_opens_before_the_answer(influence):
    assert influence.default_state["depth"] == 1


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


def test_influence_of_a_real_network():
    networks = {"mixer": network("mixer", tokens_mlp_dim=4), "no_mixing": network("no_mixing")}
    shown = images(1, 16)
    explorer = explorers.explore_influence(networks, shown)
    assert explorer.spec["settings"][2]["values"] == [1, 2]
    values = analysis.influence(networks["mixer"], shown["image 0"], 2)
    state = {"network": "mixer", "image": "image 0", "depth": 2}
    assert (explorer.pages(PAIRS, state=state)[0] == figures.sequential(values, values.max(), "sqrt")).all()
    assert "1 of 4 input tokens: itself" in explorer.words({**state, "network": "no_mixing"})


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
    mixer = network("mixer", tokens_mlp_dim=6)
    explorer = explorers.explore_token_mixing({"mixer": mixer})
    w_in, _ = analysis.token_mixing_weights(mixer)[0]
    assert (explorer.pages("All hidden units") == figures.diverging(w_in.T.reshape(6, 2, 2))).all()


# ---- of all of them -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (explorers.explore_patches, ["astronaut", "cat", "coffee", "shapes"]),
        (explorers.explore_frequencies, ["astronaut", "cat", "coffee", "shapes"]),
        (explorers.explore_shift, ["astronaut", "shapes"]),
        (explorers.explore_fourier, ["cat", "one patch of the cat", "stripes"]),
    ],
)
def test_without_images_there_are_some(make, names):
    assert make().spec["settings"][0]["values"] == names


@pytest.mark.parametrize(
    ("make", "options", "panel"),
    [
        (explorers.explore_patches, {"patch_sizes": (8,), "size": 16}, "The image, cut into patches"),
        (explorers.explore_frequencies, {}, REBUILT),
        (explorers.explore_shift, {"patch_sizes": (4,), "size": 16}, "What the token sees"),
        (explorers.explore_shift, {"patch_sizes": (4,), "size": 8}, "What the token sees"),  # with fewer tokens
    ],
)
def test_an_image_of_your_own(make, options, panel):
    explorer = make(images(1, 16), **options)
    with pytest.raises(ValueError, match="image"):
        explorer.use_image(b"not an image", "notes.txt")
    assert explorer.spec["settings"][0]["values"] == ["image 0"]
    explorer.use_image(np.full((90, 120, 3), 200, np.uint8), "holiday-at-the-seaside-2019.png")
    assert explorer.spec["settings"][0]["values"] == ["image 0", "holiday-at-the-…2019.png"]
    assert explorer.default_state["image"] == "holiday-at-the-…2019.png"
    assert (explorer.pages(panel)[0] == 200).all()


def test_an_oblong_sum_of_waves_takes_none():
    assert explorers.explore_frequencies({"a": np.zeros((8, 12, 3), np.uint8)}).spec["upload"] is None


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape)


GATES = {"gMLP": {epoch: [(noise(64, 64), noise(64))] * 4 for epoch in range(31)}}
TABLES = {f"{n} tokens": np.full((4, 1, 4, n, n), 1 / n) + noise(n) / 1e5 for n in (64, 65)}
MAKERS = "explore_patches", "explore_shift", "explore_frequencies", "explore_fourier", "explore_gating"
SIZES = [
    *((getattr(explorers, name), 1_500_000) for name in MAKERS),
    (lambda: explorers.gate_explorer_from_arrays(GATES, (8, 8)), 1_500_000),
    (lambda: explorers.attention_explorer_from_arrays(TABLES, images(1), (8, 8)), 1_500_000),
    (lambda: explorers.influence_explorer_from_arrays(influences(n=64), images(), [1, 2], (8, 8)), LIMIT),
    (lambda: explorers.token_mixing_explorer_from_arrays(token_weights(blocks=4, n=64, units=64), (8, 8)), LIMIT),
]


@pytest.mark.parametrize(("make", "most"), SIZES)
def test_what_lessons_show_stays_light(make, most):
    assert carried(make()) <= most
