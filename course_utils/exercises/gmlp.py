"""The checks of lesson 03."""

import math

import numpy as np

from course_utils.exercises.verdict import NotYet, answer, array, verdict


def _norm(values):
    return (values - values.mean(axis=-1, keepdims=True)) / np.sqrt(values.var(axis=-1, keepdims=True) + 1e-6)


@verdict("Right: one half is gated by what all tokens hold in the other half.")
def check_spatial_gate(attempt):
    """Checks `spatial_gate(z, W, b, norm)`: `(batch, n, 2k) -> (batch, n, k)`."""
    rng = np.random.default_rng(0)
    z, weights, bias = rng.normal(size=(2, 5, 8)), rng.normal(size=(5, 5)), rng.normal(size=5)
    z1, z2 = z[..., :4], z[..., 4:]
    given = answer(attempt, z.copy(), weights.copy(), bias.copy(), _norm)
    if np.shape(given) == z.shape:
        raise NotYet("the result is as wide as z: split z along the channels first, and gate only the first half")
    got = array(given, z1.shape, "(batch, n, k)")
    column = bias[:, None]
    if np.allclose(got, z1 * (weights @ _norm(z2) + column)):
        return
    wrong = {
        "the halves are exchanged: the first half is gated, the second one decides": z2
        * (weights @ _norm(z1) + column),
        "the LayerNorm of z2 is missing": z1 * (weights @ z2 + column),
        "normalise z2 alone: a norm of the whole z mixes both halves": z1 * (weights @ _norm(z)[..., 4:] + column),
        "z1 must come through as it is: only z2 is normalised": _norm(z1) * (weights @ _norm(z2) + column),
        "a gate multiplies: z1 · (…), not z1 + (…)": z1 + (weights @ _norm(z2) + column),
        "b is missing": z1 * (weights @ _norm(z2)),
        "row i of W belongs to the gate of token i; this is its transpose": z1 * (weights.T @ _norm(z2) + column),
        "b belongs inside the gate: z1 · (W · LN(z2) + b)": z1 * (weights @ _norm(z2)) + column,
        "normalise z2 before W mixes it, not after": z1 * (_norm(weights @ z2) + column),
    }
    for hint, value in wrong.items():
        if np.allclose(got, value):
            raise NotYet(hint)
    raise NotYet("the shape is right, the numbers are not: z1 · (W · LN(z2) + b), with W and b along the tokens")


@verdict("Right: your test tells all ten gates apart.")
def check_starts_as_identity(attempt):
    """Checks `starts_as_identity(gate, z)`: True if `gate(z)` is the first half of `z`, to 1e-3."""
    from course_utils.layers import SpatialGatingUnit

    rng = np.random.default_rng(0)
    z = rng.normal(size=(1, 9, 8)).astype("float32")
    half = z.shape[-1] // 2

    def unit(**settings):
        layer = SpatialGatingUnit(**settings)
        layer.build(z.shape)
        return lambda tokens: np.asarray(layer(np.asarray(tokens, "float32")))

    def one_token_shut(tokens):
        result = np.array(tokens[..., :half])
        result[:, -1] = 0
        return result

    def off_by_turns(tokens):
        signs = np.where(np.arange(half) % 2, 0.5, -0.5)
        return np.asarray(tokens)[..., :half] + signs

    def one_number_off(by):
        def gate(tokens):
            result = np.array(tokens[..., :half])
            result[0, 3, 1] += by
            return result

        return gate

    gates = [
        ("the unit as the paper starts it", unit(), True),
        ("a unit whose bias starts at 0", unit(bias_start=0.0), False),
        ("a unit whose W starts with a standard deviation of 0.2", unit(weight_std=0.2), False),
        ("a gate that hands out the other half", lambda tokens: np.asarray(tokens)[..., half:], False),
        ("a gate that is shut for the last token alone", one_token_shut, False),
        ("a gate that adds and subtracts 0.5 by turns", off_by_turns, False),
        ("a gate that doubles", lambda tokens: 2 * np.asarray(tokens)[..., :half], False),
        ("a gate that is off by 0.00001", lambda tokens: np.asarray(tokens)[..., :half] + 1e-5, True),
        ("a gate that is 0.005 too high in one number of one token", one_number_off(0.005), False),
        ("a gate that is 0.005 too low in one number of one token", one_number_off(-0.005), False),
    ]
    for name, gate, expected in gates:
        got = answer(attempt, gate, z.copy())
        if not isinstance(got, bool | np.bool_):
            raise NotYet(f"return True or False; for {name} you return {_short(got)}")
        if bool(got) != expected:
            raise NotYet(f"you say {got} for {name}, but it {'is' if expected else 'is not'} an identity to 1e-3")


@verdict("Right: normalise, widen, GELU, gate, narrow, and the raw x in the residual.")
def check_gmlp_block(attempt):
    """Checks `gmlp_block(x, norm, widen, gelu, gate, narrow)`: `(batch, n, d) -> (batch, n, d)`."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 4))
    up, down, mixing = rng.normal(size=(4, 12)), rng.normal(size=(6, 4)), rng.normal(size=(5, 5))
    curve = np.vectorize(lambda value: 0.5 * value * (1 + math.erf(value / math.sqrt(2))))

    def takes(width, name, what):
        def decorate(function):
            def checked(values):
                if np.shape(values) != (2, 5, width):
                    raise NotYet(f"{name} takes {what}, {width} channels here, but it was given {np.shape(values)}")
                return function(np.asarray(values))

            return checked

        return decorate

    widen = takes(4, "widen", "what the norm gives")(lambda values: values @ up)
    narrow = takes(6, "narrow", "what the gate gives")(lambda values: values @ down)
    gate = takes(12, "gate", "what GELU gives")(lambda values: values[..., :6] * (1 + mixing @ values[..., 6:]))

    try:
        given = attempt(x.copy(), _norm, widen, curve, gate, narrow)
    except NotYet:
        raise
    except Exception:
        given = answer(attempt, x.copy(), _norm, widen, curve, gate, narrow)
    if given is None or given is Ellipsis:
        raise NotYet("your function returns nothing; replace the ... by your own code")
    got = array(given, x.shape, "(batch, n, d)")
    branch = narrow(gate(curve(widen(_norm(x)))))
    if np.allclose(got, x + branch):
        return
    wrong = {
        "the residual must add the raw x, not the normalised one": _norm(x) + branch,
        "the residual is missing: add x": branch,
        "the LayerNorm is missing": x + narrow(gate(curve(widen(x)))),
        "the GELU is missing": x + narrow(gate(widen(_norm(x)))),
        "the GELU stands before the gate, not after it": x + narrow(curve(gate(widen(_norm(x))))),
        "normalise x before the branch, not the sum after it": _norm(x + narrow(gate(curve(widen(x))))),
    }
    for hint, value in wrong.items():
        if np.allclose(got, value):
            raise NotYet(hint)
    raise NotYet("the shape is right, the numbers are not: x + narrow(gate(gelu(widen(norm(x)))))")


@verdict("Right, for three sizes and for a block of the paper's gMLP-S.")
def check_gmlp_weights(attempt):
    """Checks `gmlp_weights(n, d, mlp_dim)`: the number of weights of one gMLP block."""
    from course_utils.layers import GMLPBlock

    for n, d, mlp_dim in ((4, 3, 8), (16, 64, 192), (64, 128, 768), (196, 256, 1536)):
        block = GMLPBlock(mlp_dim)
        block.build((None, n, d))
        expected = block.count_params()
        got = answer(attempt, n, d, mlp_dim)
        if np.ndim(got) == 0 and got == expected:
            continue
        half = mlp_dim // 2
        missing = {
            mlp_dim + d: "the biases of the two dense layers are missing",
            n: "the gate's bias b is missing: one number for each token",
            n * n: "the gate's W is missing: one weight for each pair of tokens",
            n * n + n: "the gate's W and b are missing",
            2 * d: "the LayerNorm before U is missing: it has a gamma and a beta",
            mlp_dim: "the gate's LayerNorm is missing: a gamma and a beta for each of half the channels",
            2 * d + mlp_dim: "both LayerNorms are missing: each has a gamma and a beta",
            -mlp_dim: "the gate normalises one half of the channels, not all",
            -half * d: "the gate halves the width: V starts from half the channels",
        }
        hint = missing.get(expected - got if np.isscalar(got) and not isinstance(got, str) else None)
        text = f"for n = {n}, d = {d}, mlp_dim = {mlp_dim} you say {_short(got)}"
        raise NotYet(f"{text}, the layer has {expected}" + (f": {hint}" if hint else ""))


@verdict("Right: every token is gated by its left neighbour, and the first column stays open.")
def check_left_neighbour(attempt):
    """Checks `left_neighbour(rows, columns)`: `(W, b)`, so that a token's gate is what its left neighbour holds."""
    for rows, columns in ((2, 3), (4, 4), (3, 1)):
        n = rows * columns
        given = answer(attempt, rows, columns)
        if not (isinstance(given, tuple | list) and len(given) == 2):
            raise NotYet(f"return two arrays, W and b; this is {_short(given)}")
        weights, bias = array(given[0], (n, n), "(n, n) for W"), array(given[1], (n,), "(n,) for b")
        left = np.zeros((n, n))
        for token in range(n):
            if token % columns:
                left[token, token - 1] = 1
        first = (np.arange(n) % columns == 0).astype(float)
        if np.array_equal(weights, left) and np.array_equal(bias, first):
            continue
        where = f"for {rows} × {columns} tokens"
        around = [i for i in range(columns, n, columns) if weights[i, i - 1]]
        if around:
            raise NotYet(
                f"{where}, token {around[0]} is the first of its row, yet it reads token {around[0] - 1}, "
                "the last of the row above"
            )
        if np.array_equal(weights, left.T) and columns > 1:
            raise NotYet(f"{where}, this is the right neighbour: row i of W belongs to token i, and weighs token i − 1")
        if not np.array_equal(weights, left):
            raise NotYet(f"{where}, W is not right: row i holds a single 1, for token i − 1, or nothing at all")
        if np.array_equal(bias, np.ones(n)):
            raise NotYet(f"{where}, W is right, but b adds 1 everywhere: it must be 1 only where there is no neighbour")
        if not bias.any():
            raise NotYet(f"{where}, W is right, but without a left neighbour the gate must be 1: that is b's part")
        raise NotYet(f"{where}, W is right, b is not: 1 in the first column, 0 elsewhere")


def _short(value) -> str:
    text = repr(value).replace("\n", " ")
    return text if len(text) <= 60 else f"{text[:57]}…"
