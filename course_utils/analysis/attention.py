"""What attention does in a network: its weights for an image, rolled out, and how far they reach."""

import keras
import numpy as np

from course_utils import models
from course_utils.layers import LocalitySelfAttention, TransformerBlock


def _checked_blocks(owner: str, model) -> list:
    blocks = models.blocks(model)
    if not all(isinstance(block, TransformerBlock) for block in blocks):
        kind = type(blocks[0]).__name__
        raise ValueError(f"{owner}: needs Transformer blocks, but {model.name!r} is made of {kind}")
    return blocks


def _images(owner: str, model, images) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1:] != tuple(model.input_shape[1:]):
        h, w, c = model.input_shape[1:]
        raise ValueError(f"{owner}: images must be (b, {h}, {w}, {c}), but their shape is {images.shape}")
    return images.astype("float32")


def attention(model, images: np.ndarray) -> np.ndarray:
    """Returns the attention weights of every block and head for some images.

    Args:
        model: a ViT, as built by `models.classifier`.
        images: pixels 0…255, `(b, h, w, c)`.

    Returns:
        float32 `(depth, b, heads, n, n)`; entry `[…, i, j]` is how much token `i` takes from token `j`. With a class
        token, that is token 0, and `n` is one more than there are patches.

    Raises:
        ValueError: the model has no Transformer blocks, or the images have another size.
    """
    blocks = _checked_blocks("attention", model)
    x = keras.Model(model.input, blocks[0].input)(_images("attention", model, images))
    found = []
    for block in blocks:
        x, weights = block(x, return_attention=True)
        found.append(keras.ops.convert_to_numpy(keras.ops.cast(weights, "float32")))
    return np.stack(found)


def products(model, images: np.ndarray) -> np.ndarray:
    """Returns `Q · Kᵀ` of every block and head: the scores before temperature, mask and softmax.

    Args:
        model: a ViT, as built by `models.classifier`.
        images: pixels 0…255, `(b, h, w, c)`.

    Returns:
        float32 `(depth, b, heads, n, n)`.

    Raises:
        ValueError: the model has no Transformer blocks, or the images have another size.
    """
    blocks = _checked_blocks("products", model)
    x = keras.Model(model.input, blocks[0].input)(_images("products", model, images))
    found = []
    for block in blocks:
        found.append(keras.ops.convert_to_numpy(block.attention.products(block.norm1(x))))
        x = block(x)
    return np.stack(found).astype("float32")


def rollout(attention: np.ndarray) -> np.ndarray:
    """Follows attention through all blocks: how much of each input token arrives at each output token.

    Each block hands on half of itself (the residual) and half of the mean over its heads; the blocks' tables are
    multiplied. Source: Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers" (arXiv 2005.00928),
    section 3.

    Args:
        attention: `(depth, …, heads, n, n)`, rows summing to 1, as `attention` gives it.

    Returns:
        `(depth, …, n, n)`: entry `k` is the rollout up to and with block `k + 1`; rows sum to 1.

    Raises:
        ValueError: the shape does not fit, or rows do not sum to 1.
    """
    attention = np.asarray(attention, dtype="float64")
    if attention.ndim < 4 or attention.shape[-1] != attention.shape[-2]:
        raise ValueError(f"rollout: attention must be (depth, …, heads, n, n), but its shape is {attention.shape}")
    sums = attention.sum(axis=-1, keepdims=True)
    if not np.allclose(sums, 1, atol=1e-2):  # bfloat16 keeps each number to 0.4 % only
        raise ValueError("rollout: the rows of attention must sum to 1")
    identity = np.eye(attention.shape[-1])
    steps = ((attention / sums).mean(axis=-3) + identity) / 2  # (depth, …, n, n)
    rolled = [steps[0]]
    for step in steps[1:]:
        rolled.append(step @ rolled[-1])
    return np.stack(rolled)


def mean_attention_distance(attention: np.ndarray, grid: tuple[int, int], patch_size: int) -> np.ndarray:
    """Returns how far each head looks: the mean distance between token and attended token, in pixels.

    Source: arXiv 2010.11929, section 4.5 and figure 7 (right).

    Args:
        attention: `(…, n, n)`; with a class token (`n` one more than the grid holds) its row and column are left out
            and the rows are made to sum to 1 again.
        grid: (rows, columns) of patches.
        patch_size: side of a patch in pixels.

    Returns:
        `(…)`: the mean over all tokens, weighted by attention.

    Raises:
        ValueError: `n` is neither the number of patches nor one more.
    """
    attention = np.asarray(attention, dtype="float64")
    rows, columns = grid
    n = rows * columns
    if attention.shape[-1] not in (n, n + 1) or attention.shape[-1] != attention.shape[-2]:
        raise ValueError(
            f"mean_attention_distance: a grid of {rows} × {columns} has {n} tokens, but attention is {attention.shape}"
        )
    if attention.shape[-1] == n + 1:
        attention = attention[..., 1:, 1:]
        attention = attention / attention.sum(axis=-1, keepdims=True)
    place = np.stack(np.divmod(np.arange(n), columns), axis=-1) * patch_size  # (n, 2)
    distance = np.linalg.norm(place[:, None] - place[None], axis=-1)  # (n, n)
    return (attention * distance).sum(axis=-1).mean(axis=-1)


def position_similarity(model) -> np.ndarray:
    """Returns how alike the position embeddings are: the cosine between each two, float32 `(n, n)`.

    A class token's own position is left out. Source: arXiv 2010.11929, section 4.5 and figure 7 (middle).

    Raises:
        ValueError: the model has no position embedding.
    """
    layers = [layer for layer in model.layers if layer.name == "position_embedding"]
    if not layers:
        raise ValueError(f"position_similarity: {model.name!r} has no position embedding")
    positions = keras.ops.convert_to_numpy(layers[0].positions).astype("float64")
    n = model.get_layer("patch_embedding").output.shape[1]
    positions = positions[-n:]
    positions /= np.linalg.norm(positions, axis=-1, keepdims=True)
    return (positions @ positions.T).astype("float32")


def temperatures(model) -> np.ndarray:
    """Returns the learned temperature of every block and head, float32 `(depth, heads)`.

    Raises:
        ValueError: the model's attention learns no temperature.
    """
    blocks = _checked_blocks("temperatures", model)
    layers = [block.attention for block in blocks]
    if not all(isinstance(layer, LocalitySelfAttention) and layer.temperature is not None for layer in layers):
        raise ValueError(f"temperatures: the attention of {model.name!r} learns no temperature")
    return np.stack([keras.ops.convert_to_numpy(layer.temperature) for layer in layers]).astype("float32")
