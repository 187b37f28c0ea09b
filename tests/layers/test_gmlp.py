import keras
import numpy as np
import pytest

from course_utils.layers import GMLPBlock, SpatialGatingUnit
from course_utils.models import macs
from tests.layers import reference
from tests.layers.contract import BlockContract
from tests.layers.support import built, drops_inside_and_after, moved_by, weights_by_path

to_numpy = keras.ops.convert_to_numpy


class TestGMLPBlock(BlockContract):
    branches = 1
    parameters = 2 * 6 + (6 * 14 + 14) + (2 * 7 + 9 * 9 + 9) + (7 * 6 + 6)
    macs = 9 * 6 * 14 + 9 * 9 * 7 + 9 * 7 * 6
    formula = staticmethod(reference.gmlp_block)

    def make(self, **kwargs):
        return GMLPBlock(14, **kwargs)


@pytest.fixture
def gate(x):
    """A unit with random weights, for the tokens of `x`."""
    return built(SpatialGatingUnit(), x)


def test_the_unit_agrees_with_the_papers_formula(gate, x):
    w = weights_by_path(gate)
    expected = [reference.spatial_gating_unit(image, w) for image in x.astype("float64")]
    np.testing.assert_allclose(to_numpy(gate(x)), expected, atol=1e-5)
    assert gate(keras.Input((9, 6))).shape == (None, 9, 3)
    assert gate.count_params() == 2 * 3 + 9 * 9 + 9
    assert macs(gate) == 9 * 9 * 3


def test_with_its_first_weights_the_unit_is_an_identity_on_one_half_and_others_mix(x):
    unit = SpatialGatingUnit(weight_std=0.0)
    np.testing.assert_allclose(to_numpy(unit(x)), x[..., :3], atol=1e-6)
    assert moved_by(unit, x).tolist() == [i == 4 for i in range(9)]
    assert moved_by(built(GMLPBlock(14), x), x).all()


def test_weights_start_near_zero_and_differ_and_the_bias_starts_where_it_is_told(x):
    for layer, bias, deviation in (
        (SpatialGatingUnit(), 1, 1e-6),
        (SpatialGatingUnit(0.0, weight_std=0.1), 0, 0.1),
        (GMLPBlock(6, gate_bias_start=-2).gate, -2, 1e-6),
    ):
        layer.build(x.shape)
        assert 0.5 < to_numpy(layer.spatial_weights).std() / deviation < 2
        np.testing.assert_array_equal(to_numpy(layer.spatial_bias), np.full(9, bias))


def test_the_residual_adds_the_raw_input_and_a_bias_of_zero_leaves_nothing_else(x):
    np.testing.assert_allclose(to_numpy(GMLPBlock(14, gate_bias_start=0)(5 * x + 3)), 5 * x + 3, atol=1e-4)


def test_dropout_follows_the_gelu_and_the_output(x):
    layers = [built(GMLPBlock(14, dropout=rate), x) for rate in (0.5, 0.0)]
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
