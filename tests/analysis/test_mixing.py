import numpy as np

from course_utils import analysis
from tests.analysis.support import network, to_numpy


def test_token_mixing_weights_are_the_layers_own():
    model = network("mixer", tokens_mlp_dim=5)
    weights = analysis.token_mixing_weights(model)
    assert [(w_in.shape, w_out.shape) for w_in, w_out in weights] == [((6, 5), (5, 6))] * 2
    block = model.get_layer("block_2")
    np.testing.assert_array_equal(weights[1][0], to_numpy(block.token_mlp.hidden.kernel))
    np.testing.assert_array_equal(weights[1][1], to_numpy(block.token_mlp.output_layer.kernel))


def test_gate_weights_are_the_layers_own():
    model = network("gmlp")
    gates = analysis.gate_weights(model)
    assert [(weights.shape, bias.shape) for weights, bias in gates] == [((6, 6), (6,))] * 2
    gate = model.get_layer("block_2").gate
    np.testing.assert_array_equal(gates[1][0], to_numpy(gate.spatial_weights))
    np.testing.assert_array_equal(gates[1][1], to_numpy(gate.spatial_bias))


def test_row_i_of_the_gate_is_what_token_i_takes_from_the_others():
    """Only tokens whose weight in row 4 is not zero can move token 4."""
    model = network("gmlp")
    weights, _ = analysis.gate_weights(model)[0]
    weights[4, [0, 1, 2]] = 0
    block = model.get_layer("block_1")
    block.gate.spatial_weights.assign(weights)
    x = np.random.default_rng(0).normal(size=(1, 6, 6)).astype("float32")
    moved = []
    for j in range(6):
        changed = x.copy()
        changed[:, j] *= -1
        moved.append(bool(np.abs(to_numpy(block(changed)) - to_numpy(block(x)))[0, 4].max() > 1e-6))
    assert moved == [False, False, False, True, True, True]
