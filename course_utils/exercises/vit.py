"""The checks of lesson 04."""

import functools

import numpy as np

from course_utils import analysis
from course_utils.exercises.judging import compare, not_finite, tell_apart, verdict
from course_utils.exercises.parts import as_numpy, hears, softmax
from course_utils.layers import MixerBlock, TransformerBlock


@verdict("q, k, v", "Right: rows that sum to 1, the right temperature, and no overflow with large scores.")
def check_attention(attempt):
    """Checks `attend(q, k, v)`: scaled dot-product attention of one head, `(n, head_dim)` each."""
    last = "normalise along the last axis, over the tokens that give"
    rng = np.random.default_rng(0)
    for n, head_dim in ((5, 4), (3, 7)):
        q, k, v = rng.normal(size=(3, n, head_dim))
        scores, root = q @ k.T, np.sqrt(head_dim)
        mistakes = {
            "divide the scores by √head_dim before the softmax": softmax(scores) @ v,
            "divide by the square root of head_dim, not by head_dim": softmax(scores / head_dim) @ v,
            "divide by √head_dim, not by √n": softmax(scores / np.sqrt(n)) @ v,
            "multiply is not divide: the scores are Q·Kᵀ / √head_dim": softmax(scores * root) @ v,
            f"the rows must sum to 1: {last}": softmax(scores / root, axis=0) @ v,
            "the queries ask and the keys answer: Q·Kᵀ, not K·Qᵀ": softmax(scores.T / root) @ v,
            "the softmax is missing": scores / root @ v,
            "divide the scores, not the output: √head_dim belongs inside the softmax": softmax(scores) @ v / root,
        }
        otherwise = "the shape is right, the numbers are not: softmax(Q·Kᵀ / √head_dim) · V"
        compare(attempt, (q, k, v), softmax(scores / root) @ v, "(n, head_dim)", mistakes, otherwise)
    large = 60.0 * np.diag([1.0, 1.0, 1.0, 0.0])  # one row's largest score is far below the others'
    overflow = "right for small scores, but not for large ones: take each row's own largest score off before exp"
    expected = softmax(large @ large.T / 2)
    compare(attempt, (large, large, np.eye(4)), expected, "(n, head_dim)", {overflow: not_finite}, overflow)


@verdict("network, x", "Right: your test tells all nine networks apart.")
def check_forgets_positions(attempt):
    """Checks `forgets_positions(network, x)`: True if shuffling the tokens only shuffles the output in the same way."""
    x, positions = np.random.default_rng(0).normal(size=(2, 1, 9, 4)).astype("float32")
    transformer, mixer = as_numpy(TransformerBlock(2, 8)), as_numpy(MixerBlock(8, 8))
    each_the_one_before, last = hears(slice(None), np.arange(9) - 1), hears(-1, -2)
    networks = [
        ("a Transformer block", transformer, True),
        ("a Transformer block behind a position embedding", lambda t: transformer(t + positions), False),
        ("a Mixer block", mixer, False),
        ("a network that only doubles", lambda t: 2 * np.asarray(t), True),
        ("a network that adds the mean over the tokens", lambda t: t + np.mean(t, axis=1, keepdims=True), True),
        ("a network that turns the order around", lambda t: np.array(t)[:, ::-1], False),
        ("a network in which only the last token hears the one before it", last, False),
        ("a network in which each token hears the one before it, the first the last", each_the_one_before, False),
        ("a network in which only the first token hears the second", hears(0, 1), False),
    ]
    facts = {True: "it forgets the positions", False: "it does not forget the positions"}
    tell_apart(attempt, networks, [x], facts)


@verdict("tables", "Right: half the residual, half the attention, and the later block on the left.")
def check_rollout(attempt):
    """Checks `rollout(tables)`: a list of `(n, n)` tables, the first block's first, to one `(n, n)` table."""

    def product(tables):
        return functools.reduce(lambda result, table: table @ result, tables)

    rng = np.random.default_rng(0)
    for blocks, n in ((1, 3), (2, 4), (3, 5)):
        tables = list(softmax(rng.normal(size=(blocks, n, n))))
        whole = [table + np.eye(n) for table in tables]
        half = [table / 2 for table in whole]
        mistakes = {
            "the residual is missing: a block hands on half of itself, (A + I) / 2": product(tables),
            "the rows must sum to 1: half the table and half the identity": product(whole),
            "later blocks read what earlier ones wrote: the later table stands on the left": product(half[::-1]),
            "tables are multiplied as matrices (@), not entry by entry (*)": np.prod(half, axis=0),
            "tables are multiplied, not averaged": np.mean(half, axis=0),
            "all blocks count, not the last one alone": half[-1],
        }
        otherwise = f"for {blocks} {'block' if blocks == 1 else 'blocks'} the numbers are not those of the rollout"
        expected = analysis.rollout(np.stack(tables)[:, None])[-1]
        compare(attempt, [tables], expected, "(n, n)", mistakes, otherwise)


@verdict("A, rows, columns, p", "Right, for square and oblong grids.")
def check_attention_distance(attempt):
    """Checks `attention_distance(A, rows, columns, p)`: the mean distance in pixels, weighted by attention."""

    def apart(n, per_row):
        row, column = np.divmod(np.arange(n), per_row)
        return np.abs(row[:, None] - row), np.abs(column[:, None] - column)

    rng = np.random.default_rng(0)
    for rows, columns, p in ((2, 2, 8), (2, 5, 4), (4, 3, 16)):
        n = rows * columns
        A = softmax(2 * rng.normal(size=(n, n)))
        away, other = np.hypot(*apart(n, columns)), np.hypot(*apart(n, rows))
        expected = float(analysis.mean_attention_distance(A, (rows, columns), p))
        mistakes = {
            "the distance is in patches: a patch is p pixels wide": expected / p,
            "each row is weighted by its attention and summed; then comes the mean over the rows": expected / n,
            "the sum over the rows must be a mean": expected * n,
            "weigh the distances by the attention": p * away.mean(),
            "as the crow flies: √(rows² + columns²)": (A * sum(apart(n, columns))).sum() * p / n,
            "the square root of the distance is missing": (A * away**2).sum() * p**2 / n,
            "a row of the image holds `columns` patches: divide the token's number by that": (A * other).sum() * p / n,
        }
        where = f"for {rows} × {columns} patches of {p} pixels"
        otherwise = "Σ over j of A[i, j] · distance, and the mean over i"
        compare(attempt, (A, rows, columns, p), expected, "", mistakes, otherwise, where)
