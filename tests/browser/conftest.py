"""The lesson, open in JupyterLab in a real browser, with all cells run."""

import os
from pathlib import Path

import pytest

from tests.browser.lab import Lesson, jupyterlab

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def pytest_collection_modifyitems(items):
    """Marks every test of this folder: JupyterLab is rehearsed."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.rehearsal)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A JupyterLab for all lessons: a function from a lesson's file name to the address to open.

    The lessons are run dry there, not trained, and without a graph: other tests do both. Images for the README show
    trained networks.
    """
    dry_run = "0" if os.environ.get("COURSE_SCREENSHOTS") else "eager"
    with jupyterlab(tmp_path_factory.mktemp("jupyterlab"), LESSONS, COURSE_DRY_RUN=dry_run) as of:
        yield of


@pytest.fixture(scope="module", params=LESSONS, ids=lambda lesson: lesson.stem)
def lesson(request, browser, address):
    """The lesson with all its cells run."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    opened = Lesson(context.new_page(), request.param.stem)
    opened.open(address(request.param.name))
    opened.stored = opened.shows_stored_image()
    opened.run_all()
    yield opened
    opened.shut_down()
    context.close()


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> Path:
    """The folder of screenshots: docs/images when COURSE_SCREENSHOTS is set, else a temporary one."""
    if not os.environ.get("COURSE_SCREENSHOTS"):
        return tmp_path_factory.mktemp("screenshots")
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
