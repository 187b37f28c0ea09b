"""gMLP: one MLP along the channels with a gate in its middle, and the gate mixes the tokens.

Source: Liu et al. 2021, "Pay Attention to MLPs" (arXiv 2105.08050), section 2.
"""

from typing import Annotated

import keras
from keras import ops
from pydantic import Field

from course_utils.checked import Count, Number
from course_utils.layers.base import DropPath, LayerNorm, Rate, TokenLayer


class SpatialGatingUnit(TokenLayer):
    """Gates one half of the channels with a mixture over tokens of the other half.

        z1, z2 = split z along the channels
        s(z) = z1 · (W · LN(z2) + b)         W: one (n, n) matrix over the tokens, the same for every channel

    `W` starts near 0 and `b` at 1, so that the unit starts as an identity on `z1` and learns to mix.
    Source: arXiv 2105.08050, section 2.1 and equations 2 to 4.

    Args:
        bias_start: the first value of every entry of `b`. The paper's is 1.
        weight_std: standard deviation of the first `W`. The paper says "near-zero".

    Input shape: `(b, n, 2k)`, `n` fixed when the layer is built. Output shape: `(b, n, k)`.

    Raises:
        ValueError: a number is not finite, `weight_std` is negative, the input is not `(b, n, 2k)`, or its last axis
            is odd.
    """

    def __init__(self, bias_start: Number = 1.0, weight_std: Annotated[Number, Field(ge=0)] = 1e-6, **kwargs):
        super().__init__(**kwargs)
        self.bias_start, self.weight_std = bias_start, weight_std
        self.norm = LayerNorm("norm", self.dtype_policy)

    def build(self, input_shape):
        n = input_shape[1]
        near_zero = keras.initializers.RandomNormal(0.0, self.weight_std)
        start = keras.initializers.Constant(self.bias_start)
        self.spatial_weights = self.add_weight(shape=(n, n), initializer=near_zero, name="spatial_weights")
        self.spatial_bias = self.add_weight(shape=(n,), initializer=start, name="spatial_bias")
        super().build(input_shape)

    def call(self, z):
        z1, z2 = ops.split(z, 2, axis=-1)  # (b, n, k) each
        gate = ops.matmul(ops.cast(self.spatial_weights, z.dtype), self.norm(z2))  # (n, n) · (b, n, k)
        return z1 * (gate + ops.cast(self.spatial_bias, z.dtype)[:, None])


class GMLPBlock(TokenLayer):
    """One gMLP block: `y = x + V · SGU(GELU(U · LN(x)))`.

    `U` widens each token from `d` to `mlp_dim` channels, the spatial gating unit lets tokens meet and halves the
    width, `V` brings it back to `d`. The residual adds the raw `x`. No position embedding is needed: the gate has one
    weight for each pair of positions. Source: arXiv 2105.08050, section 2 and equation 1; GELU is the exact one.

    Args:
        mlp_dim: width after `U`, even. The paper's vision models have `6 d`.
        dropout: dropout after the GELU and after `V`.
        drop_path: probability of dropping the branch for an image.
        gate_bias_start: the first value of the gate's bias; see `SpatialGatingUnit`.

    Input shape: `(b, n, d)`, `n` and `d` fixed when the layer is built. Output shape: the same.

    Raises:
        ValueError: `mlp_dim` is no even positive whole number, a rate is outside [0, 1], or the input is not
            `(b, n, d)`.
    """

    def __init__(self, mlp_dim: Count, dropout: Rate = 0.0, drop_path=0.0, gate_bias_start=1.0, **kwargs):
        super().__init__(**kwargs)
        self.mlp_dim, dtype = mlp_dim, self.dtype_policy
        if mlp_dim % 2:
            raise ValueError(f"GMLPBlock: mlp_dim must be even, for the gate splits it in two, but it is {mlp_dim}")
        self.norm = LayerNorm("norm", dtype)
        self.widen = keras.layers.Dense(mlp_dim, name="widen", dtype=dtype)
        self.drop1 = keras.layers.Dropout(dropout, name="drop1", dtype=dtype)
        self.gate = SpatialGatingUnit(gate_bias_start, name="gate", dtype=dtype)
        self.drop2 = keras.layers.Dropout(dropout, name="drop2", dtype=dtype)
        self.drop_path1 = DropPath(drop_path, name="drop_path1", dtype=dtype)

    def build(self, input_shape):
        self.gate.build((*input_shape[:-1], self.mlp_dim))
        self.narrow = keras.layers.Dense(input_shape[-1], name="narrow", dtype=self.dtype_policy)
        super().build(input_shape)

    def call(self, x, training=None):
        z = keras.activations.gelu(self.widen(self.norm(x)), approximate=False)  # (b, n, mlp_dim)
        z = self.gate(self.drop1(z, training=training))  # (b, n, mlp_dim / 2)
        z = self.drop2(self.narrow(z), training=training)  # (b, n, d)
        return x + self.drop_path1(z, training=training)
