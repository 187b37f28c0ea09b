"""The checks of the bug hunt: right tests pass, each typical mistake gets its hint."""

import keras
import numpy as np
import pytest
from keras import ops

from course_utils import exercises
from course_utils.exercises.bugs import CASES

X = np.random.default_rng(0).normal(size=(2, 9, 8)).astype("float32")


def called(layer, x=X):
    return ops.convert_to_numpy(layer(x))


def built(layer):
    layer(X)
    return layer


def gammas(make):
    return sum("gamma" in weight.path for weight in built(make()).weights)


def two_norms(make):
    return gammas(make) == 2


def raw_residual(make):
    block = make()
    return np.allclose(called(block, 10 * X) - called(block, X), 9 * X, atol=1e-3)


def learned_temperature(make):
    return any("temperature" in weight.path for weight in built(make()).trainable_variables)


def rates(make, steps=40):
    optimizer = make(steps).optimizer
    found = []
    for step in range(0, steps + 1, 5):
        optimizer.iterations.assign(step)
        found.append(float(ops.convert_to_numpy(optimizer.learning_rate)))
    return found


def schedule_in_use(make):
    first, *_, last = found = rates(make)
    return first < max(found) / 100 and last < max(found) / 100


def hidden_width(make):
    return built(make(channels_mlp_dim=21)).channel_mlp.hidden.kernel.shape[-1] == 21


RIGHT = {
    exercises.check_two_norms: two_norms,
    exercises.check_raw_residual: raw_residual,
    exercises.check_learned_temperature: learned_temperature,
    exercises.check_schedule_in_use: schedule_in_use,
    exercises.check_hidden_width: hidden_width,
}
CASE_OF = dict(zip(RIGHT, CASES, strict=True))
every_check = pytest.mark.parametrize("check", RIGHT, ids=[check.__name__ for check in RIGHT])


def verdict(capsys):
    return capsys.readouterr().out.strip()


@every_check
def test_a_right_test_passes_and_learns_what_was_wrong(check, capsys):
    assert check.passes(RIGHT[check])
    assert verdict(capsys) == f"✓ Caught: {CASES[CASE_OF[check]].wrong}."


@every_check
def test_a_test_may_use_assert_and_need_not_return_anything(check, capsys):
    def asserts(make):
        assert RIGHT[check](make), "broken"

    assert check.passes(asserts)
    assert verdict(capsys).startswith("✓")


@every_check
def test_what_is_no_verdict_gets_a_hint(check, capsys):
    def fails(make):
        raise ZeroDivisionError("oh")

    def calls_what_fails(make):
        return make().no_such_thing

    thing = CASES[CASE_OF[check]].thing
    for attempt, hint in (
        (lambda make: None, "your function returns nothing; replace the ... by your own code"),
        (lambda make: ..., "your function returns nothing"),
        (fails, "your code raised ZeroDivisionError (line "),
        (lambda make: "word", f"return True (right) or False (broken); for the right {thing}"),
        (lambda make: 0.5, "you return 0.5"),
        (lambda make: 1, "you return 1"),
        (lambda make: np.array([True, False]), "return one True or False"),
        (lambda make: True, f"your test lets the broken {thing} pass ("),
        (lambda make: False, f"your test calls the right {thing} broken ("),
        (lambda make: np.bool_(True), "lets the broken"),
        (7, "give the function itself, without calling it"),
    ):
        assert check.passes(attempt) is False
        said = verdict(capsys)
        assert said.startswith("✗ Not yet")
        assert hint in said
    assert not check.passes(calls_what_fails)
    assert "Error" in verdict(capsys)


def hands_on_twice(block, **tolerance):
    return np.allclose(called(block, 2 * X) - called(block), X, **tolerance)


WRONG = [
    # the right question, asked too strictly
    (exercises.check_raw_residual, lambda make: hands_on_twice(make()), "Compare with atol=1e-3"),
    # one number, read off one block
    (exercises.check_two_norms, lambda make: built(make()).count_params() == 529, "calls the right block broken"),
    (exercises.check_two_norms, lambda make: "norm2" in vars(make()), "lets the broken block pass"),
    (exercises.check_two_norms, lambda make: make().norm1 is make().norm2, "calls the right block broken"),
    (exercises.check_raw_residual, lambda make: np.allclose(called(make()), X), "calls the right block broken"),
    (exercises.check_raw_residual, lambda make: not np.allclose(called(make()), X), "lets the broken block pass"),
    (
        exercises.check_learned_temperature,
        lambda make: built(make()).temperature.trainable,
        "lets the broken layer pass",
    ),
    (exercises.check_learned_temperature, lambda make: hasattr(built(make()), "temperature"), "ask the layer"),
    (
        exercises.check_learned_temperature,
        lambda make: bool(make().trainable_variables),
        "calls the right layer broken",
    ),
    (exercises.check_schedule_in_use, lambda make: rates(make)[0] > 0, "calls the right training broken"),
    (exercises.check_schedule_in_use, lambda make: rates(make)[2] > 0, "at more than one step"),
    (
        exercises.check_hidden_width,
        lambda make: make(channels_mlp_dim=21).get_config()["channels_mlp_dim"] == 21,
        "may lie",
    ),
    (
        exercises.check_hidden_width,  # as many tokens as the width asked for: both are right
        lambda make: built(make(channels_mlp_dim=9)).channel_mlp.hidden.units == 9,
        "ask for a width that is not the number of tokens",
    ),
    (
        exercises.check_hidden_width,  # before the block has seen a token
        lambda make: make(channels_mlp_dim=21).channel_mlp.hidden.units == 21,
        "lets the broken block pass",
    ),
]


@pytest.mark.parametrize(("check", "attempt", "hint"), WRONG)
def test_a_test_that_looks_at_the_wrong_thing_is_told_so(check, attempt, hint, capsys):
    assert not check.passes(attempt)
    assert hint in verdict(capsys)


def other_right_tests():
    def by_identity(make):
        block = built(make())
        return block.norm1 is not block.norm2

    def by_moving_one(make):
        block = built(make())
        before = called(block.norm2)
        block.norm1.gamma.assign(3 * block.norm1.gamma)
        return np.allclose(called(block.norm2), before)

    def by_silencing_the_branch(make):
        block = built(make())
        for weight in block.narrow.weights:
            weight.assign(0 * weight)
        return np.allclose(called(block), X, atol=1e-5)

    def by_training(make):
        layer = make()
        inputs = keras.Input(X.shape[1:])
        model = keras.Model(inputs, layer(inputs))
        before = ops.convert_to_numpy(layer.temperature).copy()
        model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
        model.train_on_batch(X, X[::-1])
        return not np.array_equal(before, ops.convert_to_numpy(layer.temperature))

    def by_two_steps(make):
        model = make(4)
        x, y = np.ones((8, 4), "float32"), np.ones((8, 3), "float32")
        found = []
        for _ in range(3):
            found.append(float(ops.convert_to_numpy(model.optimizer.learning_rate)))
            model.train_on_batch(x, y)
        return len(set(found)) > 1

    def by_counting_weights(make):
        one, two = (built(make(channels_mlp_dim=width)).count_params() for width in (20, 30))
        return two - one == 10 * (8 + 1 + 8)

    return [
        (exercises.check_two_norms, by_identity),
        (exercises.check_two_norms, by_moving_one),
        (exercises.check_raw_residual, by_silencing_the_branch),
        (exercises.check_learned_temperature, by_training),
        (exercises.check_schedule_in_use, by_two_steps),
        (exercises.check_hidden_width, by_counting_weights),
    ]


@pytest.mark.parametrize(("check", "attempt"), other_right_tests(), ids=lambda each: getattr(each, "__name__", None))
def test_there_is_more_than_one_right_test(check, attempt, capsys):
    assert check.passes(attempt), verdict(capsys)


def slopes(value, x, step=1e-6, sign=1, factor=1.0):
    return np.array([factor * sign * (value(x + step * e) - value(x - step * e)) / (2 * step) for e in np.eye(len(x))])


def forward_only(value, x):
    return np.array([(value(x + 1e-8 * e) - value(x)) / 1e-8 for e in np.eye(len(x))])


def moving_x(value, x):
    x += 1e-6
    return np.zeros(len(x))


def test_any_good_finite_difference_passes(capsys):
    for attempt in (slopes, lambda value, x: list(slopes(value, x)), forward_only):
        assert exercises.check_finite_difference.passes(attempt), capsys.readouterr().out


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda value, x: None, "your function returns nothing"),
        (lambda value, x: value(x), r"must have the shape (6,)"),
        (lambda value, x: slopes(value, x, sign=-1), "the sign is turned round"),
        (lambda value, x: slopes(value, x, factor=2), "you are off by a factor of 2"),
        (lambda value, x: slopes(value, x, factor=1e-6), "you give nearly 0: divide the difference"),
        (lambda value, x: slopes(value, x, step=0.2), "you are close: take a smaller step"),
        (lambda value, x: np.arange(6.0), "the slopes should be"),
        (moving_x, "your function changes x itself"),
    ],
)
def test_a_wrong_finite_difference_gets_its_hint(attempt, hint, capsys):
    assert not exercises.check_finite_difference.passes(attempt)
    assert hint in capsys.readouterr().out
