"""The checks of lesson 06's bug hunt: each runs a student's test on the right thing and on the broken one."""

import functools

import keras
import numpy as np

from course_utils.exercises.bugs import CASES
from course_utils.exercises.judging import Nothing, NotYet, answer, compare, truth, verdict


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


def _judge(attempt, name: str, hint: str, caution: str = "") -> None:
    """Raises `NotYet` unless a test passes everything right of a case and fails everything broken.

    `hint` is for a test that lets something broken pass, `caution` for one that calls something right broken.
    """
    case, spoke = CASES[name], False
    for settings, make in case.makers(case.right).items():
        said = _says(attempt, make, f"for the right {case.thing} ({settings})")
        spoke |= said is True
        if said is False:
            raise NotYet(f"your test calls the right {case.thing} broken ({settings}){caution}")
    for settings, make in case.makers(case.broken).items():
        said = _says(attempt, make, f"for the broken {case.thing} ({settings})")
        if isinstance(said, Nothing) and not spoke:
            raise said
        if said is not False:
            raise NotYet(f"your test lets the broken {case.thing} pass ({settings}): {hint}")


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


@verdict("make", f"Caught: {CASES['norms'].wrong}.")
def check_two_norms(attempt):
    """Checks `two_norms(make)`: False for a Mixer block whose two LayerNorms are not two."""
    _judge(attempt, "norms", "the same object under two names has one set of weights; count, or compare")


@verdict("make", f"Caught: {CASES['residual'].wrong}.")
def check_raw_residual(attempt):
    """Checks `raw_residual(make)`: False for a gMLP block that does not add the raw `x`."""
    hint = "LN(10 x) equals LN(x), and 10 x does not equal x; which of the two comes out"
    caution = ": what adds the raw x? And are your numbers equal but for rounding? Compare with atol=1e-3"
    _judge(attempt, "residual", hint, caution)


@verdict("make", f"Caught: {CASES['temperature'].wrong}.")
def check_learned_temperature(attempt):
    """Checks `learned_temperature(make)`: False for attention whose temperature no training moves."""
    hint = "do not ask the temperature what it is; ask the layer what it hands to an optimizer"
    _judge(attempt, "temperature", hint)


@verdict("make", f"Caught: {CASES['schedule'].wrong}.")
def check_schedule_in_use(attempt):
    """Checks `schedule_in_use(make)`: False for training whose learning rate never changes."""
    _judge(attempt, "schedule", "read the rate that the optimizer uses, at more than one step")


@verdict("make", f"Caught: {CASES['width'].wrong}.")
def check_hidden_width(attempt):
    """Checks `hidden_width(make)`: False for a Mixer block whose channel MLP has not the width asked for."""
    hint = "count real weights, and ask for a width that is not the number of tokens"
    _judge(attempt, "width", f"{hint}; what a block says of itself may lie")
