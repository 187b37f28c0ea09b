"""FNet: a Fourier transform over tokens and channels mixes them, without a single parameter.

Source: Lee-Thorp et al. 2021, "FNet: Mixing Tokens with Fourier Transforms" (arXiv 2105.03824), section 3; the other
mixers of this file are the ablations of its section 4.1.
"""

import math
from typing import Literal

import keras
from keras import ops

from course_utils.layers.base import DropPath, LayerNorm, TokenLayer
from course_utils.layers.mlp import MLP


class FourierMixing(TokenLayer):
    """Mixes tokens and channels with a two-dimensional discrete Fourier transform: `Re(F_n · x · F_d)`.

    `F_n` is the DFT matrix over the `n` tokens, `F_d` that over the `d` channels. The real part is taken once, at the
    end. There are no weights: every output value is a fixed sum over all tokens and all channels.
    Source: arXiv 2105.03824, section 3.2 and equation 3.

    Args:
        tokens: transform along the tokens.
        channels: transform along the channels.
        norm: "none", as in the paper; or "ortho", which divides by the square root of the number of values summed, so
            that the output is about as large as the input.

    Input shape: `(b, n, d)`. Output shape: the same.

    Raises:
        ValueError: `tokens` or `channels` is neither True nor False, `norm` is unknown, or the input is not
            `(b, n, d)`.
    """

    def __init__(self, tokens: bool = True, channels: bool = True, norm: Literal["none", "ortho"] = "none", **kwargs):
        super().__init__(**kwargs)
        self.tokens, self.channels, self.norm = tokens, channels, norm

    def call(self, x):
        _, n, d = x.shape
        real = ops.cast(x, "float32")  # no backend transforms half-precision numbers
        imaginary = ops.zeros_like(real)
        summed = 1
        if self.tokens and self.channels:
            real, _ = ops.fft2((real, imaginary))
            summed = n * d
        elif self.channels:
            real, _ = ops.fft((real, imaginary))  # along the last axis
            summed = d
        elif self.tokens:
            real, imaginary = (ops.transpose(part, (0, 2, 1)) for part in (real, imaginary))
            real, _ = ops.fft((real, imaginary))
            real = ops.transpose(real, (0, 2, 1))
            summed = n
        if self.norm == "ortho":
            real = real / math.sqrt(summed)
        return ops.cast(real, x.dtype)


class LinearMixing(TokenLayer):
    """Mixes with two matrices instead of the Fourier matrices: `W_n · x · W_d`, learned or left at random.

    Both start as normal noise of standard deviation `1/√n` and `1/√d`, which keeps the size of the values.
    Source: arXiv 2105.03824, section 4.1 ("Linear" and "Random" encoders).

    Args:
        learned: train the matrices (the paper's "Linear"), or keep their first values (its "Random").

    Input shape: `(b, n, d)`, `n` and `d` fixed when the layer is built. Output shape: the same.

    Raises:
        ValueError: `learned` is neither True nor False, or the input is not `(b, n, d)`.
    """

    def __init__(self, learned: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.learned = learned

    def build(self, input_shape):
        self.token_matrix, self.channel_matrix = (
            self.add_weight(
                shape=(size, size),
                initializer=keras.initializers.RandomNormal(stddev=1 / math.sqrt(size)),
                trainable=self.learned,
                name=name,
            )
            for size, name in zip(input_shape[1:], ("token_matrix", "channel_matrix"), strict=True)
        )
        super().build(input_shape)

    def call(self, x):
        x = ops.matmul(ops.cast(self.token_matrix, x.dtype), x)  # (n, n) · (b, n, d)
        return ops.matmul(x, ops.cast(self.channel_matrix, x.dtype))


class FNetBlock(TokenLayer):
    """One FNet block: mixing, then an MLP along the channels, each followed by a LayerNorm ("post-norm").

        y = LN1(x + M(x))        M: the Fourier transform over tokens and channels, real part
        z = LN2(y + MLP(y))

    Source: arXiv 2105.03824, section 3.2 and figure 1. The paper's MLP is four times as wide as `d`.

    Args:
        mlp_dim: hidden width of the MLP.
        dropout: dropout after the MLP's output, as in the paper.
        drop_path: probability of dropping each of the two branches for an image.
        mixing: "fourier", or one of the paper's ablations: "linear" (learned matrices), "random" (the same, never
            trained), "none" (only the MLP).
        fourier_norm: `norm` of `FourierMixing`.

    Input shape: `(b, n, d)`. Output shape: the same.

    Raises:
        ValueError: a width is no positive whole number, a rate is outside [0, 1], a name is unknown, or the input is
            not `(b, n, d)`.
    """

    def __init__(
        self, mlp_dim, dropout=0.0, drop_path=0.0, mixing: Literal["fourier", "linear", "random", "none"] = "fourier",
        fourier_norm="none", **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.mixer = {
            "fourier": lambda: FourierMixing(norm=fourier_norm, name="mixer", dtype=dtype),
            "linear": lambda: LinearMixing(learned=True, name="mixer", dtype=dtype),
            "random": lambda: LinearMixing(learned=False, name="mixer", dtype=dtype),
            "none": lambda: None,
        }[mixing]()
        self.norm1 = LayerNorm("norm1", dtype)
        self.mlp = MLP(mlp_dim, dropout, hidden_dropout=False, name="mlp", dtype=dtype)
        self.norm2 = LayerNorm("norm2", dtype)
        self.drop_path1 = DropPath(drop_path, name="drop_path1", dtype=dtype)
        self.drop_path2 = DropPath(drop_path, name="drop_path2", dtype=dtype)

    def call(self, x, training=None):
        if self.mixer is not None:
            x = x + self.drop_path1(self.mixer(x), training=training)
        y = self.norm1(x)
        z = self.mlp(y, training=training)
        return self.norm2(y + self.drop_path2(z, training=training))
