"""The tests behind a lesson: too slow is what is so by both measures, and all mixers must have learned."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import behind_last_cell
from tests.notebooks import clock
from tests.notebooks.asked import behind_lessons
from tests.notebooks.learned import Learned
from tools.lesson import sources


def behind_a_lesson(kind, answer, wall: float = 0, alive: bool = True):
    """Returns a test behind a lesson whose kernel gives one answer."""
    answer = answer if isinstance(answer, dict) and "status" in answer else {"data": {"text/plain": repr(answer)}}
    client = SimpleNamespace(execute=lambda code, **options: {"content": {"user_expressions": {"answer": answer}}})
    kernel = SimpleNamespace(kc=client, is_alive=lambda: alive)
    found = object.__new__(kind)
    found.path = Path("01_mlp_mixer.ipynb")
    found.parent = SimpleNamespace(kernel=kernel, stash={clock.SPENT: wall})
    found.user_properties = []
    return found


@pytest.fixture(autouse=True)
def _limits(monkeypatch):
    monkeypatch.delenv("COURSE_LESSON_SECONDS", raising=False)


@pytest.mark.parametrize(("wall", "busy"), [(59, 59), (200, 59), (59, 100)])
def test_a_lesson_is_fast_enough_by_either_measure(wall, busy):
    found = behind_a_lesson(clock.Clock, busy, wall)
    found.runtest()
    ((key, text),) = found.user_properties
    assert key == "measured"
    assert f"{wall:.1f} s beside other tests, processors busy for {busy:.1f} s" in text


def test_a_lesson_that_is_too_slow_says_so(monkeypatch):
    with pytest.raises(AssertionError, match=r"01_mlp_mixer.*70.0 s beside.*busy for 65.0 s.*may take 60 s on its own"):
        behind_a_lesson(clock.Clock, 65.0, 70.0).runtest()
    monkeypatch.setenv("COURSE_LESSON_SECONDS", "65")
    behind_a_lesson(clock.Clock, 65.0, 70.0).runtest()


def test_the_lesson_does_not_see_the_real_data(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "folder")
    with clock.embedded_data():
        assert "COURSE_DATA" not in os.environ
    assert os.environ["COURSE_DATA"] == "folder"


def test_without_a_kernel_nothing_is_measured():
    with pytest.raises(pytest.skip.Exception, match="not run to its end"):
        behind_a_lesson(clock.Clock, 1.0, 1.0, alive=False).runtest()


def accuracies(**changes) -> dict[str, float]:
    """Returns what lesson 06 reaches, one accuracy for each name; changes go by the names' first letters."""
    names = ("MLP", "Fourier", "gate", "attention", "SPT + LSA", "none")
    return {name: changes.get(name[:3], 0.06 if name == "none" else 0.97) for name in names}


def test_five_mixers_must_have_learned_and_the_baseline_must_not():
    found = behind_a_lesson(Learned, accuracies(Fou=0.81))
    found.runtest()
    assert found.user_properties[0][1].endswith("MLP 97.0 %, Fourier 81.0 %, gate 97.0 %, attention 97.0 %, "
                                                "SPT + LSA 97.0 %, none 6.0 %")  # fmt: skip
    for name in ("MLP", "gat", "att", "SPT"):
        with pytest.raises(AssertionError, match="did not learn"):
            behind_a_lesson(Learned, accuracies(**{name: 0.89})).runtest()
    with pytest.raises(AssertionError, match="Fourier 79"):
        behind_a_lesson(Learned, accuracies(Fou=0.79)).runtest()
    with pytest.raises(AssertionError, match="without mixing it must stay at chance"):
        behind_a_lesson(Learned, accuracies(non=0.2)).runtest()
    with pytest.raises(AssertionError, match="not the six networks: MLP"):
        behind_a_lesson(Learned, {"MLP": 0.97}).runtest()


def test_a_question_that_fails_in_the_kernel_says_why():
    broken = {"status": "error", "ename": "NameError", "evalue": "name 'runs' is not defined"}
    with pytest.raises(AssertionError, match=r"run.test.*NameError: name 'runs' is not defined"):
        behind_a_lesson(Learned, broken).runtest()


def test_every_lesson_has_a_limit_and_its_tests_behind_its_last_cell(monkeypatch):
    for kind in (clock.Clock, Learned):
        monkeypatch.setattr(kind, "from_parent", lambda parent, name: f"{name} of {parent}")
    names = [source.stem for source in sources()]
    assert all(clock.most_seconds(name) > 0 for name in names)
    test = SimpleNamespace(path=Path("test_a.py"), parent="file")
    cells = [[SimpleNamespace(path=Path(f"{name}.ipynb"), parent=name)] * 2 for name in names]
    behind = {name: [f"Clock of {name}"] for name in names}
    behind["06_side_by_side"].append("Learned of 06_side_by_side")
    wanted = [test, *(part for pair in cells for part in (*pair, *behind[pair[0].parent])), test]
    assert behind_lessons([test, *(cell for pair in cells for cell in pair), test], behind_last_cell) == wanted
