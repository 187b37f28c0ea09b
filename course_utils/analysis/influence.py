"""Who moves whom: how much each output token of a block depends on each input token."""

import keras
import numpy as np

from course_utils import models


def token_grid(model) -> tuple[int, int]:
    """Returns (rows, columns) of the patches that a classifier cuts an image into."""
    p = model.get_layer("patch_embedding").patch_size
    _, h, w, _ = model.input_shape
    return h // p, w // p


def _pulled_back(function, x, direction) -> np.ndarray:
    """Returns `direction · ∂function/∂x` (a vector-Jacobian product) as an array, on the backend in use."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        x = tf.convert_to_tensor(x)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x, output_gradients=tf.cast(direction, y.dtype)).numpy()
    if backend == "jax":
        import jax

        y, pull = jax.vjp(function, x)
        return np.asarray(pull(direction.astype(y.dtype))[0])
    raise NotImplementedError(f"influence: needs the TensorFlow or the JAX backend, but Keras runs on {backend}")


def influence(model, image: np.ndarray, depth: int, *, batch_size: int = 1024) -> np.ndarray:
    """Measures how much each output token of a block is moved by each embedded token.

    Args:
        model: a classifier, as built by `models.classifier`.
        image: one image, pixels 0…255, `(h, w, c)`.
        depth: the block whose output is asked, from 1.
        batch_size: gradients worked out at a time; it changes speed and memory only.

    Returns:
        float32 `(n, n)`. Entry `[i, j]` is `‖∂y_i / ∂x_j‖`, the Frobenius norm of the Jacobian of the block's output
        token `i` with respect to the embedded token `j`: exact, one gradient for each of the `n × d` output values.
        A class token is left out: it has no place in the image.

    Raises:
        ValueError: `image` is not one image of the model's size, or there is no such block.
    """
    image = np.asarray(image)
    if image.shape != tuple(model.input_shape[1:]):
        raise ValueError(f"influence: image must be {tuple(model.input_shape[1:])}, but its shape is {image.shape}")
    last = len(models.blocks(model))
    if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= last:
        raise ValueError(f"influence: depth must be a block from 1 to {last}, but it is {depth!r}")
    tokens = model.get_layer("patch_embedding").output.shape[1:]
    n, d = tokens
    embedded = model.get_layer("patch_embedding").output
    embed = keras.Model(model.input, embedded)
    through = keras.Model(embedded, model.get_layer(f"block_{depth}").output)
    x = keras.ops.convert_to_numpy(embed(image[None].astype("float32")))
    extra = through.output_shape[1] - n  # a class token stands before the tokens of the image
    squares = np.zeros((n * d, n))
    for start in range(0, n * d, batch_size):
        # Each copy of the image asks about one value of one output token.
        asked = np.arange(start, min(start + batch_size, n * d))
        direction = np.zeros((len(asked), (extra + n) * d), dtype="float32")
        direction[np.arange(len(asked)), extra * d + asked] = 1
        copies = np.repeat(x.astype("float32"), len(asked), axis=0)
        gradient = _pulled_back(through, copies, direction.reshape(-1, extra + n, d))
        squares[asked] = np.square(gradient.astype("float64")).sum(axis=-1)  # (asked, n)
    return np.sqrt(squares.reshape(n, d, n).sum(axis=1)).astype("float32")
