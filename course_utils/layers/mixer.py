"""MLP-Mixer: one MLP mixes the tokens, another mixes the channels.

Source: Tolstikhin et al. 2021, "MLP-Mixer: An all-MLP Architecture for Vision" (arXiv 2105.01601), section 2.
"""

from keras import ops

from course_utils.layers.base import DropPath, LayerNorm, TokenLayer
from course_utils.layers.mlp import MLP


class MixerBlock(TokenLayer):
    """One Mixer block: token mixing, then channel mixing.

        y = x + T(LN1(x))        T: an MLP along the tokens, the same for every channel
        z = y + C(LN2(y))        C: an MLP along the channels, the same for every token

    The two LayerNorms are separate, and the widths of the two MLPs are free of each other and of `n` and `d`.
    No position embedding is needed: `T` has weights of its own for each position, so it knows the order.
    Source: arXiv 2105.01601, equation 1 and figure 1.

    Args:
        tokens_mlp_dim: hidden width of `T`.
        channels_mlp_dim: hidden width of `C`.
        dropout: dropout in both MLPs.
        drop_path: probability of dropping each of the two branches for an image.

    Input shape: `(b, n, d)`, `n` and `d` fixed when the layer is built. Output shape: the same.

    Raises:
        ValueError: a width is no positive whole number, a rate is outside [0, 1], or the input is not `(b, n, d)`.
    """

    def __init__(self, tokens_mlp_dim, channels_mlp_dim, dropout=0.0, drop_path=0.0, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.norm1 = LayerNorm("norm1", dtype)
        self.token_mlp = MLP(tokens_mlp_dim, dropout, name="token_mlp", dtype=dtype)
        self.norm2 = LayerNorm("norm2", dtype)
        self.channel_mlp = MLP(channels_mlp_dim, dropout, name="channel_mlp", dtype=dtype)
        self.drop_path1 = DropPath(drop_path, name="drop_path1", dtype=dtype)
        self.drop_path2 = DropPath(drop_path, name="drop_path2", dtype=dtype)

    def call(self, x, training=None):
        y = ops.transpose(self.norm1(x), (0, 2, 1))  # (b, d, n): the last axis is now the tokens
        y = self.token_mlp(y, training=training)
        y = ops.transpose(y, (0, 2, 1))  # (b, n, d)
        y = x + self.drop_path1(y, training=training)
        z = self.channel_mlp(self.norm2(y), training=training)
        return y + self.drop_path2(z, training=training)


class NoMixingBlock(TokenLayer):
    """A block without token mixing: `z = x + C(LN2(x))`. The baseline that must fail.

    It is what is left of every block of the course once its mixer is taken out: each token is worked on alone, and
    tokens meet only in the mean over all of them at the end of the network.

    Args:
        channels_mlp_dim: hidden width of `C`.
        dropout: dropout in `C`.
        drop_path: probability of dropping the branch for an image.

    Input shape: `(b, n, d)`. Output shape: the same.

    Raises:
        ValueError: a width is no positive whole number, a rate is outside [0, 1], or the input is not `(b, n, d)`.
    """

    def __init__(self, channels_mlp_dim, dropout=0.0, drop_path=0.0, **kwargs):
        super().__init__(**kwargs)
        self.norm2 = LayerNorm("norm2", self.dtype_policy)
        self.channel_mlp = MLP(channels_mlp_dim, dropout, name="channel_mlp", dtype=self.dtype_policy)
        self.drop_path2 = DropPath(drop_path, name="drop_path2", dtype=self.dtype_policy)

    def call(self, x, training=None):
        z = self.channel_mlp(self.norm2(x), training=training)
        return x + self.drop_path2(z, training=training)
