"""The weights that mix tokens, block by block: of a Mixer's token MLP, of a gMLP's gate."""

import keras
import numpy as np

from course_utils import models
from course_utils.layers import GMLPBlock, MixerBlock


def token_mixing_weights(model) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the weights of every block's token MLP.

    Args:
        model: a Mixer, as built by `models.classifier`.

    Returns:
        For each block `(w_in, w_out)`, float32: `w_in` `(n, tokens_mlp_dim)` holds in column `k` how hidden unit `k`
        weighs the tokens; `w_out` `(tokens_mlp_dim, n)` holds in row `k` to which tokens it is written.

    Raises:
        ValueError: the model has no Mixer blocks.
    """
    blocks = models.blocks(model)
    if not all(isinstance(block, MixerBlock) for block in blocks):
        raise ValueError(
            f"token_mixing_weights: needs Mixer blocks, but {model.name!r} is made of {type(blocks[0]).__name__}"
        )
    return [
        tuple(
            keras.ops.convert_to_numpy(layer.kernel).astype("float32")
            for layer in (block.token_mlp.hidden, block.token_mlp.output_layer)
        )
        for block in blocks
    ]


def gate_weights(model) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the spatial weights of every block's gate.

    Args:
        model: a gMLP, as built by `models.classifier`.

    Returns:
        For each block `(weights, bias)`, float32: `weights` `(n, n)` holds in row `i` how the gate of token `i` weighs
        all tokens; `bias` `(n,)`.

    Raises:
        ValueError: the model has no gMLP blocks.
    """
    blocks = models.blocks(model)
    if not all(isinstance(block, GMLPBlock) for block in blocks):
        raise ValueError(f"gate_weights: needs gMLP blocks, but {model.name!r} is made of {type(blocks[0]).__name__}")
    return [
        tuple(
            keras.ops.convert_to_numpy(weight).astype("float32")
            for weight in (block.gate.spatial_weights, block.gate.spatial_bias)
        )
        for block in blocks
    ]
