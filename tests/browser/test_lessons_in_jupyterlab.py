"""Each lesson in JupyterLab, in a real browser: it runs, and its explorers answer to keyboard and pointer."""

import json
import re

from tests.browser.explorer import all_explorers
from tools.lab import texts
from tools.lesson import NOTEBOOKS, SOURCES, differences, read_lesson, tags
from tools.settings import read_repository

# Saves, and returns what then lies on the disk.
SAVE = """async () => {
  const { context } = window.jupyterapp.shell.currentWidget;
  await context.save();
  return (await window.jupyterapp.serviceManager.contents.get(context.path, { content: true })).content;
}"""

# Brings a cell onto the screen, where JupyterLab draws it, and returns the height of its input.
SHOW = """async (index) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  await notebook.scrollToItem(index, "center");
  const cell = notebook.widgets[index];
  await cell.ready;
  return cell.node.querySelector(".jp-Cell-inputWrapper").getBoundingClientRect().height;
}"""


def test_all_cells_run_without_an_error(lesson, measured):
    code = [cell for cell in lesson.cells() if cell["cell_type"] == "code"]
    for cell in code:
        for output in cell["outputs"]:
            assert output["output_type"] != "error", f"{cell['source']}\n{output}"
    not_run = [cell["source"][:60] for cell in code if cell["source"].strip() and not cell["execution_count"]]
    assert not_run == []
    measured(f"run all cells in JupyterLab: {lesson.seconds:.1f} s (a dry run, beside other tests)")


def test_the_stored_lesson_shows_images_before_it_is_run(lesson):
    assert lesson.stored


def test_the_package_and_every_solution_are_folded(lesson):
    cells = read_lesson(SOURCES / f"{lesson.name}.py").cells
    package = next(place for place, cell in enumerate(cells) if cell.cell_type == "code")
    assert lesson.page.evaluate(SHOW, package) < 60
    for place in (place for place, cell in enumerate(cells) if "solution" in tags(cell)):
        assert lesson.page.evaluate(SHOW, place) < 80
        solution = lesson.page.locator(f'.jp-MarkdownCell[data-windowed-list-index="{place}"] details')
        assert solution.locator("pre").is_hidden()
        solution.locator("summary").click()
        assert solution.locator("pre").is_visible()
        assert "def " in solution.locator("pre").inner_text()
        solution.locator("summary").click()


def test_opened_run_and_saved_it_is_still_in_step(lesson, tmp_path):
    saved = tmp_path / f"{lesson.name}.ipynb"
    saved.write_text(json.dumps(lesson.page.evaluate(SAVE)), encoding="utf-8")
    assert differences(SOURCES / f"{lesson.name}.py", saved, read_repository()) == []
    stored = NOTEBOOKS / f"{lesson.name}.ipynb"
    assert texts(saved.read_bytes()) == texts(stored.read_bytes()), "an update would take it for a student's work"
    assert "dry run" in saved.read_text(encoding="utf-8"), "this is what was run here, not what was stored"


def test_no_explorer_is_cut_off(lesson):
    for explorer in all_explorers(lesson):
        explorer.show()
        assert explorer.clipped() == [], explorer.name


def test_every_control_answers_to_the_keyboard(lesson):
    for explorer in all_explorers(lesson):
        explorer.show()
        controls = explorer.controls()
        assert controls, f"{explorer.name} has nothing to move"
        for control in controls:
            setting = control.get_attribute("data-setting")
            state, image, words = explorer.state(), explorer.image(), explorer.said()
            key = explorer.step(control)
            if explorer.image() == image:  # from a temperature that hardly moved to the one where it started
                key = explorer.step(control)
            where = f"{explorer.name}, {setting}, {key}"
            assert explorer.state() != state, f"{where}: the state stays"
            assert explorer.image() != image, f"{where}: the image stays"
            assert explorer.said() != words, f"{where}: the words stay"


def test_pointing_by_keyboard(lesson):
    for explorer in all_explorers(lesson):
        explorer.show()
        for canvas in explorer.pointable():
            canvas.focus()
            explorer.page.keyboard.press("Home")
            seen = {explorer.state(): explorer.image()}
            for key in ("End", "ArrowLeft", "ArrowUp"):
                words = explorer.said()
                explorer.page.keyboard.press(key)
                where = f"{explorer.name}, {canvas.get_attribute('data-panel')}, {key}"
                if explorer.state() not in seen:
                    assert explorer.image() not in seen.values(), f"{where}: the image stays"
                    assert explorer.said() != words, f"{where}: the words stay"
                seen[explorer.state()] = explorer.image()
            assert len(seen) >= 3, f"{explorer.name}: the arrow keys do not move the place"
        cells = explorer.page.locator(".jp-mod-active .course-explorer").count()
        assert cells <= 1, "the arrow keys must not move the notebook"


def test_pointing_by_pointer(lesson):
    pointed = 0
    for explorer in all_explorers(lesson):
        explorer.show()
        for canvas in explorer.pointable():
            canvas.scroll_into_view_if_needed()
            box = canvas.bounding_box()
            seen = {}
            for x, y in ((0.2, 0.2), (0.45, 0.2), (0.45, 0.6), (0.7, 0.6)):
                explorer.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
                explorer.page.wait_for_timeout(40)
                seen[explorer.state()] = explorer.image()
            where = f"{explorer.name}, {canvas.get_attribute('data-panel')}"
            assert len(seen) >= 2, f"{where}: the pointer does not move the place"
            assert len(set(seen.values())) == len(seen), f"{where}: the image stays"
            pointed += 1
    assert pointed, "the lesson has nothing to point at"


# Brings a cell onto the screen, and returns what its outputs hold that is wider than they are.
CUT_OFF = """async (index) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  await notebook.scrollToItem(index, "center");
  const { node, ready } = notebook.widgets[index];
  await ready;
  return [...node.querySelectorAll(".jp-OutputArea-output")].flatMap((output) =>
    [...output.querySelectorAll("table, svg, img, .course-explorer")]
      .map((part) => part.getBoundingClientRect().right - output.getBoundingClientRect().right)
      .filter((over) => over > 1));
}"""


def test_on_a_projector_nothing_is_cut_off(lesson):
    page = lesson.page
    page.set_viewport_size({"width": 1024, "height": 768})
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    over = {place: page.evaluate(CUT_OFF, place) for place, cell in enumerate(lesson.cells()) if cell.get("outputs")}
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": 1280, "height": 1000})
    assert over
    assert {place: found for place, found in over.items() if found} == {}


def test_screenshots_in_light_and_dark(lesson, images):
    number = lesson.name.partition("_")[0]
    page = lesson.page
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": 1280, "height": 2000})  # a whole explorer fits on the screen
    for theme, suffix in (("JupyterLab Dark", "-dark"), ("JupyterLab Light", "")):
        lesson.theme(theme)
        assert page.evaluate("() => document.body.dataset.jpThemeLight") == ("false" if suffix else "true")
        for explorer in all_explorers(lesson):
            explorer.show()
            page.mouse.move(2, 2)
            explorer.settle()
            explorer.root.screenshot(path=images / f"{number}-{explorer.name}{suffix}.png")
            ink, paper = explorer.root.evaluate("r => [getComputedStyle(r).color, getComputedStyle(r).backgroundColor]")
            assert contrast(ink, paper) >= 7, f"{explorer.name}, {theme}: {ink} on {paper}"
    page.set_viewport_size({"width": 1280, "height": 1000})
    first = all_explorers(lesson)[0]
    first.show()
    first.settle()
    page.screenshot(path=images / f"{number}-jupyterlab.png")


def contrast(ink: str, paper: str) -> float:
    """Returns the contrast ratio of two CSS colours, `rgb(…)` or `rgba(…)`, as WCAG defines it."""
    front, back = ([float(number) for number in re.findall(r"[\d.]+", colour)] for colour in (ink, paper))
    opacity = front[3] if len(front) > 3 else 1.0
    mixed = [opacity * f + (1 - opacity) * b for f, b in zip(front[:3], back[:3], strict=True)]
    lights = []
    for colour in (mixed, back):
        linear = [v / 3294.6 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in colour[:3]]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)
