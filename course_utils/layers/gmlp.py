"""gMLP: one MLP along the channels with a gate in its middle, and the gate mixes the tokens.

Source: Liu et al. 2021, "Pay Attention to MLPs" (arXiv 2105.08050), section 2.
"""

import keras
from keras import ops

from course_utils.layers import _arguments as arguments
from course_utils.layers.mixer import EPSILON
from course_utils.layers.mlp import DropPath


@keras.saving.register_keras_serializable(package="course_utils")
class SpatialGatingUnit(keras.layers.Layer):
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
        ValueError: the input is not `(b, n, 2k)`, or its last axis is odd.
    """

    def __init__(self, bias_start: float = 1.0, weight_std: float = 1e-6, **kwargs):
        super().__init__(**kwargs)
        self.bias_start = arguments.finite("SpatialGatingUnit", "bias_start", bias_start)
        self.weight_std = arguments.finite("SpatialGatingUnit", "weight_std", weight_std, least=0.0)
        self.norm = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm", dtype=self.dtype_policy)

    def build(self, input_shape):
        b, n, width = arguments.rank("SpatialGatingUnit", input_shape, "b n 2k")
        if width % 2:
            raise ValueError(f"SpatialGatingUnit: the last axis is split in two halves, but it is {width} wide")
        self.norm.build((b, n, width // 2))
        self.spatial_weights = self.add_weight(
            shape=(n, n), initializer=keras.initializers.RandomNormal(stddev=self.weight_std), name="spatial_weights"
        )
        self.spatial_bias = self.add_weight(
            shape=(n,), initializer=keras.initializers.Constant(self.bias_start), name="spatial_bias"
        )
        self.built = True

    def call(self, z):
        z1, z2 = ops.split(z, 2, axis=-1)  # (b, n, k) each
        gate = ops.matmul(ops.cast(self.spatial_weights, z.dtype), self.norm(z2))  # (n, n) · (b, n, k)
        return z1 * (gate + ops.cast(self.spatial_bias, z.dtype)[:, None])

    def compute_output_shape(self, input_shape):
        b, n, width = input_shape
        return b, n, width // 2

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds for one picture of `input_shape` `(b, n, 2k)`."""
        _, n, width = input_shape
        return n * n * (width // 2)

    def get_config(self):
        return {**super().get_config(), "bias_start": self.bias_start, "weight_std": self.weight_std}


@keras.saving.register_keras_serializable(package="course_utils")
class GMLPBlock(keras.layers.Layer):
    """One gMLP block: `y = x + V · SGU(GELU(U · LN(x)))`.

    `U` widens each token from `d` to `mlp_dim` channels, the spatial gating unit lets tokens meet and halves the
    width, `V` brings it back to `d`. The residual adds the raw `x`. No position embedding is needed: the gate has one
    weight for each pair of places. Source: arXiv 2105.08050, section 2 and equation 1; GELU is the exact one.

    Args:
        mlp_dim: width after `U`, even. The paper's vision models have `6 d`.
        dropout: dropout after the GELU and after `V`, at least 0 and below 1.
        drop_path: probability of dropping the branch for a picture, at least 0 and below 1.
        gate_bias_start: the first value of the gate's bias; see `SpatialGatingUnit`.

    Input shape: `(b, n, d)`, `n` and `d` fixed when the layer is built. Output shape: the same.

    Raises:
        ValueError: `mlp_dim` is no even positive whole number, a rate is outside [0, 1), or the input is not
            `(b, n, d)`.
    """

    def __init__(
        self,
        mlp_dim: int,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        gate_bias_start: float = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.mlp_dim = arguments.positive_int("GMLPBlock", "mlp_dim", mlp_dim)
        if mlp_dim % 2:
            raise ValueError(f"GMLPBlock: mlp_dim must be even, for the gate splits it in two, but it is {mlp_dim}")
        self.dropout = arguments.fraction("GMLPBlock", "dropout", dropout)
        self.drop_path = arguments.fraction("GMLPBlock", "drop_path", drop_path)
        self.gate_bias_start = arguments.finite("GMLPBlock", "gate_bias_start", gate_bias_start)
        dtype = self.dtype_policy
        self.norm = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm", dtype=dtype)
        self.widen = keras.layers.Dense(mlp_dim, name="widen", dtype=dtype)
        self.drop1 = keras.layers.Dropout(dropout, name="drop1", dtype=dtype)
        self.gate = SpatialGatingUnit(gate_bias_start, name="gate", dtype=dtype)
        self.drop2 = keras.layers.Dropout(dropout, name="drop2", dtype=dtype)
        self.drop_path1 = DropPath(drop_path, name="drop_path1", dtype=dtype)

    def build(self, input_shape):
        b, n, d = arguments.rank("GMLPBlock", input_shape, "b n d")
        self.norm.build(input_shape)
        self.widen.build(input_shape)
        self.gate.build((b, n, self.mlp_dim))
        self.narrow = keras.layers.Dense(d, name="narrow", dtype=self.dtype_policy)
        self.narrow.build((b, n, self.mlp_dim // 2))
        self.built = True

    def call(self, x, training=None):
        z = keras.activations.gelu(self.widen(self.norm(x)), approximate=False)  # (b, n, mlp_dim)
        z = self.gate(self.drop1(z, training=training))  # (b, n, mlp_dim / 2)
        z = self.drop2(self.narrow(z), training=training)  # (b, n, d)
        return x + self.drop_path1(z, training=training)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds for one picture of `input_shape` `(b, n, d)`."""
        b, n, d = input_shape
        dense = n * d * self.mlp_dim + n * (self.mlp_dim // 2) * d
        return dense + self.gate.multiply_adds((b, n, self.mlp_dim))

    def get_config(self):
        return {
            **super().get_config(),
            "mlp_dim": self.mlp_dim,
            "dropout": self.dropout,
            "drop_path": self.drop_path,
            "gate_bias_start": self.gate_bias_start,
        }
