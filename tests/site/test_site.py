"""The course's pages: alive without a network, whole, readable in every theme, small."""

import re
import statistics
from urllib.parse import unquote, urldefrag

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.explorer import Explorer
from tests.explorers.browser import SHOWN, pinned
from tests.site.conftest import LESSON, SMALL
from tools import payload, site

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.rehearsal]

NAMES = [call.partition("(")[0].removeprefix("explorers.") for call in SHOWN]
SERIOUS = ("serious", "critical")
PAGES = ("index", LESSON.stem, SMALL, *site.PAGES)
CUT_OFF = """() => [...document.querySelectorAll("article :is(table, .table-wrapper)")]
  .filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.textContent.slice(0, 99))"""


def alive(page, number: int):
    """Returns the frame of a page's explorer, scrolled into view and drawn, and the explorer."""
    element = page.locator("iframe.explorer").nth(number)
    element.scroll_into_view_if_needed()
    frame = element.element_handle().content_frame()
    frame.wait_for_selector(".course-explorer[data-state]")
    return frame, Explorer(frame.locator(".course-explorer"), NAMES[number])


@pytest.mark.parametrize("number", range(len(SHOWN)), ids=NAMES)
def test_every_explorer_moves_by_keyboard_and_mouse(open_page, number):
    page = open_page(SMALL)
    frame, explorer = alive(page, number)
    assert explorer.controls()
    images = {explorer.image()}
    for control in explorer.controls():
        before = explorer.state()
        explorer.step(control)
        explorer.settle()
        assert explorer.state() != before, control.get_attribute("data-setting")
        images.add(explorer.image())
    assert len(images) > 1  # some choices here are between two networks that are one
    before = explorer.state(), explorer.image()
    if places := explorer.pointable():
        box = places[0].bounding_box()
        for x in (0.2, 0.8):  # one of the two is not where it was pinned; frames above may still grow and move it
            places[0].click(position={"x": x * box["width"], "y": 0.8 * box["height"]})
        explorer.settle()
        assert pinned(frame)
        places[0].press("Escape")
        assert not pinned(frame)
    else:
        slider = frame.locator("input[type=range]").first
        at_end = slider.evaluate("s => s.value === s.max")
        slider.click(position={"x": 3 if at_end else slider.bounding_box()["width"] - 3, "y": 5})
        explorer.settle()
    assert explorer.state() != before[0]
    assert explorer.image() != before[1]


def test_a_frame_is_as_high_as_its_explorer_and_takes_the_colours_of_the_page(open_page):
    page = open_page(SMALL)
    frame, explorer = alive(page, 0)
    page.wait_for_function(
        "height => Math.abs(document.querySelector('iframe.explorer').clientHeight - height) < 2",
        arg=explorer.root.evaluate("root => root.parentElement.offsetHeight"),
    )
    for theme, dark in (("dark", True), ("light", False)):
        page.evaluate("theme => { document.body.dataset.theme = theme; }", theme)
        ground = "getComputedStyle(document.querySelector('.course-explorer')).backgroundColor"
        frame.wait_for_function(f"dark => ({ground}.match(/\\d+/)[0] < 99) === dark", arg=dark)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_fault(open_page, name, scheme):
    page = open_page(name, color_scheme=scheme)
    looked_at = [page]
    if name == SMALL:
        looked_at += [alive(page, number)[0] for number in range(len(SHOWN))]
    for document in looked_at:  # axe reaches into no frame that came from a file
        found = Axe().run(document, options={"resultTypes": ["violations"], "iframes": False, "preload": False})
        serious = [
            (fault["id"], node["target"], node["failureSummary"])
            for fault in found.response["violations"]
            for node in fault["nodes"]
            if fault["impact"] in SERIOUS
        ]
        assert serious == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_the_window(open_page, name):
    page = open_page(name)
    for width, height in ((1400, 900), (1024, 768), (400, 700)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width > 400:  # on a telephone a wide table scrolls
            assert page.evaluate(CUT_OFF) == []


def test_a_prediction_unfolds(open_page):
    page = open_page(SMALL)
    asked = page.locator(".course-predict")
    answers = asked.locator("details > div")
    assert not answers.nth(0).is_visible()
    asked.locator("summary").nth(0).click()
    assert answers.nth(0).is_visible()
    assert "Right." in answers.nth(0).inner_text()
    asked.locator("summary").nth(1).press("Enter")
    assert [answer.is_visible() for answer in answers.all()] == [False, True]


def test_formulas_are_mathml(open_page):
    page = open_page(LESSON.stem)
    assert page.locator("math").count() > 20
    assert page.locator("div.math math[display=block]").first.bounding_box()["height"] > 10
    assert page.locator("math merror").count() == 0
    outside_code = page.evaluate("""() => {
      const text = document.querySelector("article").cloneNode(true);
      text.querySelectorAll("pre, code").forEach((code) => code.remove());
      return text.textContent;
    }""")
    assert "$" not in outside_code


def test_a_table_that_a_cell_shows_is_a_table(open_page):
    page = open_page(LESSON.stem)
    assert page.locator(".cell_output table th").count() >= 3
    assert page.locator(".cell_output p", has_text="| -").count() == 0


@pytest.mark.parametrize("name", [LESSON.stem, SMALL])
def test_a_page_prints_dark_on_light_with_all_that_it_shows(open_page, name):
    page = open_page(name, color_scheme="dark")
    page.emulate_media(media="print")
    stills = page.locator("article img.still")
    assert stills.count() == page.locator("iframe.explorer").count() > 0
    for image in page.locator("article img").all():
        assert image.is_visible()
        assert image.evaluate("i => i.complete && i.naturalWidth") > 50
        assert image.get_attribute("alt")
    assert page.locator("article pre").first.is_visible()
    assert not page.locator(".sidebar-drawer").is_visible()
    ink, paper = (
        [int(part) for part in re.findall(r"\d+", page.locator(of).evaluate(f"n => getComputedStyle(n).{colour}"))]
        for of, colour in (("article h1", "color"), ("body", "backgroundColor"))
    )
    assert max(ink) < 100
    assert min(paper[:3]) > 200 or paper[3:] == [0]


def test_solutions_are_folded_and_what_is_not_for_students_is_not_there(open_page):
    page = open_page(LESSON.stem)
    solutions = page.locator("details", has_text="Solution").filter(has_not=page.locator("fieldset"))
    assert solutions.count() >= 3
    assert not any(solution.evaluate("d => d.open") for solution in solutions.all())
    solutions.first.locator("summary").click()
    assert solutions.first.locator("pre").is_visible()
    text = page.content()
    assert payload.TITLE not in text
    assert page.locator(".course-predict").count() > 0
    assert page.locator("pre", has_text="predict(").count() == 0  # such a cell holds the answer
    assert "Students say" not in text
    assert "Students say" in open_page("teacher").content()


def test_the_first_page_shows_each_lesson(open_page):
    page = open_page("index")
    small = page.locator(".lessons li").nth(1)
    assert page.locator(".lessons li").count() == 2
    assert "All explorers" in small.inner_text()
    assert "as in the results. Each can be touched. 2 minutes to show, 3 as a lab." in small.inner_text()
    assert small.locator("img").evaluate("i => i.naturalWidth / i.naturalHeight") == pytest.approx(1.6, abs=0.02)
    small.locator("a").click()
    page.wait_for_selector("h1:has-text('All explorers')")


def test_the_search_finds_a_word_without_a_network(open_page):
    page = open_page("index")
    page.locator("input[name=q]").first.fill("misconception")
    page.keyboard.press("Enter")
    page.locator("#search-results a", has_text="Notes for the teacher").first.click()
    page.wait_for_selector("h1:has-text('Notes for the teacher')")


def test_no_page_points_to_what_is_not_there(html):
    pages = {page: page.read_text(encoding="utf-8") for page in html.glob("*.html")}
    assert len(pages) >= len(PAGES)
    ids = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in pages.items()}
    for page, text in pages.items():
        assert not re.findall(r'<(?:img|script|iframe|link)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]+', text)
        for target in re.findall(r'\b(?:href|src)="(?!https?:|data:|mailto:)([^"]+)"', text):
            path, anchor = urldefrag(unquote(target))
            file = html / path.partition("?")[0] if path else page
            assert file.exists(), f"{page.name} points to {target}"
            if anchor and file in ids:
                assert anchor in ids[file], f"{page.name} points to {target}"


def test_a_lesson_to_download_has_all_cells_and_no_outputs(html):
    have, stored = (nbformat.read(file, as_version=4).cells for file in (html / LESSON.name, LESSON))
    assert [cell.source for cell in have] == [cell.source for cell in stored]
    assert not [cell for cell in have if cell.get("outputs")]


def test_without_scripts_an_explorer_shows_the_still_image_beside_it(html):
    pages = list(html.glob("*/explorer_*.html"))
    assert len(pages) > len(SHOWN)
    for page in pages:
        assert f'<img src="{page.stem}.png"' in page.read_text(encoding="utf-8")
        assert page.with_suffix(".png").exists()


def test_the_pages_are_small(html, measured, monkeypatch):
    measured(f"site: {site.sizes(html, [LESSON.stem])}")
    monkeypatch.setattr(site, "MOST_PAGE", 0.1)
    with pytest.raises(
        ValueError, match=rf"^The site is too large: 1 notebooks, .* is {LESSON.stem}, .* and 0.1 MB a page$"
    ):
        site.sizes(html, [LESSON.stem])


@pytest.mark.timing
def test_a_page_s_explorer_answers_within_a_frame(open_page, measured):
    page = open_page(SMALL)
    medians = {}
    for number, name in enumerate(NAMES):
        _, explorer = alive(page, number)
        explorer.watch()
        for _ in range(12):
            explorer.step(explorer.controls()[0])
            explorer.settle()
        medians[name] = statistics.median(explorer.delays())
    measured(f"a page's explorer, key press to image: medians { ({k: round(v, 1) for k, v in medians.items()}) } ms")
    assert statistics.median(medians.values()) <= 16
