"""The weights that mix tokens, block by block: of a Mixer's token MLP, of a gMLP's gate."""

import numpy as np

from course_utils.analysis.parts import array, blocks_of
from course_utils.layers import GMLPBlock, MixerBlock


def token_mixing_weights(model) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns `(w_in, w_out)`, float32, of the token MLP of every block of a Mixer; ValueError if it is none.

    `w_in` `(n, tokens_mlp_dim)` holds in column `k` how hidden unit `k` weighs the tokens, and `w_out`
    `(tokens_mlp_dim, n)` in row `k` to which tokens it is written.
    """
    mlps = [block.token_mlp for block in blocks_of("token_mixing_weights", model, MixerBlock, "Mixer")]
    return [(array(mlp.hidden.kernel), array(mlp.output_layer.kernel)) for mlp in mlps]


def gate_weights(model) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns `(weights, bias)`, float32, of the gate of every block of a gMLP; ValueError if it is none.

    `weights` `(n, n)` holds in row `i` how the gate of token `i` weighs all tokens; `bias` is `(n,)`.
    """
    gates = [block.gate for block in blocks_of("gate_weights", model, GMLPBlock, "gMLP")]
    return [(array(gate.spatial_weights), array(gate.spatial_bias)) for gate in gates]
