"""What all tests share: the environment, the order, and the room in which time is measured."""

import contextlib
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from tests.notebooks import clock, learned
from tests.notebooks.asked import behind_lessons, is_cell

try:
    import fcntl
except ImportError:
    fcntl = None

# Before anything imports Keras: the tests measure the course, not the machine's own settings.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "agg")
# Each test process has its own core. One thread does the work of these small networks as fast as two and keeps the
# processor a third less busy.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
# Tests ask whether XLA compiles a layer, not how fast the result is.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")
os.environ["COURSE_PROFILE"] = "quick"
os.environ.pop("COURSE_DRY_RUN", None)

HERE = Path(__file__).resolve().parent
# After all others: each lesson by nbval, with other versions, and in a browser. First of these comes the one file that
# takes longest, so that no process goes on alone when the rest is done.
LONGEST = "test_jax.py"
LAST = (LONGEST, ".ipynb", "environments", "browser")
LESSON = re.compile(r"\d\d_\w+")


def lesson_of(nodeid: str) -> str | None:
    """Returns the lesson that a slow test is about, such as "01_mlp_mixer"."""
    found = LESSON.search(nodeid)
    return found and found[0]


def behind_last_cell(cell) -> list:
    """Returns the tests that ask a lesson's kernel: how long it took, and what it learned."""
    found = [clock.Clock.from_parent(cell.parent, name="Clock")]
    if cell.path.stem == learned.LESSON:
        found.append(learned.Learned.from_parent(cell.parent, name="Learned"))
    return found


def pytest_collection_modifyitems(items):
    """Puts fast tests first, of these the ones that measure time last, and of the slow ones the longest first."""

    def rank(item):
        path = Path(item.path)
        kinds = (path.name, path.suffix, path.parent.name)
        slow = next((k for k, kind in enumerate(LAST, 1) if kind in kinds), 0)
        lesson = lesson_of(item.nodeid) if slow else None
        return (slow, -clock.MOST_SECONDS.get(lesson, 0), lesson or "", "timing" in item.keywords)

    items[:] = behind_lessons(items, behind_last_cell)
    items.sort(key=rank)
    for item in items:
        if "real_data" in item.keywords and not os.environ.get("COURSE_DATA"):
            item.add_marker(pytest.mark.skip(reason="COURSE_DATA is not set: no real data on this machine"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Gives a test process one file at a time, and of a file that has every test for each lesson, one lesson."""
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByLesson(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return f"{nodeid.partition('::')[0]} {lesson_of(nodeid)}"

        def _reschedule(self, node):
            # A process needs one test beyond the one it runs. A third would wait there while another process is idle.
            if node.shutting_down or not self.workqueue or self._pending_of(self.assigned_work[node]) <= 1:
                super()._reschedule(node)

    return ByLesson(config, log)


def pytest_configure(config):
    """Makes the folder of locks that all processes of this run share."""
    if not hasattr(config, "workerinput"):
        os.environ["COURSE_TEST_LOCKS"] = tempfile.mkdtemp(prefix="course-tests-")


def pytest_unconfigure(config):
    """Removes the folder of locks."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop("COURSE_TEST_LOCKS"), ignore_errors=True)


ROOM = pytest.StashKey()


@contextlib.contextmanager
def _locked(name: str, shared: bool):
    """Holds a lock that all processes of this test run know."""
    if fcntl is None:  # Windows: there the tests run in one process
        yield None
        return
    with open(Path(os.environ["COURSE_TEST_LOCKS"], name), "w") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield file


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Lets a test marked `timing` run alone, whatever the other test processes do.

    Every test goes through the door one by one; a test that measures time keeps the door shut until it is done.
    """
    with contextlib.ExitStack() as inside:
        with _locked("door", shared=False):
            item.stash[ROOM] = inside.enter_context(_locked("room", shared="timing" not in item.keywords))
            if "timing" in item.keywords:
                return (yield)
        if not is_cell(item):
            return (yield)
        began = time.perf_counter()  # behind the doors: waiting for others is not the lesson's time
        with clock.embedded_data():
            result = yield
        clock.note(item, time.perf_counter() - began)
        return result


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
def alone(request):
    """A function whose context lets the test go on alone: for a measurement that failed beside others.

    It leaves the room first, so that two tests that want to be alone do not wait for each other.
    """

    @contextlib.contextmanager
    def waits_and_goes_on():
        room = request.node.stash[ROOM]
        if room is None:
            yield
            return
        fcntl.flock(room, fcntl.LOCK_UN)
        with _locked("door", shared=False):
            fcntl.flock(room, fcntl.LOCK_EX)
            yield
        fcntl.flock(room, fcntl.LOCK_SH)

    return waits_and_goes_on


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
