"""The checks of lesson 05."""

import numpy as np
from keras import ops

from course_utils import analysis
from course_utils.exercises.bugs import UntrackedTemperatureAttention
from course_utils.exercises.judging import NotYet, compare, not_finite, tell_apart, verdict
from course_utils.exercises.parts import softmax
from course_utils.layers import LocalitySelfAttention, Patches, SelfAttention, ShiftedPatchTokenization


def _moved(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Moves images `(b, h, w, c)`; zeros move in. Negative numbers move up and left."""
    h, w = images.shape[1:3]
    room = max(abs(down), abs(right))
    padded = np.pad(images, ((0, 0), (room, room), (room, room), (0, 0)))
    return padded[:, room - down : room - down + h, room - right : room - right + w]


@verdict("images, s", "Right: every pixel s further up and s further left, and zeros behind it.")
def check_left_up(attempt):
    """Checks `left_up(images, s)`: images `(b, h, w, c)` moved left and up by `s` pixels, zeros moving in."""
    come_back = "the pixels that leave on one side come back on the other, as np.roll does; zeros must move in"
    rng = np.random.default_rng(0)
    # With s = 0 the slice [:-s] would be empty.
    for (b, h, w, c), s in (((2, 6, 8, 3), 2), ((1, 9, 6, 1), 3), ((2, 5, 5, 2), 1), ((1, 4, 6, 3), 0)):
        images = rng.normal(size=(b, h, w, c)).astype("float32")
        mistakes = {
            come_back: np.roll(images, (-s, -s), axis=(1, 2)),
            "the image moved right and down": _moved(images, s, s),
            "the image moved left, but not up": _moved(images, 0, -s),
            "the image moved up, but not left": _moved(images, -s, 0),
            "the image moved left and down": _moved(images, s, -s),
            "the image moved right and up": _moved(images, -s, s),
            "the image has not moved": images,
        }
        otherwise = "place (i, j) of the result must show pixel (i + s, j + s), and zero where there is none"
        if s == 0:
            otherwise = "nothing moves, so the image must stay as it is: the slice [:-0] is empty"
        where = f"for images of {h} × {w} and s = {s}"
        compare(attempt, (images, s), _moved(images, -s, -s), "(b, h, w, c)", mistakes, otherwise, where)


@verdict("images, p, move, patchify", "Right: five images, the shift half a patch, and 5·p·p·c numbers for each patch.")
def check_five_in_one(attempt):
    """Checks `five_in_one(images, p, move, patchify)`: `(b, h, w, c) -> (b, n, 5 * p * p * c)`."""

    def patchify(images, p):
        return np.array(Patches(p)(np.asarray(images, "float32")))

    def move(images, down, right):
        for name, value in (("down", down), ("right", right)):
            if int(value) != value:
                raise NotYet(f"move takes whole pixels, but {name} is {value!r}: half a patch is p // 2")
        return _moved(np.asarray(images), int(down), int(right))

    along_axes = "you shift along the axes; the paper shifts along the diagonals, so that both directions change"
    cut_first = (
        "each token holds the right numbers, but not in order: stack the images first, in the order asked for, and cut "
        "them into patches after that"
    )
    rng = np.random.default_rng(0)
    for (b, h, w, c), p in (((2, 8, 12, 3), 4), ((1, 6, 9, 2), 3)):
        images = rng.normal(size=(b, h, w, c)).astype("float32")
        layer, s, n, values = ShiftedPatchTokenization(p, 1), p // 2, h * w // p**2, p * p * c
        expected = np.asarray(layer.patches(layer.stacked(images)))

        def five(s, ways=((-1, -1), (-1, 1), (1, -1), (1, 1)), images=images, p=p):
            moved = [_moved(images, down * s, right * s) for down, right in ways]
            return patchify(np.concatenate([images, *moved], axis=-1), p)

        mistakes = {
            "you shift by a whole patch; the paper shifts by half of one, p // 2": five(p),
            "you shift by one pixel; the paper shifts by half a patch, p // 2": five(1),
            along_axes: five(s, ((-1, 0), (1, 0), (0, -1), (0, 1))),
            "the five images are there, but not in the order asked for": five(-s),
            cut_first: lambda got, right=expected: np.array_equal(np.sort(got), np.sort(right)),
        }
        shapes = {
            (b, 5 * n, values): "you have five times as many tokens: stack the images along the channels, axis -1",
            (5 * b, n, values): "you have five times as many images: stack them along the channels, axis -1",
            (b, n, 4 * values): "these are four images: the one that has not moved belongs to them",
        }
        args, where = (images, p, move, patchify), f"for p = {p}"
        otherwise = "the shape is right, the numbers are not: image, left up, right up, left down, …"
        compare(attempt, args, expected, "(b, n, 5·p·p·c)", mistakes, otherwise, where, shapes)


@verdict("products, temperature", "Right: rows sum to 1, the diagonal is zero, and every head has its own temperature.")
def check_lsa_weights(attempt):
    """Checks `lsa_weights(products, temperature)`: `Q · Kᵀ` `(heads, n, n)` and τ `(heads,)` to attention weights."""
    too_late = "you set the diagonal to zero after the softmax, and the rows no longer sum to 1: mask before it"
    no_infinity = "you set the scores of the diagonal to 0, but exp(0) = 1 is still a share: the softmax needs −∞"
    no_sum = "the rows do not sum to 1: divide by the temperature, mask, and take the softmax last"
    multiplied = "you multiply by the temperature; divide by it: a low one makes the row sharp"
    per_column = "a temperature belongs to a head: give it the shape (heads, 1, 1), or it divides the columns"
    rng = np.random.default_rng(0)
    for heads, n in ((3, 5), (4, 4), (1, 2)):  # as many heads as tokens: a temperature on the wrong axis would fit
        products, temperature = 3 * rng.normal(size=(heads, n, n)), rng.uniform(0.5, 4, size=heads)

        def masked(scores, value=-np.inf, n=n):
            return np.where(np.eye(n, dtype=bool), value, scores)

        each = temperature[:, None, None]
        scores, expected = products / each, softmax(masked(products / each))
        mistakes = {
            too_late: masked(softmax(scores), 0),
            no_infinity: softmax(masked(scores, 0)),
            "the mask is missing: every token still takes from itself": softmax(scores),
            multiplied: softmax(masked(products * each)),
            "the temperature is missing": softmax(masked(products)),
            "the softmax must run along the last axis: it is the rows that sum to 1": softmax(masked(scores), axis=-2),
            per_column: softmax(masked(products / temperature)) if heads == n else np.nan,
            "some weights are NaN: −∞ belongs on the diagonal only, and −∞ · 0 is NaN: use np.where": not_finite,
            no_sum: lambda got: not np.allclose(got.sum(axis=-1), 1, atol=1e-6),
        }
        otherwise = "the rows sum to 1, but the numbers are not right: softmax(mask(Q·Kᵀ / τ)), row by row"
        compare(attempt, (products, temperature), expected, "(heads, n, n)", mistakes, otherwise)


@verdict("row", "Right: 0 bits when everything comes from one token, log2(n) when all give alike.")
def check_entropy(attempt):
    """Checks `entropy(row)`: `(n,)` shares that sum to 1 to the entropy in bits."""
    drawn = np.random.default_rng(0).dirichlet(np.ones(8))
    for row in (np.full(16, 1 / 16), drawn, np.array([0.5, 0.25, 0.25]), np.array([0, 0.5, 0.5, 0]), np.eye(3)[1]):
        expected = float(analysis.entropy(row))
        mistakes = {
            "the minus sign is missing": -expected,
            "np.log gives nats; bits need np.log2": expected * np.log(2),
            "sum over the tokens, do not take the mean": expected / len(row),
            "log2(0) is −∞, and 0 · −∞ is NaN; a share of 0 must count 0": not_finite,
        }
        compare(attempt, [row], expected, "", mistakes, "−Σ aⱼ · log2 aⱼ", f"for the row {np.round(row, 4).tolist()}")


class _Frozen(LocalitySelfAttention):
    def build(self, input_shape):
        super().build(input_shape)
        self.temperature.trainable = False  # type: ignore[attr-defined]


class _Cut(LocalitySelfAttention):
    def scores(self, x):
        scores = self.products(x) / ops.stop_gradient(ops.cast(self.temperature, "float32"))[:, None, None]
        return ops.where(ops.eye(x.shape[1], dtype="bool"), -np.inf, scores)


class _Forgotten(LocalitySelfAttention):
    scores = SelfAttention.scores


@verdict("layer, x", "Right: your test tells all six layers apart.")
def check_temperature_is_trained(attempt):
    """Checks `temperature_is_trained(layer, x)`: True if a training step changes the layer's temperature."""
    x = np.random.default_rng(0).normal(size=(4, 5, 8)).astype("float32")
    layers = [
        ("the course's own layer", LocalitySelfAttention(2), True),
        ("a layer whose temperature is frozen", _Frozen(2), False),
        ("a layer whose temperature Keras does not track", UntrackedTemperatureAttention(2), False),
        ("a layer whose temperature gets no gradient", _Cut(2), False),
        ("a layer that has a temperature and divides by √head_dim", _Forgotten(2), False),
        ("the course's own layer, with dropout", LocalitySelfAttention(2, dropout=0.1), True),
    ]

    def called():
        for name, layer, trained in layers:
            layer(x)
            yield name, layer, trained

    facts = {True: "there the temperature is trained", False: "there the temperature stays what it was"}
    tell_apart(attempt, called(), [x], facts)
