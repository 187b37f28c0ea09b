"""What the browser gets: every page bit for bit, in the right order, and no contradiction let through."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from course_utils import explorers
from course_utils.explorers import Choice, Explorer, Layer, Panel, Place, Slider, Switch
from course_utils.explorers.core import encode
from course_utils.explorers.core.encode import atlas, outer_index, pick_of, state_of
from tests.explorers.support import GRIDS, colour, images, small_explorer


def cropped(explorer, number, i):
    """Returns page `i` of the PNG file `number`, read as the front end reads it."""
    start, length, h, w, _, columns = explorer.spec["pages"][number]
    image = np.asarray(Image.open(io.BytesIO(explorer.data[start : start + length])))
    top, left = i // columns * h, i % columns * w
    return image[top : top + h, left : left + w]


@pytest.mark.parametrize("n", [1, 2, 5, 16, 17])
def test_atlas_lays_pages_row_by_row(n):
    pages = np.random.default_rng(n).integers(0, 256, (n, 2, 3, 4), dtype=np.uint8)
    image, columns = atlas(pages)
    for i, page in enumerate(pages):
        top, left = i // columns * 2, i % columns * 3
        assert (image[top : top + 2, left : left + 3] == page).all()


def test_every_page_of_every_state_comes_back_from_the_bytes():
    explorer = small_explorer()
    spec = explorer.spec
    glow = spec["panels"][0]["layers"][1]
    assert glow["settings"] == [0, 1, 2]
    assert glow["place"]
    for d, (rows, columns) in enumerate(GRIDS.values()):
        for level, value in enumerate([1, 2, 5, 9]):
            for lit in (0, 1):
                number = glow["pages"][(d * 4 + level) * 2 + lit]
                for i in range(rows * columns):
                    page = cropped(explorer, number, i)
                    assert page[i // columns, i % columns].tolist() == [*colour(2, value, lit, i), 255]
                    assert (page[..., 3] > 0).sum() == 1


def test_the_spec_is_json_and_names_every_state():
    spec = small_explorer().spec
    assert json.loads(json.dumps(spec)) == spec
    assert [len(texts) for texts in spec["words"]] == [6] * 8 + [24] * 8
    assert spec["words"][15][23] == "fine grid, level 9, light on, cell 23."
    assert spec["panels"][0]["captions"][8] == "The fine ground."
    assert spec["place"]["grids"] == [[2, 3]] * 8 + [[4, 6]] * 8


def test_states_and_picks_are_inverse():
    spec = small_explorer().spec
    state = {"detail": "fine", "level": 5, "lit": True, "cell": 20}
    assert pick_of(spec, state) == [1, 2, 1, 20]
    assert state_of(spec, [1, 2, 1, 20]) == state
    assert outer_index(spec, [1, 2, 1, 20]) == (1 * 4 + 2) * 2 + 1
    assert outer_index(spec, [1, 2, 1, 20], [0, 2]) == 3


def test_equal_pages_are_sent_once():
    page = np.zeros((2, 2, 3), np.uint8)
    panels = [Panel(title, [Layer(lambda a: page, ["a"])]) for title in ("one", "two")]
    explorer = Explorer("same", [Slider("a", "A", [1, 2, 3])], panels, lambda a: "")
    assert len(explorer.spec["pages"]) == 1


def test_an_explorer_without_a_place_has_one_sentence_for_each_state():
    page = np.zeros((2, 2, 3), np.uint8)
    explorer = Explorer("plain", [Switch("on", "On")], [Panel("P", [Layer(lambda: page)])], lambda on: f"on: {on}")
    assert explorer.spec["words"] == [["on: False"], ["on: True"]]
    assert explorer.default_state == {"on": False}
    assert explorer.words({"on": True}) == "on: True"


@pytest.mark.parametrize(
    "make",
    [
        lambda: explorers.explore_patches(size=1024),
        lambda: explorers.explore_shift(patch_sizes=(8,), size=400),
        lambda: explorers.explore_frequencies(size=512),
        lambda: explorers.influence_explorer_from_arrays(
            {k: np.random.default_rng(0).random((1, 12, 196, 196)) for k in "abc"},
            images(1, 28),
            range(1, 13),
            (14, 14),
        ),
        lambda: explorers.attention_explorer_from_arrays(
            {"a": np.full((12, 1, 12, 196, 196), 1 / 196)}, images(1, 28), (14, 14)
        ),
    ],
    ids=["patches", "shift", "frequencies", "influence", "attention"],
)
def test_what_is_much_too_large_is_refused_before_it_is_drawn(make, monkeypatch):
    drawn = []
    monkeypatch.setattr(encode._Store, "add", lambda self, pages: drawn.append(pages))
    with pytest.raises(encode.TooLarge, match="MB that a notebook carries lightly; use fewer images"):
        make()
    assert drawn == []


def test_pages_that_only_look_too_large_are_drawn():
    page = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    panels = [Panel("P", [Layer(lambda a: page, ["a"])])]
    assert len(Explorer("same", [Slider("a", "A", range(50))], panels, lambda a: "").data) < 500_000


def test_numbers_of_numpy_are_numbers():
    explorer = small_explorer(
        settings=[
            Choice("detail", "Detail", np.array(["coarse", "fine"])),
            Slider("level", "Level", np.array([1, 2, 5, 9])),
            Switch("lit", "Light"),
            Place("cell", "Cell", lambda detail, **_: np.array(GRIDS[detail])),
        ],
        start={"level": np.int64(5), "cell": np.int64(2)},
    )
    assert explorer.spec == small_explorer(start={"level": 5, "cell": 2}).spec
    assert json.loads(json.dumps(explorer.spec)) == explorer.spec
    patches = explorers.explore_patches(images(1), patch_sizes=np.array([4, 8]))
    assert patches.spec == explorers.explore_patches(images(1), patch_sizes=[4, 8]).spec
    assert json.dumps(explorers.explore_shift(images(1), np.array([4]), np.array([0.5]), np.int64(32)).spec)


def one_panel(**changes):
    page = np.zeros((2, 2, 3), np.uint8)
    parts = {"pages": lambda: page, "depends": (), "settings": [Place("at", "At", (2, 2))], "panel": {}, **changes}
    panel = Panel("P", [Layer(parts["pages"], parts["depends"])], **parts["panel"])
    return Explorer("bad", parts["settings"], [panel], lambda **_: "", start=parts.get("start"))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Slider("a b", "A", [1]), ValueError, "Slider: name must be a Python identifier.*'a b'"),
        (lambda: Slider("a", "", [1]), ValueError, "label must be words"),
        (lambda: Choice("a", "A", []), ValueError, "Choice: values of 'a' must differ, at least one"),
        (lambda: Choice("a", "A", [1, 1]), ValueError, "must differ"),
        (lambda: Choice("a", "A", [1, 2], ["x"]), ValueError, "2 values but 1 texts"),
        (lambda: Panel("P", []), ValueError, "layers is empty"),
        (lambda: Panel("P", [1], spots="here"), ValueError, "spots must be"),
        (lambda: small_explorer(settings=["detail"]), TypeError, "must be Slider, Choice, Switch or Place"),
        (lambda: one_panel(settings=[Place("a", "A"), Place("b", "B")]), ValueError, "at most one Place, the last"),
        (lambda: one_panel(settings=[Place("a", "A"), Switch("b", "B")]), ValueError, "the last of the settings"),
        (lambda: one_panel(settings=[Switch("a", "A"), Switch("a", "B")]), ValueError, "the same name"),
        (lambda: one_panel(settings=[Place("at", "At", (0, 2))]), ValueError, r"must be \(rows, columns\)"),
        (lambda: one_panel(depends=["size"]), ValueError, "depends names"),
        (lambda: one_panel(pages=lambda: np.zeros((2, 2, 3))), TypeError, "must be a uint8 array.*float64"),
        (lambda: one_panel(pages=lambda: [[1]]), TypeError, "must be a uint8 array.*list"),
        (lambda: one_panel(pages=lambda: np.zeros((2, 2), np.uint8)), ValueError, r"shape is \(2, 2\)"),
        (
            lambda: one_panel(pages=lambda: np.zeros((3, 2, 2, 3), np.uint8), depends=["at"]),
            ValueError,
            r"must be a uint8 array \(4, h, w, 3 or 4\), but their shape is \(3, 2, 2, 3\)",
        ),
        (lambda: one_panel(panel={"sheet": True}), ValueError, "must depend on the place"),
        (lambda: one_panel(start={"at": 4}), ValueError, "at lies between 0 and 3, not 4"),
        (lambda: one_panel(start={"there": 4}), ValueError, "a state names at"),
        (lambda: small_explorer(start={"level": 3}), ValueError, r"level is one of \[1, 2, 5, 9\], not 3"),
        (lambda: small_explorer(limit=500), ValueError, "more than the 0.0 MB.*use fewer"),
        (lambda: small_explorer(panels=[]), ValueError, "panels must be Panel objects"),
    ],
)
def test_contradictions_are_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()
