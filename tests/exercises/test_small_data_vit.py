import keras
import numpy as np
import pytest

from course_utils import exercises


def verdict(capsys):
    return capsys.readouterr().out.strip()


def moved(images, down, right):
    """Moves by index arithmetic: place (i, j) shows pixel (i - down, j - right), zero where there is none."""
    h, w = images.shape[1:3]
    result = np.zeros_like(images)
    for i in range(h):
        for j in range(w):
            if 0 <= i - down < h and 0 <= j - right < w:
                result[:, i, j] = images[:, i - down, j - right]
    return result


def all_wrong(check, attempts, capsys):
    for hint, attempt in attempts.items():
        assert not check.passes(attempt), hint
        assert hint in verdict(capsys), hint


def test_left_up(capsys):
    def in_place(images, s):
        images[:] = moved(images, -s, -s)
        return images

    def empty_slice(images, s):
        result = np.zeros_like(images)
        if s:
            result[:, :-s, :-s] = images[:, s:, s:]
        return result

    assert exercises.check_left_up.passes(lambda images, s: moved(images, -s, -s))
    assert verdict(capsys).startswith("✓")
    wrong = {
        "as np.roll does; zeros must move in": lambda x, s: np.roll(x, (-s, -s), axis=(1, 2)),
        "moved right and down": lambda x, s: moved(x, s, s),
        "moved left, but not up": lambda x, s: moved(x, 0, -s),
        "moved up, but not left": lambda x, s: moved(x, -s, 0),
        "moved left and down": lambda x, s: moved(x, s, -s),
        "moved right and up": lambda x, s: moved(x, -s, s),
        "has not moved": lambda x, s: x,
        "changes the images it was given": in_place,
        "the slice [:-0] is empty": empty_slice,
        "must have the shape": lambda x, s: x[:, s:, s:],
        "must show pixel (i + s, j + s)": lambda x, s: moved(x, -2 * s, -s),
    }
    all_wrong(exercises.check_left_up, wrong, capsys)


def stacked(images, move, s, order=((-1, -1), (-1, 1), (1, -1), (1, 1))):
    return np.concatenate([images, *(move(images, a * s, b * s) for a, b in order)], axis=-1)


def test_five_in_one(capsys):
    def cut_first(images, p, move, patchify):
        s = p // 2
        copies = [images, move(images, -s, -s), move(images, -s, s), move(images, s, -s), move(images, s, s)]
        return np.concatenate([patchify(copy, p) for copy in copies], axis=-1)

    def four(x, p, move, patchify):
        return patchify(stacked(x, move, p // 2)[..., x.shape[-1] :], p)

    def batch(x, p, move, patchify):
        return patchify(np.concatenate(np.split(stacked(x, move, p // 2), 5, axis=-1)), p)

    def tokens(x, p, move, patchify):
        return np.concatenate([patchify(y, p) for y in np.split(stacked(x, move, p // 2), 5, axis=-1)], axis=1)

    assert exercises.check_five_in_one.passes(lambda x, p, move, patchify: patchify(stacked(x, move, p // 2), p))
    assert verdict(capsys).startswith("✓")
    axes = ((-1, 0), (1, 0), (0, -1), (0, 1))
    wrong = {
        "shift by a whole patch": lambda x, p, move, patchify: patchify(stacked(x, move, p), p),
        "shift by one pixel": lambda x, p, move, patchify: patchify(stacked(x, move, 1), p),
        "along the diagonals": lambda x, p, move, patchify: patchify(stacked(x, move, p // 2, axes), p),
        "not in the order asked for": lambda x, p, move, patchify: patchify(stacked(x, move, -(p // 2)), p),
        "half a patch is p // 2": lambda x, p, move, patchify: patchify(stacked(x, move, p / 2), p),
        "cut them into patches after that": cut_first,
        "four images": four,
        "five times as many images": batch,
        "five times as many tokens": tokens,
        "the numbers are not": lambda x, p, move, patchify: patchify(stacked(x, move, 0), p),
        "must have the shape": lambda x, p, move, patchify: patchify(x, p),
    }
    all_wrong(exercises.check_five_in_one, wrong, capsys)


def test_extra_weights(capsys):
    def right(p, c, d):
        return 5 * p * p * c * d + d + 2 * 5 * p * p * c - (p * p * c * d + d)

    assert exercises.check_extra_weights.passes(right)
    assert verdict(capsys).startswith("✓")
    wrong = {
        "all of SPT's weights": lambda p, c, d: right(p, c, d) + p * p * c * d + d,
        "the LayerNorm is missing": lambda p, c, d: 4 * p * p * c * d,
        "a gamma and a beta for each of its inputs": lambda p, c, d: right(p, c, d) - 5 * p * p * c,
        "5·p·p·c inputs, not d": lambda p, c, d: 4 * p * p * c * d + 2 * d,
        "sees all five patches": lambda p, c, d: right(p, c, d) - 8 * p * p * c,
        "the plain embedding has no LayerNorm": lambda p, c, d: right(p, c, d) - 2 * p * p * c,
        "take its p·p·c·d weights away": lambda p, c, d: right(p, c, d) + p * p * c * d,
        "the bias is no extra": lambda p, c, d: right(p, c, d) + d,
        "you say 1.5": lambda p, c, d: 1.5,
    }
    all_wrong(exercises.check_extra_weights, wrong, capsys)


def softmax(scores, axis=-1):
    return np.exp(scores) / np.exp(scores).sum(axis=axis, keepdims=True)


def masked(scores, value=-np.inf):
    return np.where(np.eye(scores.shape[-1], dtype=bool), value, scores)


def test_lsa_weights(capsys):
    def over(products, temperature):
        return products / temperature[:, None, None]

    def times_minus_infinity(products, temperature):
        with np.errstate(invalid="ignore"):
            return softmax(over(products, temperature) + np.eye(products.shape[-1]) * -np.inf)

    def in_place(products, temperature):
        for table in products:
            np.fill_diagonal(table, -np.inf)
        return softmax(over(products, temperature))

    def per_column(products, temperature):
        heads, n, _ = products.shape
        if heads == n:
            return softmax(masked(products / temperature))
        return softmax(masked(over(products, temperature)))

    assert exercises.check_lsa_weights.passes(lambda products, t: softmax(masked(over(products, t))))
    assert verdict(capsys).startswith("✓")
    wrong = {
        "after the softmax": lambda products, t: masked(softmax(over(products, t)), 0),
        "exp(0) = 1 is still a share": lambda products, t: softmax(masked(over(products, t), 0)),
        "the mask is missing": lambda products, t: softmax(over(products, t)),
        "you multiply by the temperature": lambda products, t: softmax(masked(products * t[:, None, None])),
        "the temperature is missing": lambda products, t: softmax(masked(products)),
        "along the last axis": lambda products, t: softmax(masked(over(products, t)), axis=-2),
        "a temperature belongs to a head": per_column,
        "use np.where": times_minus_infinity,
        "changes the products": in_place,
        "the rows do not sum to 1": lambda products, t: np.exp(masked(over(products, t))),
        "the rows sum to 1, but": lambda products, t: softmax(masked(over(products, t) / 2)),
        "your code raised ValueError": lambda products, t: softmax(masked(products / t)),
    }
    all_wrong(exercises.check_lsa_weights, wrong, capsys)


def test_entropy(capsys):
    def right(row, log=np.log2):
        some = row[row > 0]
        return -(some * log(some)).sum()

    assert exercises.check_entropy.passes(right)
    assert verdict(capsys).startswith("✓")
    wrong = {
        "a share of 0 must count 0": lambda row: -(row * np.log2(row)).sum(),
        "the minus sign is missing": lambda row: -right(row),
        "np.log gives nats": lambda row: right(row, np.log),
        "do not take the mean": lambda row: right(row) / len(row),
        "−Σ aⱼ · log2 aⱼ": lambda row: 1 - right(row),
        "one number": lambda row: -row * np.log2(row + 1e-9),
    }
    all_wrong(exercises.check_entropy, wrong, capsys)


def after_one_step(layer, x):
    model = keras.Sequential([layer])
    model.compile("adam", "mse", run_eagerly=True)
    before = keras.ops.convert_to_numpy(layer.temperature)
    model.train_on_batch(x, np.ones_like(x))
    return not np.array_equal(before, keras.ops.convert_to_numpy(layer.temperature))


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_temperature_is_trained(capsys):
    def listed(layer, x):
        return any(weight is layer.temperature for weight in layer.trainable_variables)

    assert exercises.check_temperature_is_trained.passes(after_one_step)
    assert verdict(capsys).startswith("✓")
    wrong = {
        "you say True for a layer whose temperature is frozen": lambda layer, x: layer.temperature is not None,
        "you say True for a layer whose temperature gets no gradient": listed,
        "you say False for the course's own layer,": lambda layer, x: False,
        "return True or False": lambda layer, x: 1,
    }
    all_wrong(exercises.check_temperature_is_trained, wrong, capsys)
