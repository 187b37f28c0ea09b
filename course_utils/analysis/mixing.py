"""The weights that mix tokens, block by block: of a Mixer's token MLP, of a gMLP's gate."""

import numpy as np

from course_utils.analysis.parts import array, blocks_of
from course_utils.layers import GMLPBlock, MixerBlock


def token_mixing_weights(model) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the weights of the token MLP of every block of a Mixer.

    Returns:
        For each block `(w_in, w_out)`, float32: `w_in` `(n, tokens_mlp_dim)` holds in column `k` how hidden unit `k`
        weighs the tokens; `w_out` `(tokens_mlp_dim, n)` holds in row `k` to which tokens it is written.

    Raises:
        ValueError: the model has no Mixer blocks.
    """
    mlps = [block.token_mlp for block in blocks_of("token_mixing_weights", model, MixerBlock, "Mixer")]
    return [(array(mlp.hidden.kernel), array(mlp.output_layer.kernel)) for mlp in mlps]


def gate_weights(model) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the spatial weights of the gate of every block of a gMLP.

    Returns:
        For each block `(weights, bias)`, float32: `weights` `(n, n)` holds in row `i` how the gate of token `i` weighs
        all tokens; `bias` `(n,)`.

    Raises:
        ValueError: the model has no gMLP blocks.
    """
    gates = [block.gate for block in blocks_of("gate_weights", model, GMLPBlock, "gMLP")]
    return [(array(gate.spatial_weights), array(gate.spatial_bias)) for gate in gates]
