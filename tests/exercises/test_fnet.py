import numpy as np
import pytest

from course_utils import exercises
from course_utils.layers import FourierMixing
from tests.exercises.support import assert_hints


def dft(n, factor=-2j * np.pi, first=0):
    places = np.arange(first, n + first)
    return np.exp(factor * np.outer(places, places) / n)


def test_dft_matrix():
    exercises.check_dft_matrix.require(dft)
    exercises.check_dft_matrix.require(lambda n: np.fft.fft(np.eye(n)))
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
        "for n = 4: the numbers are not right": lambda n: np.eye(n),
    }
    assert_hints(exercises.check_dft_matrix, wrong)


def test_fourier_mixing():
    exercises.check_fourier_mixing.require(lambda x, F_n, F_d: (F_n @ x @ F_d).real)
    wrong = {
        "take its real part, once": lambda x, F_n, F_d: F_n @ x @ F_d,
        "keep the imaginary part of the first product": lambda x, F_n, F_d: (F_n @ (x @ F_d).real).real,
        "the real part is taken twice": lambda x, F_n, F_d: ((F_n @ x).real @ F_d).real,
        "only the tokens": lambda x, F_n, F_d: (F_n @ x).real,
        "only the channels": lambda x, F_n, F_d: (x @ F_d).real,
        "this is the size": lambda x, F_n, F_d: np.abs(F_n @ x @ F_d),
        "this is the imaginary part": lambda x, F_n, F_d: (F_n @ x @ F_d).imag,
        "the shape is right, the numbers are not": lambda x, F_n, F_d: x,
        "must have the shape": lambda x, F_n, F_d: x[0],
    }
    assert_hints(exercises.check_fourier_mixing, wrong)


def test_fnet_block():
    def right(x, mix, n1, mlp, n2):
        y = n1(x + mix(x))
        return n2(y + mlp(y))

    exercises.check_fnet_block.require(right)
    wrong = {
        "this is pre-norm, as in the Mixer": lambda x, mix, n1, mlp, n2: (y := x + mix(n1(x))) + mlp(n2(y)),
        "only the first half": lambda x, mix, n1, mlp, n2: n1(x + mix(x)),
        "starts from y": lambda x, mix, n1, mlp, n2: n2(x + mlp(n1(x + mix(x)))),
        "works on y": lambda x, mix, n1, mlp, n2: n2(x + mlp(x)),
        "the first residual is missing": lambda x, mix, n1, mlp, n2: n2((y := n1(mix(x))) + mlp(y)),
        "the second residual is missing": lambda x, mix, n1, mlp, n2: n2(mlp(n1(x + mix(x)))),
        "both residuals are missing": lambda x, mix, n1, mlp, n2: n2(mlp(n1(mix(x)))),
        "the second is norm2": lambda x, mix, n1, mlp, n2: right(x, mix, n1, mlp, n1),
        "the second LayerNorm is missing": lambda x, mix, n1, mlp, n2: right(x, mix, n1, mlp, lambda y: y),
        "the first LayerNorm is missing": lambda x, mix, n1, mlp, n2: right(x, mix, lambda y: y, mlp, n2),
        "the LayerNorms come after the sums": lambda x, mix, n1, mlp, n2: (y := x + n1(mix(x))) + n2(mlp(y)),
        "the shape is right, the numbers are not": lambda x, *parts: x,
    }
    assert_hints(exercises.check_fnet_block, wrong)


def test_is_linear():
    def keeps(layer, x, y, a=2, b=-3, atol=1e-4):
        return np.allclose(layer(a * x + b * y), a * layer(x) + b * layer(y), rtol=0, atol=atol)

    exercises.check_is_linear.require(keeps)
    wrong = {
        "the size of the Fourier transform, but it is not linear": lambda layer, x, y: keeps(layer, x, y, b=0),
        "for FNet's mixing, but it is linear: compare with np.allclose": lambda layer, x, y: keeps(layer, x, y, atol=0),
        "for a LayerNorm, but it is not linear": lambda layer, x, y: True,
        "return True or False": lambda layer, x, y: 1,
        "adds the median over the tokens, but it is not linear": lambda layer, x, y: keeps(layer, x, y, a=-2, b=0),
    }
    assert_hints(exercises.check_is_linear, wrong)


def test_unseen_order():
    exercises.check_unseen_order.require(lambda n: -np.arange(n) % n)
    exercises.check_unseen_order.require(lambda n: [0, *range(n - 1, 0, -1)])
    wrong = {
        "leaves every token where it is": lambda n: range(n),
        "around its middle": lambda n: np.arange(n)[::-1],
        "token 0 must stay": lambda n: np.roll(np.arange(n), 1),
        "the mixing sees this order": lambda n: [0, 2, 1, *range(3, n)],
        "each of the numbers 0 to 15 once": lambda n: np.arange(n) // 2,
    }
    assert_hints(exercises.check_unseen_order, wrong)


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
