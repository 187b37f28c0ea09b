"""The checks of lesson 02."""

import numpy as np

from course_utils.exercises.verdict import NotYet, answer, array, verdict


def _dft(n: int) -> np.ndarray:
    places = np.arange(n)
    return np.exp(-2j * np.pi * np.outer(places, places) / n)


def _norm(values, scale=1.0, shift=0.0):
    centred = values - values.mean(axis=-1, keepdims=True)
    return scale * centred / values.std(axis=-1, keepdims=True) + shift


@verdict("Right: row k holds the wave with k periods, for every n.")
def check_dft_matrix(attempt):
    """Checks `dft_matrix(n)`: the complex `(n, n)` matrix of the discrete Fourier transform."""
    for n in (4, 1, 5, 16):
        expected = _dft(n)
        value = answer(attempt, n)
        try:
            got = np.asarray(value, dtype="complex128")
        except (TypeError, ValueError):
            raise NotYet(f"the result must be an array (n, n), but it is a {type(value).__name__}") from None
        if got.shape != (n, n):
            raise NotYet(f"for n = {n} the result must have the shape ({n}, {n}), but it has {got.shape}")
        if np.allclose(got, expected):
            continue
        places = np.arange(n)
        wrong = {
            "the exponent needs a minus sign: exp(−2πi·jk/n)": expected.conj(),
            "this is only the real part: an entry is exp(−2πi·jk/n), with its imaginary part": expected.real,
            "the paper's transform is not divided by √n": expected / np.sqrt(n),
            "the paper's transform is not divided by n": expected / n,
            "a whole period is 2π, not π": np.exp(-1j * np.pi * np.outer(places, places) / n),
            "divide jk by n: the exponent is −2πi·jk/n": np.exp(-2j * np.pi * np.outer(places, places)),
            "count j and k from 0": np.exp(-2j * np.pi * np.outer(places + 1, places + 1) / n),
            "the i is missing in the exponent": np.exp(-2 * np.pi * np.outer(places, places) / n),
        }
        for hint, other in wrong.items():
            if np.allclose(got, other):
                raise NotYet(hint)
        raise NotYet(f"for n = {n} the numbers are not right: entry (k, j) is exp(−2πi·jk/n)")


@verdict("Right: both transforms, and one real part at the end.")
def check_fourier_mixing(attempt):
    """Checks `fourier_mixing(x, F_n, F_d)`: `(b, n, d) -> (b, n, d)` with two matrix products and one real part."""
    rng = np.random.default_rng(0)
    for b, n, d in ((2, 5, 3), (1, 4, 4)):
        x = rng.normal(size=(b, n, d))
        tokens, channels = _dft(n), _dft(d)
        value = answer(attempt, x, tokens, channels)
        if isinstance(value, np.ndarray) and np.iscomplexobj(value):
            whole = np.shape(value) == x.shape and np.allclose(value, tokens @ x @ channels)
            raise NotYet("the result is complex: " + ("take its real part, once, at the end" if whole else "use .real"))
        got = array(value, x.shape, "(b, n, d)")
        expected = (tokens @ x @ channels).real
        if np.allclose(got, expected):
            continue
        wrong = {
            "the real part is taken twice: keep the imaginary part of the first product, the second one needs it": (
                tokens @ (x @ channels).real
            ).real,
            "the real part is taken twice, or of the matrices: the imaginary parts meet and count": (
                tokens.real @ x @ channels.real
            ),
            "only the tokens are transformed: multiply by F_d from the right, too": (tokens @ x).real,
            "only the channels are transformed: multiply by F_n from the left, too": (x @ channels).real,
            "this is the size of the result; take its real part": np.abs(tokens @ x @ channels),
            "this is the imaginary part; take the real one": (tokens @ x @ channels).imag,
        }
        for hint, other in wrong.items():
            if np.allclose(got, other):
                raise NotYet(hint)
        raise NotYet("the shape is right, the numbers are not: Re(F_n · x · F_d)")


@verdict("Right: add, then normalise, twice. That is post-norm.")
def check_fnet_block(attempt):
    """Checks `fnet_block(x, mixing, norm1, mlp, norm2)`: `(b, n, d) -> (b, n, d)`, a whole FNet block."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 3)) * 3 + 1
    inner, outer = rng.normal(size=(3, 7)), rng.normal(size=(7, 3))
    tokens, channels = _dft(5), _dft(3)

    def mixing(values):
        return (tokens @ values @ channels).real

    def mlp(values):
        return np.tanh(values @ inner) @ outer

    def norm1(values):
        return _norm(values, 1.5, 0.1)

    def norm2(values):
        return _norm(values, 0.7, -0.2)

    got = array(answer(attempt, x, mixing, norm1, mlp, norm2), x.shape, "(b, n, d)")
    y = norm1(x + mixing(x))
    if np.allclose(got, norm2(y + mlp(y))):
        return
    pre = x + mixing(norm1(x))
    wrong = {
        "this is pre-norm, as in the Mixer: FNet normalises the sum, not what goes into the branch": (
            pre + mlp(norm2(pre))
        ),
        "this is only the first half: the MLP and the second LayerNorm are missing": y,
        "the second half starts from y, the first half's result, not from x": norm2(x + mlp(y)),
        "the second half works on y, the first half's result, not on x": norm2(x + mlp(x)),
        "the first residual is missing: norm1(x + M(x))": norm2((a := norm1(mixing(x))) + mlp(a)),
        "the second residual is missing: norm2(y + MLP(y))": norm2(mlp(y)),
        "both residuals are missing": norm2(mlp(norm1(mixing(x)))),
        "each half has its own LayerNorm: the second is norm2": norm1(y + mlp(y)),
        "the second LayerNorm is missing": y + mlp(y),
        "the first LayerNorm is missing": norm2((a := x + mixing(x)) + mlp(a)),
        "the LayerNorms come after the sums: norm1(x + M(x))": (a := x + norm1(mixing(x))) + norm2(mlp(a)),
    }
    for hint, other in wrong.items():
        if np.allclose(got, other):
            raise NotYet(hint)
    raise NotYet("the shape is right, the numbers are not: y = LN1(x + M(x)), z = LN2(y + MLP(y))")


@verdict("Right: your test tells all nine layers apart.")
def check_is_linear(attempt):
    """Checks `is_linear(layer, x, y)`: True if the layer keeps sums and multiples."""
    from course_utils.layers import FourierMixing, LinearMixing

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 1, 6, 4)).astype("float32")
    fourier, learned = FourierMixing(), LinearMixing()
    learned.build(x.shape)

    def as_numpy(layer):
        return lambda tokens: np.asarray(layer(np.asarray(tokens, "float32")))

    def shifted(tokens):
        return np.asarray(tokens) + 1

    layers = [
        ("FNet's mixing", as_numpy(fourier), True),
        ("a mixing by two learned matrices", as_numpy(learned), True),
        ("a layer that does nothing", np.array, True),
        ("a LayerNorm", _norm, False),
        ("a layer that adds 1 to everything", shifted, False),
        ("the size of the Fourier transform", lambda tokens: np.abs(np.fft.fft2(tokens)), False),
        ("a ReLU", lambda tokens: np.maximum(tokens, 0), False),
        ("a layer that multiplies each token by its sum", lambda t: t * np.sum(t, axis=-1, keepdims=True), False),
        ("a layer that adds the median over the tokens", lambda t: t + np.median(t, axis=1, keepdims=True), False),
    ]
    for name, layer, expected in layers:
        got = answer(attempt, layer, x.copy(), y.copy())
        if not isinstance(got, bool | np.bool_):
            raise NotYet(f"return True or False; for {name} you return {got!r}")
        if bool(got) == expected:
            continue
        if expected:
            raise NotYet(f"you say {got} for {name}, but it is linear: compare with np.allclose and atol=1e-4, not ==")
        raise NotYet(f"you say {got} for {name}, but it is not linear")


@verdict("Right: FNet without positions gives the same answer, and with positions it does not.")
def check_unseen_order(attempt):
    """Checks `unseen_order(n)`: an order of `n` tokens, not the plain one, that FNet without positions cannot see."""
    from course_utils.layers import FourierMixing

    mixing = FourierMixing()
    rng = np.random.default_rng(0)
    for n in (16, 5, 64):
        value = answer(attempt, n)
        try:
            order = np.asarray(value)
            whole = order.shape == (n,) and sorted(order.tolist()) == list(range(n))
        except (TypeError, ValueError):
            whole = False
        if not whole:
            raise NotYet(f"for n = {n} return an order: each of the numbers 0 to {n - 1} once")
        order = order.astype(int)
        if np.array_equal(order, np.arange(n)):
            raise NotYet("this leaves every token where it is")
        x = rng.normal(size=(1, n, 6)).astype("float32")
        changed = np.asarray(mixing(x[:, order]))
        same = np.asarray(mixing(x))[:, order]
        if np.allclose(changed, same, atol=1e-3):
            continue
        if np.array_equal(order, np.arange(n)[::-1]):
            raise NotYet("nearly: this turns the row around its middle, but wave k must start at token 0 as before, "
                         "so token 0 stays where it is")  # fmt: skip
        if 0 in order and order[0] != 0:
            raise NotYet("token 0 must stay where it is: there every wave starts with the weight 1")
        raise NotYet(
            f"for n = {n} the mixing sees this order. cos(2π·jk/n) is the same for j and for n − j: which token may "
            "change places with token j?"
        )
