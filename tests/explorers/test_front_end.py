"""The front end in a real browser, on the saved page: keys, pointer, pixels and words."""

import pytest

from course_utils import explorers
from tests.explorers.browser import (
    GAP,
    HEAD,
    MARGIN,
    canvas,
    ground_pixel,
    pinned,
    pixel,
    point,
    point_at_cell,
    state,
    words,
)
from tests.explorers.support import GRIDS, colour, images, influences, small_explorer

pytestmark = pytest.mark.browser


# ---- keyboard ---------------------------------------------------------------------------------------------------


def test_every_control_moves_by_keyboard(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "radio"
    page.keyboard.press("ArrowRight")
    assert state(page)["detail"] == "fine"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert state(page)["level"] == 5
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert state(page)["lit"] is True
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert state(page) == {"detail": "fine", "level": 5, "lit": True, "cell": 23}
    assert words(page) == "fine grid, level 5, light on, cell 23."
    for title in ("Ground", "Items", "Rows"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.dataset.panel") == title
    page.keyboard.press("Tab")  # and out again
    assert page.evaluate("document.activeElement.dataset.panel") is None


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("Ground", {"ArrowRight": 10, "ArrowLeft": 8, "ArrowUp": 3, "ArrowDown": 15, "Home": 0, "End": 23}),
        ("Items", {"ArrowRight": 10, "ArrowLeft": 8, "ArrowUp": 3, "ArrowDown": 15, "Home": 0, "End": 23}),
        ("Rows", {"ArrowRight": 9, "ArrowLeft": 9, "ArrowUp": 8, "ArrowDown": 10, "Home": 0, "End": 23}),
    ],
)
def test_every_key_on_every_canvas(open_page, title, keys):
    page = open_page(small_explorer(start={"detail": "fine", "cell": 9}))
    for key, there in keys.items():
        page.get_by_role("slider", name="Cell").fill("9")
        canvas(page, title).press(key)
        assert state(page)["cell"] == there, key


def test_keys_stop_at_the_border_of_the_image_but_follow_the_sequence(open_page):
    page = open_page(small_explorer(start={"detail": "fine", "cell": 5}))
    canvas(page, "Ground").press("ArrowRight")
    canvas(page, "Ground").press("ArrowUp")
    assert state(page)["cell"] == 5
    canvas(page, "Items").press("ArrowRight")
    assert state(page)["cell"] == 6
    canvas(page, "Ground").press("ArrowLeft")
    assert state(page)["cell"] == 6
    canvas(page, "Items").press("ArrowLeft")
    assert state(page)["cell"] == 5


def test_another_grid_keeps_the_spot(open_page):
    page = open_page(small_explorer(start={"cell": 5}))  # the last of 2 × 3
    page.get_by_role("radio", name="fine").check(force=True)
    assert state(page)["cell"] == 3 * 6 + 5  # the same spot of 4 × 6
    page.get_by_role("radio", name="coarse").check(force=True)
    assert state(page)["cell"] == 5


def test_keys_do_not_reach_the_notebook_except_its_own(page):
    page.evaluate("window.heard = []; document.addEventListener('keydown', (e) => window.heard.push(e.key))")
    for control in (page.get_by_role("slider", name="Level"), canvas(page, "Ground")):
        for key in ("ArrowRight", "ArrowDown", "Home", "a", "d", "Shift+Enter", "Control+s", "Escape"):
            control.press(key)
    canvas(page, "Ground").press("Escape")  # the first one let the pin go
    heard = [key for key in page.evaluate("window.heard") if key not in ("Shift", "Control")]
    assert heard == ["Enter", "s", "Escape"] * 2


# ---- pointer ----------------------------------------------------------------------------------------------------


def test_the_pointer_moves_the_place(page):
    point(page, "Ground", MARGIN + 250, MARGIN + 150)
    assert state(page)["cell"] == 5
    point(page, "Items", MARGIN + 2 * 40 + 10, MARGIN + HEAD + 10)
    assert state(page)["cell"] == 2
    point(page, "Rows", MARGIN + 16 + 50, MARGIN + 4.5 * 20)
    assert state(page)["cell"] == 4
    point(page, "Ground", 2, 2)  # beside the image: it stays
    assert state(page)["cell"] == 4


def test_a_finger_moves_the_place(open_page):
    page = open_page(small_explorer(), has_touch=True)
    point(page, "Ground", MARGIN + 150, MARGIN + 150, "tap")
    assert (state(page)["cell"], pinned(page)) == (4, True)


# ---- pinning ----------------------------------------------------------------------------------------------------


def test_a_clicked_token_is_pinned_and_stays_on_the_way_to_the_controls(page):
    point_at_cell(page, 1)
    assert (state(page)["cell"], pinned(page)) == (1, False)
    point_at_cell(page, 4, "click")
    assert (state(page)["cell"], pinned(page)) == (4, True)
    point_at_cell(page, 2)  # a preview
    assert (state(page)["cell"], pinned(page)) == (2, True)
    assert words(page).endswith("cell 2.")
    box = page.get_by_role("switch", name="Light").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5, steps=20)
    assert state(page)["cell"] == 4
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    assert state(page) == {"detail": "coarse", "level": 1, "lit": True, "cell": 4}
    page.get_by_role("slider", name="Level").press("End")
    assert (state(page)["level"], state(page)["cell"], pinned(page)) == (9, 4, True)


def test_token_9_stays_token_9_when_network_block_and_image_change(open_page):
    page = open_page(explorers.influence_explorer_from_arrays(influences(), images(), [1, 2], (4, 4)))
    point(page, "The input tokens, lit by their influence", MARGIN + 120, MARGIN + 200, "click")
    for name in ("after", "1", "image 1"):
        button = page.get_by_role("radio", name=name, exact=True)
        box = button.bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 5, steps=30)  # over other tokens
        page.mouse.click(box["x"] + 5, box["y"] + 5)
        assert button.is_checked()
        assert (state(page)["token"], pinned(page)) == (9, True)
    assert state(page) == {"network": "after", "image": "image 1", "depth": 1, "token": 9}


def test_a_pinned_token_stays_at_its_spot_in_another_grid(page):
    point_at_cell(page, 5, "click")
    page.get_by_role("radio", name="fine").check(force=True)
    assert (state(page)["cell"], pinned(page)) == (3 * 6 + 5, True)
    point_at_cell(page, 2, "move", "fine")
    page.get_by_role("radio", name="fine").press("ArrowLeft")  # while another cell is previewed
    assert (state(page)["cell"], pinned(page)) == (5, True)


@pytest.mark.parametrize("where", ["the image", "the slider"])
def test_arrow_keys_pin_and_move_the_pin(page, where):
    moved = canvas(page, "Ground") if where == "the image" else page.get_by_role("slider", name="Cell")
    moved.press("ArrowRight")
    assert (state(page)["cell"], pinned(page)) == (1, True)
    point_at_cell(page, 5)
    assert state(page)["cell"] == 5
    canvas(page, "Ground").press("ArrowRight")  # from the pin, not from the preview
    assert (state(page)["cell"], pinned(page)) == (2, True)


def test_escape_lets_go(page):
    point_at_cell(page, 4, "click")
    point_at_cell(page, 2)
    page.keyboard.press("Escape")
    assert (state(page)["cell"], pinned(page)) == (4, False)
    point_at_cell(page, 1)
    point(page, "Ground", 2, 2)
    assert (state(page)["cell"], pinned(page)) == (1, False)  # it follows the pointer again


def test_the_pin_follows_a_drag_but_no_other_button(page):
    point_at_cell(page, 0)
    page.mouse.down(button="right")
    point_at_cell(page, 1)
    page.mouse.up(button="right")
    assert (state(page)["cell"], pinned(page)) == (1, False)
    page.mouse.down()
    point_at_cell(page, 2)
    page.mouse.up()
    point_at_cell(page, 3)
    point(page, "Ground", 2, 2)
    assert (state(page)["cell"], pinned(page)) == (2, True)


def test_the_pin_and_the_preview_are_told_apart(page):
    def outline(cell):
        row, column = divmod(cell, 3)
        return pixel(page, "Ground", MARGIN + 100 * column + 50, MARGIN + 100 * row - 3)

    yellow, white = [255, 214, 0], [255, 255, 255]
    point_at_cell(page, 4, "click")
    assert outline(4) == yellow
    point_at_cell(page, 3)
    assert (outline(4), outline(3)) == (yellow, white)
    point(page, "Ground", 2, 2)
    assert outline(4) == yellow
    assert outline(3) not in (yellow, white)


# ---- pixels -----------------------------------------------------------------------------------------------------


def test_every_state_shows_the_pages_that_python_made(page):
    for detail, (rows, columns) in GRIDS.items():
        page.get_by_role("radio", name=detail).check(force=True)
        for level, value in enumerate([1, 2, 5, 9]):
            page.get_by_role("slider", name="Level").fill(str(level))
            for lit in (0, 1):
                page.get_by_role("switch", name="Light").set_checked(bool(lit))
                for cell in (0, columns + 1, rows * columns - 1):
                    page.get_by_role("slider", name="Cell").fill(str(cell))
                    assert ground_pixel(page, detail, cell) == colour(2, value, lit, cell)
                    other = (cell + 2) % (rows * columns)
                    assert ground_pixel(page, detail, other) == colour(1, other // columns, other % columns)


def test_a_sheet_shows_all_pages_in_order(open_page):
    page = open_page(small_explorer(start={"detail": "fine", "cell": 7}))
    for i in range(24):
        row, column = divmod(i, 6)
        x, y = MARGIN + column * 40 + 18, MARGIN + HEAD + row * (36 + GAP + HEAD) + 18
        assert pixel(page, "Items", x, y) == colour(3, i)
    x, y = MARGIN + 40, MARGIN + HEAD + 36 + GAP + HEAD  # the page pointed at has a two-tone outline
    dark, bright = [0, 0, 0], [255, 214, 0]
    assert [pixel(page, "Items", x - k, y + 18) for k in (1, 2, 3, 4)] == [dark, bright, bright, dark]


@pytest.mark.parametrize("ratio", [1, 2])
def test_the_token_pointed_at_is_shown_bit_for_bit(open_page, ratio):
    explorer = explorers.explore_patches(patch_sizes=(16, 32))
    page = open_page(explorer, device_scale_factor=ratio)
    page.get_by_role("radio", name="16").check(force=True)
    page.get_by_role("slider", name="Patch").fill("6")
    token = explorer.pages("The token as a vector", state={"patch_size": 16, "patch": 6})[6]  # (16, 48, 3)
    read = """(c, [left, side]) => {
      const got = [];
      const all = c.getContext("2d").getImageData(0, 0, c.width, c.height);
      for (let y = 0; y < 16; y++) for (let x = 0; x < 48; x++) {
        const at = 4 * ((left + y * side + side / 2) * all.width + left + x * side + side / 2);
        got.push(Array.from(all.data.slice(at, at + 3)));
      }
      return got;
    }"""
    shown = canvas(page, "The token as a vector").evaluate(read, [MARGIN * ratio, 10 * ratio])
    assert shown == token.reshape(-1, 3).tolist()


def test_numbers_are_written_where_there_is_room(open_page):
    page = open_page(explorers.explore_patches(patch_sizes=(8, 16)))
    colours = """(c, [x, y, side]) => {
      const { data } = c.getContext("2d").getImageData(x, y, side, side);
      const seen = new Set();
      for (let i = 0; i < data.length; i += 4) seen.add(data.slice(i, i + 3).join());
      return seen.size;
    }"""
    vector = canvas(page, "The token as a vector")
    for p, side, written in (("8", 20, True), ("16", 10, False)):
        page.get_by_role("radio", name=p, exact=True).check(force=True)
        seen = vector.evaluate(colours, [MARGIN + 3 * side, MARGIN + 2 * side, side])
        assert (seen > 1) == written, p


# ---- words ------------------------------------------------------------------------------------------------------


def test_words_follow_at_once_and_are_said_once_a_sweep_has_stopped(page):
    page.evaluate("""() => {
      window.said = [];
      const live = document.querySelector("[aria-live=polite]");
      new MutationObserver(() => window.said.push(live.textContent)).observe(live, { childList: true });
    }""")
    page.wait_for_timeout(300)
    page.evaluate("window.said.length = 0")
    slider = page.get_by_role("slider", name="Cell")
    slider.evaluate("""(input) => {
      for (const value of [1, 2, 3, 4, 5]) {
        input.value = value;
        input.dispatchEvent(new Event("input"));
      }
    }""")
    assert words(page) == "coarse grid, level 1, light off, cell 5."
    assert page.evaluate("window.said") == []
    page.wait_for_timeout(400)
    assert page.evaluate("window.said") == ["coarse grid, level 1, light off, cell 5."]


def test_everything_has_a_name_and_a_role(page):
    assert page.get_by_role("group", name="A small explorer").count() == 1
    assert page.get_by_role("group", name="Detail").get_by_role("radio").count() == 2
    level = page.get_by_role("slider", name="Level")
    level.press("End")
    assert level.get_attribute("aria-valuetext") == "9"
    assert page.get_by_role("switch", name="Light").count() == 1
    for title in ("Ground", "Items", "Rows"):
        image = canvas(page, title)
        assert image.get_attribute("role") == "application"
        assert image.get_attribute("aria-label") == f"{title}. A click or arrow keys pin the cell, Escape lets go."
        described = image.get_attribute("aria-describedby")
        assert page.locator(f"[id='{described}']").count() == 1
    assert page.locator("[id='']").count() == 0


def test_an_image_that_cannot_be_pointed_at_is_an_image(open_page):
    page = open_page(explorers.explore_patches(patch_sizes=(32,)))
    vector = canvas(page, "The token as a vector")
    assert vector.get_attribute("role") == "img"
    assert vector.get_attribute("tabindex") is None


def test_captions_follow_the_state(page):
    assert page.locator(".caption").first.text_content() == "The coarse ground."
    page.get_by_role("radio", name="fine").check(force=True)
    assert page.locator(".caption").first.text_content() == "The fine ground."
