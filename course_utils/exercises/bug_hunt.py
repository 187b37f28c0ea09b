"""The checks of lesson 06's bug hunt: each runs a student's test on the right thing and on the broken one."""

import functools

import keras
import numpy as np

from course_utils.exercises.bugs import CASES
from course_utils.exercises.judging import Check, Nothing, NotYet, answer, compare, truth, verdict


def _says(attempt, make, where: str) -> bool | Nothing:
    """Returns what a test says of what a maker makes: True (right), False (broken) or `Nothing`.

    A test written with `assert` says nothing of a thing that passes.
    """
    keras.utils.set_random_seed(0)
    read = functools.partial(truth, where=where, wanted="True (right) or False (broken)")
    try:
        return answer(attempt, [make], read)
    except Nothing as nothing:
        return nothing
    except NotYet as hint:
        if isinstance(hint.__cause__, AssertionError):
            return False
        raise


def _hunt(about: str, name: str, wrong: str) -> Check:
    """Returns the check of a test `name(make)`: it passes everything right of a case and fails everything broken."""
    case = CASES[about]

    def check(attempt):
        spoke = False
        for settings, make in case.makers(case.right).items():
            said = _says(attempt, make, f"for the right {case.thing} ({settings})")
            spoke |= said is True
            if said is False:
                raise NotYet(f"your test calls the right {case.thing} broken ({settings}){case.caution}")
        for broken in filter(None, (case.broken, case.also_broken)):
            for settings, make in case.makers(broken).items():
                said = _says(attempt, make, f"for the broken {case.thing} ({settings})")
                if isinstance(said, Nothing) and not spoke:
                    raise said
                if said is not False:
                    raise NotYet(f"your test lets the broken {case.thing} pass ({settings}): {case.hint}")

    check.__name__, check.__doc__ = f"check_{name}", f"Checks `{name}(make)`: False for {wrong}."
    return Check(check, "make", f"Caught: {case.wrong}.")


check_two_norms = _hunt("norms", "two_norms", "a Mixer block whose two LayerNorms are not two")
check_raw_residual = _hunt("residual", "raw_residual", "a gMLP block that does not add the raw `x`")
check_learned_temperature = _hunt("temperature", "learned_temperature", "attention whose temperature no training moves")
check_schedule_in_use = _hunt("schedule", "schedule_in_use", "training whose learning rate never changes")
check_hidden_width = _hunt("width", "hidden_width", "a Mixer block whose channel MLP has not the width asked for")


def _near(wrong, rtol=1e-2, atol=1e-3):
    """Returns a function that says whether an array is about that."""
    return lambda got: np.allclose(got, wrong, rtol, atol)


@verdict("value, x", "A small step either way, one channel at a time: no gradient can hide from that.")
def check_finite_difference(attempt):
    """Checks `finite_difference(value, x)`: the gradient of `value` at `x`, found by moving `x` a little."""
    x, weights = np.random.default_rng(1).normal(size=(2, 6))
    cases = {
        "a weighted sum": (lambda v: float(weights @ v), weights),
        "a sum of cubes": (lambda v: float((v**3).sum()), 3 * x**2),
        "an exponential": (lambda v: float(np.exp(weights @ v)), np.exp(weights @ x) * weights),
    }
    twice = "you are off by a factor of 2: divide by the whole way between the two points"
    for name, (value, gradient) in cases.items():
        mistakes = {
            "the sign is turned round: value after the step minus value before it": _near(-gradient),
            twice: lambda got, right=gradient: _near(2 * right)(got) or _near(right / 2)(got),
            "you give nearly 0: divide the difference by the length of the step": _near(0),
            "you are close: take a smaller step, 1e-6 or so, in both directions": _near(gradient, 0.3, 0.1),
        }
        axes, otherwise = "(d,): one slope for each channel", f"the slopes should be {np.round(gradient, 2)}"
        compare(attempt, (value, x), gradient, axes, mistakes, otherwise, f"for {name}", rtol=1e-4, atol=1e-5)
