import numpy as np

from course_utils import exercises
from tests.exercises.support import assert_hints, refusal


def split(z):
    return z[..., : z.shape[-1] // 2], z[..., z.shape[-1] // 2 :]


def test_spatial_gate():
    def right(z, weights, bias, norm):
        z1, z2 = split(z)
        return z1 * (weights @ norm(z2) + bias[:, None])

    def swapped(z, weights, bias, norm):
        z1, z2 = split(z)
        return z2 * (weights @ norm(z1) + bias[:, None])

    exercises.check_spatial_gate.require(right)
    wrong = {
        "as wide as z": lambda z, w, b, norm: z * (w @ norm(z) + b[:, None]),
        "the halves are exchanged": swapped,
        "the LayerNorm of z2 is missing": lambda z, w, b, norm: right(z, w, b, lambda v: v),
        "normalise z2 alone": lambda z, w, b, norm: split(z)[0] * (w @ split(norm(z))[1] + b[:, None]),
        "z1 must come through as it is": lambda z, w, b, norm: norm(split(z)[0]) * (w @ norm(split(z)[1]) + b[:, None]),
        "a gate multiplies": lambda z, w, b, norm: split(z)[0] + (w @ norm(split(z)[1]) + b[:, None]),
        "b is missing": lambda z, w, b, norm: right(z, w, 0 * b, norm),
        "this is its transpose": lambda z, w, b, norm: right(z, w.T, b, norm),
        "b belongs inside the gate": lambda z, w, b, norm: right(z, w, 0 * b, norm) + b[:, None],
        "before W mixes it": lambda z, w, b, norm: split(z)[0] * (norm(w @ split(z)[1]) + b[:, None]),
        "the numbers are not": lambda z, w, b, norm: split(z)[0],
        "your code raised ValueError": lambda z, w, b, norm: split(z)[0] * (w @ norm(split(z)[1]) + b),
        "must have the shape": lambda z, w, b, norm: split(z)[0][0],
    }
    assert_hints(exercises.check_spatial_gate, wrong)


def test_starts_as_identity():
    def right(gate, z):
        return bool(np.abs(gate(z) - split(z)[0]).max() < 1e-3)

    exercises.check_starts_as_identity.require(right)
    for attempt, hint in (
        (lambda gate, z: True, "you say True for a unit whose bias starts at 0, but it is not an identity"),
        (lambda gate, z: False, "you say False for the unit as the paper starts it, but it is"),
        (lambda gate, z: bool((gate(z) == split(z)[0]).all()), "you say False for"),
        (lambda gate, z: bool(np.median(np.abs(gate(z) - split(z)[0])) < 1e-3), "the last token alone"),
        (lambda gate, z: bool(abs((gate(z) - split(z)[0])[:, :-1].mean()) < 1e-3), "you say True for"),
        (lambda gate, z: bool(np.abs(gate(z) - split(z)[0]).mean() < 1e-3), "0.005 too high in one number"),
        (lambda gate, z: bool(np.square(gate(z) - split(z)[0]).mean() ** 0.5 < 1e-3), "0.005 too high in one number"),
        (lambda gate, z: bool((split(z)[0] - gate(z)).max() < 1e-3), "you say True for"),
        (lambda gate, z: bool(np.abs(gate(z) - split(z)[0]).max() < 0.1), "0.005 too high in one number"),
        (lambda gate, z: gate(z) - split(z)[0], "return True or False; for the unit as the paper starts it"),
        (lambda gate, z: bool(np.abs(gate(z) - z).max() < 1e-3), "your code raised ValueError"),
    ):
        assert hint in refusal(exercises.check_starts_as_identity, attempt)


def test_gmlp_block():
    def right(x, norm, widen, gelu, gate, narrow):
        return x + narrow(gate(gelu(widen(norm(x)))))

    exercises.check_gmlp_block.require(right)
    wrong = {
        "the raw x": lambda x, n, u, g, s, v: n(x) + v(s(g(u(n(x))))),
        "the residual is missing": lambda x, n, u, g, s, v: v(s(g(u(n(x))))),
        "the LayerNorm is missing": lambda x, n, u, g, s, v: x + v(s(g(u(x)))),
        "the GELU is missing": lambda x, n, u, g, s, v: x + v(s(u(n(x)))),
        "before the gate, not after": lambda x, n, u, g, s, v: x + v(g(s(u(n(x))))),
        "not the sum after it": lambda x, n, u, g, s, v: n(x + v(s(g(u(x))))),
        "narrow takes what the gate gives, 6 channels": lambda x, n, u, g, s, v: x + v(g(u(n(x)))),
        "gate takes what GELU gives, 12 channels": lambda x, n, u, g, s, v: x + v(s(n(x))),
        "the numbers are not": lambda x, n, u, g, s, v: x,
        "must have the shape": lambda x, n, u, g, s, v: u(n(x)),
    }
    assert_hints(exercises.check_gmlp_block, wrong)


def test_gmlp_parameters():
    def right(n, d, m):
        return 2 * d + (d * m + m) + m + (n * n + n) + (m // 2 * d + d)

    exercises.check_gmlp_parameters.require(right)
    exercises.check_gmlp_parameters.require(lambda n, d, m: right(n, d, m) + 0.0)  # m / 2 instead of m // 2
    wrong = {
        "the biases of the two dense layers": lambda n, d, m: right(n, d, m) - m - d,
        "the gate's bias b is missing": lambda n, d, m: right(n, d, m) - n,
        "the gate's W is missing": lambda n, d, m: right(n, d, m) - n * n,
        "the gate's W and b": lambda n, d, m: right(n, d, m) - n * n - n,
        "the LayerNorm before U is missing": lambda n, d, m: right(n, d, m) - 2 * d,
        "the gate's LayerNorm is missing": lambda n, d, m: right(n, d, m) - m,
        "both LayerNorms are missing": lambda n, d, m: right(n, d, m) - 2 * d - m,
        "the gate normalises one half": lambda n, d, m: right(n, d, m) + m,
        "V starts from half": lambda n, d, m: right(n, d, m) + m // 2 * d,
        "you say 1.5": lambda n, d, m: 1.5,
    }
    assert_hints(exercises.check_gmlp_parameters, wrong)


def test_left_neighbour():
    def right(rows, columns):
        n = rows * columns
        weights = np.diag(np.ones(n - 1), -1)
        weights[::columns] = 0
        return weights, (np.arange(n) % columns == 0).astype(float)

    exercises.check_left_neighbour.require(right)
    wrong = {
        "the last of the row above": lambda r, c: (np.diag(np.ones(r * c - 1), -1), right(r, c)[1]),
        "this is the right neighbour": lambda r, c: (right(r, c)[0].T, right(r, c)[1]),
        "W is not right": lambda r, c: (np.eye(r * c), right(r, c)[1]),
        "b adds 1 everywhere": lambda r, c: (right(r, c)[0], np.ones(r * c)),
        "that is b's part": lambda r, c: (right(r, c)[0], np.zeros(r * c)),
        "b is not": lambda r, c: (right(r, c)[0], np.arange(r * c)),
        "return two arrays": lambda r, c: right(r, c)[0],
        "(n, n) for W": lambda r, c: right(r, c)[::-1],
    }
    assert_hints(exercises.check_left_neighbour, wrong)
