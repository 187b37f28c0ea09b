import keras
import numpy as np
import pytest

from course_utils.layers import GMLPBlock, SpatialGatingUnit
from course_utils.models import macs
from tests.layers import reference
from tests.layers.contract import BlockContract
from tests.layers.support import drops_inside_and_after, randomised, weights_by_path

to_numpy = keras.ops.convert_to_numpy


class TestGMLPBlock(BlockContract):
    branches = 1
    parameters = 2 * 6 + (6 * 14 + 14) + (2 * 7 + 9 * 9 + 9) + (7 * 6 + 6)
    macs = 9 * 6 * 14 + 9 * 9 * 7 + 9 * 7 * 6

    def make(self, **kwargs):
        return GMLPBlock(14, **kwargs)

    def formula(self, x, w):
        return reference.gmlp_block(x, w)


@pytest.fixture
def gate(x):
    """A unit with random weights, for the tokens of `x`."""
    layer = SpatialGatingUnit()
    layer.build(x.shape)
    return randomised(layer)


def test_the_unit_agrees_with_the_papers_formula(gate, x):
    w = weights_by_path(gate)
    expected = [reference.spatial_gating_unit(image, w) for image in x.astype("float64")]
    np.testing.assert_allclose(to_numpy(gate(x)), expected, atol=1e-5)
    assert gate(keras.Input((9, 6))).shape == (None, 9, 3)
    assert gate.count_params() == 2 * 3 + 9 * 9 + 9
    assert macs(gate) == 9 * 9 * 3


def test_with_its_first_weights_the_unit_is_an_identity_on_one_half(x):
    np.testing.assert_allclose(to_numpy(SpatialGatingUnit()(x)), x[..., :3], atol=1e-3)


def test_with_its_first_weights_the_block_keeps_tokens_apart_and_any_other_weights_mix(x):
    changed = x.copy()
    changed[:, 4] *= -1
    block = GMLPBlock(14)
    for mixes in (False, True):
        moved = np.abs(to_numpy(block(changed)) - to_numpy(block(x))).max(axis=(0, 2)) > 1e-3
        assert moved[4]
        assert moved.sum() == (9 if mixes else 1)
        randomised(block)


def test_weights_start_near_zero_and_differ_and_the_bias_starts_where_it_is_told(x):
    for layer, bias, deviation in (
        (SpatialGatingUnit(), 1, 1e-6),
        (SpatialGatingUnit(0.0, weight_std=0.1), 0, 0.1),
        (GMLPBlock(6, gate_bias_start=-2).gate, -2, 1e-6),
    ):
        layer.build(x.shape)
        assert 0.5 < to_numpy(layer.spatial_weights).std() / deviation < 2
        np.testing.assert_array_equal(to_numpy(layer.spatial_bias), np.full(9, bias))


def test_a_bias_of_zero_starts_with_a_shut_gate(x):
    assert np.abs(to_numpy(SpatialGatingUnit(bias_start=0)(x))).max() < 1e-4
    block = GMLPBlock(14, gate_bias_start=0)
    np.testing.assert_allclose(to_numpy(block(x)), x, atol=1e-4)  # nothing but the residual is left


def test_the_residual_adds_the_raw_input(x):
    """All weights after the LayerNorm zero: what is left is x, not LN(x)."""
    block = GMLPBlock(14)
    block.build(x.shape)
    block.narrow.kernel.assign(np.zeros((7, 6)))
    np.testing.assert_array_equal(to_numpy(block(5 * x + 3)), 5 * x + 3)


def test_dropout_follows_the_gelu_and_the_output(x):
    layers = [GMLPBlock(14, dropout=rate) for rate in (0.5, 0.0)]
    for layer in layers:
        layer.build(x.shape)
        randomised(layer)
    dropping, plain = ((lambda x, training=None, layer=layer: layer(x, training=training) - x) for layer in layers)
    assert drops_inside_and_after(dropping, plain, x) == (True, True)


def test_the_spatial_weights_run_over_the_tokens(gate, x):
    """To reorder the tokens is to reorder rows and columns of W, and b; the channels know nothing of it."""
    order = np.random.default_rng(3).permutation(9)
    before = to_numpy(gate(x))
    assert np.abs(to_numpy(gate(x[:, order])) - before[:, order]).max() > 0.1
    weights, bias = to_numpy(gate.spatial_weights), to_numpy(gate.spatial_bias)
    gate.spatial_weights.assign(weights[np.ix_(order, order)])
    gate.spatial_bias.assign(bias[order])
    np.testing.assert_allclose(to_numpy(gate(x[:, order])), before[:, order], atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GMLPBlock(7), "GMLPBlock: mlp_dim must be even, for the gate splits it in two, but it is 7"),
        (lambda: GMLPBlock(4, gate_bias_start=float("nan")), "SpatialGatingUnit: bias_start=nan .* must be finite"),
        (
            lambda: SpatialGatingUnit(1, -1),
            "SpatialGatingUnit: .* weight_std=-1 must be finite, and weight_std not neg",
        ),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
