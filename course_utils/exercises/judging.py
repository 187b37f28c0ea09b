"""What all checks share: a student's function is called with copies, and whatever comes of it becomes one sentence.

No code of a student's runs outside `answer`, not even a value's own `__array__` or `__repr__`: what comes out of it are
arrays and truth values of ours.
"""

import ast
import contextlib
import functools
import inspect
import io
import signal
import sys
import textwrap
import threading
import tokenize
import traceback
import warnings

import keras
import numpy as np

SECONDS = 10
"""How long a student's function may run."""

_MOST_PRINTED = 10_000
_NOT_FINITE = "the result holds NaN or infinity: is there a division by 0, or the exp of a large number?"
_STATE = (
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (keras.config.floatx, keras.config.set_floatx),
    (keras.config.dtype_policy, keras.config.set_dtype_policy),
    (keras.config.image_data_format, keras.config.set_image_data_format),
)
"""What a function may change for everybody, beside warnings and NumPy's errors: how to ask for it, how to set it."""


class NotYet(Exception):
    """What the student's function does not do yet, in words."""


class Nothing(NotYet):
    """It returned nothing."""


class _TooLong(BaseException):
    """It runs too long; no `except Exception` in it stops this."""


class Check:
    """A check: it runs a student's function, which takes `arguments`, such as "q, k, v", and prints one line.

    `test` raises `NotYet`, given the function; `right` is said of a right one.
    """

    def __init__(self, test, arguments: str, right: str):
        functools.update_wrapper(self, test)
        self.test, self.arguments, self.right = test, arguments, right

    def __call__(self, attempt) -> None:
        self.passes(attempt)

    def passes(self, attempt) -> bool:
        """Does the same, and says whether the function is right."""
        missing = self._missing(attempt)
        print(missing or f"✓ {self.right}")
        return missing is None

    def require(self, attempt) -> None:
        """Prints nothing, and raises AssertionError with the sentence if the function is not right: for nbgrader."""
        if missing := self._missing(attempt):
            raise AssertionError(missing[2:])

    def _missing(self, attempt) -> str | None:
        try:
            _check_signature(attempt, self.arguments)
            self.test(attempt)
        except NotYet as hint:
            gap = _has_gap(attempt)
            if gap and isinstance(hint, Nothing):
                return "– Not answered yet: replace the ... by your own code."
            said = f"✗ Not yet: {hint}{'; replace the ... by your own code' if gap else ''}"
            return said if said.endswith("?") else f"{said}."
        return None


def verdict(arguments: str, right: str):
    """Turns a function that raises `NotYet` into a `Check`."""
    return lambda test: Check(test, arguments, right)


def _check_signature(attempt, arguments: str) -> None:
    if not callable(attempt):
        raise NotYet(f"give the function itself, without calling it; this is {kind(attempt)}")
    try:
        signature = inspect.signature(attempt)
    except (TypeError, ValueError):  # some functions written in C cannot tell
        return
    try:
        signature.bind(*arguments.split(", "))
    except TypeError:
        raise NotYet(f"your function must take ({arguments}), but it takes {signature}") from None


def _has_gap(attempt) -> bool:
    """Says whether the `...` of an unanswered exercise, a line of its own, is still in a function's source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(attempt)))
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):  # a built-in function, or a lambda amid a line
        return False
    lines = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    return any(isinstance(line, ast.Constant) and line.value is ... for line in lines)


def answer(attempt, args, read):
    """Calls the student's function with copies of its arrays, and returns what `read` makes of its value.

    Raises `Nothing` if there is none, and `NotYet` for all else: an error (its cause), too much time, or what `read` or
    a function that was handed to the student says.
    """
    args = keras.tree.map_structure(lambda each: each.copy() if isinstance(each, np.ndarray) else each, list(args))
    heard = _Heard(sys.stdout)
    try:
        with _undisturbed(), contextlib.redirect_stdout(heard), _time_limit():
            value = attempt(*args)
            if inspect.iscoroutine(value):
                value.close()  # or Python warns later that nobody has waited for it
            if value is not None and value is not Ellipsis:
                return read(value)
    except (NotYet, KeyboardInterrupt):
        raise
    except _TooLong:
        raise NotYet(f"your function runs longer than {SECONDS} s") from None
    except SystemExit as error:
        raise NotYet(f"your code ends Python{_line(error)}: leave sys.exit() out") from error
    except BaseException as error:
        message = f": {short(error, str)}".rstrip(".: ")
        raise NotYet(f"your code raised {type(error).__name__}{_line(error)}{message}") from error
    finally:
        heard.end_line()
    if value is Ellipsis:
        raise Nothing("your function returns nothing but the ... of the exercise")
    if printed := heard.text.strip():
        raise Nothing(f"your function prints {short(printed, str)} but returns nothing: use return")
    raise Nothing("your function returns nothing" + ("" if _has_gap(attempt) else ": use return"))


@contextlib.contextmanager
def _undisturbed():
    """Takes back what a student's function may change for everybody, and keeps quiet what Python warns of."""
    kept = [(put, ask()) for ask, put in _STATE]
    with warnings.catch_warnings(), np.errstate():
        warnings.simplefilter("ignore")  # of a log of 0, of a weight without a gradient: the hints say it better
        try:
            yield
        finally:
            for put, value in kept:
                put(value)


@contextlib.contextmanager
def _time_limit():
    """Raises `_TooLong` after `SECONDS`, where the platform can: not on Windows, and in the main thread alone."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, SECONDS, 0.05)  # and again: a bare `except:` may catch one
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)


class _Heard(io.TextIOBase):
    """Hands on what a function prints, and keeps it; an endless loop fills no notebook."""

    def __init__(self, out):
        self.out, self.text = out, ""

    def write(self, text):
        if len(self.text) < _MOST_PRINTED:
            self.text += text
            self.out.write(text)
        return len(text)

    def end_line(self):
        if self.text and self.text[-1] != "\n":
            self.out.write("\n")


def _line(error) -> str:
    """Returns " (line 3)": the last line of the student's own code, if there is one."""
    _, *frames = traceback.walk_tb(error.__traceback__)  # the first frame is `answer`
    lines = [line for frame, line in frames if frame.f_code.co_filename == frames[0][0].f_code.co_filename]
    return f" (line {lines[-1]})" if lines else ""


def kind(value) -> str:
    """Returns of what kind a value is, in words."""
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name.lower().startswith(tuple('aeiou')) else 'a'} {name}"


def short(value, write=repr) -> str:
    """Returns in one short line what a student's value looks like, whatever it is."""
    try:
        text = " ".join(write(value).split())
    except Exception:
        text = kind(value)
    return text if len(text) <= 160 else f"{text[:157]}…"


def numbers(value, shape: tuple, axes: str, dtype: str = "float64", shapes: dict | None = None) -> np.ndarray:
    """Returns a student's value as an array of the right shape and dtype, "float64" or "complex128".

    `axes` says what its axes are, such as "(b, n, d)"; `shapes` is {a wrong shape: its hint}.
    """
    wanted = f"an array {axes}" if shape else "one number"
    try:
        got = np.asarray(value)
        if got.dtype == object:
            got = got.astype(dtype)
    except Exception as error:  # of no array, or of an object whose `__array__` fails
        uneven = ", of parts of unequal length" if "inhomogeneous" in str(error) else ""
        raise NotYet(f"the result must be {wanted}, but it is {short(value)}{uneven}") from None
    if got.dtype.kind == "c" and dtype == "float64":
        raise NotYet("the result is complex: take its real part, once, at the end")
    if got.dtype.kind not in "biufc":
        raise NotYet(f"the result must be {wanted}, but it is {short(value)}")
    if got.shape != shape:
        has = f"have the shape {shape} {axes}" if shape else "be one number"
        raise NotYet((shapes or {}).get(got.shape) or f"the result must {has}, but it has the shape {got.shape}")
    return got.astype(dtype)


def truth(value, where: str, wanted: str = "True or False") -> bool:
    """Returns a student's value as a truth value; 1 and "yes" are none."""
    try:
        got = np.asarray(value)
    except Exception:
        got = np.array(None)
    if got.dtype != bool:
        raise NotYet(f"return {wanted}; {where} you return {short(value)}")
    if got.ndim:
        raise NotYet(f"return one True or False; {where} you return {got.size} of them: np.all or np.any joins them")
    return bool(got)


def not_finite(got: np.ndarray) -> bool:
    """Says whether a number of an array is NaN or infinite."""
    return not np.all(np.isfinite(got))


def compare(attempt, args, expected, axes, mistakes, otherwise, where="", shapes=None, rtol=1e-5, atol=1e-6) -> None:
    """Raises `NotYet` unless the student's function gives the expected array or number.

    `mistakes` is {hint: the array that this mistake gives, or a function that recognises it}, of which the first that
    fits is told; `otherwise` is the hint for all others, `where` says which case this is. `axes` and `shapes` are
    those of `numbers`.
    """
    expected = np.asarray(expected)
    dtype = "complex128" if np.iscomplexobj(expected) else "float64"
    try:
        got = answer(attempt, args, lambda value: numbers(value, expected.shape, axes, dtype, shapes))
    except NotYet as hint:
        if where and hint.__cause__:  # an error of the student's code, which another case may not have
            raise NotYet(f"{where}: {hint}") from hint.__cause__
        raise

    def fits(wrong) -> bool:
        return wrong(got) if callable(wrong) else np.allclose(got, wrong, rtol, atol)

    if fits(expected):
        return
    known = {**mistakes, _NOT_FINITE: not_finite, otherwise: lambda got: True}
    hint = next(hint for hint, wrong in known.items() if fits(wrong))
    if expected.ndim == 0:
        where = f"{where} you say {got:.4g}, but it is {expected:.4g}"
    raise NotYet(f"{where}: {hint}" if where else hint)


def count(attempt, expected: int, missing: dict, **sizes: int) -> None:
    """Raises `NotYet` unless a function of some `sizes` counts right; `missing` is {what an answer lacks: why}."""
    got = float(answer(attempt, sizes.values(), lambda value: numbers(value, (), "")))
    if got != expected:
        case = ", ".join(f"{name} = {size}" for name, size in sizes.items())
        hint = f": {missing[expected - got]}" if expected - got in missing else ""
        raise NotYet(f"for {case} you say {got:.15g}, but it is {expected}{hint}")


def tell_apart(attempt, suspects, args, facts: dict[bool, str]) -> None:
    """Raises `NotYet` unless a student's test, called with a suspect and `args`, says the right thing of each.

    `suspects` are [(name, suspect, the right answer)]; `facts` is {a right answer: what it means, for the hint}.
    """
    for name, suspect, expected in suspects:
        said = answer(attempt, (suspect, *args), functools.partial(truth, where=f"for {name}"))
        if said != expected:
            raise NotYet(f"you say {said} for {name}, but {facts[expected]}")
