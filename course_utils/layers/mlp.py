"""Two small parts that every block of the course shares: the two-layer perceptron and stochastic depth."""

import keras
from keras import ops

from course_utils.layers import _arguments as arguments


@keras.saving.register_keras_serializable(package="course_utils")
class MLP(keras.layers.Layer):
    """Two dense layers with a GELU between them, along the last axis: `W2 · GELU(W1 · x + b1) + b2`.

    The output is as wide as the input. GELU is the exact one (with the error function, not its tanh approximation).
    Dropout follows the GELU and the output. Source: arXiv 2105.01601, section 2; arXiv 2010.11929, section 3.1.

    Args:
        hidden_dim: width of the hidden layer.
        dropout: share of values set to zero in training, at least 0 and below 1.
        hidden_dropout: drop values after the GELU, too; False leaves the dropout after the output alone.

    Input shape: `(…, d)`. Output shape: the same.

    Raises:
        ValueError: `hidden_dim` is no positive whole number, or `dropout` is outside [0, 1).
    """

    def __init__(self, hidden_dim: int, dropout: float = 0.0, hidden_dropout: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.hidden_dim = arguments.positive_int("MLP", "hidden_dim", hidden_dim)
        self.dropout = arguments.fraction("MLP", "dropout", dropout)
        self.hidden_dropout = arguments.true_or_false("MLP", "hidden_dropout", hidden_dropout)
        self.hidden = keras.layers.Dense(hidden_dim, name="hidden", dtype=self.dtype_policy)
        self.drop1 = keras.layers.Dropout(dropout if hidden_dropout else 0.0, name="drop1", dtype=self.dtype_policy)
        self.drop2 = keras.layers.Dropout(dropout, name="drop2", dtype=self.dtype_policy)

    def build(self, input_shape):
        self.hidden.build(input_shape)
        self.output_layer = keras.layers.Dense(input_shape[-1], name="output", dtype=self.dtype_policy)
        self.output_layer.build((*input_shape[:-1], self.hidden_dim))
        self.built = True

    def call(self, x, training=None):
        x = keras.activations.gelu(self.hidden(x), approximate=False)  # (…, hidden_dim)
        x = self.output_layer(self.drop1(x, training=training))  # (…, d)
        return self.drop2(x, training=training)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds for one picture of `input_shape` `(b, vectors, d)`."""
        _, vectors, d = input_shape
        return 2 * vectors * d * self.hidden_dim

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "hidden_dropout": self.hidden_dropout,
        }


@keras.saving.register_keras_serializable(package="course_utils")
class DropPath(keras.layers.Layer):
    """Drops a whole residual branch for some pictures of a batch (stochastic depth).

    In training, a picture's branch is set to zero with probability `rate` and multiplied by `1 / (1 - rate)`
    otherwise, so that its expected value stays the same. Outside training nothing happens.
    Source: Huang et al. 2016, "Deep Networks with Stochastic Depth" (arXiv 1603.09382); used in arXiv 2105.01601,
    section 3 (training details), and 2105.08050, section 3.

    Args:
        rate: probability of dropping a picture's branch, at least 0 and below 1.

    Input shape: `(b, …)`. Output shape: the same.

    Raises:
        ValueError: `rate` is outside [0, 1).
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.rate = arguments.fraction("DropPath", "rate", rate)
        self.seed_generator = keras.random.SeedGenerator() if self.rate else None

    def call(self, x, training=None):
        if not training or not self.rate:
            return x
        one_per_picture = (ops.shape(x)[0], *(1,) * (len(x.shape) - 1))
        kept = keras.random.uniform(one_per_picture, seed=self.seed_generator) >= self.rate
        return x * ops.cast(kept, x.dtype) / (1 - self.rate)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
