"""A convolution in the mixer's place: the CNN beside the papers.

Source: Yu et al. 2022, "MetaFormer Baselines for Vision" (arXiv 2210.13452), section 2; without the pointwise layers
that stand around their depthwise convolution.
"""

import keras
from keras import ops

from course_utils.checked import Count, Grid
from course_utils.layers.base import DropPath, LayerNorm, TokenLayer
from course_utils.layers.mlp import MLP


class ConvBlock(TokenLayer):
    """One convolutional block: a depthwise convolution mixes neighbouring tokens, an MLP the channels.

        y = x + D(LN1(x))        D: each channel's own k × k kernel over the grid of tokens, zeros around it
        z = y + C(LN2(y))        C: an MLP along the channels, the same for every token

    Unlike a Mixer's, the weights of `D` are the same everywhere; `depth` blocks see `depth · (k − 1) / 2` tokens far.

    Args:
        grid: `(rows, columns)` of the tokens.
        mlp_dim: hidden width of `C`.
        kernel_size: side `k` of the kernels, odd.
        dropout: dropout in `C`.
        drop_path: probability of dropping each of the two branches for an image.

    Input shape: `(b, rows · columns, d)`. Output shape: the same.

    Raises:
        ValueError: as `MixerBlock`; `grid` is no pair of positive whole numbers, or `kernel_size` no odd one; the input
            is not `(b, rows · columns, d)`.
    """

    def __init__(self, grid: Grid, mlp_dim, kernel_size: Count = 3, dropout=0.0, drop_path=0.0, **kwargs):
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"ConvBlock: kernel_size must be odd, to have a middle, but it is {kernel_size}")
        (self.rows, self.columns), dtype = grid, self.dtype_policy
        self.norm1 = LayerNorm("norm1", dtype)
        self.conv = keras.layers.DepthwiseConv2D(
            kernel_size, padding="same", data_format="channels_last", name="conv", dtype=dtype
        )
        self.norm2 = LayerNorm("norm2", dtype)
        self.channel_mlp = MLP(mlp_dim, dropout, name="channel_mlp", dtype=dtype)
        self.drop_path1 = DropPath(drop_path, name="drop_path1", dtype=dtype)
        self.drop_path2 = DropPath(drop_path, name="drop_path2", dtype=dtype)

    def call(self, x, training=None):
        _, n, d = x.shape
        if n != self.rows * self.columns:
            raise ValueError(f"ConvBlock: a grid of {self.rows} × {self.columns} does not hold {n} tokens")
        y = ops.reshape(self.norm1(x), (-1, self.rows, self.columns, d))
        y = ops.reshape(self.conv(y), (-1, n, d))
        y = x + self.drop_path1(y, training=training)
        z = self.channel_mlp(self.norm2(y), training=training)
        return y + self.drop_path2(z, training=training)
