"""What all checks share: the verdict, and reading what a student's function gave."""

import functools
import traceback

import numpy as np


class NotYet(Exception):
    """What the student's function does not do yet, in words."""


def verdict(right: str):
    """Turns a function that raises `NotYet` into a check that prints a verdict."""

    def decorate(test):
        def passes(attempt) -> bool:
            try:
                if not callable(attempt):
                    raise NotYet(f"give the function itself, without calling it; this is a {type(attempt).__name__}")
                test(attempt)
            except NotYet as hint:
                print(f"✗ Not yet: {hint}.")
                return False
            print(f"✓ {right}")
            return True

        @functools.wraps(test)
        def check(attempt) -> None:
            passes(attempt)

        check.passes = passes  # type: ignore[attr-defined]
        return check

    return decorate


def answer(attempt, *args):
    """Calls the student's function; an error inside it becomes a hint with the line that raised it.

    A hint raised by a function that the student was given stays what it is.
    """
    try:
        value = attempt(*args)
    except NotYet:
        raise
    except Exception as error:
        line = traceback.extract_tb(error.__traceback__)[-1]
        where = f"line {line.lineno}" if line.name == getattr(attempt, "__name__", "") else f"inside {line.name}"
        message = str(error).strip().splitlines() or [""]
        raise NotYet(f"your code raised {type(error).__name__} ({where}): {message[0]}") from error
    if value is None or value is Ellipsis:
        raise NotYet("your function returns nothing; replace the ... by your own code")
    if isinstance(value, list) and not is_regular(value):
        raise NotYet("the result is a list of lists of unequal length; return a number or an array")
    return value


def is_regular(value) -> bool:
    """Says whether NumPy can make an array of something."""
    try:
        np.asarray(value)
    except ValueError:
        return False
    return True


def array(value, shape, axes: str) -> np.ndarray:
    """Returns the student's result as an array of the right shape."""
    try:
        got = np.asarray(value, dtype="float64")
    except (TypeError, ValueError):
        raise NotYet(f"the result must be an array {axes}, but it is a {type(value).__name__}") from None
    if got.shape != shape:
        raise NotYet(f"the result must have the shape {shape} {axes}, but it has {got.shape}")
    return got
