"""What the tests of the checks share."""

import keras
import numpy as np
import pytest


def refusal(check, attempt) -> str:
    """Returns what a check says of an attempt that must not pass."""
    with pytest.raises(AssertionError, match=r"^Not yet: ") as caught:
        check.require(attempt)
    return str(caught.value)


def assert_hints(check, attempts: dict) -> None:
    """Asserts that each attempt gets its hint: `{a part of it: attempt}`."""
    for hint, attempt in attempts.items():
        assert hint in refusal(check, attempt)


def after_one_step(layer, x) -> bool:
    """Says whether one step of training changes a layer's temperature."""
    model = keras.Sequential([layer])
    model.compile("adam", "mse", run_eagerly=True)
    before = np.array(keras.ops.convert_to_numpy(layer.temperature))
    model.train_on_batch(x, np.ones_like(x))
    return not np.array_equal(before, keras.ops.convert_to_numpy(layer.temperature))
