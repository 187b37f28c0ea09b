"""What every check must do, whatever a student gives it."""

import itertools
import os
import sys
import threading
import warnings

import keras
import numpy as np
import pytest

from course_utils import exercises
from course_utils.exercises import judging
from tests.exercises.support import refusal

every_check = pytest.mark.parametrize("check", [getattr(exercises, name) for name in exercises.__all__])


class NeedsGradient:
    """As a PyTorch tensor that requires a gradient."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    def __repr__(self):
        raise RuntimeError("no")


class Endless:
    """Of no end to whoever reads it."""

    def __array__(self, *args, **kwargs):
        while True:
            pass

    __repr__ = __array__


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no")


def raises(error: BaseException):
    def attempt(*args):
        raise error

    return attempt


LINE = f"line {raises.__code__.co_firstlineno + 2}"


def unanswered(*args): ...  # your code here


def half_answered(*args):
    result = 7
    ...  # your code here
    return result


async def waits(*args):
    return 7


def careless(*args):
    np.seterr(all="raise")
    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("mixed_float16")
    keras.config.set_image_data_format("channels_first")
    sys.setrecursionlimit(150)
    warnings.simplefilter("error")
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    sys.stdout.close()


def stubborn(*args):
    while True:
        try:
            float("seven")
        except:  # noqa: E722  as students write it
            continue


HOSTILE = [
    (np.zeros(3), "give the function itself, without calling it; this is a ndarray"),
    (None, "give the function itself, without calling it; this is None."),
    (stubborn, "your function runs longer than 0.05 s"),
    (unanswered, "Not answered yet: replace the ... by your own code"),
    (half_answered, "; replace the ... by your own code"),
    (lambda *args: ..., "your function returns nothing but the ..."),
    (lambda *args: None, "your function returns nothing: use return"),
    (lambda *args: print("0.25,", 3), "your function prints 0.25, 3 but returns nothing: use return"),
    (careless, "your function returns nothing"),
    (raises(ZeroDivisionError("oh.")), f"your code raised ZeroDivisionError ({LINE}): oh."),
    (raises(BaseException()), f"your code raised BaseException ({LINE})."),
    (raises(Mute()), f"your code raised Mute ({LINE}): a Mute"),
    (lambda *args: (lambda f: f(f))(lambda f: f(f)), "your code raised RecursionError (line"),
    (lambda *args: sys.exit(), "leave sys.exit() out"),
    (lambda *args: all(True for _ in itertools.count()), "your function runs longer than 0.05 s"),
    (lambda *args: [print("here") for _ in itertools.count()], "your function runs longer than 0.05 s"),
    (lambda *args: Endless(), "your function runs longer than 0.05 s"),
    (lambda *args, settings: 7, "but it takes (*args, settings)"),
    (lambda *args: (np.zeros((2, 3)), np.zeros(4)), ""),
    (lambda *args: [[1, 2], [3]], ""),
    (lambda *args: [None, "one"], ""),
    (lambda *args: NeedsGradient(), "a NeedsGradient"),
    (lambda *args: keras.ops.zeros(3), ""),
    (lambda *args: keras.KerasTensor((2, 3)), ""),
    (lambda *args: np.zeros(3), ""),
    (lambda *args: np.zeros((2, 3), [("one", int)]), ""),
    (lambda *args: b"12", "b'12'"),
    (lambda *args: "12", "'12'"),
    (lambda *args: 10**400, ""),
    (lambda *args: 10**5000, "an int"),
    (lambda *args: 7 + 1j, ""),
    (lambda *args: float("nan"), ""),
    (lambda *args: {7}, "{7}"),
    (lambda *args: (each for each in args), "generator"),
    (waits, "coroutine"),
    (lambda *args: exercises, "module"),
]


def state() -> list:
    """What a student's function may change for everybody."""
    config = keras.config
    kept = [config.floatx(), config.dtype_policy().name, config.image_data_format(), sys.getrecursionlimit()]
    return [*kept, sys.stdout, np.geterr(), list(warnings.filters)]


@pytest.mark.one_backend
@pytest.mark.parametrize(("attempt", "hint"), HOSTILE)
@every_check
def test_whatever_a_student_gives_gets_one_sentence_and_changes_nothing(check, attempt, hint, monkeypatch, capsys):
    if "0.05 s" in hint:
        monkeypatch.setattr(judging, "SECONDS", 0.05)
    before = state()
    assert check.passes(attempt) is False
    assert state() == before
    printed = capsys.readouterr().out
    line = printed.splitlines()[-1]
    assert line.startswith("– Not answered yet: " if attempt is unanswered else "✗ Not yet: ")
    assert line.endswith((".", "?"))
    assert len(line) < 400
    assert hint in line
    assert printed.count("✗") + printed.count("– Not") == 1


@every_check
def test_a_check_tells_what_a_function_must_take(check):
    arguments = check.__doc__.partition("(")[2].partition(")")[0]
    assert f"your function must take ({arguments}), but it takes ()" in refusal(check, lambda: 7)


@every_check
def test_ctrl_c_gets_through(check):
    with pytest.raises(KeyboardInterrupt):
        check(raises(KeyboardInterrupt()))


def entropy(row):
    some = row[row > 0]
    return -(some * np.log2(some)).sum()


def test_a_check_prints_and_only_passes_returns_anything(capsys):
    assert exercises.check_entropy(entropy) is None
    assert exercises.check_entropy.passes(entropy) is True
    said = "✓ Right: 0 bits when everything comes from one token, log2(n) when all give alike.\n"
    assert capsys.readouterr().out == 2 * said
    assert exercises.check_entropy.require(entropy) is None
    assert exercises.check_entropy(raises(Mute())) is None
    assert capsys.readouterr().out == f"✗ Not yet: {refusal(exercises.check_entropy, raises(Mute()))[9:]}\n"


def test_a_right_answer_may_be_careless():
    def careful(row):
        careless()
        return entropy(row)

    exercises.check_entropy.require(careful)


def test_outside_the_main_thread_there_is_no_clock_and_all_else_works():
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(exercises.check_entropy.passes(entropy)))
    thread.start()
    thread.join()
    assert verdicts == [True]


def test_an_index_with_dots_is_no_gap():
    def answered(row):
        row = row[..., ::-1]  # and no return

    assert refusal(exercises.check_entropy, answered) == "Not yet: your function returns nothing: use return."


def test_the_line_is_the_students_own_however_deep_the_error():
    def deep(row):
        return np.concatenate([row, 1])

    line = deep.__code__.co_firstlineno + 1
    assert f"your code raised ValueError (line {line}): " in refusal(exercises.check_entropy, deep)


def test_a_hint_that_asks_ends_with_its_question_mark(capsys):
    exercises.check_nearest_mean(lambda features, labels, new: np.zeros(len(new), int))
    assert capsys.readouterr().out.endswith("which class's mean is nearest?\n")


def test_right_answers_that_work_in_place_pass():
    def token_mixing(x, norm, mlp):
        x += mlp(norm(x).transpose(0, 2, 1)).transpose(0, 2, 1)
        return x

    def left_up(images, s):
        h, w = images.shape[1:3]
        images[:, : h - s, : w - s] = images[:, s:, s:].copy()
        images[:, h - s :] = images[:, :, w - s :] = 0
        return images

    def rollout(tables):
        while len(tables) > 1:
            first, second = tables.pop(0), tables.pop(0)
            tables.insert(0, (second + np.eye(len(second))) @ (first + np.eye(len(first))) / 2 - np.eye(len(first)))
        return (tables[0] + np.eye(len(tables[0]))) / 2

    def lsa_weights(products, temperature):
        for table, each in zip(products, temperature, strict=True):
            table /= each
            np.fill_diagonal(table, -np.inf)
            np.exp(table, out=table)
            table /= table.sum(axis=-1, keepdims=True)
        return products

    exercises.check_token_mixing.require(token_mixing)
    exercises.check_left_up.require(left_up)
    exercises.check_rollout.require(rollout)
    exercises.check_lsa_weights.require(lsa_weights)


@pytest.mark.parametrize("factor", [0, 2, 3])
def test_a_wrong_answer_that_changes_what_it_is_compared_with_does_not_pass(factor):
    def token_mixing(x, norm, mlp):
        x *= factor
        return x + mlp(norm(x).transpose(0, 2, 1)).transpose(0, 2, 1)

    def fourier_mixing(x, F_n, F_d):
        x *= factor
        return (F_n @ x @ F_d).real

    refusal(exercises.check_token_mixing, token_mixing)
    refusal(exercises.check_fourier_mixing, fourier_mixing)
