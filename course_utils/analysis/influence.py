"""Who moves whom: how much each output token of a block depends on each input token."""

import keras
import numpy as np

from course_utils import models
from course_utils.analysis.parts import array, embedding, whole

GRADIENTS = 1024  # that are worked out at most: all of 16 tokens of width 64
AT_A_TIME = 2**19  # numbers in the gradients that are worked out together: 64 gradients of `gmlp_course`, 0.1 GB


def influence(model, image: np.ndarray, depth: int, *, gradients: int = GRADIENTS) -> np.ndarray:
    """Measures how much each output token of a block is moved by each embedded token.

    Where there are no more than `gradients` output values `n × d`, as with 16 tokens of width 128, each has its own
    gradient, and the result is exact. With more, `k = gradients / n` random directions at right angles stand for the
    `d` of each output token, and `d / k` times their sum of squares for the sum of all squares (Hutchinson's estimate).
    With k = 16 of 128 (the `course` networks) an entry above 2 % of the largest is then off by 3 to 8 % in the mean, by
    a third at most.

    Args:
        model, image: a network of `models.classifier`, and pixels 0…255, `(h, w, c)`.
        depth: the block whose output is asked, from 1.
        gradients: how many to work out at most; at least one for each token is.

    Returns:
        float32 `(n, n)`. Entry `[i, j]` is `‖∂y_i / ∂x_j‖`, the Frobenius norm of the Jacobian of the block's output
        token `i` with respect to the embedded token `j`. A class token is left out: it has no position in the image.

    Raises:
        ValueError: `image` is not one image of the model's size, or there is no such block.
    """
    blocks = models.blocks(model)
    if np.shape(image) != tuple(model.input_shape[1:]):
        raise ValueError(f"influence: image must be {model.input_shape[1:]}, but its shape is {np.shape(image)}")
    depth = whole("influence", "depth", depth, 1, len(blocks))
    tokens = embedding(model).output
    n, d = tokens.shape[1:]
    k = min(d, max(1, gradients // n))
    # Any d directions at right angles give the exact sum: those of the single values, or a turned choice of them.
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(d, k)))[0].T * (d / k) ** 0.5
    directions = np.eye(d) if k == d else turned
    x = array(keras.Model(model.input, tokens)(np.asarray(image, "float32")[None]))
    through = keras.Model(tokens, blocks[depth - 1].output)
    squares, step = [], min(n * k, max(1, AT_A_TIME // (n * d)))
    pull = _pull_back(through, np.repeat(x, step, axis=0))
    for start in range(0, n * k, step):
        token, one = np.divmod(np.arange(start, min(start + step, n * k)), k)
        asked = np.zeros((step, *through.output.shape[1:]), "float32")
        asked[range(len(token)), token - n] = directions[one]  # from the end: a class token stands before them
        squares.append(np.square(np.asarray(pull(asked), "float64")[: len(token)]).sum(axis=-1))
    return np.sqrt(np.concatenate(squares).reshape(n, k, n).sum(axis=1)).astype("float32")


def _pull_back(function, copies: np.ndarray):
    """Returns a function from directions to `direction · ∂function/∂x` (vector-Jacobian products), one for each copy.

    The function itself runs once for all of them.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        points = tf.constant(copies)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(points)
            y = function(points)
        return lambda directions: tape.gradient(y, points, output_gradients=tf.cast(directions, y.dtype))
    if backend == "jax":
        import jax

        y, back = jax.vjp(function, copies)
        return jax.jit(lambda directions: back(directions.astype(y.dtype))[0])
    raise NotImplementedError(f"influence: needs the TensorFlow or the JAX backend, but Keras runs on {backend}")
