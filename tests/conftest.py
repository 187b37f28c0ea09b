"""What all tests share: the environment, the order, and what was measured."""

import os
import re

import pytest

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

# Whole lessons and other environments come after all other tests, what takes longest first, and so the later lessons:
# no process is left to work alone at the end.
LAST = (
    "test_jax.py", "test_lessons_run.py", "test_lessons.py", "test_lessons_in_jupyterlab.py", "test_colab_versions.py",
    "test_assignment.py", "test_without_make.py",
)  # fmt: skip
LESSON = re.compile(r"\d\d_\w+")


def pytest_make_parametrize_id(val, argname):
    """Names a file's bytes by their argument: some hold the time of day, and all workers must find the same tests."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    """Puts fast tests first, and keeps a file together in one process; of those that come last, each lesson."""

    def rank(item) -> int:
        return LAST.index(item.path.name) if item.path.name in LAST else -1

    def lesson_of(item) -> str:
        found = LESSON.search(item.nodeid) if rank(item) >= 0 else None
        return found[0] if found else ""

    items.sort(key=lambda item: (rank(item), -int(lesson_of(item)[:2] or 0)))
    for item in items:
        lesson = lesson_of(item)
        # A lesson's run stands before its quick tests. pytest-xdist hands a process another group while it has no more
        # than two tests left: so none waits behind a run while another process has nothing to do.
        name = f"{item.path.name.replace('_run', '')} {lesson}" if lesson else item.location[0]
        item.add_marker(pytest.mark.xdist_group(name))
        if "real_data" in item.keywords and not os.environ.get("COURSE_DATA"):
            item.add_marker(pytest.mark.skip(reason="COURSE_DATA is not set: no real data on this machine"))


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
