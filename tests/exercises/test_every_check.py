"""What every check must do, whatever it asks."""

import numpy as np
import pytest

from course_utils import exercises


def broken(*args, **kwargs):
    raise ZeroDivisionError("oh")


@pytest.mark.parametrize("name", exercises.__all__)
def test_unfinished_wrong_and_broken_answers_get_a_hint_and_never_an_error(name, capsys):
    check = getattr(exercises, name)
    for attempt, hint in (
        (lambda *args, **kwargs: None, "your function returns nothing"),
        (lambda *args, **kwargs: ..., "your function returns nothing"),
        (broken, "your code raised ZeroDivisionError"),
        (lambda *args, **kwargs: "word", "✗ Not yet"),
        (lambda *args, **kwargs: np.zeros(3), "✗ Not yet"),
        (lambda *args, **kwargs: [[1, 2], [3]], "✗ Not yet"),
        (7, "give the function itself, without calling it"),
    ):
        assert check.passes(attempt) is False
        assert hint in capsys.readouterr().out
    assert check(broken) is None
