"""The checks of lessons 01 to 05: right answers pass, and each typical mistake gets its hint."""

import numpy as np
import pytest

from course_utils import exercises
from course_utils.layers import FourierMixing, Patches
from tests.exercises.support import after_one_step, assert_hints
from tests.layers import reference

# ---- what students write: right with the default arguments, and with others wrong -------------------------------


def patchify(images, p, axes=(0, 1, 3, 2, 4, 5)):
    b, h, w, c = images.shape
    x = images.reshape(b, h // p, p, w // p, p, c).transpose(axes)
    return x.reshape(b, (h // p) * (w // p), p * p * c)


def swap(x):
    return x.transpose(0, 2, 1)


def mixer_parameters(n, d, t, c):
    return 4 * d + 2 * n * t + t + n + 2 * d * c + c + d


def moved_by(network, x, tokens):
    changed = x.copy()
    changed[:, tokens] *= -2
    return np.abs(network(changed) - network(x)).max(axis=(0, 2)) > 1e-6


def shuffle_patches(images, order, p):
    patches = Patches(p)
    return np.asarray(patches.unpatch(np.asarray(patches(images))[:, order], images.shape[1:]))


def dft(n, factor=-2j * np.pi, first=0):
    places = np.arange(first, n + first)
    return np.exp(factor * np.outer(places, places) / n)


def fnet_block(x, mix, n1, mlp, n2):
    y = n1(x + mix(x))
    return n2(y + mlp(y))


def is_linear(layer, x, y, a=2, b=-3, atol=1e-4):
    return np.allclose(layer(a * x + b * y), a * layer(x) + b * layer(y), rtol=0, atol=atol)


def halves(z):
    return z[..., : z.shape[-1] // 2], z[..., z.shape[-1] // 2 :]


def spatial_gate(z, weights, bias, norm):
    z1, z2 = halves(z)
    return z1 * (weights @ norm(z2) + bias[:, None])


def off(gate, z):
    return gate(z) - halves(z)[0]


def gmlp_block(x, norm, widen, gelu, gate, narrow):
    return x + narrow(gate(gelu(widen(norm(x)))))


def left_neighbour(rows, columns):
    n = rows * columns
    weights = np.diag(np.ones(n - 1), -1)
    weights[::columns] = 0
    return weights, (np.arange(n) % columns == 0).astype(float)


def softmax(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def attend(q, k, v, scale=lambda n, head_dim: head_dim**-0.5, axis=-1):
    return softmax(q @ k.T * scale(*q.shape), axis) @ v


def attend_without_care(q, k, v, most=lambda scores: 0):
    scores = q @ k.T / np.sqrt(q.shape[-1])
    powers = np.exp(scores - most(scores))
    return powers / powers.sum(axis=-1, keepdims=True) @ v


def shuffled(network, x, order):
    return np.allclose(network(x[:, order]), network(x)[:, order], atol=1e-5)


def rollout(tables, change=lambda table: (table + np.eye(len(table))) / 2):
    result = np.eye(len(tables[0]))
    for table in tables:
        result = change(table) @ result
    return result


def attention_distance(table, rows, columns, p, away=np.hypot):
    row, column = np.divmod(np.arange(rows * columns), columns)
    return (table * away(row[:, None] - row, column[:, None] - column) * p).sum(axis=1).mean()


def moved(images, down, right):
    return np.stack([reference.moved(image, down, right) for image in images])


def fill_by_slices(images, s):
    found = np.zeros_like(images)
    found[:, :-s, :-s] = images[:, s:, s:]
    return found


def moved_by_slices(images, s):
    result = np.zeros_like(images)
    if s:
        result[:, :-s, :-s] = images[:, s:, s:]
    return result


def stacked(images, move, s, order=((-1, -1), (-1, 1), (1, -1), (1, 1))):
    return np.concatenate([images, *(move(images, a * s, b * s) for a, b in order)], axis=-1)


def five(images, p, move):
    return np.split(stacked(images, move, p // 2), 5, axis=-1)


def masked(scores, value=-np.inf):
    return np.where(np.eye(scores.shape[-1], dtype=bool), value, scores)


def over(products, temperature):
    return products / temperature[:, None, None]


def over_columns(products, t):
    return softmax(masked(products / t if len(t) == len(products[0]) else over(products, t)))


def entropy(row, log=np.log2):
    some = row[row > 0]
    return -(some * log(some)).sum()


ORDERS = [np.random.default_rng(seed).permutation(9) for seed in range(5)]
AXES, OTHER_WAYS = ((-1, 0), (1, 0), (0, -1), (0, 1)), ((1, 1), (-1, -1), (-1, 1), (1, -1))

# ---- {check: (right answers, {a part of the hint: a wrong one})} ------------------------------------------------

ANSWERS = {
    # MLP-Mixer
    "patchify": (
        [patchify],
        {
            "a reshape alone": lambda x, p: x.reshape(patchify(x, p).shape),
            "channels last": lambda x, p: patchify(x, p, (0, 1, 3, 5, 2, 4)),
            "row by row, not column by column": lambda x, p: patchify(x, p, (0, 3, 1, 2, 4, 5)),
            "not in order": lambda x, p: patchify(x, p)[:, ::-1],
        },
    ),
    "token_mixing": (
        [lambda x, norm, mlp: x + swap(mlp(swap(norm(x))))],
        {
            "the residual is missing": lambda x, norm, mlp: swap(mlp(swap(norm(x)))),
            "the raw x": lambda x, norm, mlp: norm(x) + swap(mlp(swap(norm(x)))),
            "before the axes are swapped": lambda x, norm, mlp: x + swap(mlp(norm(swap(x)))),
            "the LayerNorm is missing": lambda x, norm, mlp: x + swap(mlp(swap(x))),
            "normalise before the MLP": lambda x, norm, mlp: x + norm(swap(mlp(swap(x)))),
            "swap the last two axes first": lambda x, norm, mlp: x + mlp(norm(x)),
            "the numbers are not": lambda x, norm, mlp: x,
        },
    ),
    "block_parameters": (
        [mixer_parameters],
        {
            "the biases of the dense layers": lambda n, d, t, c: 4 * d + 2 * n * t + 2 * d * c,
            "the two LayerNorms are missing": lambda n, d, t, c: mixer_parameters(n, d, t, c) - 4 * d,
            "each LayerNorm has a gamma and a beta": lambda n, d, t, c: mixer_parameters(n, d, t, c) - 2 * d,
            "the biases and the two": lambda n, d, t, c: 2 * n * t + 2 * d * c,
            "for n = 4, d = 3, tokens_mlp_dim = 5, channels_mlp_dim = 6 you say 1.5": lambda n, d, t, c: 1.5,
        },
    ),
    "mixes_tokens": (
        [lambda f, x: any(np.delete(moved_by(f, x, j), j).any() for j in range(x.shape[1]))],
        {
            "the first token moves only the last, but it does mix": lambda f, x: moved_by(f, x, -1)[:-1].any(),
            "the sixth token moves only the fourth, but it does mix": lambda f, x: moved_by(f, x, 0)[1:].any(),
            "the fourth, but it does mix": lambda f, x: moved_by(f, x, slice(-1))[-1],
            "a change that is alike in all channels": lambda f, x: any(
                not np.allclose(np.delete(f(x + np.eye(9)[j][:, None]) - f(x), j, axis=1), 0, atol=1e-4)
                for j in range(9)
            ),
            "a block without token mixing, but it does not mix": lambda f, x: moved_by(f, x, slice(None)).any(),
            "return True or False": lambda f, x: 1,
            "you say False for a Mixer block": lambda f, x: False,
        },
    ),
    "shuffle_patches": (
        [shuffle_patches],
        {
            "unchanged": lambda x, order, p: x,
            "the opposite order": lambda x, order, p: shuffle_patches(x, np.argsort(order), p),
            "not where they should be": lambda x, order, p: shuffle_patches(x, order[::-1], p),
        },
    ),
    # FNet
    "dft_matrix": (
        [dft, lambda n: np.fft.fft(np.eye(n))],
        {
            "needs a minus sign": lambda n: dft(n).conj(),
            "only the real part": lambda n: dft(n).real,
            "not divided by √n": lambda n: dft(n) / np.sqrt(n),
            "not divided by n": lambda n: dft(n) / n,
            "2π, not π": lambda n: dft(n, -1j * np.pi),
            "divide jk by n": lambda n: np.exp(-2j * np.pi * np.outer(range(n), range(n))),
            "count j and k from 0": lambda n: dft(n, first=1),
            "the i is missing": lambda n: dft(n, -2 * np.pi),
            "must have the shape (4, 4) (n, n), but it has the shape (4,)": lambda n: dft(n)[0],
            "for n = 4: the numbers are not right": lambda n: np.eye(n),
        },
    ),
    "fourier_mixing": (
        [lambda x, F_n, F_d: (F_n @ x @ F_d).real],
        {
            "take its real part, once": lambda x, F_n, F_d: F_n @ x @ F_d,
            "keep the imaginary part of the first product": lambda x, F_n, F_d: (F_n @ (x @ F_d).real).real,
            "the real part is taken twice": lambda x, F_n, F_d: ((F_n @ x).real @ F_d).real,
            "only the tokens": lambda x, F_n, F_d: (F_n @ x).real,
            "only the channels": lambda x, F_n, F_d: (x @ F_d).real,
            "this is the size": lambda x, F_n, F_d: np.abs(F_n @ x @ F_d),
            "this is the imaginary part": lambda x, F_n, F_d: (F_n @ x @ F_d).imag,
            "the shape is right, the numbers are not": lambda x, F_n, F_d: x,
        },
    ),
    "fnet_block": (
        [fnet_block],
        {
            "this is pre-norm, as in the Mixer": lambda x, mix, n1, mlp, n2: (y := x + mix(n1(x))) + mlp(n2(y)),
            "only the first half": lambda x, mix, n1, mlp, n2: n1(x + mix(x)),
            "starts from y": lambda x, mix, n1, mlp, n2: n2(x + mlp(n1(x + mix(x)))),
            "works on y": lambda x, mix, n1, mlp, n2: n2(x + mlp(x)),
            "the first residual is missing": lambda x, mix, n1, mlp, n2: n2((y := n1(mix(x))) + mlp(y)),
            "the second residual is missing": lambda x, mix, n1, mlp, n2: n2(mlp(n1(x + mix(x)))),
            "both residuals are missing": lambda x, mix, n1, mlp, n2: n2(mlp(n1(mix(x)))),
            "the second is norm2": lambda x, mix, n1, mlp, n2: fnet_block(x, mix, n1, mlp, n1),
            "the second LayerNorm is missing": lambda x, mix, n1, mlp, n2: fnet_block(x, mix, n1, mlp, np.array),
            "the first LayerNorm is missing": lambda x, mix, n1, mlp, n2: fnet_block(x, mix, np.array, mlp, n2),
            "the LayerNorms come after the sums": lambda x, mix, n1, mlp, n2: (y := x + n1(mix(x))) + n2(mlp(y)),
            "the shape is right, the numbers are not": lambda x, *parts: x,
        },
    ),
    "is_linear": (
        [is_linear],
        {
            "the size of the Fourier transform, but it is not linear": lambda f, x, y: is_linear(f, x, y, b=0),
            "for FNet's mixing, but it is linear: compare with np.allclose": lambda f, x, y: is_linear(f, x, y, atol=0),
            "for a LayerNorm, but it is not linear": lambda f, x, y: True,
            "adds the median over the tokens, but it is not": lambda f, x, y: is_linear(f, x, y, a=-2, b=0),
        },
    ),
    "unseen_order": (
        [lambda n: -np.arange(n) % n, lambda n: [0, *range(n - 1, 0, -1)]],
        {
            "leaves every token where it is": lambda n: range(n),
            "around its middle": lambda n: np.arange(n)[::-1],
            "token 0 must stay": lambda n: np.roll(np.arange(n), 1),
            "the mixing sees this order": lambda n: [0, 2, 1, *range(3, n)],
            "each of the numbers 0 to 15 once": lambda n: np.arange(n) // 2,
        },
    ),
    # gMLP
    "spatial_gate": (
        [spatial_gate],
        {
            "as wide as z": lambda z, w, b, norm: z * (w @ norm(z) + b[:, None]),
            "the halves are exchanged": lambda z, w, b, norm: spatial_gate(np.roll(z, 4, axis=-1), w, b, norm),
            "the LayerNorm of z2 is missing": lambda z, w, b, norm: spatial_gate(z, w, b, np.array),
            "normalise z2 alone": lambda z, w, b, norm: halves(z)[0] * (w @ halves(norm(z))[1] + b[:, None]),
            "z1 must come through": lambda z, w, b, norm: norm(halves(z)[0]) * (w @ norm(halves(z)[1]) + b[:, None]),
            "a gate multiplies": lambda z, w, b, norm: halves(z)[0] + (w @ norm(halves(z)[1]) + b[:, None]),
            "b is missing": lambda z, w, b, norm: spatial_gate(z, w, 0 * b, norm),
            "this is its transpose": lambda z, w, b, norm: spatial_gate(z, w.T, b, norm),
            "b belongs inside the gate": lambda z, w, b, norm: spatial_gate(z, w, 0 * b, norm) + b[:, None],
            "before W mixes it": lambda z, w, b, norm: halves(z)[0] * (norm(w @ halves(z)[1]) + b[:, None]),
            "the numbers are not": lambda z, w, b, norm: halves(z)[0],
            "your code raised ValueError": lambda z, w, b, norm: halves(z)[0] * (w @ norm(halves(z)[1]) + b),
        },
    ),
    "starts_as_identity": (
        [lambda gate, z: bool(np.abs(off(gate, z)).max() < 1e-3)],
        {
            "you say True for a unit whose bias starts at 0, but it is not an identity": lambda gate, z: True,
            "you say False for the unit as the paper starts it, but it is": lambda gate, z: False,
            "as the paper starts it": lambda gate, z: bool((off(gate, z) == 0).all()),
            "turns every sign": lambda gate, z: np.allclose(np.abs(gate(z)), np.abs(halves(z)[0]), atol=1e-3),
            "in opposite order": lambda gate, z: np.allclose(
                np.sort(gate(z), axis=1), np.sort(halves(z)[0], axis=1), atol=1e-3
            ),
            "the last token alone": lambda gate, z: bool(np.median(np.abs(off(gate, z))) < 1e-3),
            "adds and subtracts 0.5 by turns": lambda gate, z: bool(np.abs(off(gate, z).mean(axis=-1)).max() < 1e-3),
            "number of one": lambda gate, z: bool(np.abs(off(gate, z)).mean() < 1e-3),
            "0.005 too high in one number": lambda gate, z: bool(np.square(off(gate, z)).mean() ** 0.5 < 1e-3),
            "0.005 too low in one number": lambda gate, z: bool(off(gate, z).max() < 1e-3),
            "in one number": lambda gate, z: bool(np.abs(off(gate, z)).max() < 0.1),
            "return True or False; for the unit as the paper starts it": off,
        },
    ),
    "gmlp_block": (
        [gmlp_block],
        {
            "the raw x": lambda x, n, u, g, s, v: n(x) + v(s(g(u(n(x))))),
            "the residual is missing": lambda x, n, u, g, s, v: v(s(g(u(n(x))))),
            "the LayerNorm is missing": lambda x, n, u, g, s, v: x + v(s(g(u(x)))),
            "the GELU is missing": lambda x, n, u, g, s, v: x + v(s(u(n(x)))),
            "before the gate, not after": lambda x, n, u, g, s, v: x + v(g(s(u(n(x))))),
            "not the sum after it": lambda x, n, u, g, s, v: n(x + v(s(g(u(x))))),
            "narrow takes what the gate gives, 6 channels": lambda x, n, u, g, s, v: x + v(g(u(n(x)))),
            "gate takes what GELU gives, 12 channels": lambda x, n, u, g, s, v: x + v(s(n(x))),
            "the numbers are not": lambda x, n, u, g, s, v: x,
        },
    ),
    "left_neighbour": (
        [left_neighbour],
        {
            "the last of the row above": lambda r, c: (np.diag(np.ones(r * c - 1), -1), left_neighbour(r, c)[1]),
            "this is the right neighbour": lambda r, c: (left_neighbour(r, c)[0].T, left_neighbour(r, c)[1]),
            "W and b hold nothing but zeros": lambda r, c: (np.zeros((r * c, r * c)), np.zeros(r * c)),
            "W is not right": lambda r, c: (np.eye(r * c), left_neighbour(r, c)[1]),
            "b adds 1 everywhere": lambda r, c: (left_neighbour(r, c)[0], np.ones(r * c)),
            "that is b's part": lambda r, c: (left_neighbour(r, c)[0], np.zeros(r * c)),
            "b is not": lambda r, c: (left_neighbour(r, c)[0], np.arange(r * c)),
            "return two arrays": lambda r, c: left_neighbour(r, c)[0],
            "(n, n) for W": lambda r, c: left_neighbour(r, c)[::-1],
        },
    ),
    # ViT
    "attention": (
        [attend],
        {
            "divide the scores by √head_dim before": lambda q, k, v: attend(q, k, v, lambda n, d: 1),
            "the square root of head_dim, not by head_dim": lambda q, k, v: attend(q, k, v, lambda n, d: 1 / d),
            "not by √n": lambda q, k, v: attend(q, k, v, lambda n, d: n**-0.5),
            "multiply is not divide": lambda q, k, v: attend(q, k, v, lambda n, d: d**0.5),
            "the rows must sum to 1": lambda q, k, v: attend(q, k, v, axis=0),
            "not K·Qᵀ": lambda q, k, v: attend(k, q, v),
            "the softmax is missing": lambda q, k, v: q @ k.T / np.sqrt(q.shape[-1]) @ v,
            "divide the scores, not the output": lambda q, k, v: softmax(q @ k.T) @ v / np.sqrt(q.shape[-1]),
            "the shape is right, the numbers are not": lambda q, k, v: v,
            "right for small scores, but not for large ones": attend_without_care,
            "take each row's own largest score off": lambda q, k, v: attend_without_care(q, k, v, np.max),
        },
    ),
    "forgets_positions": (
        [lambda f, x: all(shuffled(f, x, order) for order in ORDERS)],
        {
            "only the last token hears the one before": lambda f, x: shuffled(f, x, [1, 0, *range(2, 9)]),
            "you say False for a Transformer block,": lambda f, x: np.allclose(f(x[:, ORDERS[0]]), f(x)),
            "you say True for a Transformer block behind": lambda f, x: True,
            "turns the order around": lambda f, x: shuffled(f, x, np.arange(9)[::-1]),
            "each token hears the one before it": lambda f, x: shuffled(f, x, np.roll(np.arange(9), 1)),
            "only the first token hears the second": lambda f, x: shuffled(f, x, [*range(7), 8, 7]),
        },
    ),
    "rollout": (
        [rollout],
        {
            "the residual is missing": lambda tables: rollout(tables, lambda t: t),
            "the rows must sum to 1": lambda tables: rollout(tables, lambda t: t + np.eye(len(t))),
            "the later table stands on the left": lambda tables: rollout(tables[::-1]),
            "not entry by entry": lambda tables: np.prod([(t + np.eye(len(t))) / 2 for t in tables], axis=0),
            "not averaged": lambda tables: np.mean([(t + np.eye(len(t))) / 2 for t in tables], axis=0),
            "not the last one alone": lambda tables: (tables[-1] + np.eye(len(tables[0]))) / 2,
            "for 1 block the numbers are not": lambda tables: np.eye(len(tables[0])),
        },
    ),
    "attention_distance": (
        [attention_distance],
        {
            "a patch is p pixels wide": lambda t, r, c, p: attention_distance(t, r, c, 1),
            "then comes the mean over the rows": lambda t, r, c, p: attention_distance(t, r, c, p) / (r * c),
            "the sum over the rows must be a mean": lambda t, r, c, p: attention_distance(t, r, c, p) * r * c,
            "weigh the distances": lambda t, r, c, p: attention_distance(np.full_like(t, 1 / (r * c)), r, c, p),
            "as the crow": lambda t, r, c, p: attention_distance(t, r, c, p, lambda a, b: np.abs(a) + np.abs(b)),
            "the square root": lambda t, r, c, p: attention_distance(t, r, c, p * p, lambda a, b: a * a + b * b),
            "a row of the image holds": lambda t, r, c, p: attention_distance(t, c, r, p),
            "patches of 8 pixels you say 0": lambda t, r, c, p: 0,
            "must be one number": lambda t, r, c, p: t,
        },
    ),
    # SPT + LSA
    "left_up": (
        [lambda images, s: moved(images, -s, -s)],
        {
            "as np.roll does; zeros must move in": lambda x, s: np.roll(x, (-s, -s), axis=(1, 2)),
            "moved right and down": lambda x, s: moved(x, s, s),
            "moved left, but not up": lambda x, s: moved(x, 0, -s),
            "moved up, but not left": lambda x, s: moved(x, -s, 0),
            "moved left and down": lambda x, s: moved(x, s, -s),
            "moved right and up": lambda x, s: moved(x, -s, s),
            "has not moved": lambda x, s: x,
            "the slice [:-0] is empty": moved_by_slices,
            "for images of 4 × 6 and s = 0: your code raised ValueError (line ": fill_by_slices,
            "must show pixel (i + s, j + s)": lambda x, s: moved(x, -2 * s, -s),
        },
    ),
    "five_in_one": (
        [lambda x, p, move, cut: cut(stacked(x, move, p // 2), p)],
        {
            "shift by a whole patch": lambda x, p, move, cut: cut(stacked(x, move, p), p),
            "shift by one pixel": lambda x, p, move, cut: cut(stacked(x, move, 1), p),
            "along the diagonals": lambda x, p, move, cut: cut(stacked(x, move, p // 2, AXES), p),
            "not in the order asked for": lambda x, p, move, cut: cut(stacked(x, move, -(p // 2)), p),
            "not in order: stack the images": lambda x, p, move, cut: cut(stacked(x, move, p // 2, OTHER_WAYS), p),
            "half a patch is p // 2": lambda x, p, move, cut: cut(stacked(x, move, p / 2), p),
            "cut them into": lambda x, p, move, cut: np.dstack([cut(y, p) for y in five(x, p, move)]),
            "four images": lambda x, p, move, cut: cut(stacked(x, move, p // 2)[..., x.shape[-1] :], p),
            "five times as many images": lambda x, p, move, cut: cut(np.concatenate(five(x, p, move)), p),
            "as many tokens": lambda x, p, move, cut: np.hstack([cut(y, p) for y in five(x, p, move)]),
            "the numbers are not": lambda x, p, move, cut: cut(stacked(x, move, 0), p),
        },
    ),
    "lsa_weights": (
        [lambda products, t: softmax(masked(over(products, t)))],
        {
            "after the softmax": lambda products, t: masked(softmax(over(products, t)), 0),
            "exp(0) = 1 is still a share": lambda products, t: softmax(masked(over(products, t), 0)),
            "the mask is missing": lambda products, t: softmax(over(products, t)),
            "you multiply by the temperature": lambda products, t: softmax(masked(products * t[:, None, None])),
            "the temperature is missing": lambda products, t: softmax(masked(products)),
            "along the last axis": lambda products, t: softmax(masked(over(products, t)), axis=-2),
            "a temperature belongs to a head": over_columns,
            "use np.where": lambda products, t: softmax(over(products, t) + np.eye(products.shape[-1]) * -np.inf),
            "the rows do not sum to 1": lambda products, t: np.exp(masked(over(products, t))),
            "the rows sum to 1, but": lambda products, t: softmax(masked(over(products, t) / 2)),
        },
    ),
    "entropy": (
        [entropy],
        {
            "a share of 0 must count 0": lambda row: -(row * np.log2(row)).sum(),
            "the minus sign is missing": lambda row: -entropy(row),
            "np.log gives nats": lambda row: entropy(row, np.log),
            "do not take the mean": lambda row: entropy(row) / len(row),
            "−Σ aⱼ · log2 aⱼ": lambda row: 1 - entropy(row),
        },
    ),
    "temperature_is_trained": (
        [after_one_step],
        {
            "you say True for a layer whose temperature is frozen": lambda layer, x: layer.temperature is not None,
            "you say True for a layer whose temperature gets no gradient": lambda layer, x: any(
                weight is layer.temperature for weight in layer.trainable_variables
            ),
            "you say False for the course's own layer,": lambda layer, x: False,
        },
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_right_answers_pass_and_mistakes_get_their_hint(name):
    check, (right, wrong) = getattr(exercises, f"check_{name}"), ANSWERS[name]
    for attempt in right:
        check.require(attempt)
    assert_hints(check, wrong)


@pytest.mark.parametrize("n", [4, 9, 16, 64])
def test_what_the_lesson_says_of_the_unseen_orders(n):
    """The transform takes the order j -> u·j mod n for k -> k/u: with the residual it is unseen where u·u = 1."""
    x = np.random.default_rng(0).normal(size=(1, n, 6)).astype("float32")
    mixing = FourierMixing()
    for u in range(1, n):
        if np.gcd(u, n) == 1:
            order = u * np.arange(n) % n
            mixed = np.asarray(mixing(x[:, order]))
            assert np.allclose(mixed, np.asarray(mixing(x))[:, order], atol=1e-3) == (u * u % n == 1)
