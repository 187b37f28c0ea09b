"""ViT: a Transformer on patches. Tokens are mixed by attention, with weights that depend on the image.

Source: Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words" (arXiv 2010.11929), section 3.1 and appendix A.
"""

import math

import keras
from keras import ops

from course_utils.checked import Count
from course_utils.layers.base import DropPath, LayerNorm, Rate, TokenLayer
from course_utils.layers.mlp import MLP


class ClassToken(TokenLayer):
    """Puts one learned token before all others: its last state becomes the image's description.

    It starts at zero. Source: arXiv 2010.11929, section 3.1 and equation 1.

    Input shape: `(b, n, d)`. Output shape: `(b, 1 + n, d)`; the class token is token 0.

    Raises:
        ValueError: the input is not `(b, n, d)`.
    """

    def build(self, input_shape):
        self.class_token = self.add_weight(shape=input_shape[-1:], initializer="zeros", name="class_token")
        super().build(input_shape)

    def call(self, x):
        token = ops.cast(self.class_token, x.dtype)
        one_per_image = ops.broadcast_to(token, (ops.shape(x)[0], 1, x.shape[-1]))
        return ops.concatenate([one_per_image, x], axis=1)


class FirstToken(TokenLayer):
    """Takes token 0 alone: where a class token stands, the image's description.

    Input shape: `(b, n, d)`. Output shape: `(b, d)`.

    Raises:
        ValueError: the input is not `(b, n, d)`.
    """

    def call(self, x):
        return x[:, 0]


class SelfAttention(TokenLayer):
    """Multi-head self-attention: every token asks every token.

        A = softmax(Q · Kᵀ / √head_dim)      one (n, n) table for each head; rows sum to 1
        y = concatenated A · V, then a linear layer

    Source: arXiv 2010.11929, appendix A, equations 5 to 8 (with biases, as in the paper's code).

    Args:
        num_heads: number of heads; it must divide `d`, and `head_dim = d / num_heads`.
        dropout: dropout on the attention weights and on the output.

    Input shape: `(b, n, d)`. Output shape: the same; with `return_attention=True` a pair of the output and the
    attention weights `(b, num_heads, n, n)`, in which `[…, i, j]` is how much token `i` takes from token `j` (before
    dropout).

    Raises:
        ValueError: `num_heads` is no positive whole number or does not divide `d`, `dropout` is outside [0, 1], or
            the input is not `(b, n, d)`.
    """

    def __init__(self, num_heads: Count, dropout: Rate = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.drop1 = keras.layers.Dropout(dropout, name="drop1", dtype=self.dtype_policy)
        self.drop2 = keras.layers.Dropout(dropout, name="drop2", dtype=self.dtype_policy)

    def build(self, input_shape):
        d = input_shape[-1]
        if d % self.num_heads:
            raise ValueError(f"{type(self).__name__}: num_heads={self.num_heads} does not divide the width d={d}")
        self.head_dim = d // self.num_heads
        self.query, self.key, self.value, self.output_layer = (
            keras.layers.Dense(d, name=name, dtype=self.dtype_policy) for name in ("query", "key", "value", "output")
        )
        super().build(input_shape)

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


class TransformerBlock(TokenLayer):
    """One Transformer block: attention mixes the tokens, an MLP the channels ("pre-norm").

        y = x + MSA(LN1(x))
        z = y + MLP(LN2(y))

    Source: arXiv 2010.11929, equations 2 and 3.

    Args:
        num_heads: number of heads of the attention.
        mlp_dim: hidden width of the MLP.
        dropout: dropout in the attention and the MLP.
        drop_path: probability of dropping each of the two branches for an image.
        attention: the attention layer to use, such as a `LocalitySelfAttention` with as many heads; without it, a
            `SelfAttention`.

    Input shape: `(b, n, d)`. Output shape: the same; with `return_attention=True` a pair of the output and the
    attention weights `(b, num_heads, n, n)`.

    Raises:
        ValueError: a width is no positive whole number, a rate is outside [0, 1], `attention` has another number of
            heads, or the input is not `(b, n, d)`.
        TypeError: `attention` is no `SelfAttention`.
    """

    def __init__(self, num_heads, mlp_dim, dropout=0.0, drop_path=0.0, attention=None, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.norm1 = LayerNorm("norm1", dtype)
        if isinstance(attention, dict):  # as Keras saved it
            attention = keras.saving.deserialize_keras_object(attention)
        self.attention = attention or SelfAttention(num_heads, dropout, name="attention", dtype=dtype)
        if not isinstance(self.attention, SelfAttention):
            raise TypeError(f"TransformerBlock: attention must be a SelfAttention, but it is {attention!r}")
        if self.attention.num_heads != num_heads:
            raise ValueError(f"TransformerBlock: num_heads={num_heads}, but attention has {self.attention.num_heads}")
        self.norm2 = LayerNorm("norm2", dtype)
        self.mlp = MLP(mlp_dim, dropout, name="mlp", dtype=dtype)
        self.drop_path1 = DropPath(drop_path, name="drop_path1", dtype=dtype)
        self.drop_path2 = DropPath(drop_path, name="drop_path2", dtype=dtype)

    def call(self, x, training=None, return_attention=False):
        y = self.attention(self.norm1(x), training=training, return_attention=return_attention)
        y, attention = y if return_attention else (y, None)
        y = x + self.drop_path1(y, training=training)
        z = self.mlp(self.norm2(y), training=training)
        z = y + self.drop_path2(z, training=training)
        return (z, attention) if return_attention else z
