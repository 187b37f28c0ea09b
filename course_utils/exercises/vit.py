"""The checks of lesson 04."""

import functools

import numpy as np

from course_utils.exercises.verdict import NotYet, answer, array, verdict


def _product(tables):
    """Multiplies tables, each later one on the left."""
    return functools.reduce(lambda result, table: table @ result, tables)


def _softmax(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@verdict("Right: rows that sum to 1, the right temperature, and no overflow with large scores.")
def check_attention(attempt):
    """Checks `attend(q, k, v)`: scaled dot-product attention of one head, `(n, head_dim)` each."""
    rng = np.random.default_rng(0)
    for n, head_dim in ((5, 4), (3, 7)):
        q, k, v = rng.normal(size=(3, n, head_dim))
        scores = q @ k.T
        expected = _softmax(scores / np.sqrt(head_dim)) @ v
        got = array(answer(attempt, q.copy(), k.copy(), v.copy()), (n, head_dim), "(n, head_dim)")
        if np.allclose(got, expected):
            continue
        wrong = {
            "divide the scores by √head_dim before the softmax": _softmax(scores) @ v,
            "divide by the square root of head_dim, not by head_dim": _softmax(scores / head_dim) @ v,
            "divide by √head_dim, not by √n": _softmax(scores / np.sqrt(n)) @ v,
            "multiply is not divide: the scores are Q·Kᵀ / √head_dim": _softmax(scores * np.sqrt(head_dim)) @ v,
            "the rows must sum to 1: normalise along the last axis, over the tokens that give": (
                _softmax(scores / np.sqrt(head_dim), axis=0) @ v
            ),
            "the queries ask and the keys answer: Q·Kᵀ, not K·Qᵀ": _softmax(scores.T / np.sqrt(head_dim)) @ v,
            "the softmax is missing": scores / np.sqrt(head_dim) @ v,
            "divide the scores, not the output: √head_dim belongs inside the softmax": (
                _softmax(scores) @ v / np.sqrt(head_dim)
            ),
        }
        for hint, value in wrong.items():
            if np.allclose(got, value):
                raise NotYet(hint)
        raise NotYet("the shape is right, the numbers are not: softmax(Q·Kᵀ / √head_dim) · V")
    large = 60.0 * np.diag([1.0, 1.0, 1.0, 0.0])  # one row's largest score is far below the others'
    with np.errstate(all="ignore"):
        got = array(answer(attempt, large, large, np.eye(4)), (4, 4), "(n, head_dim)")
    if not np.allclose(got, _softmax(large @ large.T / 2)):
        raise NotYet("right for small scores, but not for large ones: take each row's own largest score off before exp")


@verdict("Right, for three sizes and for the paper's ViT-B/16. The number of tokens and of heads does not matter.")
def check_transformer_weights(attempt):
    """Checks `transformer_weights(n, d, num_heads, mlp_dim)`: the number of weights of one Transformer block."""
    from course_utils.layers import TransformerBlock

    for n, d, heads, mlp in ((4, 6, 3, 5), (16, 64, 4, 128), (64, 128, 4, 256), (197, 768, 12, 3072)):
        block = TransformerBlock(heads, mlp)
        block.build((None, n, d))
        expected = block.count_params()
        got = answer(attempt, n, d, heads, mlp)
        if np.ndim(got) == 0 and got == expected:
            continue
        biases = 4 * d + mlp + d
        missing = {
            d * d + d: "attention has four dense layers: query, key, value and, after the heads, the output",
            d * d: "attention has four dense layers: query, key, value and, after the heads, the output",
            biases: "the biases of the dense layers are missing",
            4 * d: "the two LayerNorms are missing: each has a gamma and a beta",
            2 * d: "each LayerNorm has a gamma and a beta, and there are two LayerNorms",
            biases + 4 * d: "the biases and the two LayerNorms are missing",
            -3 * (heads - 1) * (d * d + d): "a head is d / num_heads wide: together, all heads make one d × d matrix",
            -4 * (heads - 1) * (d * d + d): "a head is d / num_heads wide: together, all heads make one d × d matrix",
        }
        hint = missing.get(expected - got if isinstance(got, int | np.integer) else None)
        text = f"for n = {n}, d = {d}, num_heads = {heads}, mlp_dim = {mlp} you say {got!r}"
        raise NotYet(f"{text}, the layer has {expected}" + (f": {hint}" if hint else ""))


@verdict("Right: your test tells all nine networks apart.")
def check_forgets_places(attempt):
    """Checks `forgets_places(network, x)`: True if shuffling the tokens only shuffles the output in the same way."""
    from course_utils.layers import MixerBlock, TransformerBlock

    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 9, 4)).astype("float32")
    transformer, mixer = TransformerBlock(2, 8), MixerBlock(8, 8)
    for block in (transformer, mixer):
        block.build(x.shape)
    positions = rng.normal(size=x.shape).astype("float32")

    def run(block, tokens):
        return np.asarray(block(np.asarray(tokens, "float32")))

    def last_from_the_one_before(tokens):
        tokens = np.array(tokens)
        tokens[:, -1] += tokens[:, -2]
        return tokens

    def first_from_the_second(tokens):
        tokens = np.array(tokens)
        tokens[:, 0] += tokens[:, 1]
        return tokens

    def each_from_the_one_before(tokens):
        return np.asarray(tokens) + np.roll(tokens, 1, axis=1)

    networks = [
        ("a Transformer block", lambda t: run(transformer, t), True),
        ("a Transformer block behind a position embedding", lambda t: run(transformer, t + positions), False),
        ("a Mixer block", lambda t: run(mixer, t), False),
        ("a network that only doubles", lambda t: 2 * np.asarray(t), True),
        ("a network that adds the mean over the tokens", lambda t: t + np.mean(t, axis=1, keepdims=True), True),
        ("a network that turns the order around", lambda t: np.asarray(t)[:, ::-1], False),
        ("a network in which only the last token hears the one before it", last_from_the_one_before, False),
        ("a network in which each token hears the one before it, the first the last", each_from_the_one_before, False),
        ("a network in which only the first token hears the second", first_from_the_second, False),
    ]
    for name, network, expected in networks:
        got = answer(attempt, network, x.copy())
        if not isinstance(got, bool | np.bool_):
            raise NotYet(f"return True or False; for {name} you return {got!r}")
        if bool(got) != expected:
            does = "forgets" if expected else "does not forget"
            raise NotYet(f"you say {got} for {name}, but it {does} the places")


@verdict("Right: half the residual, half the attention, and the later block on the left.")
def check_rollout(attempt):
    """Checks `rollout(tables)`: a list of `(n, n)` tables, the first block's first, to one `(n, n)` table."""
    from course_utils.analysis import rollout

    rng = np.random.default_rng(0)
    for blocks, n in ((1, 3), (2, 4), (3, 5)):
        tables = list(_softmax(rng.normal(size=(blocks, n, n))))
        expected = rollout(np.stack(tables)[:, None])[-1]
        got = array(answer(attempt, [table.copy() for table in tables]), (n, n), "(n, n)")
        if np.allclose(got, expected):
            continue

        identity = np.eye(n)
        half = [(table + identity) / 2 for table in tables]
        wrong = {
            "the residual is missing: a block hands on half of itself, (A + I) / 2": _product(tables),
            "the rows must sum to 1: half the table and half the identity": _product([t + identity for t in tables]),
            "later blocks read what earlier ones wrote: the later table stands on the left": _product(half[::-1]),
            "tables are multiplied as matrices (@), not entry by entry (*)": np.prod(half, axis=0),
            "tables are multiplied, not averaged": np.mean(half, axis=0),
            "all blocks count, not the last one alone": half[-1],
        }
        for hint, value in wrong.items():
            if np.allclose(got, value):
                raise NotYet(hint)
        raise NotYet(f"for {blocks} {'block' if blocks == 1 else 'blocks'} the numbers are not those of the rollout")


@verdict("Right, for square and oblong grids.")
def check_attention_distance(attempt):
    """Checks `attention_distance(A, rows, columns, p)`: the mean distance in pixels, weighted by attention."""
    from course_utils.analysis import mean_attention_distance

    rng = np.random.default_rng(0)
    for rows, columns, p in ((2, 2, 8), (2, 5, 4), (4, 3, 16)):
        n = rows * columns
        table = _softmax(2 * rng.normal(size=(n, n)))
        expected = float(mean_attention_distance(table, (rows, columns), p))
        got = float(array(answer(attempt, table.copy(), rows, columns, p), (), "(one number)"))
        if np.isclose(got, expected):
            continue
        row, column = np.divmod(np.arange(n), columns)
        down, across = np.abs(row[:, None] - row), np.abs(column[:, None] - column)
        away = p * np.hypot(down, across)
        swapped = np.stack(np.divmod(np.arange(n), rows), axis=-1)
        wrong = {
            "the distance is in patches: a patch is p pixels wide": (table * away).sum(axis=1).mean() / p,
            "each row is weighted by its attention and summed; then comes the mean over the rows": (
                (table * away).mean()
            ),
            "the sum over the rows must be a mean": (table * away).sum(),
            "weigh the distances by the attention": away.mean(),
            "as the crow flies: √(rows² + columns²)": (table * p * (down + across)).sum(axis=1).mean(),
            "the square root of the distance is missing": (table * away**2).sum(axis=1).mean(),
            "a row of the image holds `columns` patches: divide the token's number by that": (
                table * p * np.linalg.norm(swapped[:, None] - swapped[None], axis=-1)
            )
            .sum(axis=1)
            .mean(),
        }
        for hint, value in wrong.items():
            if np.isclose(got, value):
                raise NotYet(hint)
        raise NotYet(f"for {rows} × {columns} patches of {p} pixels you say {got:.4g}, but it is {expected:.4g}")
