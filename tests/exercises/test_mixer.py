import numpy as np

from course_utils import exercises
from course_utils.layers import Patches
from tests.exercises.support import assert_hints


def patchify(images, p, axes=(0, 1, 3, 2, 4, 5)):
    b, h, w, c = images.shape
    x = images.reshape(b, h // p, p, w // p, p, c).transpose(axes)
    return x.reshape(b, (h // p) * (w // p), p * p * c)


def test_patchify():
    exercises.check_patchify.require(patchify)
    wrong = {
        "a reshape alone": lambda x, p: x.reshape(patchify(x, p).shape),
        "channels last": lambda x, p: patchify(x, p, (0, 1, 3, 5, 2, 4)),
        "row by row, not column by column": lambda x, p: patchify(x, p, (0, 3, 1, 2, 4, 5)),
        "not in order": lambda x, p: patchify(x, p)[:, ::-1],
        "must have the shape": lambda x, p: patchify(x, p)[0],
    }
    assert_hints(exercises.check_patchify, wrong)


def swap(x):
    return x.transpose(0, 2, 1)


def test_token_mixing():
    exercises.check_token_mixing.require(lambda x, norm, mlp: x + swap(mlp(swap(norm(x)))))
    wrong = {
        "the residual is missing": lambda x, norm, mlp: swap(mlp(swap(norm(x)))),
        "the raw x": lambda x, norm, mlp: norm(x) + swap(mlp(swap(norm(x)))),
        "before the axes are swapped": lambda x, norm, mlp: x + swap(mlp(norm(swap(x)))),
        "the LayerNorm is missing": lambda x, norm, mlp: x + swap(mlp(swap(x))),
        "normalise before the MLP": lambda x, norm, mlp: x + norm(swap(mlp(swap(x)))),
        "swap the last two axes first": lambda x, norm, mlp: x + mlp(norm(x)),
        "must have the shape": lambda x, norm, mlp: mlp(swap(norm(x))),
        "the numbers are not": lambda x, norm, mlp: x,
    }
    assert_hints(exercises.check_token_mixing, wrong)


def test_block_parameters():
    def right(n, d, t, c):
        return 4 * d + 2 * n * t + t + n + 2 * d * c + c + d

    exercises.check_block_parameters.require(right)
    wrong = {
        "the biases of the dense layers": lambda n, d, t, c: 4 * d + 2 * n * t + 2 * d * c,
        "the two LayerNorms are missing": lambda n, d, t, c: right(n, d, t, c) - 4 * d,
        "each LayerNorm has a gamma and a beta": lambda n, d, t, c: right(n, d, t, c) - 2 * d,
        "the biases and the two": lambda n, d, t, c: 2 * n * t + 2 * d * c,
        "you say 1.5": lambda n, d, t, c: 1.5,
    }
    assert_hints(exercises.check_block_parameters, wrong)


def test_mixes_tokens():
    def moved(network, x, tokens):
        changed = x.copy()
        changed[:, tokens] *= -2
        return np.abs(network(changed) - network(x)).max(axis=(0, 2)) > 1e-6

    exercises.check_mixes_tokens.require(
        lambda network, x: any(np.delete(moved(network, x, j), j).any() for j in range(x.shape[1]))
    )
    wrong = {
        "the first token moves only the last, but it does mix": lambda network, x: moved(network, x, -1)[:-1].any(),
        "the sixth token moves only the fourth, but it does mix": lambda network, x: moved(network, x, 0)[1:].any(),
        "the fourth, but it does mix": lambda network, x: moved(network, x, slice(-1))[-1],
        "a block without token mixing, but it does not mix": lambda network, x: moved(network, x, slice(None)).any(),
        "return True or False": lambda network, x: 1,
        "you say True for a block without token mixing": lambda network, x: True,
        "you say False for a Mixer block": lambda network, x: False,
    }
    assert_hints(exercises.check_mixes_tokens, wrong)


def test_shuffle_patches():
    def shuffled(images, order, p):
        patches = Patches(p)
        return np.asarray(patches.unpatch(np.asarray(patches(images))[:, order], images.shape[1:]))

    exercises.check_shuffle_patches.require(shuffled)
    wrong = {
        "unchanged": lambda x, order, p: x,
        "the opposite order": lambda x, order, p: shuffled(x, np.argsort(order), p),
        "not where they should be": lambda x, order, p: shuffled(x, order[::-1], p),
    }
    assert_hints(exercises.check_shuffle_patches, wrong)
