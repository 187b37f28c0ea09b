"""FNet: a Fourier transform over tokens and channels mixes them, without a single weight.

Source: Lee-Thorp et al. 2021, "FNet: Mixing Tokens with Fourier Transforms" (arXiv 2105.03824), section 3; the other
mixers of this file are the ablations of its section 4.1.
"""

import math

import keras
from keras import ops

from course_utils.layers import _arguments as arguments
from course_utils.layers.mixer import EPSILON
from course_utils.layers.mlp import MLP, DropPath

NORMS = ("none", "ortho")


@keras.saving.register_keras_serializable(package="course_utils")
class FourierMixing(keras.layers.Layer):
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

    def __init__(self, tokens: bool = True, channels: bool = True, norm: str = "none", **kwargs):
        super().__init__(**kwargs)
        self.tokens = arguments.true_or_false("FourierMixing", "tokens", tokens)
        self.channels = arguments.true_or_false("FourierMixing", "channels", channels)
        self.norm = arguments.one_of("FourierMixing", "norm", norm, NORMS)

    def call(self, x):
        _, n, d = arguments.rank("FourierMixing", x.shape, "b n d")
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

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, input_shape) -> int:
        """Returns 0: a transform holds no dense layer (its own cost grows with `n · d · log(n · d)`)."""
        return 0

    def get_config(self):
        return {**super().get_config(), "tokens": self.tokens, "channels": self.channels, "norm": self.norm}


@keras.saving.register_keras_serializable(package="course_utils")
class LinearMixing(keras.layers.Layer):
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
        self.learned = arguments.true_or_false("LinearMixing", "learned", learned)

    def build(self, input_shape):
        _, n, d = arguments.rank("LinearMixing", input_shape, "b n d")
        self.token_matrix, self.channel_matrix = (
            self.add_weight(
                shape=(size, size),
                initializer=keras.initializers.RandomNormal(stddev=1 / math.sqrt(size)),
                trainable=self.learned,
                name=name,
            )
            for size, name in ((n, "token_matrix"), (d, "channel_matrix"))
        )
        self.built = True

    def call(self, x):
        x = ops.matmul(ops.cast(self.token_matrix, x.dtype), x)  # (n, n) · (b, n, d)
        return ops.matmul(x, ops.cast(self.channel_matrix, x.dtype))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds of both matrices for one picture of `input_shape` `(b, n, d)`."""
        _, n, d = input_shape
        return n * n * d + n * d * d

    def get_config(self):
        return {**super().get_config(), "learned": self.learned}


MIXINGS = ("fourier", "linear", "random", "none")


@keras.saving.register_keras_serializable(package="course_utils")
class FNetBlock(keras.layers.Layer):
    """One FNet block: mixing, then an MLP along the channels, each followed by a LayerNorm ("post-norm").

        y = LN1(x + M(x))        M: the Fourier transform over tokens and channels, real part
        z = LN2(y + MLP(y))

    Source: arXiv 2105.03824, section 3.2 and figure 1. The paper's MLP is four times as wide as `d`.

    Args:
        mlp_dim: hidden width of the MLP.
        dropout: dropout after the MLP's output, as in the paper, at least 0 and below 1.
        drop_path: probability of dropping each of the two branches for a picture, at least 0 and below 1.
        mixing: "fourier", or one of the paper's ablations: "linear" (learned matrices), "random" (the same, never
            trained), "none" (only the MLP).
        fourier_norm: `norm` of `FourierMixing`.

    Input shape: `(b, n, d)`. Output shape: the same.

    Raises:
        ValueError: a width is no positive whole number, a rate is outside [0, 1), a name is unknown, or the input is
            not `(b, n, d)`.
    """

    def __init__(
        self,
        mlp_dim: int,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        mixing: str = "fourier",
        fourier_norm: str = "none",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.mlp_dim = arguments.positive_int("FNetBlock", "mlp_dim", mlp_dim)
        self.dropout = arguments.fraction("FNetBlock", "dropout", dropout)
        self.drop_path = arguments.fraction("FNetBlock", "drop_path", drop_path)
        self.mixing = arguments.one_of("FNetBlock", "mixing", mixing, MIXINGS)
        self.fourier_norm = arguments.one_of("FNetBlock", "fourier_norm", fourier_norm, NORMS)
        dtype = self.dtype_policy
        if mixing == "fourier":
            self.mixer = FourierMixing(norm=fourier_norm, name="mixer", dtype=dtype)
        elif mixing == "none":
            self.mixer = None
        else:
            self.mixer = LinearMixing(learned=mixing == "linear", name="mixer", dtype=dtype)
        self.norm1 = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm1", dtype=dtype)
        self.mlp = MLP(mlp_dim, dropout, hidden_dropout=False, name="mlp", dtype=dtype)
        self.norm2 = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm2", dtype=dtype)
        self.drop_path1 = DropPath(drop_path, name="drop_path1", dtype=dtype)
        self.drop_path2 = DropPath(drop_path, name="drop_path2", dtype=dtype)

    def build(self, input_shape):
        arguments.rank("FNetBlock", input_shape, "b n d")
        for layer in (self.mixer, self.norm1, self.mlp, self.norm2):
            if layer is not None:
                layer.build(input_shape)
        self.built = True

    def call(self, x, training=None):
        if self.mixer is not None:
            x = x + self.drop_path1(self.mixer(x), training=training)
        y = self.norm1(x)
        z = self.mlp(y, training=training)
        return self.norm2(y + self.drop_path2(z, training=training))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds for one picture of `input_shape` `(b, n, d)`; the transform itself counts 0."""
        mixer = self.mixer.multiply_adds(input_shape) if self.mixer is not None else 0
        return mixer + self.mlp.multiply_adds(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "mlp_dim": self.mlp_dim,
            "dropout": self.dropout,
            "drop_path": self.drop_path,
            "mixing": self.mixing,
            "fourier_norm": self.fourier_norm,
        }
