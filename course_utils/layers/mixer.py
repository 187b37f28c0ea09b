"""MLP-Mixer: one MLP mixes the tokens, another mixes the channels.

Source: Tolstikhin et al. 2021, "MLP-Mixer: An all-MLP Architecture for Vision" (arXiv 2105.01601), section 2.
"""

import keras
from keras import ops

from course_utils.layers import _arguments as arguments
from course_utils.layers.mlp import MLP, DropPath

EPSILON = 1e-6  # of every LayerNorm, as in the paper's code; Keras' own default is 1e-3


@keras.saving.register_keras_serializable(package="course_utils")
class MixerBlock(keras.layers.Layer):
    """One Mixer block: token mixing, then channel mixing.

        y = x + T(LN1(x))        T: an MLP along the tokens, the same for every channel
        z = y + C(LN2(y))        C: an MLP along the channels, the same for every token

    The two LayerNorms are separate, and the widths of the two MLPs are free of each other and of `n` and `d`.
    No position embedding is needed: `T` has weights of its own for each place, so it knows the order.
    Source: arXiv 2105.01601, equation 1 and figure 1.

    Args:
        tokens_mlp_dim: hidden width of `T`.
        channels_mlp_dim: hidden width of `C`.
        dropout: dropout in both MLPs, at least 0 and below 1.
        drop_path: probability of dropping each of the two branches for a picture, at least 0 and below 1.

    Input shape: `(b, n, d)`, `n` and `d` fixed when the layer is built. Output shape: the same.

    Raises:
        ValueError: a width is no positive whole number, a rate is outside [0, 1), or the input is not `(b, n, d)`.
    """

    def __init__(
        self,
        tokens_mlp_dim: int,
        channels_mlp_dim: int,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.tokens_mlp_dim = arguments.positive_int("MixerBlock", "tokens_mlp_dim", tokens_mlp_dim)
        self.channels_mlp_dim = arguments.positive_int("MixerBlock", "channels_mlp_dim", channels_mlp_dim)
        self.dropout = arguments.fraction("MixerBlock", "dropout", dropout)
        self.drop_path = arguments.fraction("MixerBlock", "drop_path", drop_path)
        dtype = self.dtype_policy
        self.norm1 = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm1", dtype=dtype)
        self.token_mlp = MLP(tokens_mlp_dim, dropout, name="token_mlp", dtype=dtype)
        self.norm2 = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm2", dtype=dtype)
        self.channel_mlp = MLP(channels_mlp_dim, dropout, name="channel_mlp", dtype=dtype)
        self.drop_path1 = DropPath(drop_path, name="drop_path1", dtype=dtype)
        self.drop_path2 = DropPath(drop_path, name="drop_path2", dtype=dtype)

    def build(self, input_shape):
        b, n, d = arguments.rank("MixerBlock", input_shape, "b n d")
        self.norm1.build(input_shape)
        self.token_mlp.build((b, d, n))
        self.norm2.build(input_shape)
        self.channel_mlp.build(input_shape)
        self.built = True

    def call(self, x, training=None):
        y = ops.transpose(self.norm1(x), (0, 2, 1))  # (b, d, n): the last axis is now the tokens
        y = self.token_mlp(y, training=training)
        y = ops.transpose(y, (0, 2, 1))  # (b, n, d)
        y = x + self.drop_path1(y, training=training)
        z = self.channel_mlp(self.norm2(y), training=training)
        return y + self.drop_path2(z, training=training)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds of both MLPs for one picture of `input_shape` `(b, n, d)`."""
        b, n, d = input_shape
        return self.token_mlp.multiply_adds((b, d, n)) + self.channel_mlp.multiply_adds((b, n, d))

    def get_config(self):
        return {
            **super().get_config(),
            "tokens_mlp_dim": self.tokens_mlp_dim,
            "channels_mlp_dim": self.channels_mlp_dim,
            "dropout": self.dropout,
            "drop_path": self.drop_path,
        }


@keras.saving.register_keras_serializable(package="course_utils")
class NoMixingBlock(keras.layers.Layer):
    """A block without token mixing: `z = x + C(LN2(x))`. The baseline that must fail.

    It is what is left of every block of the course once its mixer is taken out: each token is worked on alone, and
    tokens meet only in the mean over all of them at the end of the network.

    Args:
        channels_mlp_dim: hidden width of `C`.
        dropout: dropout in `C`, at least 0 and below 1.
        drop_path: probability of dropping the branch for a picture, at least 0 and below 1.

    Input shape: `(b, n, d)`. Output shape: the same.

    Raises:
        ValueError: a width is no positive whole number, a rate is outside [0, 1), or the input is not `(b, n, d)`.
    """

    def __init__(self, channels_mlp_dim: int, dropout: float = 0.0, drop_path: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.channels_mlp_dim = arguments.positive_int("NoMixingBlock", "channels_mlp_dim", channels_mlp_dim)
        self.dropout = arguments.fraction("NoMixingBlock", "dropout", dropout)
        self.drop_path = arguments.fraction("NoMixingBlock", "drop_path", drop_path)
        self.norm2 = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm2", dtype=self.dtype_policy)
        self.channel_mlp = MLP(channels_mlp_dim, dropout, name="channel_mlp", dtype=self.dtype_policy)
        self.drop_path2 = DropPath(drop_path, name="drop_path2", dtype=self.dtype_policy)

    def build(self, input_shape):
        arguments.rank("NoMixingBlock", input_shape, "b n d")
        self.norm2.build(input_shape)
        self.channel_mlp.build(input_shape)
        self.built = True

    def call(self, x, training=None):
        z = self.channel_mlp(self.norm2(x), training=training)
        return x + self.drop_path2(z, training=training)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds for one picture of `input_shape` `(b, n, d)`."""
        return self.channel_mlp.multiply_adds(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "channels_mlp_dim": self.channels_mlp_dim,
            "dropout": self.dropout,
            "drop_path": self.drop_path,
        }
