"""The shift explorer: what it shows is the image moved by index arithmetic, pixel by pixel."""

import numpy as np
import pytest

from course_utils import explorers
from course_utils.explorers.shift import EMPTY, VEIL
from tests.layers.reference import moved

SEES, FIVE, PATCHES = "What the token sees", "The five images", "Its five patches"
ITSELF, *SHIFTED = ("the image itself", "left up", "right up", "left down", "right down")
STEPS = {"left": -1, "right": 1, "up": -1, "down": 1}
WAYS = {ITSELF: (0, 0), **{way: (STEPS[way.split()[1]], STEPS[way.split()[0]]) for way in SHIFTED}}  # (down, right)
CORNERS = {way: (1 + down, 1 + right) for way, (down, right) in WAYS.items()}  # where it lies in a square of nine


def random_image(h=12, w=18, c=3):
    return np.random.default_rng(0).integers(1, 256, (h, w, c), dtype=np.uint8)


@pytest.fixture(scope="module")
def explorer():
    return explorers.explore_shift({"noise": random_image()}, patch_sizes=(2, 3, 6), fractions=(0, 0.5, 1))


@pytest.fixture(scope="module")
def default():
    return explorers.explore_shift()


@pytest.mark.parametrize(("p", "fraction", "pixels"), [(6, 0.5, 3), (3, 0.5, 1), (2, 1, 2), (6, 0, 0)])
def test_the_five_images_lie_on_the_side_to_which_they_moved(explorer, p, fraction, pixels):
    nine = explorer.pages(FIVE, state={"patch_size": p, "fraction": fraction, "token": 0})[0]
    assert nine.shape == (36, 54, 4)
    for way, (row, column) in CORNERS.items():
        square = nine[row * 12 : row * 12 + 12, column * 18 : column * 18 + 18]
        down, right = (pixels * step for step in WAYS[way])
        assert (square[..., :3] == moved(random_image(), down, right)).all(), way
        assert (square[..., 3] == 255).all()
    for row, column in ((0, 1), (1, 0), (1, 2), (2, 1)):
        assert (nine[row * 12 : row * 12 + 12, column * 18 : column * 18 + 18] == EMPTY).all()


@pytest.mark.parametrize(("p", "fraction", "pixels"), [(6, 0.5, 3), (3, 0.5, 1), (2, 1, 2)])
def test_the_tokens_five_patches_are_cut_from_the_five_images(explorer, p, fraction, pixels):
    pages = explorer.pages(PATCHES, state={"patch_size": p, "fraction": fraction, "token": 0})
    columns = 18 // p
    assert pages.shape == (12 // p * columns, 3 * p, 3 * p, 4)
    for token in range(len(pages)):
        top, left = token // columns * p, token % columns * p
        for way, (row, column) in CORNERS.items():
            copy = moved(random_image(), *(pixels * step for step in WAYS[way]))
            patch = pages[token, row * p : row * p + p, column * p : column * p + p, :3]
            assert (patch == copy[top : top + p, left : left + p]).all(), (token, way)


def footprint(h, w, p, pixels, token, ways):
    """Returns which pixels of the image reach a token: those that a copy brings into its patch."""
    numbered = np.arange(1, h * w + 1).reshape(h, w, 1)
    top, left = token // (w // p) * p, token % (w // p) * p
    copies = np.array([moved(numbered, pixels * down, pixels * right) for down, right in ways])
    return np.isin(numbered[..., 0], copies[:, top : top + p, left : left + p])


@pytest.mark.parametrize(("p", "fraction", "pixels"), [(6, 0.5, 3), (3, 0.5, 1), (2, 1, 2), (6, 0, 0)])
@pytest.mark.parametrize("direction", ["all five", *WAYS])
def test_bright_is_every_pixel_that_the_token_sees(explorer, p, fraction, pixels, direction):
    state = {"patch_size": p, "fraction": fraction, "direction": direction, "token": 0}
    assert (explorer.pages(SEES, state=state)[0] == random_image()).all()
    veil = explorer.pages(SEES, layer=1, state=state)
    ways = list(WAYS.values()) if direction == "all five" else [WAYS[direction]]
    for token, page in enumerate(veil):
        seen = footprint(12, 18, p, pixels, token, ways)
        assert ((page[..., 3] == 0) == seen).all(), token
        assert (page[~seen, :3] == VEIL).all()
        if direction == "all five":
            words = explorer.words({**state, "token": token})
            expected = "all five show the same 36 pixels" if not pixels else f"sees {seen.sum()} pixels with copies"
            assert expected in words


def test_the_tokens_place_is_bright_in_all_five_or_in_the_one_chosen(explorer):
    for direction, places in (("all five", list(CORNERS.values())), ("left down", [(2, 0)])):
        state = {"patch_size": 6, "direction": direction, "token": 0}
        pages = explorer.pages(FIVE, layer=1, state=state)  # (6, 3 · 2 rows, 3 · 3 columns, 4)
        assert pages.shape == (6, 6, 9, 4)
        opaque = np.zeros((6, 9), bool)
        for row, column in CORNERS.values():
            opaque[2 * row : 2 * row + 2, 3 * column : 3 * column + 3] = True
        for row, column in places:
            opaque[2 * row + 1, 3 * column + 2] = False  # token 5: row 1, column 2
        assert ((pages[5, ..., 3] > 0) == opaque).all()


def test_words_of_the_default(default):
    assert default.words() == (
        "astronaut, p = 8: token 12 (row 2, column 2) sees 256 pixels with copies moved by 4, 4 times as many as a "
        "plain patch (64)."
    )
    assert default.words({"token": 0}).endswith(
        "sees 144 pixels with copies moved by 4, 2.25 times as many as a plain patch (64). "
        "112 of the 5·8·8 places lie beyond the border and are zero."
    )
    assert default.words({"direction": "the image itself"}).endswith("sees 64 pixels through a plain patch.")
    assert default.words({"direction": "left up"}).endswith(
        "the copy moved left up by 4 shows it what lies 4 pixels further right and down."
    )
    assert default.words({"direction": "right down", "token": 0, "fraction": 0.25, "patch_size": 5}).endswith(
        "what lies 1 pixel further left and up; 9 of 25 lie beyond the border and are zero."
    )
    # Half of an odd patch is rounded down: 2 of 5.
    assert "sees 81 pixels with copies moved by 2" in default.words({"patch_size": 5, "token": 27})
    # A whole patch reaches the diagonal neighbours and none beside, above or below.
    assert "sees 500 pixels with copies moved by 10" in default.words({"patch_size": 10, "fraction": 1, "token": 5})


def test_captions_count_the_numbers(default):
    captions = default.spec["panels"][2]["captions"]
    assert "5·8·8·3 = 960 numbers; a plain patch has 8·8·3 = 192." in "".join(captions)


def test_grey_images():
    grey = explorers.explore_shift({"grey": random_image(8, 8, 1)}, patch_sizes=(4,), fractions=(0.5,))
    nine = grey.pages(FIVE)[0]
    assert (nine[8:16, 8:16, :3] == random_image(8, 8, 1)).all()
    assert "5·4·4·1 = 80 numbers" in grey.spec["panels"][2]["captions"][0]
