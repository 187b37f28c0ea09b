"""The clock behind each lesson: too slow is what is so by both measures."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.notebooks import clock
from tools.lesson import sources


def asked(wall: float, busy: float, alive: bool = True) -> SimpleNamespace:
    """Returns a clock behind a lesson that took so many seconds."""
    reply = {"content": {"user_expressions": {"busy": {"data": {"text/plain": str(busy)}}}}}
    client = SimpleNamespace(execute=lambda code, **options: reply)
    kernel = SimpleNamespace(kc=client, is_alive=lambda: alive)
    parent = SimpleNamespace(kernel=kernel, stash={clock.SPENT: wall})
    return SimpleNamespace(path=Path("01_mlp_mixer.ipynb"), parent=parent, user_properties=[])


@pytest.fixture(autouse=True)
def _limits(monkeypatch):
    monkeypatch.delenv("COURSE_LESSON_SECONDS", raising=False)


@pytest.mark.parametrize(("wall", "busy"), [(59, 59), (200, 59), (59, 100)])
def test_a_lesson_is_fast_enough_by_either_measure(wall, busy):
    found = asked(wall, busy)
    clock.Clock.runtest(found)
    ((key, text),) = found.user_properties
    assert key == "measured"
    assert f"{wall:.1f} s beside other tests, processors busy for {busy:.1f} s" in text


def test_a_lesson_that_is_too_slow_says_so(monkeypatch):
    with pytest.raises(AssertionError, match=r"01_mlp_mixer.*70.0 s beside.*busy for 65.0 s.*may take 60 s on its own"):
        clock.Clock.runtest(asked(70, 65))
    monkeypatch.setenv("COURSE_LESSON_SECONDS", "65")
    clock.Clock.runtest(asked(70, 65))


def test_the_lesson_does_not_see_the_real_data(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "folder")
    with clock.embedded_data():
        assert "COURSE_DATA" not in os.environ
    assert os.environ["COURSE_DATA"] == "folder"


def test_without_a_kernel_nothing_is_measured():
    with pytest.raises(pytest.skip.Exception, match="not run to its end"):
        clock.Clock.runtest(asked(1, 1, alive=False))


def test_every_lesson_has_a_limit_and_a_clock_behind_its_last_cell(monkeypatch):
    monkeypatch.setattr(clock.Clock, "from_parent", lambda parent, name: f"{name} of {parent}")
    names = [source.stem for source in sources()]
    assert all(clock.most_seconds(name) > 0 for name in names)
    test = SimpleNamespace(path=Path("test_a.py"), parent="file")
    cells = [[SimpleNamespace(path=Path(f"{name}.ipynb"), parent=name)] * 2 for name in names]
    wanted = [test, *(part for pair in cells for part in (*pair, f"Clock of {pair[0].parent}")), test]
    assert clock.with_clocks([test, *(cell for pair in cells for cell in pair), test]) == wanted
