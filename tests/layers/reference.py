"""The papers' formulas once more, in NumPy float64, written without a look at the layers."""

import math

import numpy as np

_erf = np.vectorize(math.erf)


def gelu(x):
    return 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def layer_norm(x, gamma, beta, epsilon=1e-6):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon) * gamma + beta


def mlp(x, w):
    """For vectors `x` (…, d); `w` maps weight paths to arrays."""
    return gelu(x @ w["hidden/kernel"] + w["hidden/bias"]) @ w["output/kernel"] + w["output/bias"]


def inside(w, part):
    """The weights of one part of a layer, by their paths in it."""
    return {path.removeprefix(f"{part}/"): value for path, value in w.items() if path.startswith(f"{part}/")}


def norm(x, w, part):
    """The LayerNorm called `part`."""
    return layer_norm(x, w[f"{part}/gamma"], w[f"{part}/beta"])


def mixer_block(x, w):
    """arXiv 2105.01601, equation 1, for one image `x` (n, d); `w` maps weight paths to arrays."""
    normed, y = norm(x, w, "norm1"), np.array(x)
    for channel in range(x.shape[1]):  # the same MLP for the column of every channel
        y[:, channel] += mlp(normed[:, channel], inside(w, "token_mlp"))
    return no_mixing_block(y, w)


def no_mixing_block(y, w):
    """The second half of a Mixer block."""
    z = np.array(y)
    for token in range(y.shape[0]):  # the same MLP for the row of every token
        z[token] += mlp(norm(y[token], w, "norm2"), inside(w, "channel_mlp"))
    return z


def conv_block(x, w, grid):
    """A depthwise convolution over the grid of tokens, then an MLP, for one image `x` (n, d)."""
    (rows, columns), kernel = grid, w["conv/kernel"][..., 0]  # (k, k, d)
    normed = norm(x, w, "norm1")
    y, reach = x + w["conv/bias"], kernel.shape[0] // 2
    for i in range(len(x)):
        for j in range(len(x)):  # what token j adds to token i
            down, right = j // columns - i // columns + reach, j % columns - i % columns + reach
            if 0 <= down < kernel.shape[0] and 0 <= right < kernel.shape[1]:
                y[i] += kernel[down, right] * normed[j]
    assert len(x) == rows * columns
    return no_mixing_block(y, w)


def dft(size):
    """The matrix of the discrete Fourier transform, complex `(size, size)`."""
    position = np.arange(size)
    return np.exp(-2j * np.pi * np.outer(position, position) / size)


def fourier_mixing(x, tokens=True, channels=True):
    """arXiv 2105.03824, equation 3, for one image `x` (n, d): the real part once, at the end."""
    left = dft(x.shape[0]) if tokens else np.eye(x.shape[0])
    right = dft(x.shape[1]) if channels else np.eye(x.shape[1])
    return (left @ x @ right).real


def linear_mixing(x, w):
    """arXiv 2105.03824, section 4.1: one matrix along each axis, for one image `x` (n, d)."""
    return np.einsum("ij,jc,ck->ik", w["mixer/token_matrix"], x, w["mixer/channel_matrix"])


def fnet_block(x, w, mixed):
    """arXiv 2105.03824, figure 1, for one image `x` (n, d) and what the mixing made of it."""
    y = norm(x + mixed, w, "norm1")
    z = np.array(y)
    for token in range(y.shape[0]):
        z[token] += mlp(y[token], inside(w, "mlp"))
    return norm(z, w, "norm2")


def spatial_gating_unit(z, w):
    """arXiv 2105.08050, equations 2 and 4, for one image `z` (n, 2k)."""
    n, k = z.shape[0], z.shape[1] // 2
    z1, z2 = z[:, :k], norm(z[:, k:], w, "norm")
    gated = np.empty((n, k))
    for i in range(n):
        for channel in range(k):
            gate = w["spatial_bias"][i] + sum(w["spatial_weights"][i, j] * z2[j, channel] for j in range(n))
            gated[i, channel] = z1[i, channel] * gate
    return gated


def gmlp_block(x, w):
    """arXiv 2105.08050, equation 1 and figure 1, for one image `x` (n, d)."""
    wide = gelu(norm(x, w, "norm") @ w["widen/kernel"] + w["widen/bias"])
    return x + spatial_gating_unit(wide, inside(w, "gate")) @ w["narrow/kernel"] + w["narrow/bias"]


def softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def attention_table(x, w, num_heads, mask_diagonal=False):
    """Who attends to whom: (heads, n, n) for one image `x` (n, d).

    arXiv 2010.11929, equations 6 and 7; with "temperature" in `w` and `mask_diagonal`, arXiv 2112.13492, section 3.2.
    """
    n, d = x.shape
    head_dim = d // num_heads
    query, key = (x @ w[f"{name}/kernel"] + w[f"{name}/bias"] for name in ("query", "key"))
    table = np.zeros((num_heads, n, n))
    for head in range(num_heads):
        own = slice(head * head_dim, (head + 1) * head_dim)
        temperature = w["temperature"][head] if "temperature" in w else math.sqrt(head_dim)
        for i in range(n):
            others = [j for j in range(n) if not (mask_diagonal and i == j)]
            table[head, i, others] = softmax(np.array([query[i, own] @ key[j, own] / temperature for j in others]))
    return table


def self_attention(x, w, num_heads, mask_diagonal=False):
    """arXiv 2010.11929, equations 7 and 8, for one image `x` (n, d)."""
    table = attention_table(x, w, num_heads, mask_diagonal)
    value = (x @ w["value/kernel"] + w["value/bias"]).reshape(len(x), num_heads, -1)  # (n, heads, head_dim)
    mixed = [[table[head, i] @ value[:, head] for head in range(num_heads)] for i in range(len(x))]
    return np.array(mixed).reshape(x.shape) @ w["output/kernel"] + w["output/bias"]


def transformer_block(x, w, num_heads, mask_diagonal=False):
    """arXiv 2010.11929, equations 2 and 3, for one image `x` (n, d)."""
    y = x + self_attention(norm(x, w, "norm1"), inside(w, "attention"), num_heads, mask_diagonal)
    return y + mlp(norm(y, w, "norm2"), inside(w, "mlp"))


def moved(image, down, right):
    """One image (h, w, c) moved by whole pixels; what moves in at the border is zero."""
    h, w, _ = image.shape
    result = np.zeros_like(image)
    for row in range(h):
        for column in range(w):
            if 0 <= row - down < h and 0 <= column - right < w:
                result[row, column] = image[row - down, column - right]
    return result


def shifted_patches(image, p, s):
    """arXiv 2112.13492, section 3.1: patches of one image and its four diagonal shifts by `s` pixels."""
    shifts = [(0, 0), (-s, -s), (-s, s), (s, -s), (s, s)]  # itself, left up, right up, left down, right down
    return patches(np.concatenate([moved(image, down, right) for down, right in shifts], axis=-1), p)


def patches(image, p):
    """One image (h, w, c) as (n, p*p*c), pixel by pixel."""
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
