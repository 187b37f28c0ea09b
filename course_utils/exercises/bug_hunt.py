"""The checks of lesson 06's bug hunt: each runs a student's test on the right thing and on the broken one."""

import keras
import numpy as np

from course_utils.exercises.bugs import CASES, Case
from course_utils.exercises.verdict import NotYet, answer, array, is_regular, verdict


def _says(attempt, make, where: str) -> bool | None:
    """Returns what a test says of what a maker makes: True (right), False (broken), None (nothing).

    A test written with `assert` says nothing of a thing that passes.
    """

    def said(make):
        try:
            return (attempt(make),)
        except AssertionError:
            return (False,)

    said.__name__ = getattr(attempt, "__name__", "")  # an error inside it then names the student's own line
    keras.utils.set_random_seed(0)
    (value,) = answer(said, make)
    if value is None or value is Ellipsis:
        return None
    if not is_regular(value) or np.asarray(value).dtype.kind != "b":
        raise NotYet(f"return True (right) or False (broken); {where} you return {value!r}")
    if np.ndim(value):
        raise NotYet(
            f"return one True or False; {where} you return {np.size(value)} of them: np.all or np.any joins them"
        )
    return bool(value)


def _judge(attempt, case: Case, hint: str, caution: str = "") -> None:
    """Raises `NotYet` unless a test passes everything right and fails everything broken.

    Args:
        attempt: the student's test.
        case: what to run it on.
        hint: what to try when the test lets something broken pass.
        caution: what to try when the test calls something right broken.
    """
    verdicts = {}
    for sound, makers in ((True, case.right), (False, case.broken)):
        for settings, make in makers.items():
            where = f"for the {'right' if sound else 'broken'} {case.thing} ({settings})"
            verdicts[sound, settings] = _says(attempt, make, where)
    if all(said is None for said in verdicts.values()):
        raise NotYet("your function returns nothing; replace the ... by your own code")
    for (sound, settings), said in verdicts.items():
        if sound and said is False:
            advice = f": {caution}" if caution else ""
            raise NotYet(f"your test calls the right {case.thing} broken ({settings}){advice}")
        if not sound and said is not False:
            raise NotYet(f"your test lets the broken {case.thing} pass ({settings}): {hint}")


@verdict("A small step either way, one channel at a time: no gradient can hide from that.")
def check_finite_difference(attempt):
    """Checks `finite_difference(value, x)`: the gradient of `value` at `x`, found by moving `x` a little."""
    x, weights = np.random.default_rng(1).normal(size=(2, 6))
    before = x.copy()
    cases = {
        "a weighted sum": (lambda v: float(weights @ v), weights),
        "a sum of cubes": (lambda v: float((v**3).sum()), 3 * x**2),
        "an exponential": (lambda v: float(np.exp(weights @ v)), np.exp(weights @ x) * weights),
    }
    for name, (value, gradient) in cases.items():
        got = array(answer(attempt, value, x), (6,), "(d,): one slope for each channel")
        if not np.array_equal(x, before):
            raise NotYet("your function changes x itself; move a copy of it")
        if np.allclose(got, gradient, rtol=1e-4, atol=1e-5):
            continue
        if np.allclose(got, -gradient, rtol=1e-2, atol=1e-3):
            raise NotYet(f"for {name} the sign is turned round: value after the step minus value before it")
        if np.allclose(got, 2 * gradient, rtol=1e-2) or np.allclose(got, gradient / 2, rtol=1e-2):
            raise NotYet(f"for {name} you are off by a factor of 2: divide by the whole way between the two points")
        if np.abs(got).max() < 1e-3:
            raise NotYet(f"for {name} you give nearly 0: divide the difference by the length of the step")
        if np.allclose(got, gradient, rtol=0.3, atol=0.1):
            raise NotYet(f"for {name} you are close: take a smaller step, 1e-6 or so, in both directions")
        raise NotYet(f"for {name} the slopes should be {np.round(gradient, 2)}, but yours are {np.round(got, 2)}")


@verdict("Caught: " + CASES["norms"].wrong + ".")
def check_two_norms(attempt):
    """Checks `two_norms(make)`: False for a Mixer block whose two LayerNorms are not two."""
    _judge(attempt, CASES["norms"], "the same object under two names has one set of weights; count, or compare")


@verdict("Caught: " + CASES["residual"].wrong + ".")
def check_raw_residual(attempt):
    """Checks `raw_residual(make)`: False for a gMLP block that does not add the raw `x`."""
    _judge(
        attempt,
        CASES["residual"],
        "LN(10 x) equals LN(x), and 10 x does not equal x; which of the two comes out",
        "what adds the raw x? And are your numbers equal but for rounding? Compare with atol=1e-3",
    )


@verdict("Caught: " + CASES["temperature"].wrong + ".")
def check_learned_temperature(attempt):
    """Checks `learned_temperature(make)`: False for attention whose temperature no training moves."""
    _judge(
        attempt,
        CASES["temperature"],
        "do not ask the temperature what it is; ask the layer what it hands to an optimizer",
    )


@verdict("Caught: " + CASES["schedule"].wrong + ".")
def check_schedule_in_use(attempt):
    """Checks `schedule_in_use(make)`: False for training whose learning rate never changes."""
    _judge(attempt, CASES["schedule"], "read the rate that the optimizer uses, at more than one step")


@verdict("Caught: " + CASES["width"].wrong + ".")
def check_hidden_width(attempt):
    """Checks `hidden_width(make)`: False for a Mixer block whose channel MLP has not the width asked for."""
    _judge(
        attempt,
        CASES["width"],
        "count real weights, and ask for a width that is not the number of tokens; what a block says of itself may lie",
    )
