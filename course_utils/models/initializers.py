"""A start for attention that looks as trained attention does: mimetic initialization.

In trained ViTs, W_Q · W_Kᵀ leans towards the identity (tokens ask for their like, near ones first, once positions are
smooth) and W_V · W_output towards its negative. Such products can be drawn at once, at no cost in training.

Source: Trockman and Kolter 2023, "Mimetic Initialization of Self-Attention Layers" (arXiv 2305.09828): the products
and their constants for ViTs. Positions: sines and cosines in two dimensions, as in Beyer, Zhai and Kolesnikov 2022,
"Better plain ViT baselines for ImageNet-1k" (arXiv 2205.01580).
"""

import numpy as np

# noise and identity in W_Q · W_Kᵀ, and in W_V · W_output
QUERY_KEY, VALUE_OUTPUT = (0.7, 0.7), (0.4, -0.4)


def factors(rng: np.random.Generator, d: int, noise: float, identity: float) -> tuple[np.ndarray, np.ndarray]:
    """Draws a matrix `noise · Z / √d + identity · I`, Z standard normal, as a product `left · rightᵀ`.

    `left` and `right`, `(d, d)` each, have the strongest directions in the first columns, shared evenly.
    """
    u, s, vt = np.linalg.svd(noise * rng.normal(size=(d, d)) / np.sqrt(d) + identity * np.eye(d))
    return u * np.sqrt(s), vt.T * np.sqrt(s)


def sines_and_cosines(rows: int, columns: int, d: int) -> np.ndarray:
    """Returns positions for a grid of tokens counted row by row, `(rows · columns, d)`, values from −1 to 1.

    A quarter of the width each, or ValueError: sines and cosines of the column, then of the row, at wave lengths from
    2π to 20000π tokens.
    """
    if d % 4:
        raise ValueError(f"mimetic start: the width d must be a multiple of 4, but it is {d}")
    waves = 10_000 ** -np.linspace(0, 1, d // 4)
    row, column = (position.reshape(-1, 1) * waves for position in np.mgrid[:rows, :columns])
    return np.concatenate([np.sin(column), np.cos(column), np.sin(row), np.cos(row)], axis=1)


def start_mimetic(attentions, positions=None, grid: tuple[int, int] | None = None, seed: int | None = 0) -> None:
    """Gives built attention layers, and positions, their mimetic start, in place; biases stay as they are.

    Args:
        attentions: `SelfAttention` layers, the first block's first. Each head's query and key get the `head_dim`
            strongest directions of a product of their own; value and output layer share one.
        positions: a built `PositionEmbedding`, or None. A class token's position starts at zero.
        grid: `(rows, columns)` of the tokens; with `positions` only.
        seed: None draws differently each time.
    """
    rng = np.random.default_rng(seed)
    for attention in attentions:
        d, k = attention.query.kernel.shape[0], attention.head_dim
        pairs = [factors(rng, d, *QUERY_KEY) for _ in range(attention.num_heads)]
        attention.query.kernel.assign(np.concatenate([query[:, :k] for query, _ in pairs], axis=1))
        attention.key.kernel.assign(np.concatenate([key[:, :k] for _, key in pairs], axis=1))
        value, output = factors(rng, d, *VALUE_OUTPUT)
        attention.value.kernel.assign(value)
        attention.output_layer.kernel.assign(output.T)
    if positions is not None:
        n, d = positions.positions.shape
        rows, columns = grid
        waves = sines_and_cosines(rows, columns, d)
        positions.positions.assign(np.concatenate([np.zeros((n - len(waves), d)), waves]))
