"""The time from a key press to the image in JupyterLab, in a real browser: within one frame, for every explorer."""

import re
from statistics import median

import nbformat
import pytest

from course_utils import explorers
from tests.browser.explorer import all_explorers
from tests.browser.lab import Lesson, jupyterlab
from tests.explorers.browser import SETUP, SHOWN
from tools.lesson import KERNEL

PRESSES = 24
WITHIN_MS = 16.0


@pytest.fixture
def shown(browser, tmp_path):
    """A notebook that shows every explorer, run in JupyterLab."""
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, *SHOWN)]
    notebook = tmp_path / "explorers.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), notebook)
    (scratch := tmp_path / "jupyterlab").mkdir()
    with jupyterlab(scratch, [notebook]) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        opened = Lesson(context.new_page(), notebook.stem)
        opened.open(address(notebook.name))
        opened.run_all()
        yield opened
        opened.shut_down()
        context.close()


def delays_of(explorer) -> tuple[list[float], list[float]]:
    """Presses arrow keys; returns the milliseconds from key press to image, sorted, and those of the drawing."""
    explorer.show()
    explorer.watch()
    sliders = [control for control in explorer.controls() if control.get_attribute("type") == "range"]
    if sliders:
        sliders[-1].focus()
    else:
        explorer.pointable()[0].focus()
    for press in range(PRESSES):
        explorer.page.keyboard.press("ArrowRight" if press % 4 < 2 else "ArrowLeft")
        explorer.page.wait_for_timeout(35 + 7 * (press % 5))  # at no fixed distance from the screen's frames
    delays = sorted(explorer.delays())
    assert len(delays) >= 0.75 * PRESSES, f"{explorer.name}: {len(delays)} of {PRESSES} presses changed the image"
    return delays, explorer.drawings()


@pytest.mark.timing
def test_a_key_press_shows_its_image_within_a_frame(shown, measured):
    found = all_explorers(shown)
    assert len(found) == len(SHOWN)
    slow = []
    for explorer in found:
        delays, drawings = delays_of(explorer)
        text = f"{explorer.name}, key press to image: {median(delays):.1f} ms median"
        measured(f"{text} of {len(delays)}, {delays[-2]:.1f} ms second worst; drawing itself {median(drawings):.1f} ms")
        if median(delays) > WITHIN_MS:
            slow.append(text)
    assert slow == []


def test_every_explorer_is_timed():
    assert set(re.findall(r"explorers\.(explore_\w+)", " ".join(SHOWN))) == {
        name for name in explorers.__all__ if name.startswith("explore_")
    }
