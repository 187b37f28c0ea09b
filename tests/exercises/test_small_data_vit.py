import numpy as np

from course_utils import exercises
from tests.exercises.support import after_one_step, assert_hints


def moved(images, down, right):
    """Moves by index arithmetic: position (i, j) shows pixel (i - down, j - right), zero where there is none."""
    h, w = images.shape[1:3]
    result = np.zeros_like(images)
    for i in range(h):
        for j in range(w):
            if 0 <= i - down < h and 0 <= j - right < w:
                result[:, i, j] = images[:, i - down, j - right]
    return result


def test_left_up():
    def empty_slice(images, s):
        result = np.zeros_like(images)
        if s:
            result[:, :-s, :-s] = images[:, s:, s:]
        return result

    exercises.check_left_up.require(lambda images, s: moved(images, -s, -s))
    wrong = {
        "as np.roll does; zeros must move in": lambda x, s: np.roll(x, (-s, -s), axis=(1, 2)),
        "moved right and down": lambda x, s: moved(x, s, s),
        "moved left, but not up": lambda x, s: moved(x, 0, -s),
        "moved up, but not left": lambda x, s: moved(x, -s, 0),
        "moved left and down": lambda x, s: moved(x, s, -s),
        "moved right and up": lambda x, s: moved(x, -s, s),
        "has not moved": lambda x, s: x,
        "the slice [:-0] is empty": empty_slice,
        "must have the shape": lambda x, s: x[:, s:, s:],
        "must show pixel (i + s, j + s)": lambda x, s: moved(x, -2 * s, -s),
    }
    assert_hints(exercises.check_left_up, wrong)


def stacked(images, move, s, order=((-1, -1), (-1, 1), (1, -1), (1, 1))):
    return np.concatenate([images, *(move(images, a * s, b * s) for a, b in order)], axis=-1)


def test_five_in_one():
    def five(x, p, move):
        return np.split(stacked(x, move, p // 2), 5, axis=-1)

    exercises.check_five_in_one.require(lambda x, p, move, cut: cut(stacked(x, move, p // 2), p))
    axes, other = ((-1, 0), (1, 0), (0, -1), (0, 1)), ((1, 1), (-1, -1), (-1, 1), (1, -1))
    wrong = {
        "shift by a whole patch": lambda x, p, move, cut: cut(stacked(x, move, p), p),
        "shift by one pixel": lambda x, p, move, cut: cut(stacked(x, move, 1), p),
        "along the diagonals": lambda x, p, move, cut: cut(stacked(x, move, p // 2, axes), p),
        "not in the order asked for": lambda x, p, move, cut: cut(stacked(x, move, -(p // 2)), p),
        "but not in order: stack the images": lambda x, p, move, cut: cut(stacked(x, move, p // 2, other), p),
        "half a patch is p // 2": lambda x, p, move, cut: cut(stacked(x, move, p / 2), p),
        "cut them into patches after that": lambda x, p, move, cut: np.dstack([cut(y, p) for y in five(x, p, move)]),
        "four images": lambda x, p, move, cut: cut(stacked(x, move, p // 2)[..., x.shape[-1] :], p),
        "five times as many images": lambda x, p, move, cut: cut(np.concatenate(five(x, p, move)), p),
        "five times as many tokens": lambda x, p, move, cut: np.hstack([cut(y, p) for y in five(x, p, move)]),
        "the numbers are not": lambda x, p, move, cut: cut(stacked(x, move, 0), p),
        "must have the shape": lambda x, p, move, cut: cut(x, p),
    }
    assert_hints(exercises.check_five_in_one, wrong)


def test_extra_parameters():
    def right(p, c, d):
        return 5 * p * p * c * d + d + 2 * 5 * p * p * c - (p * p * c * d + d)

    exercises.check_extra_parameters.require(right)
    wrong = {
        "all of SPT's parameters": lambda p, c, d: right(p, c, d) + p * p * c * d + d,
        "the LayerNorm is missing": lambda p, c, d: 4 * p * p * c * d,
        "a gamma and a beta for each of its inputs": lambda p, c, d: right(p, c, d) - 5 * p * p * c,
        "5·p·p·c inputs, not d": lambda p, c, d: 4 * p * p * c * d + 2 * d,
        "sees all five patches": lambda p, c, d: right(p, c, d) - 8 * p * p * c,
        "the plain embedding has no LayerNorm": lambda p, c, d: right(p, c, d) - 2 * p * p * c,
        "take its p·p·c·d weights away": lambda p, c, d: right(p, c, d) + p * p * c * d,
        "the bias is no extra": lambda p, c, d: right(p, c, d) + d,
        "you say 1.5": lambda p, c, d: 1.5,
    }
    assert_hints(exercises.check_extra_parameters, wrong)


def softmax(scores, axis=-1):
    return np.exp(scores) / np.exp(scores).sum(axis=axis, keepdims=True)


def masked(scores, value=-np.inf):
    return np.where(np.eye(scores.shape[-1], dtype=bool), value, scores)


def test_lsa_weights():
    def over(products, temperature):
        return products / temperature[:, None, None]

    def per_column(products, t):
        return softmax(masked(products / t if len(t) == len(products[0]) else over(products, t)))

    exercises.check_lsa_weights.require(lambda products, t: softmax(masked(over(products, t))))
    wrong = {
        "after the softmax": lambda products, t: masked(softmax(over(products, t)), 0),
        "exp(0) = 1 is still a share": lambda products, t: softmax(masked(over(products, t), 0)),
        "the mask is missing": lambda products, t: softmax(over(products, t)),
        "you multiply by the temperature": lambda products, t: softmax(masked(products * t[:, None, None])),
        "the temperature is missing": lambda products, t: softmax(masked(products)),
        "along the last axis": lambda products, t: softmax(masked(over(products, t)), axis=-2),
        "a temperature belongs to a head": per_column,
        "use np.where": lambda products, t: softmax(over(products, t) + np.eye(products.shape[-1]) * -np.inf),
        "the rows do not sum to 1": lambda products, t: np.exp(masked(over(products, t))),
        "the rows sum to 1, but": lambda products, t: softmax(masked(over(products, t) / 2)),
        "your code raised ValueError": lambda products, t: softmax(masked(products / t)),
    }
    assert_hints(exercises.check_lsa_weights, wrong)


def test_entropy():
    def right(row, log=np.log2):
        some = row[row > 0]
        return -(some * log(some)).sum()

    exercises.check_entropy.require(right)
    wrong = {
        "a share of 0 must count 0": lambda row: -(row * np.log2(row)).sum(),
        "the minus sign is missing": lambda row: -right(row),
        "np.log gives nats": lambda row: right(row, np.log),
        "do not take the mean": lambda row: right(row) / len(row),
        "−Σ aⱼ · log2 aⱼ": lambda row: 1 - right(row),
        "one number": lambda row: -row * np.log2(row + 1e-9),
    }
    assert_hints(exercises.check_entropy, wrong)


def test_temperature_is_trained():
    def listed(layer, x):
        return any(weight is layer.temperature for weight in layer.trainable_variables)

    exercises.check_temperature_is_trained.require(after_one_step)
    wrong = {
        "you say True for a layer whose temperature is frozen": lambda layer, x: layer.temperature is not None,
        "you say True for a layer whose temperature gets no gradient": listed,
        "you say False for the course's own layer,": lambda layer, x: False,
        "return True or False": lambda layer, x: 1,
    }
    assert_hints(exercises.check_temperature_is_trained, wrong)
