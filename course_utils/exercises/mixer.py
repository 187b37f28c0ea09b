"""The checks of lesson 01."""

import numpy as np

from course_utils.exercises.judging import compare, count, tell_apart, verdict
from course_utils.exercises.parts import as_numpy, hears, layer_norm, parameters, takes
from course_utils.layers import MixerBlock, NoMixingBlock, Patches


@verdict("images, p", "Right: every pixel is in its place, for every patch size and for images that are not square.")
def check_patchify(attempt):
    """Checks `patchify(images, p)`: images `(b, h, w, c)` to tokens `(b, n, p * p * c)`."""
    rng = np.random.default_rng(0)
    for (b, h, w, c), p in (((2, 4, 4, 3), 2), ((3, 12, 8, 1), 4), ((1, 6, 9, 2), 3)):
        images = rng.normal(size=(b, h, w, c)).astype("float32")
        expected = np.asarray(Patches(p)(images))
        cut, shape = images.reshape(b, h // p, p, w // p, p, c), expected.shape
        channels_first = cut.transpose(0, 1, 3, 5, 2, 4).reshape(shape)
        column_by_column = cut.transpose(0, 3, 1, 2, 4, 5).reshape(shape)
        mistakes = {
            "a reshape alone cuts rows into pieces; the patches need a transpose in between": images.reshape(shape),
            "the channels of one pixel must stay together (channels last)": channels_first,
            "patches must come row by row, not column by column": column_by_column,
        }
        where = f"for images of {h} × {w} × {c} and p = {p} the numbers are not in order"
        otherwise = "which axis should stand where before the last reshape?"
        compare(attempt, (images, p), expected, "(b, n, p·p·c)", mistakes, otherwise, where)


@verdict("x, norm, mlp", "Right: the same MLP along the tokens for every channel, and the raw x in the residual.")
def check_token_mixing(attempt):
    """Checks `token_mixing(x, norm, mlp)`: `(b, n, d) -> (b, n, d)`, the first half of a Mixer block."""
    rng = np.random.default_rng(0)
    x, matrix, norm = rng.normal(size=(2, 5, 3)), rng.normal(size=(5, 5)), layer_norm
    complaint = "the MLP works along the last axis, which must hold the 5 tokens: swap the last two axes first"
    mlp = takes(5, complaint, lambda values: values @ matrix)

    def swap(values):
        return values.transpose(0, 2, 1)

    mixed = swap(mlp(swap(norm(x))))
    mistakes = {
        "the residual is missing: add x": mixed,
        "the residual must add the raw x, not the normalised one": norm(x) + mixed,
        "normalise along the channels, before the axes are swapped": x + swap(mlp(norm(swap(x)))),
        "the LayerNorm is missing": x + swap(mlp(swap(x))),
        "normalise before the MLP, not after it": x + norm(swap(mlp(swap(x)))),
    }
    otherwise = "the shape is right, the numbers are not: y = x + T(LN1(x)), with T along the tokens"
    compare(attempt, (x, norm, mlp), x + mixed, "(b, n, d)", mistakes, otherwise)


@verdict("n, d, tokens_mlp_dim, channels_mlp_dim", "Right, for three sizes and for the paper's Mixer-S/16.")
def check_block_parameters(attempt):
    """Checks `block_parameters(n, d, tokens_mlp_dim, channels_mlp_dim)`: how many parameters a Mixer block has."""
    for n, d, t, c in ((4, 3, 5, 6), (16, 64, 64, 128), (64, 128, 64, 256), (196, 512, 256, 2048)):
        biases = t + n + c + d
        missing = {
            biases: "the biases of the dense layers are missing",
            4 * d: "the two LayerNorms are missing: each has a gamma and a beta",
            2 * d: "each LayerNorm has a gamma and a beta, and there are two LayerNorms",
            biases + 4 * d: "the biases and the two LayerNorms are missing",
        }
        expected = parameters(MixerBlock, (None, n, d), t, c)
        count(attempt, expected, missing, n=n, d=d, tokens_mlp_dim=t, channels_mlp_dim=c)


@verdict("network, x", "Right: your test tells all seven networks apart.")
def check_mixes_tokens(attempt):
    """Checks `mixes_tokens(network, x)`: True if any output token depends on another input token."""
    x = np.random.default_rng(0).normal(size=(1, 9, 4)).astype("float32")
    networks = [
        ("a Mixer block", as_numpy(MixerBlock(8, 8)), True),
        ("a block without token mixing", as_numpy(NoMixingBlock(8)), False),
        ("a network that does nothing", np.array, False),
        ("a network that only doubles", lambda tokens: 2 * np.asarray(tokens), False),
        ("a network in which only the first token moves only the last", hears(-1, 0), True),
        ("a network that adds the mean over the tokens", lambda t: t + np.mean(t, axis=1, keepdims=True), True),
        ("a network in which only the sixth token moves only the fourth", hears(3, 5), True),
    ]
    facts = {
        True: "it does mix tokens (a change that is alike in all channels is lost in its LayerNorm)",
        False: "it does not mix tokens",
    }
    tell_apart(attempt, networks, [x], facts)


@verdict("images, order, p", "Right: the same patches, each whole, in the order asked for.")
def check_shuffle_patches(attempt):
    """Checks `shuffle_patches(images, order, p)`: patch `order[i]` of every image moves to position `i`."""
    rng = np.random.default_rng(0)
    for (b, h, w, c), p in (((2, 8, 8, 3), 4), ((1, 6, 9, 1), 3)):
        images, patches = rng.normal(size=(b, h, w, c)).astype("float32"), Patches(p)
        tokens = np.asarray(patches(images))
        order = rng.permutation(tokens.shape[1])
        expected = np.asarray(patches.unpatch(tokens[:, order], (h, w, c)))
        opposite = np.asarray(patches.unpatch(tokens[:, np.argsort(order)], (h, w, c)))
        mistakes = {
            "the images are unchanged: put the tokens into the new order": images,
            "this is the opposite order: position i must receive patch order[i], so index with order itself": opposite,
        }
        otherwise = "the pixels are not where they should be: take the tokens, reorder them, put them back"
        compare(attempt, (images, order, p), expected, "(b, h, w, c)", mistakes, otherwise)
