"""The bug hunt's broken layers: each works, and each is wrong in the one place it is meant to be."""

import keras
import numpy as np
import pytest
from keras import ops

from course_utils.exercises import bugs
from course_utils.layers import GMLPBlock, LocalitySelfAttention, MixerBlock
from course_utils.layers.base import EPSILON
from course_utils.training.optimizer import optimizer_for
from course_utils.training.recipes import Recipe
from tests.exercises.support import after_one_step
from tests.layers.support import randomised, weights_by_path

PAIRS = [
    (MixerBlock, bugs.SharedNormMixerBlock, (5, 7)),
    (MixerBlock, bugs.BottleneckMixerBlock, (5, 7)),
    (GMLPBlock, bugs.NormalisedResidualGMLPBlock, (12,)),
    (LocalitySelfAttention, bugs.UntrackedTemperatureAttention, (2,)),
]
BROKEN = [broken.__name__ for _, broken, _ in PAIRS]


@pytest.fixture
def x():
    """Tokens of three images, `(b, n, d)`."""
    return np.random.default_rng(0).normal(size=(3, 9, 6)).astype("float32")


def built(kind, arguments, x):
    layer = kind(*arguments)
    layer.build(x.shape)
    return randomised(layer)


def answer(layer, x):
    return ops.convert_to_numpy(layer(x)).astype("float64")


def assert_equal_with(weights, broken, right, x):
    for variable in right.weights:
        variable.assign(weights[variable.path.split("/", 1)[1]])
    np.testing.assert_allclose(answer(broken, x), answer(right, x), rtol=0, atol=1e-6)


def normalised(x, gamma, beta):
    x = x.astype("float64")
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + EPSILON) * gamma + beta


@pytest.mark.parametrize(("right", "broken", "arguments"), PAIRS, ids=BROKEN)
def test_a_broken_layer_works_and_takes_what_the_right_one_takes(right, broken, arguments, x):
    assert issubclass(broken, right)
    keras.utils.set_random_seed(0)
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, broken(*arguments)(inputs))
    assert model.output_shape == (None, *x.shape[1:])
    model.compile(optimizer=keras.optimizers.AdamW(1e-2), loss="mse")
    model.optimizer.build(model.trainable_variables)  # else TensorFlow builds its graph twice
    losses = model.fit(x, np.roll(x, 1, axis=1), batch_size=3, epochs=6, verbose=0).history["loss"]
    assert np.all(np.isfinite(losses))
    assert losses[-1] < losses[0], "a bug that keeps a network from learning would be found at once"


def test_the_shared_norm_is_one_and_everything_else_is_a_mixer(x):
    block = built(bugs.SharedNormMixerBlock, (5, 7), x)
    right = built(MixerBlock, (5, 7), x)
    assert len(block.weights) == len(right.weights) - 2
    assert "norm2/gamma" not in weights_by_path(block)
    held = weights_by_path(block)
    assert_equal_with(held | {f"norm2/{name}": held[f"norm1/{name}"] for name in ("gamma", "beta")}, block, right, x)


def test_the_bottleneck_is_as_wide_as_there_are_tokens_and_says_it_is_not(x):
    block = built(bugs.BottleneckMixerBlock, (5, 7), x)
    held = weights_by_path(block)
    assert held["channel_mlp/hidden/kernel"].shape == (6, 9)
    assert block.get_config()["channels_mlp_dim"] == 7
    assert len(block.weights) == len(built(MixerBlock, (5, 7), x).weights)
    right = built(MixerBlock, (5, 9), x)
    assert_equal_with(held, block, right, x)


def test_the_residual_adds_what_the_norm_gives(x):
    block, right = (built(kind, (12,), x) for kind in (bugs.NormalisedResidualGMLPBlock, GMLPBlock))
    held = weights_by_path(block)
    expected = answer(right, x) - x + normalised(x, held["norm/gamma"], held["norm/beta"])
    np.testing.assert_allclose(answer(block, x), expected, rtol=0, atol=1e-5)


def test_no_training_moves_the_temperature_that_the_layer_does_not_know(x):
    keras.utils.set_random_seed(0)
    layer = bugs.UntrackedTemperatureAttention(2)
    layer.build(x.shape)
    assert not after_one_step(layer, x)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.temperature), np.sqrt(3), rtol=1e-6)
    assert layer.temperature.trainable, "it looks as if it were learned"
    assert "temperature" not in weights_by_path(layer)


def test_the_temperature_is_used_all_the_same(x):
    layer, right = (built(kind, (2,), x) for kind in (bugs.UntrackedTemperatureAttention, LocalitySelfAttention))
    held = weights_by_path(layer) | {"temperature": np.array([0.5, 2.0])}
    layer.temperature.assign([0.5, 2.0])
    assert_equal_with(held, layer, right, x)


def test_the_forgotten_schedule_leaves_the_rate_at_its_peak():
    recipe = Recipe(2, learning_rate=3e-3, warmup=0.2)
    rates = {}
    for name, make in (("right", optimizer_for), ("broken", bugs.forgotten_schedule)):
        optimizer = make(recipe, 50)
        rates[name] = []
        for step in (0, 10, 20, 60, 100):
            optimizer.iterations.assign(step)
            rates[name].append(float(ops.convert_to_numpy(optimizer.learning_rate)))
    np.testing.assert_allclose(rates["right"], [0, 1.5e-3, 3e-3, 1.5e-3, 0], atol=1e-8)
    np.testing.assert_allclose(rates["broken"], [3e-3] * 5, rtol=1e-6)


def test_the_wrong_norms_output_is_right(x):
    """That its gradient is not, the tests of the selftest ask."""
    norms = [kind(epsilon=EPSILON) for kind in (bugs.WrongGradientNorm, keras.layers.LayerNormalization)]
    np.testing.assert_allclose(*(answer(norm, x) for norm in norms), rtol=0, atol=1e-5)


def test_a_case_has_several_sizes_and_a_name_gives_nothing_away():
    for name, case in bugs.CASES.items():
        assert len(case.makers(case.right)) >= 2, "one size could be told by chance"
        right, broken = (make() for make in bugs.suspects(name))
        assert right.name == broken.name
        assert type(right) is not type(broken) or name == "schedule"


def test_an_unknown_case_is_refused():
    with pytest.raises(ValueError, match=r"case must be one of 'norms', 'residual', .*, but it is 'murder'"):
        bugs.suspects("murder")
