"""The papers' formulas once more, in NumPy float64, written without a look at the layers."""

import math

import numpy as np

_erf = np.vectorize(math.erf)


def gelu(x):
    return 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def layer_norm(x, gamma, beta, epsilon=1e-6):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon) * gamma + beta


def mlp(x, w1, b1, w2, b2):
    return gelu(x @ w1 + b1) @ w2 + b2


def mixer_block(x, w):
    """arXiv 2105.01601, equation 1, for one picture `x` (n, d); `w` maps weight paths to arrays."""
    normed = layer_norm(x, w["norm1/gamma"], w["norm1/beta"])
    y = np.array(x)
    for channel in range(x.shape[1]):  # the same MLP for the column of every channel
        column = normed[:, channel]
        y[:, channel] += mlp(
            column,
            w["token_mlp/hidden/kernel"],
            w["token_mlp/hidden/bias"],
            w["token_mlp/output/kernel"],
            w["token_mlp/output/bias"],
        )
    return no_mixing_block(y, w)


def no_mixing_block(y, w):
    """The second half of a Mixer block."""
    z = np.array(y)
    for token in range(y.shape[0]):  # the same MLP for the row of every token
        row = layer_norm(y[token], w["norm2/gamma"], w["norm2/beta"])
        z[token] += mlp(
            row,
            w["channel_mlp/hidden/kernel"],
            w["channel_mlp/hidden/bias"],
            w["channel_mlp/output/kernel"],
            w["channel_mlp/output/bias"],
        )
    return z


def patches(image, p):
    """One picture (h, w, c) as (n, p*p*c), pixel by pixel."""
    h, w, c = image.shape
    tokens = []
    for top in range(0, h, p):
        for left in range(0, w, p):
            values = []
            for row in range(top, top + p):
                for column in range(left, left + p):
                    values.extend(image[row, column, channel] for channel in range(c))
            tokens.append(values)
    return np.array(tokens)
