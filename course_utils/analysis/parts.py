"""What is asked of every network: its parts, found by what they are, and the checks of what comes with it."""

from numbers import Integral

import keras
import numpy as np

from course_utils import models
from course_utils.layers import TransformerBlock


def array(tensor) -> np.ndarray:
    """Returns a tensor as float32 array."""
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


def blocks_of(owner: str, model, kind: type, words: str) -> list:
    """Returns a classifier's blocks, in order; ValueError if they are not of that kind."""
    blocks = models.blocks(model)
    if not all(isinstance(block, kind) for block in blocks):
        raise ValueError(f"{owner}: needs {words} blocks, but {model.name!r} is made of {type(blocks[0]).__name__}")
    return blocks


def transformer_blocks(owner: str, model, images) -> list[tuple]:
    """Returns each block of a ViT with what it gets for some images, `(b, n, d)`."""
    blocks = blocks_of(owner, model, TransformerBlock, "Transformer")
    inputs = keras.Model(model.input, [block.input for block in blocks])(images_for(owner, model, images))
    return list(zip(blocks, keras.tree.flatten(inputs), strict=True))  # of one block, Keras gives no list


def whole(owner: str, name: str, value, least: int, most: int) -> int:
    """Returns `value` as int if it is a whole number, Python's or NumPy's, from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) <= most:
        raise ValueError(f"{owner}: {name} must be from {least} to {most}, but it is {value!r}")
    return int(value)


def images_for(owner: str, model, images) -> np.ndarray:
    """Returns images `(b, h, w, c)` as float32 if they have the size that the model wants."""
    images, wanted = np.asarray(images), tuple(model.input_shape[1:])
    if images.ndim != 4 or images.shape[1:] != wanted:
        raise ValueError(
            f"{owner}: images must be (b, {', '.join(map(str, wanted))}), but their shape is {images.shape}"
        )
    return images.astype("float32")


def shares(owner: str, attention) -> np.ndarray:
    """Returns attention `(…, n)` as float64 if each row holds numbers >= 0 that sum to 1, and there is one."""
    attention = np.asarray(attention, dtype="float64")
    if attention.ndim == 0 or attention.size == 0:
        raise ValueError(f"{owner}: attention must be (…, n), but its shape is {attention.shape}")
    # bfloat16 keeps numbers to 0.4 % only
    if not np.all(attention >= 0) or not np.allclose(attention.sum(axis=-1), 1, atol=1e-2):
        raise ValueError(f"{owner}: the rows of attention must be 0 or more and sum to 1")
    return attention


def embedding(model) -> keras.Layer:
    """Returns the layer that makes tokens `(b, n, d)` of an image `(b, h, w, c)`."""
    for layer in model.layers:
        if len(layer.output.shape) == 3 and len(layer.input.shape) == 4:
            return layer
    raise ValueError(f"the model {model.name!r} makes no tokens of an image: build it by classifier()")


def token_grid(model) -> tuple[int, int]:
    """Returns (rows, columns) of the patches that a classifier cuts an image into."""
    models.check_model("token_grid", model)
    _, h, w, _ = model.input_shape
    side = round((h * w / embedding(model).output.shape[1]) ** 0.5)
    return h // side, w // side
