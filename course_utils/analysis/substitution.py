"""Other attention, same output: what attention weights alone do not decide.

A head hands on `A · V`. Where there are more tokens than a value has numbers, many tables `A` give the same product.
Source: Brunner et al. 2020, "On Identifiability in Transformers" (arXiv 1908.04211), section 3.
"""

import keras
import numpy as np

from course_utils.analysis.parts import array, shares, transformer_blocks, whole


def _asked(owner: str, model, images, block):
    """Returns a block by its number, and what it gets."""
    found = transformer_blocks(owner, model, images)
    return found[whole(owner, "block", block, 1, len(found)) - 1]


def values(model, images: np.ndarray, block: int) -> np.ndarray:
    """Returns what the tokens have to give in a block, counted from 1: the value vectors `V` of every head.

    They are float32 `(b, heads, n, head_dim)`. The head's output is `A · V`, with `A` as `attention` gives it.

    Raises:
        ValueError: the model has no Transformer blocks or no such block, or the images have another size.
    """
    layer, x = _asked("values", model, images, block)
    v = array(layer.attention.value(layer.norm1(x)))
    return v.reshape(*v.shape[:2], layer.attention.num_heads, -1).transpose(0, 2, 1, 3)


def logits_with(model, images: np.ndarray, block: int, attention: np.ndarray) -> np.ndarray:
    """Returns a network's logits, float32 `(b, classes)`, with the attention weights of one block replaced by others.

    ValueError as for `values`, and if `attention` is not `(b, heads, n, n)` or its rows are no shares of 1.
    """
    v = values(model, images, block)
    b, heads, n, head_dim = v.shape
    if np.shape(attention) != (b, heads, n, n):
        raise ValueError(f"logits_with: attention must be {(b, heads, n, n)}, but its shape is {np.shape(attention)}")
    layer, x = _asked("logits_with", model, images, block)
    mixed = (shares("logits_with", attention).astype("float32") @ v).transpose(0, 2, 1, 3)
    y = x + layer.attention.output_layer(mixed.reshape(b, n, heads * head_dim))
    z = y + layer.mlp(layer.norm2(y))
    return array(keras.Model(layer.output, model.output)(z))


def other_attention(attention: np.ndarray, values: np.ndarray, token: int) -> np.ndarray:
    """Returns other attention weights with the same product `A · V`, in which every row favours one token.

    Each row is moved in directions that change neither its product with `V` nor its sum, towards more weight on
    `token`, until a weight would become negative; that one then stays at 0, and so on until no direction is left.
    There are at least `n − head_dim − 1` of them at the start; a row without any stays as it is.

    Args:
        attention: `(…, n, n)`, and so is what is returned.
        values: `(…, n, head_dim)`, with the same axes before.
        token: which token to favour, from 0.

    Raises:
        ValueError: shapes that do not fit, rows that are no shares of 1, or there is no such token.
    """
    attention, v = shares("other_attention", attention), np.asarray(values, dtype="float64")
    if attention.ndim < 2 or attention.shape[-1] != attention.shape[-2] or attention.shape[:-1] != v.shape[:-1]:
        raise ValueError(
            f"other_attention: attention must be (…, n, n) and values (…, n, head_dim), but they are "
            f"{attention.shape} and {v.shape}"
        )
    n = attention.shape[-1]
    token = whole("other_attention", "token", token, 0, n - 1)
    tables, vectors = attention.reshape(-1, n, n), v.reshape(-1, n, v.shape[-1])
    moved = [[_moved(row, given, token) for row in table] for table, given in zip(tables, vectors, strict=True)]
    return np.array(moved).reshape(attention.shape)


def _moved(row: np.ndarray, v: np.ndarray, token: int) -> np.ndarray:
    """Gives `token` more of a row `(n,)`, without changing `row @ v` or its sum."""
    n = len(row)
    unit = np.eye(n)
    kept = [*v.T, np.ones(n)]  # a step at right angles to all of these changes nothing that counts
    for _ in range(n):
        fixed = np.array(kept)
        step = unit[token] - fixed.T @ np.linalg.lstsq(fixed.T, unit[token], rcond=None)[0]
        shrinking = step < -1e-9  # what is left of a rounding error is no direction
        if not shrinking.any():
            break
        reach = np.full(n, np.inf)
        reach[shrinking] = row[shrinking] / -step[shrinking]
        first = int(reach.argmin())
        row = row + reach[first] * step
        row[first] = 0.0
        kept.append(unit[first])  # used up: it stays at 0
    return np.maximum(row, 0.0)
