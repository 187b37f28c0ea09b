"""The checks of the bug hunt: right tests pass, each typical mistake gets its hint."""

import numpy as np
import pytest
from keras import ops

from course_utils import exercises
from course_utils.exercises.bugs import CASES
from tests.exercises.support import after_one_step, assert_hints

X = np.random.default_rng(0).normal(size=(2, 9, 8)).astype("float32")


def called(layer, x=X):
    return ops.convert_to_numpy(layer(x))


def built(layer):
    layer(X)
    return layer


def two_norms(make):
    return sum("gamma" in weight.path for weight in built(make()).weights) == 2


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


def hidden_width(make, width=21):
    return built(make(channels_mlp_dim=width)).channel_mlp.hidden.kernel.shape[-1] == width


RIGHT = {"norms": two_norms, "residual": raw_residual, "temperature": learned_temperature}
RIGHT |= {"schedule": schedule_in_use, "width": hidden_width}
CHECKS = {name: getattr(exercises, f"check_{right.__name__}") for name, right in RIGHT.items()}
every_case = pytest.mark.parametrize("case", CASES)


@every_case
def test_a_right_test_passes_and_learns_what_was_wrong(case, capsys):
    assert CHECKS[case].passes(RIGHT[case])
    assert capsys.readouterr().out == f"✓ Caught: {CASES[case].wrong}.\n"


@every_case
def test_a_test_may_use_assert_and_need_not_return_anything(case):
    def asserts(make):
        assert RIGHT[case](make), "broken"

    CHECKS[case].require(asserts)


@every_case
def test_what_is_no_verdict_gets_a_hint(case):
    thing = CASES[case].thing
    hints = {
        f"return True (right) or False (broken); for the right {thing}": lambda make: "word",
        "you return 0.5": lambda make: 0.5,
        "you return 1": lambda make: 1,
        "return one True or False": lambda make: np.array([True, False]),
        f"your test lets the broken {thing} pass (": lambda make: np.bool_(True),
        f"your test calls the right {thing} broken (": lambda make: False,
    }
    assert_hints(CHECKS[case], hints)


def hands_on_twice(block):
    return np.allclose(called(block, 2 * X) - called(block), X)


LETS, CALLS = "lets the broken", "calls the right"
WRONG = [
    ("residual", lambda make: hands_on_twice(make()), "Compare with atol=1e-3"),  # the right question, too strictly
    ("norms", lambda make: built(make()).count_params() == 529, CALLS),  # one number, read off one block
    ("norms", lambda make: "norm2" in vars(make()), LETS),
    ("norms", lambda make: make().norm1 is make().norm2, CALLS),
    ("residual", lambda make: np.allclose(called(make()), X), CALLS),
    ("residual", lambda make: not np.allclose(called(make()), X), LETS),
    ("temperature", lambda make: built(make()).temperature.trainable, LETS),
    ("temperature", lambda make: hasattr(built(make()), "temperature"), "ask the layer"),
    ("temperature", lambda make: bool(make().trainable_variables), CALLS),
    ("schedule", lambda make: rates(make)[0] > 0, CALLS),
    ("schedule", lambda make: rates(make)[2] > 0, "at the first step, on the way, and at the last"),
    ("schedule", lambda make: rates(make)[0] == 0, LETS),  # it climbs; that it falls is promised, too
    ("schedule", lambda make: len(set(rates(make))) > 1, LETS),
    ("width", lambda make: built(make(channels_mlp_dim=9)).channel_mlp.hidden.kernel.shape[0] == 9, "(inputs, units)"),
    ("width", lambda make: make(channels_mlp_dim=21).get_config()["channels_mlp_dim"] == 21, "may lie"),
    ("width", lambda make: hidden_width(make, 9), "ask for a width that is not the number of tokens"),
    ("width", lambda make: make(channels_mlp_dim=21).channel_mlp.hidden.units == 21, LETS),  # before it is built
]


@pytest.mark.parametrize(("case", "attempt", "hint"), WRONG)
def test_a_test_that_looks_at_the_wrong_thing_is_told_so(case, attempt, hint):
    assert_hints(CHECKS[case], {hint: attempt})


def by_identity(make):
    block = built(make())
    return block.norm1 is not block.norm2


def by_silencing_the_branch(make):
    block = built(make())
    for weight in block.narrow.weights:
        weight.assign(0 * weight)
    return np.allclose(called(block), X, atol=1e-5)


def by_training(make):
    return after_one_step(built(make()), X)


def by_training_to_the_end(make):
    model, found = make(10), []
    for _ in range(11):
        found.append(float(ops.convert_to_numpy(model.optimizer.learning_rate)))
        model.train_on_batch(np.ones((8, 4), "float32"), np.ones((8, 3), "float32"))
    return found[0] < max(found) > found[-1]


def by_counting(make):
    one, two = (built(make(channels_mlp_dim=width)).count_params() for width in (20, 30))
    return two - one == 10 * (8 + 1 + 8)


OTHERS = (by_identity, by_silencing_the_branch, by_training, by_training_to_the_end, by_counting)


@pytest.mark.parametrize(("case", "attempt"), list(zip(CASES, OTHERS, strict=True)))
def test_there_is_more_than_one_right_test(case, attempt):
    CHECKS[case].require(attempt)


def slopes(value, x, step=1e-6, sign=1, factor=1.0):
    return np.array([factor * sign * (value(x + step * e) - value(x - step * e)) / (2 * step) for e in np.eye(len(x))])


def forward_only(value, x):
    return np.array([(value(x + 1e-8 * e) - value(x)) / 1e-8 for e in np.eye(len(x))])


def moving_x(value, x):
    found = []
    for channel in range(len(x)):
        x[channel] += 1e-6
        above = value(x)
        x[channel] -= 2e-6
        found.append((above - value(x)) / 2e-6)
        x[channel] += 1e-6
    x *= 0
    return found


def test_any_good_finite_difference_passes():
    for attempt in (slopes, lambda value, x: list(slopes(value, x)), forward_only, moving_x):
        exercises.check_finite_difference.require(attempt)


def test_a_wrong_finite_difference_gets_its_hint():
    wrong = {
        "must have the shape (6,)": lambda value, x: value(x),
        "the sign is turned round": lambda value, x: slopes(value, x, sign=-1),
        "you are off by a factor of 2": lambda value, x: slopes(value, x, factor=2),
        "factor of 2: divide by the whole way": lambda value, x: slopes(value, x, factor=0.5),
        "you give nearly 0: divide the difference": lambda value, x: slopes(value, x, factor=1e-6),
        "you are close: take a smaller step": lambda value, x: slopes(value, x, step=0.2),
        "the slopes should be": lambda value, x: np.arange(6.0),
    }
    assert_hints(exercises.check_finite_difference, wrong)
