"""The checks of lesson 02."""

from functools import partial

import numpy as np

from course_utils.exercises.judging import NotYet, answer, compare, numbers, tell_apart, verdict
from course_utils.exercises.parts import as_numpy, layer_norm
from course_utils.layers import FourierMixing, LinearMixing


def _dft(n: int, factor=-2j * np.pi, first: int = 0) -> np.ndarray:
    """Returns the matrix of the discrete Fourier transform, or of one that is not quite it."""
    counted = np.arange(first, n + first)
    return np.exp(factor * np.outer(counted, counted) / n)


@verdict("n", "Right: row k holds the wave with k periods, for every n.")
def check_dft_matrix(attempt):
    """Checks `dft_matrix(n)`: the complex `(n, n)` matrix of the discrete Fourier transform."""
    for n in (4, 1, 5, 16):
        expected = _dft(n)
        mistakes = {
            "the exponent needs a minus sign: exp(−2πi·jk/n)": expected.conj(),
            "this is only the real part: an entry is exp(−2πi·jk/n), with its imaginary part": expected.real,
            "the paper's transform is not divided by √n": expected / np.sqrt(n),
            "the paper's transform is not divided by n": expected / n,
            "a whole period is 2π, not π": _dft(n, -1j * np.pi),
            "divide jk by n: the exponent is −2πi·jk/n": _dft(n, -2j * np.pi * n),
            "count j and k from 0": _dft(n, first=1),
            "the i is missing in the exponent": _dft(n, -2 * np.pi),
        }
        otherwise = "the numbers are not right: entry (k, j) is exp(−2πi·jk/n)"
        compare(attempt, [n], expected, "(n, n)", mistakes, otherwise, f"for n = {n}")


@verdict("x, F_n, F_d", "Right: both transforms, and one real part at the end.")
def check_fourier_mixing(attempt):
    """Checks `fourier_mixing(x, F_n, F_d)`: `(b, n, d) -> (b, n, d)` with two matrix products and one real part."""
    twice = "the real part is taken twice"
    rng = np.random.default_rng(0)
    for b, n, d in ((2, 5, 3), (1, 4, 4)):
        x, F_n, F_d = rng.normal(size=(b, n, d)), _dft(n), _dft(d)
        y, early = F_n @ x @ F_d, F_n @ (x @ F_d).real
        mistakes = {
            f"{twice}: keep the imaginary part of the first product, the second one needs it": early.real,
            f"{twice}, or of the matrices: the imaginary parts meet and count": F_n.real @ x @ F_d.real,
            "only the tokens are transformed: multiply by F_d from the right, too": (F_n @ x).real,
            "only the channels are transformed: multiply by F_n from the left, too": (x @ F_d).real,
            "this is the size of the result; take its real part": np.abs(y),
            "this is the imaginary part; take the real one": y.imag,
        }
        otherwise = "the shape is right, the numbers are not: Re(F_n · x · F_d)"
        compare(attempt, (x, F_n, F_d), y.real, "(b, n, d)", mistakes, otherwise)


@verdict("x, mixing, norm1, mlp, norm2", "Right: add, then normalise, twice. That is post-norm.")
def check_fnet_block(attempt):
    """Checks `fnet_block(x, mixing, norm1, mlp, norm2)`: `(b, n, d) -> (b, n, d)`, a whole FNet block."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 3)) * 3 + 1
    inner, outer = rng.normal(size=(3, 7)), rng.normal(size=(7, 3))
    norm1, norm2 = partial(layer_norm, scale=1.5, shift=0.1), partial(layer_norm, scale=0.7, shift=-0.2)

    def mixing(values):
        return (_dft(5) @ values @ _dft(3)).real

    def mlp(values):
        return np.tanh(values @ inner) @ outer

    def second(y):
        return norm2(y + mlp(y))

    mixed = mixing(x)
    y, pre, after = norm1(x + mixed), x + mixing(norm1(x)), x + norm1(mixed)
    pre = pre + mlp(norm2(pre))
    mistakes = {
        "this is pre-norm, as in the Mixer: FNet normalises the sum, not what goes into the branch": pre,
        "this is only the first half: the MLP and the second LayerNorm are missing": y,
        "the second half starts from y, the first half's result, not from x": norm2(x + mlp(y)),
        "the second half works on y, the first half's result, not on x": second(x),
        "the first residual is missing: norm1(x + M(x))": second(norm1(mixed)),
        "the second residual is missing: norm2(y + MLP(y))": norm2(mlp(y)),
        "both residuals are missing": norm2(mlp(norm1(mixed))),
        "each half has its own LayerNorm: the second is norm2": norm1(y + mlp(y)),
        "the second LayerNorm is missing": y + mlp(y),
        "the first LayerNorm is missing": second(x + mixed),
        "the LayerNorms come after the sums: norm1(x + M(x))": after + norm2(mlp(after)),
    }
    otherwise = "the shape is right, the numbers are not: y = LN1(x + M(x)), z = LN2(y + MLP(y))"
    compare(attempt, (x, mixing, norm1, mlp, norm2), second(y), "(b, n, d)", mistakes, otherwise)


@verdict("layer, x, y", "Right: your test tells all nine layers apart.")
def check_is_linear(attempt):
    """Checks `is_linear(layer, x, y)`: True if the layer keeps sums and multiples."""
    x, y = np.random.default_rng(0).normal(size=(2, 1, 6, 4)).astype("float32")
    layers = [
        ("FNet's mixing", as_numpy(FourierMixing()), True),
        ("a mixing by two learned matrices", as_numpy(LinearMixing()), True),
        ("a layer that does nothing", np.array, True),
        ("a LayerNorm", layer_norm, False),
        ("a layer that adds 1 to everything", lambda tokens: np.asarray(tokens) + 1, False),
        ("the size of the Fourier transform", lambda tokens: np.abs(np.fft.fft2(tokens)), False),
        ("a ReLU", lambda tokens: np.maximum(tokens, 0), False),
        ("a layer that multiplies each token by its sum", lambda t: t * np.sum(t, axis=-1, keepdims=True), False),
        ("a layer that adds the median over the tokens", lambda t: t + np.median(t, axis=1, keepdims=True), False),
    ]
    linear = "it is linear: compare with np.allclose and atol=1e-4, not =="
    tell_apart(attempt, layers, (x, y), {True: linear, False: "it is not linear"})


@verdict("n", "Right: FNet without positions gives the same answer, and with positions it does not.")
def check_unseen_order(attempt):
    """Checks `unseen_order(n)`: an order of `n` tokens, not the plain one, that FNet without positions cannot see."""
    mixing = FourierMixing()
    rng = np.random.default_rng(0)
    for n in (16, 5, 64):
        order = answer(attempt, [n], lambda value, n=n: numbers(value, (n,), f"(n,), here the numbers 0 to {n - 1}"))
        if sorted(order) != list(range(n)):
            raise NotYet(f"for n = {n} return an order: each of the numbers 0 to {n - 1} once")
        order = order.astype(int)
        if np.array_equal(order, np.arange(n)):
            raise NotYet("this leaves every token where it is")
        x = rng.normal(size=(1, n, 6)).astype("float32")
        if np.allclose(mixing(x[:, order]), np.asarray(mixing(x))[:, order], atol=1e-3):
            continue
        if np.array_equal(order, np.arange(n)[::-1]):
            hint = "nearly: this turns the row around its middle, but wave k must start at token 0 as before"
            raise NotYet(f"{hint}, so token 0 stays where it is")
        if order[0] != 0:
            raise NotYet("token 0 must stay where it is: there every wave starts with the weight 1")
        hint = "cos(2π·jk/n) is the same for j and for n − j: which token may change places with token j?"
        raise NotYet(f"for n = {n} the mixing sees this order. {hint}")
