import numpy as np
import pytest

from course_utils import exercises
from course_utils.layers import FourierMixing


def verdict(capsys):
    return capsys.readouterr().out.strip()


def refused(check, wrong, capsys):
    for hint, attempt in wrong.items():
        assert not check.passes(attempt), hint
        assert hint in verdict(capsys), hint


def dft(n, factor=-2j * np.pi, first=0):
    places = np.arange(first, n + first)
    return np.exp(factor * np.outer(places, places) / n)


def test_dft_matrix(capsys):
    assert exercises.check_dft_matrix.passes(dft)
    assert exercises.check_dft_matrix.passes(lambda n: np.fft.fft(np.eye(n)))
    assert "✓" in verdict(capsys)
    wrong = {
        "needs a minus sign": lambda n: dft(n).conj(),
        "only the real part": lambda n: dft(n).real,
        "not divided by √n": lambda n: dft(n) / np.sqrt(n),
        "not divided by n": lambda n: dft(n) / n,
        "2π, not π": lambda n: dft(n, -1j * np.pi),
        "divide jk by n": lambda n: np.exp(-2j * np.pi * np.outer(range(n), range(n))),
        "count j and k from 0": lambda n: dft(n, first=1),
        "the i is missing": lambda n: dft(n, -2 * np.pi),
        "must have the shape (4, 4)": lambda n: dft(n)[0],
        "for n = 4 the numbers are not right": lambda n: np.eye(n),
    }
    refused(exercises.check_dft_matrix, wrong, capsys)


def test_fourier_mixing(capsys):
    assert exercises.check_fourier_mixing.passes(lambda x, F_n, F_d: (F_n @ x @ F_d).real)
    assert "✓" in verdict(capsys)
    wrong = {
        "take its real part, once": lambda x, F_n, F_d: F_n @ x @ F_d,
        "complex: use .real": lambda x, F_n, F_d: F_n @ x,
        "keep the imaginary part of the first product": lambda x, F_n, F_d: (F_n @ (x @ F_d).real).real,
        "the real part is taken twice": lambda x, F_n, F_d: ((F_n @ x).real @ F_d).real,
        "only the tokens": lambda x, F_n, F_d: (F_n @ x).real,
        "only the channels": lambda x, F_n, F_d: (x @ F_d).real,
        "this is the size": lambda x, F_n, F_d: np.abs(F_n @ x @ F_d),
        "this is the imaginary part": lambda x, F_n, F_d: (F_n @ x @ F_d).imag,
        "the shape is right, the numbers are not": lambda x, F_n, F_d: x,
        "must have the shape": lambda x, F_n, F_d: x[0],
    }
    refused(exercises.check_fourier_mixing, wrong, capsys)


def test_fnet_block(capsys):
    def right(x, mixing, norm1, mlp, norm2):
        y = norm1(x + mixing(x))
        return norm2(y + mlp(y))

    def pre_norm(x, mixing, norm1, mlp, norm2):
        y = x + mixing(norm1(x))
        return y + mlp(norm2(y))

    def without_first_norm(x, mixing, norm1, mlp, norm2):
        y = x + mixing(x)
        return norm2(y + mlp(y))

    def without_first_residual(x, mixing, norm1, mlp, norm2):
        y = norm1(mixing(x))
        return norm2(y + mlp(y))

    def norm_on_the_branch(x, mixing, norm1, mlp, norm2):
        y = x + norm1(mixing(x))
        return y + norm2(mlp(y))

    assert exercises.check_fnet_block.passes(right)
    assert "✓" in verdict(capsys)
    wrong = {
        "this is pre-norm, as in the Mixer": pre_norm,
        "only the first half": lambda x, mixing, norm1, mlp, norm2: norm1(x + mixing(x)),
        "starts from y": lambda x, mixing, norm1, mlp, norm2: norm2(x + mlp(norm1(x + mixing(x)))),
        "works on y": lambda x, mixing, norm1, mlp, norm2: norm2(x + mlp(x)),
        "the first residual is missing": without_first_residual,
        "the second residual is missing": lambda x, mixing, norm1, mlp, norm2: norm2(mlp(norm1(x + mixing(x)))),
        "both residuals are missing": lambda x, mixing, norm1, mlp, norm2: norm2(mlp(norm1(mixing(x)))),
        "the second is norm2": lambda x, mixing, norm1, mlp, norm2: right(x, mixing, norm1, mlp, norm1),
        "the second LayerNorm is missing": lambda x, mixing, norm1, mlp, norm2: right(
            x, mixing, norm1, mlp, lambda values: values
        ),
        "the first LayerNorm is missing": without_first_norm,
        "the LayerNorms come after the sums": norm_on_the_branch,
        "the shape is right, the numbers are not": lambda x, *parts: x,
    }
    refused(exercises.check_fnet_block, wrong, capsys)


def test_is_linear(capsys):
    def right(layer, x, y):
        return bool(np.allclose(layer(2 * x - 3 * y), 2 * layer(x) - 3 * layer(y), atol=1e-4))

    assert exercises.check_is_linear.passes(right)
    assert "✓" in verdict(capsys)
    wrong = {
        "the size of the Fourier transform, but it is not linear": lambda layer, x, y: np.allclose(
            layer(2 * x), 2 * layer(x), atol=1e-4
        ),
        "for FNet's mixing, but it is linear: compare with np.allclose": lambda layer, x, y: bool(
            (layer(2 * x - 3 * y) == 2 * layer(x) - 3 * layer(y)).all()
        ),
        "for FNet's mixing, but it is linear": lambda layer, x, y: False,
        "for a LayerNorm, but it is not linear": lambda layer, x, y: True,
        "return True or False": lambda layer, x, y: 1,
        "adds the median over the tokens, but it is not linear": lambda layer, x, y: np.allclose(
            layer(-2 * x), -2 * layer(x), atol=1e-4
        ),
    }
    refused(exercises.check_is_linear, wrong, capsys)


def test_unseen_order(capsys):
    assert exercises.check_unseen_order.passes(lambda n: -np.arange(n) % n)
    assert exercises.check_unseen_order.passes(lambda n: [0, *range(n - 1, 0, -1)])
    assert "✓" in verdict(capsys)
    wrong = {
        "leaves every token where it is": lambda n: range(n),
        "around its middle": lambda n: np.arange(n)[::-1],
        "token 0 must stay": lambda n: np.roll(np.arange(n), 1),
        "the mixing sees this order": lambda n: [0, 2, 1, *range(3, n)],
        "each of the numbers 0 to 15 once": lambda n: np.arange(n) // 2,
    }
    refused(exercises.check_unseen_order, wrong, capsys)


@pytest.mark.parametrize("n", [4, 9, 16, 64])
def test_what_the_lesson_says_of_the_unseen_orders(n):
    """The transform takes the order j -> u·j mod n for k -> k/u: with the residual it is unseen where u·u = 1."""
    x = np.random.default_rng(0).normal(size=(1, n, 6)).astype("float32")
    mixing = FourierMixing()
    for u in range(1, n):
        if np.gcd(u, n) == 1:
            order = u * np.arange(n) % n
            moved = np.asarray(mixing(x[:, order]))
            assert np.allclose(moved, np.asarray(mixing(x))[:, order], atol=1e-3) == (u * u % n == 1)
