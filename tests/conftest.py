"""What all tests share: the environment, the order, and the room in which time is measured."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

try:
    import fcntl
except ImportError:
    fcntl = None

# Before anything imports Keras: the tests measure the course, not the machine's own settings.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ["COURSE_PROFILE"] = "quick"

HERE = Path(__file__).resolve().parent
LAST = ("notebooks", "environments", "browser")  # the slow folders of tests/, in this order, after all others


def pytest_collection_modifyitems(items):
    """Puts fast tests first, and in each folder the tests that measure time last."""

    def rank(item):
        path = Path(item.path)
        folder = path.relative_to(HERE).parts[0] if path.is_relative_to(HERE) else "notebooks"
        slow = LAST.index(folder) + 1 if folder in LAST else 0
        return (slow, "timing" in item.keywords)

    items.sort(key=rank)
    for item in items:
        if "real_data" in item.keywords and not os.environ.get("COURSE_DATA"):
            item.add_marker(pytest.mark.skip(reason="COURSE_DATA is not set: no real data on this machine"))


def pytest_configure(config):
    """Makes the folder of locks that all processes of this run share."""
    if not hasattr(config, "workerinput"):
        os.environ["COURSE_TEST_LOCKS"] = tempfile.mkdtemp(prefix="course-tests-")


def pytest_unconfigure(config):
    """Removes the folder of locks."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop("COURSE_TEST_LOCKS"), ignore_errors=True)


@contextlib.contextmanager
def _locked(name: str, shared: bool):
    """Holds a lock that all processes of this test run know."""
    if fcntl is None:  # Windows: there the tests run in one process
        yield
        return
    with open(Path(os.environ["COURSE_TEST_LOCKS"], name), "w") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Lets a test marked `timing` run alone, whatever the other test processes do.

    Every test goes through the door one by one; a test that measures time keeps the door shut until it is done.
    """
    alone = "timing" in item.keywords
    with contextlib.ExitStack() as inside:
        with _locked("door", shared=False):
            inside.enter_context(_locked("room", shared=not alone))
            if alone:
                return (yield)
        return (yield)


@pytest.fixture(scope="module")
def browser():
    """Chromium, without a window."""
    from tests.browser.lab import FLAGS, find_chromium

    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: `sudo apt install chromium` brings one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def measured(record_property):
    """A function that notes a measured figure; all of them are printed at the end of the run."""
    return lambda text: record_property("measured", text)


def pytest_terminal_summary(terminalreporter):
    """Prints what was measured."""
    lines = [
        str(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for key, value in report.user_properties
        if key == "measured"
    ]
    if lines:
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(lines))
