"""What attention does in a network: its weights for an image, rolled out, and how far they reach."""

from itertools import accumulate

import numpy as np

from course_utils.analysis.parts import array, blocks_of, embedding, shares, transformer_blocks
from course_utils.layers import LocalitySelfAttention, PositionEmbedding, TransformerBlock


def attention(model, images: np.ndarray) -> np.ndarray:
    """Returns the attention weights of every block and head of a ViT for images `(b, h, w, c)`, pixels 0…255.

    Returns:
        float32 `(depth, b, heads, n, n)`; entry `[…, i, j]` is how much token `i` takes from token `j`. A class token
        is token 0, and `n` is then one more than there are patches.

    Raises:
        ValueError: the model has no Transformer blocks, or the images have another size.
    """
    found = transformer_blocks("attention", model, images)
    return np.stack([array(block(x, return_attention=True)[1]) for block, x in found])


def products(model, images: np.ndarray) -> np.ndarray:
    """Returns `Q · Kᵀ` of every block and head: the scores before temperature, mask and softmax.

    Arguments, shape and errors are those of `attention`.
    """
    found = transformer_blocks("products", model, images)
    return np.stack([array(block.attention.products(block.norm1(x))) for block, x in found])


def entropy(attention: np.ndarray) -> np.ndarray:
    """Returns how sharply tokens attend, `(…)`: the entropy `−Σ aⱼ · log2 aⱼ` of each row of weights `(…, n)`, in bits.

    0 bits: everything comes from one token. `log2 n` bits: all `n` tokens give alike. ValueError if rows are no shares
    of 1.
    """
    attention = shares("entropy", attention)
    logs = np.log2(attention, out=np.zeros_like(attention), where=attention > 0)
    return np.maximum(-(attention * logs).sum(axis=-1), 0.0)  # a single 1 would give −0


def rollout(attention: np.ndarray) -> np.ndarray:
    """Follows attention through all blocks: how much of each input token arrives at each output token.

    Each block hands on half of itself (the residual) and half of the mean over its heads; the blocks' tables are
    multiplied. Source: Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers" (arXiv 2005.00928),
    section 3.

    Of attention `(depth, …, heads, n, n)` it is `(depth, …, n, n)`: entry `k` is the rollout up to and with block
    `k + 1`; rows sum to 1. ValueError for another shape, or rows that are no shares of 1.
    """
    shape = np.shape(attention)
    if len(shape) < 4 or shape[-1] != shape[-2]:
        raise ValueError(f"rollout: attention must be (depth, …, heads, n, n), but its shape is {shape}")
    attention = shares("rollout", attention)
    heads = attention / attention.sum(axis=-1, keepdims=True)
    steps = (heads.mean(axis=-3) + np.eye(shape[-1])) / 2  # (depth, …, n, n)
    return np.stack(list(accumulate(steps, lambda rolled, step: step @ rolled)))


def mean_attention_distance(attention: np.ndarray, grid: tuple[int, int], patch_size: int) -> np.ndarray:
    """Returns how far each head looks, `(…)`: the mean distance between token and attended token, in pixels.

    Source: arXiv 2010.11929, section 4.5 and figure 7 (right).

    Args:
        attention: `(…, n, n)`; of a class token (`n` one more than the grid holds) row and column are left out, and the
            rows are made to sum to 1 again.
        grid: (rows, columns) of patches.
        patch_size: side of a patch in pixels.

    Raises:
        ValueError: `n` is neither the number of patches nor one more, or rows are no shares of 1.
    """
    rows, columns = grid
    n, shape = rows * columns, np.shape(attention)
    if shape[-2:] not in ((n, n), (n + 1, n + 1)):
        raise ValueError(
            f"mean_attention_distance: a grid of {rows} × {columns} has {n} tokens, but attention is {shape}"
        )
    attention = shares("mean_attention_distance", attention)
    if shape[-1] == n + 1:
        attention = attention[..., 1:, 1:]
        attention = attention / np.maximum(attention.sum(axis=-1, keepdims=True), 1e-12)
    position = np.stack(np.divmod(np.arange(n), columns), axis=-1) * patch_size  # (n, 2)
    distance = np.linalg.norm(position[:, None] - position[None], axis=-1)  # (n, n)
    return (attention * distance).sum(axis=-1).mean(axis=-1)


def position_similarity(model) -> np.ndarray:
    """Returns how alike the position embeddings are: the cosine between each two, float32 `(n, n)`.

    A class token's own position is left out; ValueError if there are none. Source: arXiv 2010.11929, section 4.5 and
    figure 7 (middle).
    """
    layers = [layer for layer in model.layers if isinstance(layer, PositionEmbedding)]
    if not layers:
        raise ValueError(f"position_similarity: {model.name!r} has no position embedding")
    positions = array(layers[0].positions).astype("float64")[-embedding(model).output.shape[1] :]
    positions /= np.linalg.norm(positions, axis=-1, keepdims=True)
    return (positions @ positions.T).astype("float32")


def temperatures(model) -> np.ndarray:
    """Returns the learned temperature of each block and head, float32 `(depth, heads)`; ValueError if there is none."""
    layers = [block.attention for block in blocks_of("temperatures", model, TransformerBlock, "Transformer")]
    if not all(isinstance(layer, LocalitySelfAttention) and layer.learns_temperature for layer in layers):
        raise ValueError(f"temperatures: the attention of {model.name!r} learns no temperature")
    return np.stack([array(layer.temperature) for layer in layers])
