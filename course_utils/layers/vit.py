"""ViT: a Transformer on patches. Tokens are mixed by attention, with weights that depend on the picture.

Source: Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words" (arXiv 2010.11929), section 3.1 and appendix A.
"""

import math

import keras
from keras import ops

from course_utils.layers import _arguments as arguments
from course_utils.layers.mixer import EPSILON
from course_utils.layers.mlp import MLP, DropPath


@keras.saving.register_keras_serializable(package="course_utils")
class ClassToken(keras.layers.Layer):
    """Puts one learned token before all others: its last state becomes the picture's description.

    It starts at zero. Source: arXiv 2010.11929, section 3.1 and equation 1.

    Input shape: `(b, n, d)`. Output shape: `(b, 1 + n, d)`; the class token is token 0.

    Raises:
        ValueError: the input is not `(b, n, d)`.
    """

    def build(self, input_shape):
        _, _, d = arguments.rank("ClassToken", input_shape, "b n d")
        self.class_token = self.add_weight(shape=(d,), initializer="zeros", name="class_token")
        self.built = True

    def call(self, x):
        token = ops.cast(self.class_token, x.dtype)
        one_per_picture = ops.broadcast_to(token, (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([one_per_picture, x], axis=1)

    def compute_output_shape(self, input_shape):
        b, n, d = input_shape
        return b, n + 1, d


@keras.saving.register_keras_serializable(package="course_utils")
class FirstToken(keras.layers.Layer):
    """Takes token 0 alone: where a class token stands, the picture's description.

    Input shape: `(b, n, d)`. Output shape: `(b, d)`.

    Raises:
        ValueError: the input is not `(b, n, d)`.
    """

    def call(self, x):
        arguments.rank("FirstToken", x.shape, "b n d")
        return x[:, 0]

    def compute_output_shape(self, input_shape):
        b, _, d = input_shape
        return b, d


def _spec(layer, x, num_heads: int, return_attention: bool):
    """Returns the shapes that attention gives; they depend on an argument, which `compute_output_shape` never sees."""
    b, n, _ = arguments.rank(type(layer).__name__, x.shape, "b n d")
    output = keras.KerasTensor(x.shape, layer.compute_dtype)
    return (output, keras.KerasTensor((b, num_heads, n, n), layer.compute_dtype)) if return_attention else output


@keras.saving.register_keras_serializable(package="course_utils")
class SelfAttention(keras.layers.Layer):
    """Multi-head self-attention: every token asks every token.

        A = softmax(Q · Kᵀ / √head_dim)      one (n, n) table for each head; rows sum to 1
        y = concatenated A · V, then a linear layer

    Source: arXiv 2010.11929, appendix A, equations 5 to 8 (with biases, as in the paper's code).

    Args:
        num_heads: number of heads; it must divide `d`, and `head_dim = d / num_heads`.
        dropout: dropout on the attention weights and on the output, at least 0 and below 1.

    Input shape: `(b, n, d)`. Output shape: the same; with `return_attention=True` a pair of the output and the
    attention weights `(b, num_heads, n, n)`, in which `[…, i, j]` is how much token `i` takes from token `j` (before
    dropout).

    Raises:
        ValueError: `num_heads` is no positive whole number or does not divide `d`, `dropout` is outside [0, 1), or
            the input is not `(b, n, d)`.
    """

    def __init__(self, num_heads: int, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = arguments.positive_int(type(self).__name__, "num_heads", num_heads)
        self.dropout = arguments.fraction(type(self).__name__, "dropout", dropout)
        self.drop1 = keras.layers.Dropout(dropout, name="drop1", dtype=self.dtype_policy)
        self.drop2 = keras.layers.Dropout(dropout, name="drop2", dtype=self.dtype_policy)

    def build(self, input_shape):
        _, _, d = arguments.rank(type(self).__name__, input_shape, "b n d")
        if d % self.num_heads:
            raise ValueError(f"{type(self).__name__}: num_heads={self.num_heads} does not divide the width d={d}")
        self.head_dim = d // self.num_heads
        self.query, self.key, self.value, self.output_layer = (
            keras.layers.Dense(d, name=name, dtype=self.dtype_policy) for name in ("query", "key", "value", "output")
        )
        for layer in (self.query, self.key, self.value, self.output_layer):
            layer.build(input_shape)
        self.built = True

    def scores(self, x):
        """Returns what the softmax gets, float32 `(b, num_heads, n, n)`: `Q · Kᵀ / √head_dim`."""
        return self.products(x) / math.sqrt(self.head_dim)

    def products(self, x):
        """Returns `Q · Kᵀ`, float32 `(b, num_heads, n, n)`."""
        q, k = self._heads(self.query(x)), self._heads(self.key(x))
        return ops.cast(ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))), "float32")

    def call(self, x, training=None, return_attention=False):
        attention = ops.cast(ops.softmax(self.scores(x), axis=-1), self.compute_dtype)  # (b, heads, n, n)
        mixed = ops.matmul(self.drop1(attention, training=training), self._heads(self.value(x)))
        _, n, d = x.shape
        y = ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (-1, n, d))  # (b, n, heads * head_dim)
        y = self.drop2(self.output_layer(y), training=training)
        return (y, attention) if return_attention else y

    def _heads(self, x):
        """(b, n, d) -> (b, heads, n, head_dim)"""
        x = ops.reshape(x, (-1, x.shape[1], self.num_heads, self.head_dim))
        return ops.transpose(x, (0, 2, 1, 3))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def compute_output_spec(self, x, training=None, return_attention=False):
        """Says what a call gives, a pair or one tensor, before there are numbers."""
        return _spec(self, x, self.num_heads, return_attention)

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds for one picture of `input_shape` `(b, n, d)`."""
        _, n, d = input_shape
        return 4 * n * d * d + 2 * n * n * d

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads, "dropout": self.dropout}


@keras.saving.register_keras_serializable(package="course_utils")
class TransformerBlock(keras.layers.Layer):
    """One Transformer block: attention mixes the tokens, an MLP the channels ("pre-norm").

        y = x + MSA(LN1(x))
        z = y + MLP(LN2(y))

    Source: arXiv 2010.11929, equations 2 and 3.

    Args:
        num_heads: number of heads of the attention.
        mlp_dim: hidden width of the MLP.
        dropout: dropout in the attention and the MLP, at least 0 and below 1.
        drop_path: probability of dropping each of the two branches for a picture, at least 0 and below 1.
        attention: the attention layer to use, such as a `LocalitySelfAttention` with as many heads; without it, a
            `SelfAttention`.

    Input shape: `(b, n, d)`. Output shape: the same; with `return_attention=True` a pair of the output and the
    attention weights `(b, num_heads, n, n)`.

    Raises:
        ValueError: a width is no positive whole number, a rate is outside [0, 1), `attention` has another number of
            heads, or the input is not `(b, n, d)`.
        TypeError: `attention` is no `SelfAttention`.
    """

    def __init__(
        self,
        num_heads: int,
        mlp_dim: int,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        attention: SelfAttention | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = arguments.positive_int("TransformerBlock", "num_heads", num_heads)
        self.mlp_dim = arguments.positive_int("TransformerBlock", "mlp_dim", mlp_dim)
        self.dropout = arguments.fraction("TransformerBlock", "dropout", dropout)
        self.drop_path = arguments.fraction("TransformerBlock", "drop_path", drop_path)
        dtype = self.dtype_policy
        if attention is None:
            attention = SelfAttention(num_heads, dropout, name="attention", dtype=dtype)
        if not isinstance(attention, SelfAttention):
            kind = type(attention).__name__
            raise TypeError(f"TransformerBlock: attention must be a SelfAttention or its like, but it is a {kind}")
        if attention.num_heads != num_heads:
            raise ValueError(
                f"TransformerBlock: num_heads is {num_heads}, but the attention layer has {attention.num_heads}"
            )
        self.norm1 = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm1", dtype=dtype)
        self.attention = attention
        self.norm2 = keras.layers.LayerNormalization(epsilon=EPSILON, name="norm2", dtype=dtype)
        self.mlp = MLP(mlp_dim, dropout, name="mlp", dtype=dtype)
        self.drop_path1 = DropPath(drop_path, name="drop_path1", dtype=dtype)
        self.drop_path2 = DropPath(drop_path, name="drop_path2", dtype=dtype)

    def build(self, input_shape):
        arguments.rank("TransformerBlock", input_shape, "b n d")
        for layer in (self.norm1, self.attention, self.norm2, self.mlp):
            if not layer.built:  # an attention layer that was handed in may have been used before
                layer.build(input_shape)
        self.built = True

    def call(self, x, training=None, return_attention=False):
        y = self.attention(self.norm1(x), training=training, return_attention=return_attention)
        y, attention = y if return_attention else (y, None)
        y = x + self.drop_path1(y, training=training)
        z = self.mlp(self.norm2(y), training=training)
        z = y + self.drop_path2(z, training=training)
        return (z, attention) if return_attention else z

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def compute_output_spec(self, x, training=None, return_attention=False):
        """Says what a call gives, a pair or one tensor, before there are numbers."""
        return _spec(self, x, self.num_heads, return_attention)

    def multiply_adds(self, input_shape) -> int:
        """Returns the multiply-adds for one picture of `input_shape` `(b, n, d)`."""
        return self.attention.multiply_adds(input_shape) + self.mlp.multiply_adds(input_shape)

    def get_config(self):
        attention = keras.saving.serialize_keras_object(self.attention)
        attention.pop("build_config", None)  # the block builds it, so that its weights carry the block's name
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "mlp_dim": self.mlp_dim,
            "dropout": self.dropout,
            "drop_path": self.drop_path,
            "attention": attention,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the block, its attention layer included, from what `get_config` gave."""
        return cls(**{**config, "attention": keras.saving.deserialize_keras_object(config["attention"])})
