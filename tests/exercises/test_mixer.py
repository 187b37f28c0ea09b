import numpy as np

from course_utils import exercises


def verdict(capsys):
    return capsys.readouterr().out.strip()


def test_a_check_in_a_notebook_prints_and_returns_nothing(capsys):
    assert exercises.check_patchify(patchify) is None
    assert verdict(capsys).startswith("✓")


def patchify(images, p, axes=(0, 1, 3, 2, 4, 5)):
    b, h, w, c = images.shape
    x = images.reshape(b, h // p, p, w // p, p, c).transpose(axes)
    return x.reshape(b, (h // p) * (w // p), p * p * c)


def test_patchify(capsys):
    assert exercises.check_patchify.passes(patchify)
    assert verdict(capsys).startswith("✓")
    wrong = {
        "a reshape alone": lambda x, p: x.reshape(patchify(x, p).shape),
        "channels last": lambda x, p: patchify(x, p, (0, 1, 3, 5, 2, 4)),
        "row by row, not column by column": lambda x, p: patchify(x, p, (0, 3, 1, 2, 4, 5)),
        "not in order": lambda x, p: patchify(x, p)[:, ::-1],
        "must have the shape": lambda x, p: patchify(x, p)[0],
    }
    for hint, attempt in wrong.items():
        assert not exercises.check_patchify.passes(attempt)
        assert hint in verdict(capsys)


def swap(x):
    return x.transpose(0, 2, 1)


def test_token_mixing(capsys):
    assert exercises.check_token_mixing.passes(lambda x, norm, mlp: x + swap(mlp(swap(norm(x)))))
    assert verdict(capsys).startswith("✓")
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
    for hint, attempt in wrong.items():
        assert not exercises.check_token_mixing.passes(attempt)
        assert hint in verdict(capsys), hint


def test_block_weights(capsys):
    def right(n, d, t, c):
        return 4 * d + 2 * n * t + t + n + 2 * d * c + c + d

    assert exercises.check_block_weights.passes(right)
    assert verdict(capsys).startswith("✓")
    wrong = {
        "the biases of the dense layers": lambda n, d, t, c: 4 * d + 2 * n * t + 2 * d * c,
        "the two LayerNorms are missing": lambda n, d, t, c: right(n, d, t, c) - 4 * d,
        "each LayerNorm has a gamma and a beta": lambda n, d, t, c: right(n, d, t, c) - 2 * d,
        "the biases and the two": lambda n, d, t, c: 2 * n * t + 2 * d * c,
        "you say 1.5": lambda n, d, t, c: 1.5,
    }
    for hint, attempt in wrong.items():
        assert not exercises.check_block_weights.passes(attempt)
        assert hint in verdict(capsys)


def test_mixes_tokens(capsys):
    def right(network, x):
        for j in range(x.shape[1]):
            changed = x.copy()
            changed[:, j] *= -2
            moved = np.abs(network(changed) - network(x)).max(axis=(0, 2)) > 1e-6
            if np.delete(moved, j).any():
                return True
        return False

    def only_the_last_token(network, x):
        changed = x.copy()
        changed[:, -1] *= -2
        return bool((np.abs(network(changed) - network(x)).max(axis=(0, 2)) > 1e-6)[:-1].any())

    def only_the_first_token(network, x):
        changed = x.copy()
        changed[:, 0] *= -2
        return bool((np.abs(network(changed) - network(x)).max(axis=(0, 2)) > 1e-6)[1:].any())

    def only_what_the_last_hears(network, x):
        changed = x.copy()
        changed[:, :-1] *= -2
        return bool(np.abs(network(changed) - network(x))[:, -1].max() > 1e-6)

    def forgets_that_a_token_may_move_itself(network, x):
        return not np.allclose(network(-x), network(x))

    assert exercises.check_mixes_tokens.passes(right)
    assert verdict(capsys).startswith("✓")
    for attempt, hint in (
        (only_the_last_token, "only the first token moves only the last, but it does mix"),
        (only_the_first_token, "only the sixth token moves only the fourth, but it does mix"),
        (only_what_the_last_hears, "only the sixth token moves only the fourth, but it does mix"),
        (forgets_that_a_token_may_move_itself, "a block without token mixing, but it does not mix"),
        (lambda network, x: 1, "return True or False"),
        (lambda network, x: True, "a block without token mixing"),
        (lambda network, x: False, "a Mixer block"),
    ):
        assert not exercises.check_mixes_tokens.passes(attempt)
        assert hint in verdict(capsys)


def test_shuffle_patches(capsys):
    from course_utils.layers import Patches

    def shuffled(images, order, p):
        patches = Patches(p)
        return np.asarray(patches.unpatch(np.asarray(patches(images))[:, order], images.shape[1:]))

    assert exercises.check_shuffle_patches.passes(shuffled)
    assert verdict(capsys).startswith("✓")
    for attempt, hint in (
        (lambda x, order, p: x, "unchanged"),
        (lambda x, order, p: shuffled(x, np.argsort(order), p), "the opposite order"),
        (lambda x, order, p: shuffled(x, order[::-1], p), "not where they should be"),
    ):
        assert not exercises.check_shuffle_patches.passes(attempt)
        assert hint in verdict(capsys)
