"""The checks of lesson 05."""

import warnings

import numpy as np

from course_utils.exercises.verdict import NotYet, answer, array, verdict


def _moved(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Moves images `(b, h, w, c)`; zeros move in. Negative numbers move up and left."""
    result = np.zeros_like(images)
    h, w = images.shape[1:3]
    to = slice(max(down, 0), h + min(down, 0)), slice(max(right, 0), w + min(right, 0))
    of = slice(max(-down, 0), h + min(-down, 0)), slice(max(-right, 0), w + min(-right, 0))
    result[:, to[0], to[1]] = images[:, of[0], of[1]]
    return result


@verdict("Right: every pixel s further up and s further left, zeros behind it, and the images you got untouched.")
def check_left_up(attempt):
    """Checks `left_up(images, s)`: images `(b, h, w, c)` moved left and up by `s` pixels, zeros moving in."""
    rng = np.random.default_rng(0)
    # With s = 0 the slice [:-s] would be empty.
    for (b, h, w, c), s in (((2, 6, 8, 3), 2), ((1, 9, 6, 1), 3), ((2, 5, 5, 2), 1), ((1, 4, 6, 3), 0)):
        images = rng.normal(size=(b, h, w, c)).astype("float32")
        given = images.copy()
        got = array(answer(attempt, images, s), images.shape, "(b, h, w, c)")
        what = f"for images of {h} × {w} and s = {s}"
        if not np.array_equal(images, given):
            raise NotYet(f"{what} your function changes the images it was given; write into a new array")
        if np.array_equal(got, _moved(images, -s, -s)):
            continue
        wrong = {
            "the pixels that leave on one side come back on the other, as np.roll does; zeros must move in": np.roll(
                images, (-s, -s), axis=(1, 2)
            ),
            "the image moved right and down": _moved(images, s, s),
            "the image moved left, but not up": _moved(images, 0, -s),
            "the image moved up, but not left": _moved(images, -s, 0),
            "the image moved left and down": _moved(images, s, -s),
            "the image moved right and up": _moved(images, -s, s),
            "the image has not moved": images,
        }
        for hint, value in wrong.items():
            if np.array_equal(got, value):
                raise NotYet(f"{what}: {hint}")
        if s == 0:
            raise NotYet(f"{what} nothing moves, so the image must stay as it is: the slice [:-0] is empty")
        raise NotYet(f"{what}: place (i, j) of the result must show pixel (i + s, j + s), and zero where there is none")


@verdict("Right: five images, the shift half a patch, and one token of 5·p·p·c numbers for each patch.")
def check_five_in_one(attempt):
    """Checks `five_in_one(images, p, move, patchify)`: `(b, h, w, c) -> (b, n, 5 * p * p * c)`."""
    from course_utils.layers import Patches, ShiftedPatchTokenization

    def patchify(images, p):
        return np.asarray(Patches(p)(np.asarray(images, "float32")))

    def move(images, down, right):
        for name, value in (("down", down), ("right", right)):
            if int(value) != value:
                raise NotYet(f"move takes whole pixels, but {name} is {value!r}: half a patch is p // 2")
        return _moved(np.asarray(images), int(down), int(right))

    rng = np.random.default_rng(0)
    for (b, h, w, c), p in (((2, 8, 12, 3), 4), ((1, 6, 9, 2), 3)):
        images = rng.normal(size=(b, h, w, c)).astype("float32")
        layer = ShiftedPatchTokenization(p, 1)
        expected = np.asarray(layer.patches(layer.stacked(images)))
        value = answer(attempt, images, p, move, patchify)
        shape = np.shape(value)
        n = expected.shape[1]
        if shape == (b, 5 * n, p * p * c):
            raise NotYet("you have five times as many tokens: stack the images along the channels, axis -1")
        if shape == (5 * b, n, p * p * c):
            raise NotYet("you have five times as many images: stack them along the channels, axis -1")
        if shape == (b, n, 4 * p * p * c):
            raise NotYet("these are four images: the one that has not moved belongs to them")
        got = array(value, expected.shape, "(b, n, 5·p·p·c)")
        if np.array_equal(got, expected):
            continue

        def five(s, way=1, order=((-1, -1), (-1, 1), (1, -1), (1, 1)), images=images):
            return np.concatenate([images, *(_moved(images, way * a * s, way * b * s) for a, b in order)], axis=-1)

        s = p // 2
        wrong = {
            "you shift by a whole patch; the paper shifts by half of one, p // 2": five(p),
            "you shift by one pixel; the paper shifts by half a patch, p // 2": five(1) if s != 1 else None,
            "you shift along the axes; the paper shifts along the diagonals, so that both directions change": five(
                s, order=((-1, 0), (1, 0), (0, -1), (0, 1))
            ),
            "the five images are there, but not in the order asked for": five(s, way=-1),
        }
        for hint, stack in wrong.items():
            if stack is not None and np.array_equal(got, patchify(stack, p)):
                raise NotYet(f"for p = {p} {hint}")
        if np.array_equal(np.sort(got, axis=-1), np.sort(expected, axis=-1)):
            raise NotYet(
                f"for p = {p} each token holds the right numbers, but not in order: stack the images first, in the "
                "order asked for, and cut them into patches after that"
            )
        raise NotYet(f"for p = {p} the shape is right, the numbers are not: image, left up, right up, left down, …")


@verdict("Right: 4 times the projection, and a LayerNorm over 5·p·p·c numbers.")
def check_extra_weights(attempt):
    """Checks `extra_weights(p, c, d)`: how many weights SPT has more than a plain patch embedding."""
    from course_utils.layers import PatchEmbedding, ShiftedPatchTokenization

    for p, c, d in ((2, 2, 3), (8, 3, 64), (4, 3, 192), (5, 2, 7)):
        counts = []
        for layer in (PatchEmbedding(p, d), ShiftedPatchTokenization(p, d)):
            layer.build((None, 2 * p, 2 * p, c))
            counts.append(layer.count_params())
        expected = counts[1] - counts[0]
        got = answer(attempt, p, c, d)
        if np.ndim(got) == 0 and got == expected:
            continue
        values = p * p * c
        hints = {
            counts[1]: "that is all of SPT's weights; take away those of the plain embedding",
            4 * values * d: "the LayerNorm is missing: a gamma and a beta for each of its 5·p·p·c inputs",
            4 * values * d + 5 * values: "the LayerNorm has a gamma and a beta for each of its inputs",
            4 * values * d + 2 * d: "the LayerNorm stands before the projection: it has 5·p·p·c inputs, not d",
            4 * values * d + 2 * values: "the LayerNorm sees all five patches, so it has 5·p·p·c inputs",
            4 * values * d + 8 * values: "the plain embedding has no LayerNorm: all 5·p·p·c inputs of SPT's are extra",
            5 * values * d + 10 * values: "the plain embedding has a projection too: take its p·p·c·d weights away",
            4 * values * d + 10 * values + d: "the bias is no extra: both projections have one, of d numbers",
            4 * values * d + 10 * values + 4 * d: "the bias is no extra: both projections have one, of d numbers",
        }
        hint = hints.get(int(got)) if np.ndim(got) == 0 and isinstance(got, int | np.integer) else None
        text = f"for p = {p}, c = {c}, d = {d} you say {got!r}, the layers differ by {expected}"
        raise NotYet(text + (f": {hint}" if hint else ""))


def _softmax(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@verdict("Right: rows sum to 1, the diagonal is exactly zero, and every head has its own temperature.")
def check_lsa_weights(attempt):
    """Checks `lsa_weights(products, temperature)`: `Q · Kᵀ` `(heads, n, n)` and τ `(heads,)` to attention weights."""
    rng = np.random.default_rng(0)
    for heads, n in ((3, 5), (4, 4), (1, 2)):  # as many heads as tokens: a temperature on the wrong axis would fit
        products = 3 * rng.normal(size=(heads, n, n))
        temperature = rng.uniform(0.5, 4, size=heads)
        given = products.copy()
        value = answer(attempt, products, temperature)
        if not np.array_equal(products, given):
            raise NotYet("your function changes the products it was given; work on a copy, or use np.where")
        got = array(value, products.shape, "(heads, n, n)")
        diagonal = np.eye(n, dtype=bool)
        scores = products / temperature[:, None, None]
        expected = _softmax(np.where(diagonal, -np.inf, scores))
        if np.allclose(got, expected, atol=1e-6):
            continue
        if not np.all(np.isfinite(got)):
            raise NotYet("some weights are NaN: −∞ belongs on the diagonal only, and −∞ · 0 is NaN: use np.where")
        open_rows = _softmax(scores)
        wrong = {
            "you set the diagonal to zero after the softmax, and the rows no longer sum to 1: mask before it": np.where(
                diagonal, 0, open_rows
            ),
            "you set the scores of the diagonal to 0, but exp(0) = 1 is still a share: the softmax needs −∞": _softmax(
                np.where(diagonal, 0, scores)
            ),
            "the mask is missing: every token still takes from itself": open_rows,
            "you multiply by the temperature; divide by it: a low one makes the row sharp": _softmax(
                np.where(diagonal, -np.inf, products * temperature[:, None, None])
            ),
            "the temperature is missing": _softmax(np.where(diagonal, -np.inf, products)),
            "the softmax must run along the last axis: it is the rows that sum to 1": _softmax(
                np.where(diagonal, -np.inf, scores), axis=-2
            ),
            "a temperature belongs to a head: give it the shape (heads, 1, 1), or it divides the columns": _softmax(
                np.where(diagonal, -np.inf, products / temperature) if heads == n else scores * np.nan
            ),
        }
        for hint, weights in wrong.items():
            if np.allclose(got, weights, atol=1e-6):
                raise NotYet(hint)
        if not np.allclose(got.sum(axis=-1), 1, atol=1e-6):
            raise NotYet("the rows do not sum to 1: divide by the temperature, mask, and take the softmax last")
        raise NotYet("the rows sum to 1, but the numbers are not right: softmax(mask(Q·Kᵀ / τ)), row by row")


@verdict("Right: 0 bits when everything comes from one token, log2(n) when all give alike.")
def check_entropy(attempt):
    """Checks `entropy(row)`: `(n,)` shares that sum to 1 to the entropy in bits."""
    from course_utils.analysis import entropy

    rng = np.random.default_rng(0)
    rows = [np.full(16, 1 / 16), rng.dirichlet(np.ones(8)), np.array([0.5, 0.25, 0.25]), np.array([0.0, 0.5, 0.5, 0.0])]
    for row in (*rows, np.array([0.0, 1.0, 0.0])):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of log2(0): the hint below says it better
            value = answer(attempt, row.copy())
        got = float(array(value, (), "one number"))
        expected = float(entropy(row))
        if np.isclose(got, expected, atol=1e-4):
            continue
        what = f"for the row {np.round(row, 2).tolist()} you say {got:.3f}, it is {expected:.3f} bits"
        if np.isnan(got):
            raise NotYet(f"{what}: log2(0) is −∞, and 0 · −∞ is NaN; a share of 0 must count 0")
        if np.isclose(got, -expected, atol=1e-4):
            raise NotYet(f"{what}: the minus sign is missing")
        if np.isclose(got, expected * np.log(2), atol=1e-4):
            raise NotYet(f"{what}: np.log gives nats; bits need np.log2")
        if np.isclose(got, expected / len(row), atol=1e-4):
            raise NotYet(f"{what}: sum over the tokens, do not take the mean")
        raise NotYet(f"{what}: −Σ aⱼ · log2 aⱼ")


def _attention_layers() -> list:
    """Returns [(name, layer, whether its temperature is trained)]: one as it must be, and the ways to get it wrong."""
    import keras
    from keras import ops

    from course_utils.layers import LocalitySelfAttention

    class Frozen(LocalitySelfAttention):
        def build(self, input_shape):
            super().build(input_shape)
            self.temperature.trainable = False  # type: ignore[attr-defined]

    class Untracked(LocalitySelfAttention):
        """As a variable of another library would be: it is used, and Keras does not know of it."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs | {"temperature": False})

        def build(self, input_shape):
            super().build(input_shape)
            hidden = keras.Variable(np.full(self.num_heads, self.head_dim**0.5, "float32"))
            self.ask = lambda: hidden

        def __getattribute__(self, name):
            if name == "temperature" and "ask" in object.__getattribute__(self, "__dict__"):
                return object.__getattribute__(self, "ask")()
            return super().__getattribute__(name)

    class Cut(LocalitySelfAttention):
        def scores(self, x):
            scores = self.products(x) / ops.stop_gradient(ops.cast(self.temperature, "float32"))[:, None, None]
            return ops.where(ops.eye(x.shape[1], dtype="bool"), -np.inf, scores)

    class Forgotten(LocalitySelfAttention):
        def scores(self, x):
            return self.products(x) / self.head_dim**0.5

    return [
        ("the course's own layer", LocalitySelfAttention(2), True),
        ("a layer whose temperature is frozen", Frozen(2), False),
        ("a layer whose temperature Keras does not track", Untracked(2), False),
        ("a layer whose temperature gets no gradient", Cut(2), False),
        ("a layer that has a temperature and divides by √head_dim", Forgotten(2), False),
        ("the course's own layer, with dropout", LocalitySelfAttention(2, dropout=0.1), True),
    ]


@verdict("Right: your test tells all six layers apart.")
def check_temperature_is_trained(attempt):
    """Checks `temperature_is_trained(layer, x)`: True if a training step changes the layer's temperature."""
    rng = np.random.default_rng(0)
    for name, layer, expected in _attention_layers():
        x = rng.normal(size=(4, 5, 8)).astype("float32")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of a weight without a gradient, which here is the point
            layer(x)
            got = answer(attempt, layer, x)
        if not isinstance(got, bool | np.bool_):
            raise NotYet(f"return True or False; for {name} you return {got!r}")
        if bool(got) != expected:
            does = "is trained" if expected else "stays what it was"
            raise NotYet(f"you say {bool(got)} for {name}, but there the temperature {does}")
