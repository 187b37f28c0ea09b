import numpy as np

from course_utils import exercises
from tests.exercises.support import assert_hints


def softmax(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def attend(q, k, v, scale=lambda n, head_dim: head_dim**-0.5, axis=-1):
    return softmax(q @ k.T * scale(*q.shape), axis) @ v


def test_attention():
    exercises.check_attention.require(attend)

    def overflows(q, k, v):
        powers = np.exp(q @ k.T / np.sqrt(q.shape[-1]))
        return powers / powers.sum(axis=-1, keepdims=True) @ v

    wrong = {
        "divide the scores by √head_dim before": lambda q, k, v: attend(q, k, v, lambda n, d: 1),
        "the square root of head_dim, not by head_dim": lambda q, k, v: attend(q, k, v, lambda n, d: 1 / d),
        "not by √n": lambda q, k, v: attend(q, k, v, lambda n, d: n**-0.5),
        "multiply is not divide": lambda q, k, v: attend(q, k, v, lambda n, d: d**0.5),
        "the rows must sum to 1": lambda q, k, v: attend(q, k, v, axis=0),
        "not K·Qᵀ": lambda q, k, v: attend(k, q, v),
        "the softmax is missing": lambda q, k, v: q @ k.T / np.sqrt(q.shape[-1]) @ v,
        "divide the scores, not the output": lambda q, k, v: softmax(q @ k.T) @ v / np.sqrt(q.shape[-1]),
        "the shape is right, the numbers are not": lambda q, k, v: v,
        "must have the shape": lambda q, k, v: q @ k.T,
        "right for small scores, but not for large ones": overflows,
    }
    assert_hints(exercises.check_attention, wrong)

    def underflows(q, k, v):
        scores = q @ k.T / np.sqrt(q.shape[-1])
        powers = np.exp(scores - scores.max())  # the largest of all rows, not each row's own
        return powers / powers.sum(axis=-1, keepdims=True) @ v

    assert_hints(exercises.check_attention, {"take each row's own largest score off": underflows})


def test_transformer_parameters():
    def right(n, d, heads, mlp):
        return 4 * d + 4 * (d * d + d) + d * mlp + mlp + mlp * d + d

    exercises.check_transformer_parameters.require(right)
    wrong = {
        "four dense layers": lambda n, d, h, m: right(n, d, h, m) - d * d - d,
        "the biases of the dense layers are": lambda n, d, h, m: right(n, d, h, m) - 5 * d - m,
        "the two LayerNorms are missing": lambda n, d, h, m: right(n, d, h, m) - 4 * d,
        "each LayerNorm has a gamma and a beta": lambda n, d, h, m: right(n, d, h, m) - 2 * d,
        "the biases and the two LayerNorms": lambda n, d, h, m: right(n, d, h, m) - 9 * d - m,
        "a head is d / num_heads wide": lambda n, d, h, m: right(n, d, h, m) + 3 * (h - 1) * (d * d + d),
        "you say 2.5": lambda n, d, h, m: 2.5,
    }
    assert_hints(exercises.check_transformer_parameters, wrong)


def shuffled(network, x, order):
    return np.allclose(network(x[:, order]), network(x)[:, order], atol=1e-5)


def test_forgets_positions():
    orders = [np.random.default_rng(seed).permutation(9) for seed in range(5)]
    exercises.check_forgets_positions.require(lambda f, x: all(shuffled(f, x, order) for order in orders))
    first_two = np.array([1, 0, *range(2, 9)])
    wrong = {
        "only the last token hears the one before": lambda f, x: shuffled(f, x, first_two),
        "you say False for a Transformer block,": lambda f, x: np.allclose(f(x[:, orders[0]]), f(x)),
        "you say True for a Transformer block behind": lambda f, x: True,
        "return True or False": lambda f, x: 1,
        "turns the order around": lambda f, x: shuffled(f, x, np.arange(9)[::-1]),
        "each token hears the one before it": lambda f, x: shuffled(f, x, np.roll(np.arange(9), 1)),
        "only the first token hears the second": lambda f, x: shuffled(f, x, np.array([*range(7), 8, 7])),
    }
    assert_hints(exercises.check_forgets_positions, wrong)


def product(tables, change=lambda table: (table + np.eye(len(table))) / 2):
    result = np.eye(len(tables[0]))
    for table in tables:
        result = change(table) @ result
    return result


def test_rollout():
    exercises.check_rollout.require(product)
    wrong = {
        "the residual is missing": lambda tables: product(tables, lambda t: t),
        "the rows must sum to 1": lambda tables: product(tables, lambda t: t + np.eye(len(t))),
        "the later table stands on the left": lambda tables: product(tables[::-1]),
        "not entry by entry": lambda tables: np.prod([(t + np.eye(len(t))) / 2 for t in tables], axis=0),
        "not averaged": lambda tables: np.mean([(t + np.eye(len(t))) / 2 for t in tables], axis=0),
        "not the last one alone": lambda tables: (tables[-1] + np.eye(len(tables[0]))) / 2,
        "for 1 block the numbers are not": lambda tables: np.eye(len(tables[0])),
        "must have the shape": lambda tables: np.stack(tables),
    }
    assert_hints(exercises.check_rollout, wrong)


def attention_distance(table, rows, columns, p, power=1.0):
    row, column = np.divmod(np.arange(rows * columns), columns)
    away = np.hypot(row[:, None] - row, column[:, None] - column) * p
    return (table * away**power).sum(axis=1).mean()


def test_attention_distance():
    def streets(table, rows, columns, p):
        row, column = np.divmod(np.arange(rows * columns), columns)
        away = np.abs(row[:, None] - row) + np.abs(column[:, None] - column)
        return (table * away * p).sum(axis=1).mean()

    exercises.check_attention_distance.require(attention_distance)
    wrong = {
        "a patch is p pixels wide": lambda t, r, c, p: attention_distance(t, r, c, 1),
        "then comes the mean over the rows": lambda t, r, c, p: attention_distance(t, r, c, p) / (r * c),
        "the sum over the rows must be a mean": lambda t, r, c, p: attention_distance(t, r, c, p) * r * c,
        "weigh the distances": lambda t, r, c, p: attention_distance(np.full_like(t, 1 / (r * c)), r, c, p),
        "as the crow flies": streets,
        "the square root of the distance": lambda t, r, c, p: attention_distance(t, r, c, p, power=2),
        "a row of the image holds": lambda t, r, c, p: attention_distance(t, c, r, p),
        "patches of 8 pixels you say 0": lambda t, r, c, p: 0,
        "must be one number": lambda t, r, c, p: t,
    }
    assert_hints(exercises.check_attention_distance, wrong)
