"""Explorers under tabs: one cell for your network and the recorded one."""

import json
import re

import numpy as np
import pytest

from course_utils.explorers import Tabs, explore_patches
from tests.explorers.browser import canvas, point_at_cell, words
from tests.explorers.support import small_explorer

YOURS, RECORDED = "your network", "the recorded one"


def small_tabs():
    return Tabs({YOURS: small_explorer(title="One"), RECORDED: small_explorer(title="Two", start={"cell": 4})})


def test_each_explorer_keeps_its_images_and_its_state():
    tabs = small_tabs()
    for tab, explorer in zip(tabs.spec["tabs"], tabs.explorers.values(), strict=True):
        start, size = tab["bytes"]
        assert tabs.data[start : start + size] == explorer.data
        assert tab["spec"] == {**explorer.spec, "upload": None}
    assert json.loads(json.dumps(tabs.spec)) == tabs.spec
    assert tabs.state == {YOURS: tabs.explorers[YOURS].default_state, RECORDED: tabs.explorers[RECORDED].default_state}
    moved = {**tabs.explorers[YOURS].default_state, "cell": 2}
    tabs.widget.state = {YOURS: moved}
    assert tabs.state == {YOURS: moved, RECORDED: tabs.explorers[RECORDED].default_state}


def test_an_image_of_ones_own_is_under_its_tab_too():
    explorer = explore_patches({"grey": np.full((16, 16, 3), 99, np.uint8)}, [4])
    tabs = Tabs({"A": explorer})
    explorer.use_image(np.full((16, 16, 3), 200, np.uint8), "me.png")
    assert tabs.default_state == {"A": explorer.default_state}
    assert "me" in str(tabs.default_state)
    assert tabs.data == explorer.data


def test_the_still_image_and_the_words_show_all_tabs():
    tabs = small_tabs()
    whole, parts = tabs.still(), [explorer.still(note=label) for label, explorer in tabs.explorers.items()]
    gap = whole.shape[0] - sum(len(part) for part in parts)
    assert 0 < gap < 20
    np.testing.assert_array_equal(whole[: len(parts[0]), : parts[0].shape[1]], parts[0])
    np.testing.assert_array_equal(whole[-len(parts[1]) :, : parts[1].shape[1]], parts[1])
    assert repr(tabs) == f"{YOURS}: {tabs.explorers[YOURS]!r} {RECORDED}: {tabs.explorers[RECORDED]!r}"


@pytest.mark.parametrize(
    ("explorers", "message"),
    [
        ({}, "Tabs: explorers must be {label: Explorer}"),
        ([small_explorer()], "Tabs: explorers must be {label: Explorer}"),
        ({"a": "an explorer"}, "Tabs: 'a' must be an Explorer, but it is str"),
    ],
)
def test_what_is_no_explorer_is_refused(explorers, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        Tabs(explorers)


@pytest.mark.browser
class TestInTheBrowser:
    @pytest.fixture
    def page(self, open_page):
        return open_page(small_tabs())

    def open(self, page, label):
        page.get_by_role("tab", name=label).click()
        return page.get_by_role("tabpanel", name=label)

    def test_a_tab_is_opened_by_mouse_and_by_keyboard(self, page):
        shown = self.open(page, RECORDED)
        assert shown.locator(".title").text_content() == "Two"
        assert not page.get_by_role("tabpanel", name=YOURS).is_visible()
        for key, label in [
            ("ArrowRight", YOURS),
            ("ArrowRight", RECORDED),
            ("Home", YOURS),
            ("ArrowLeft", RECORDED),
            ("ArrowLeft", YOURS),
            ("End", RECORDED),
        ]:
            page.keyboard.press(key)
            tab = page.get_by_role("tab", selected=True)
            assert tab.text_content() == label
            assert tab.evaluate("tab => tab === document.activeElement")
            assert page.get_by_role("tabpanel").count() == 1, "the others are hidden"

    def test_what_was_moved_under_a_tab_stays(self, page):
        point_at_cell(page, 3, "click")
        said = words(page)
        assert words(self.open(page, RECORDED)) != said
        assert words(self.open(page, YOURS)) == said

    def test_the_keys_of_a_tab_do_not_move_the_notebook(self, page):
        page.evaluate("window.heard = []; addEventListener('keydown', (event) => { heard.push(event.key); })")
        page.get_by_role("tab", name=YOURS).focus()
        for key in ("ArrowRight", "x", "Shift+Enter", "Control+s", "Escape"):
            page.keyboard.press(key)
        heard = [key for key in page.evaluate("heard") if key not in ("Shift", "Control")]
        assert heard == ["Enter", "s", "Escape"], "these run a cell, save, leave: they are the notebook's"

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_open_tab_stands_on_the_ground_of_its_explorer(self, open_page, scheme):
        page = open_page(small_tabs(), color_scheme=scheme)
        colour = "(node) => getComputedStyle(node).backgroundColor"
        assert page.get_by_role("tab", selected=True).evaluate(colour) == page.locator(
            ".course-explorer"
        ).first.evaluate(colour)

    def test_an_explorer_under_a_tab_fills_its_width(self, page):
        first = canvas(page, "Ground").first.bounding_box()["width"]
        second = self.open(page, RECORDED).locator('canvas[data-panel="Ground"]').bounding_box()["width"]
        assert second == first > 100
