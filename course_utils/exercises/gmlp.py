"""The checks of lesson 03."""

import math

import numpy as np

from course_utils.exercises.judging import Nothing, NotYet, answer, compare, numbers, short, tell_apart, verdict
from course_utils.exercises.parts import as_numpy, layer_norm, takes
from course_utils.layers import SpatialGatingUnit


@verdict("z, W, b, norm", "Right: one half is gated by what all tokens hold in the other half.")
def check_spatial_gate(attempt):
    """Checks `spatial_gate(z, W, b, norm)`: `(batch, n, 2k) -> (batch, n, k)`."""
    rng = np.random.default_rng(0)
    z, W, b, norm = rng.normal(size=(2, 5, 8)), rng.normal(size=(5, 5)), rng.normal(size=5), layer_norm
    z1, z2, column = z[..., :4], z[..., 4:], b[:, None]
    gate = W @ norm(z2) + column
    mistakes = {
        "the halves are exchanged: the first half is gated, the second one decides": z2 * (W @ norm(z1) + column),
        "the LayerNorm of z2 is missing": z1 * (W @ z2 + column),
        "normalise z2 alone: a norm of the whole z mixes both halves": z1 * (W @ norm(z)[..., 4:] + column),
        "z1 must come through as it is: only z2 is normalised": norm(z1) * gate,
        "a gate multiplies: z1 · (…), not z1 + (…)": z1 + gate,
        "b is missing": z1 * (W @ norm(z2)),
        "row i of W belongs to the gate of token i; this is its transpose": z1 * (W.T @ norm(z2) + column),
        "b belongs inside the gate: z1 · (W · LN(z2) + b)": z1 * (W @ norm(z2)) + column,
        "normalise z2 before W mixes it, not after": z1 * (norm(W @ z2) + column),
    }
    otherwise = "the shape is right, the numbers are not: z1 · (W · LN(z2) + b), with W and b along the tokens"
    shapes = {z.shape: "the result is as wide as z: split z along the channels first, and gate only the first half"}
    compare(attempt, (z, W, b, norm), z1 * gate, "(batch, n, k)", mistakes, otherwise, shapes=shapes)


def _off(by, where=...):
    """Returns a gate that hands the first half of the channels through, but for what it adds."""

    def gate(z):
        half = np.array(z[..., : z.shape[-1] // 2])
        half[where] += by
        return half

    return gate


@verdict("gate, z", "Right: your test tells all twelve gates apart.")
def check_starts_as_identity(attempt):
    """Checks `starts_as_identity(gate, z)`: True if `gate(z)` is the first half of `z`, to 1e-3."""
    z = np.random.default_rng(0).normal(size=(1, 9, 8)).astype("float32")

    def unit(**settings):
        return as_numpy(SpatialGatingUnit(**settings))

    gates = [
        ("the unit as the paper starts it", unit(), True),
        ("a unit whose bias starts at 0", unit(bias_start=0.0), False),
        ("a unit whose W starts with a standard deviation of 0.2", unit(weight_std=0.2), False),
        ("a gate that hands out the other half", lambda tokens: np.array(tokens[..., 4:]), False),
        ("a gate that is shut for the last token alone", lambda t: _off(0)(t) * (np.arange(9) < 8)[:, None], False),
        ("a gate that adds and subtracts 0.5 by turns", _off(np.array([-0.5, 0.5, -0.5, 0.5])), False),
        ("a gate that turns every sign", lambda tokens: -_off(0)(tokens), False),
        ("a gate that hands out the tokens in opposite order", lambda tokens: _off(0)(tokens)[:, ::-1], False),
        ("a gate that doubles", lambda tokens: 2 * _off(0)(tokens), False),
        ("a gate that is off by 0.00001", _off(1e-5), True),
        ("a gate that is 0.005 too high in one number of one token", _off(0.005, (0, 3, 1)), False),
        ("a gate that is 0.005 too low in one number of one token", _off(-0.005, (0, 3, 1)), False),
    ]
    facts = {True: "it is an identity to 1e-3", False: "it is not an identity to 1e-3"}
    tell_apart(attempt, gates, [z], facts)


@verdict("x, norm, widen, gelu, gate, narrow", "Right: normalise, widen, GELU, gate, narrow, and the raw x is added.")
def check_gmlp_block(attempt):
    """Checks `gmlp_block(x, norm, widen, gelu, gate, narrow)`: `(batch, n, d) -> (batch, n, d)`."""
    rng = np.random.default_rng(0)
    x, norm = rng.normal(size=(2, 5, 4)), layer_norm
    up, down, mixing = rng.normal(size=(4, 12)), rng.normal(size=(6, 4)), rng.normal(size=(5, 5))
    gelu = np.vectorize(lambda value: 0.5 * value * (1 + math.erf(value / math.sqrt(2))))
    widen = takes(4, "widen takes what the norm gives, 4 channels here", lambda y: y @ up)
    gate = takes(12, "gate takes what GELU gives, 12 channels here", lambda y: y[..., :6] * (1 + mixing @ y[..., 6:]))
    narrow = takes(6, "narrow takes what the gate gives, 6 channels here", lambda y: y @ down)
    branch = narrow(gate(gelu(widen(norm(x)))))
    mistakes = {
        "the residual must add the raw x, not the normalised one": norm(x) + branch,
        "the residual is missing: add x": branch,
        "the LayerNorm is missing": x + narrow(gate(gelu(widen(x)))),
        "the GELU is missing": x + narrow(gate(widen(norm(x)))),
        "the GELU stands before the gate, not after it": x + narrow(gelu(gate(widen(norm(x))))),
        "normalise x before the branch, not the sum after it": norm(x + narrow(gate(gelu(widen(x))))),
    }
    otherwise = "the shape is right, the numbers are not: x + narrow(gate(gelu(widen(norm(x)))))"
    compare(attempt, (x, norm, widen, gelu, gate, narrow), x + branch, "(batch, n, d)", mistakes, otherwise)


@verdict("rows, columns", "Right: every token is gated by its left neighbour, and the first column stays open.")
def check_left_neighbour(attempt):
    """Checks `left_neighbour(rows, columns)`: `(W, b)`, so that a token's gate is what its left neighbour holds."""
    for rows, columns in ((2, 3), (4, 4), (3, 1)):
        n, where = rows * columns, f"for {rows} × {columns} tokens"

        def both(value, n=n):
            if not (isinstance(value, tuple | list) and len(value) == 2):
                raise NotYet(f"return two arrays, W and b; this is {short(value)}")
            return numbers(value[0], (n, n), "(n, n) for W"), numbers(value[1], (n,), "(n,) for b")

        W, b = answer(attempt, (rows, columns), both)
        if not (W.any() or b.any()):
            raise Nothing("W and b hold nothing but zeros: row i of W says what the gate of token i reads")
        first = np.arange(n) % columns == 0
        left = np.diag(~first[1:], -1)
        if around := [i for i in range(columns, n, columns) if W[i, i - 1]]:
            reads = f"token {around[0]} is the first of its row, yet it reads token {around[0] - 1}"
            raise NotYet(f"{where}, {reads}, the last of the row above")
        if np.array_equal(W, left.T) and columns > 1:
            raise NotYet(f"{where}, this is the right neighbour: row i of W belongs to token i, and weighs token i − 1")
        if not np.array_equal(W, left):
            raise NotYet(f"{where}, W is not right: row i holds a single 1, for token i − 1, or nothing at all")
        if np.array_equal(b, np.ones(n)) and not first.all():
            raise NotYet(f"{where}, W is right, but b adds 1 everywhere: it must be 1 only where there is no neighbour")
        if not b.any():
            raise NotYet(f"{where}, W is right, but without a left neighbour the gate must be 1: that is b's part")
        if not np.array_equal(b, first):
            raise NotYet(f"{where}, W is right, b is not: 1 in the first column, 0 elsewhere")
