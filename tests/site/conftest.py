"""The course's pages, made of one lesson and of a small one that shows every explorer."""

import re
from pathlib import Path

import nbformat
import pytest

from tests.explorers.browser import SETUP, SHOWN
from tools import site
from tools.lesson import KERNEL, NOTEBOOKS, SOLUTION

LESSON = NOTEBOOKS / "02_fnet.ipynb"
SMALL = "99_all_explorers"
QUESTION = "What is *a*²?"
TITLE = """# All explorers

**2 minutes to show, 3 as a lab.** One after the other, as in [the results](../docs/results.md). Each can be
touched. A third sentence.

A formula, $x^2$, and another:

$$y = \\mathrm{LN}_1(x)$$
"""


def small_lesson(folder: Path) -> Path:
    """Returns the notebook that shows every explorer, a prediction and a solution."""
    code = [
        SETUP,
        *SHOWN,
        f'explorers.predict("{QUESTION}", ["It is *a*", "It is *a* < *b*"], "It is *a a*.", right=0)',
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in code]
    cells.insert(0, nbformat.v4.new_markdown_cell(TITLE))
    cells.append(nbformat.v4.new_markdown_cell(SOLUTION.format("answer = 42")))
    path = folder / f"{SMALL}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": dict(KERNEL)}), path)
    return path


@pytest.fixture(scope="module")
def html(tmp_path_factory, request) -> Path:
    """The folder of the pages. What the lessons show is kept from one run of the tests to the next."""
    output = tmp_path_factory.mktemp("site") / "html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "SITE", Path(request.config.cache.mkdir("site")))
        # Dry: another test trains the lessons.
        site.build([LESSON, small_lesson(output.parent)], output, COURSE_DRY_RUN="eager")
    return output


@pytest.fixture
def open_page(browser, html):
    """A function that opens a page from the disk, without a network; a complaint of the browser is an error."""
    contexts, complaints = [], []

    def failed(request):
        if request.failure != "net::ERR_ABORTED":  # a page left while its frames were loading
            complaints.append(f"{request.failure}: {request.url}")

    def opened(name, **context):
        contexts.append(browser.new_context(offline=True, **{"viewport": {"width": 1400, "height": 900}, **context}))
        page = contexts[-1].new_page()
        page.on("console", lambda said: complaints.append(said.text) if "getImageData" not in said.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", failed)
        page.on("request", lambda r: complaints.append(r.url) if not re.match("file:|blob:|data:", r.url) else None)
        page.goto((html / f"{name}.html").as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
