"""The two-layer perceptron that every block of the course shares."""

import keras

from course_utils.checked import Count
from course_utils.layers.base import Rate, TokenLayer


class MLP(TokenLayer):
    """Two dense layers with a GELU between them, along the last axis: `W2 · GELU(W1 · x + b1) + b2`.

    The output is as wide as the input. GELU is the exact one (with the error function); the papers' own code in JAX
    takes its tanh approximation, which differs by at most 3e-4. Dropout follows the GELU and the output.
    Source: arXiv 2105.01601, section 2; arXiv 2010.11929, section 3.1.

    Args:
        hidden_dim: width of the hidden layer.
        dropout: share of values set to zero in training.
        hidden_dropout: drop values after the GELU, too; False leaves the dropout after the output alone.

    Input shape: `(…, d)`. Output shape: the same.

    Raises:
        ValueError: `hidden_dim` is no positive whole number, `dropout` is outside [0, 1], or `hidden_dropout` is
            neither True nor False.
    """

    axes = None

    def __init__(self, hidden_dim: Count, dropout: Rate = 0.0, hidden_dropout: bool = True, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.hidden = keras.layers.Dense(hidden_dim, name="hidden", dtype=dtype)
        self.drop1 = keras.layers.Dropout(dropout if hidden_dropout else 0.0, name="drop1", dtype=dtype)
        self.drop2 = keras.layers.Dropout(dropout, name="drop2", dtype=dtype)

    def build(self, input_shape):
        self.output_layer = keras.layers.Dense(input_shape[-1], name="output", dtype=self.dtype_policy)
        super().build(input_shape)

    def call(self, x, training=None):
        x = keras.activations.gelu(self.hidden(x), approximate=False)  # (…, hidden_dim)
        x = self.output_layer(self.drop1(x, training=training))  # (…, d)
        return self.drop2(x, training=training)
