"""The checks of lesson 01."""

import numpy as np

from course_utils.exercises.verdict import NotYet, answer, array, verdict


@verdict("Right: every pixel is in its place, for every patch size and for images that are not square.")
def check_patchify(attempt):
    """Checks `patchify(images, p)`: images `(b, h, w, c)` to tokens `(b, n, p * p * c)`."""
    from course_utils.layers import Patches

    rng = np.random.default_rng(0)
    for (b, h, w, c), p in (((2, 4, 4, 3), 2), ((3, 12, 8, 1), 4), ((1, 6, 9, 2), 3)):
        images = rng.normal(size=(b, h, w, c)).astype("float32")
        expected = np.asarray(Patches(p)(images))
        got = array(answer(attempt, images, p), expected.shape, "(b, n, p·p·c)")
        if np.array_equal(got, expected):
            continue
        what = f"for images of {h} × {w} × {c} and p = {p} the numbers are not in order"
        if np.array_equal(got, images.reshape(expected.shape)):
            raise NotYet(f"{what}: a reshape alone cuts rows into pieces; the patches need a transpose in between")
        channels_first = images.reshape(b, h // p, p, w // p, p, c).transpose(0, 1, 3, 5, 2, 4)
        if np.array_equal(got, channels_first.reshape(expected.shape)):
            raise NotYet(f"{what}: the channels of one pixel must stay together (channels last)")
        columns_first = images.reshape(b, h // p, p, w // p, p, c).transpose(0, 3, 1, 2, 4, 5)
        if np.array_equal(got, columns_first.reshape(expected.shape)):
            raise NotYet(f"{what}: patches must come row by row, not column by column")
        raise NotYet(f"{what}; which axis should stand where before the last reshape?")


@verdict("Right: the same MLP along the tokens for every channel, and the raw x in the residual.")
def check_token_mixing(attempt):
    """Checks `token_mixing(x, norm, mlp)`: `(b, n, d) -> (b, n, d)`, the first half of a Mixer block."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 3))
    matrix = rng.normal(size=(5, 5))

    def norm(values):
        return (values - values.mean(axis=-1, keepdims=True)) / values.std(axis=-1, keepdims=True)

    def mlp(values):
        if values.shape[-1] != 5:
            raise NotYet(
                f"the MLP works along the last axis, which must hold the 5 tokens, but it was given {values.shape}: "
                "swap the last two axes first"
            )
        return values @ matrix

    def swap(values):
        return values.transpose(0, 2, 1)

    try:
        value = attempt(x, norm, mlp)
    except NotYet:
        raise
    except Exception:
        value = answer(attempt, x, norm, mlp)
    if value is None or value is Ellipsis:
        raise NotYet("your function returns nothing; replace the ... by your own code")
    mixed = swap(mlp(swap(norm(x))))
    got = array(value, x.shape, "(b, n, d)")
    wrong = {
        "the residual is missing: add x": mixed,
        "the residual must add the raw x, not the normalised one": norm(x) + mixed,
        "normalise along the channels, before the axes are swapped": x + swap(mlp(norm(swap(x)))),
        "the LayerNorm is missing": x + swap(mlp(swap(x))),
        "normalise before the MLP, not after it": x + norm(swap(mlp(swap(x)))),
    }
    if np.allclose(got, x + mixed):
        return
    for hint, value in wrong.items():
        if np.allclose(got, value):
            raise NotYet(hint)
    raise NotYet("the shape is right, the numbers are not: y = x + T(LN1(x)), with T along the tokens")


@verdict("Right, for three sizes and for the paper's Mixer-S/16.")
def check_block_weights(attempt):
    """Checks `block_weights(n, d, tokens_mlp_dim, channels_mlp_dim)`: the number of weights of one Mixer block."""
    from course_utils.layers import MixerBlock

    for n, d, tokens, channels in ((4, 3, 5, 6), (16, 64, 64, 128), (64, 128, 64, 256), (196, 512, 256, 2048)):
        block = MixerBlock(tokens, channels)
        block.build((None, n, d))
        expected = block.count_params()
        got = answer(attempt, n, d, tokens, channels)
        if np.ndim(got) == 0 and got == expected:
            continue
        missing = {
            tokens + n + channels + d: "the biases of the dense layers are missing",
            4 * d: "the two LayerNorms are missing: each has a gamma and a beta",
            2 * d: "each LayerNorm has a gamma and a beta, and there are two LayerNorms",
            tokens + n + channels + d + 4 * d: "the biases and the two LayerNorms are missing",
        }
        hint = missing.get(expected - got if isinstance(got, int | np.integer) else None)
        text = f"for n = {n}, d = {d}, tokens_mlp_dim = {tokens}, channels_mlp_dim = {channels} you say {got!r}"
        raise NotYet(f"{text}, the layer has {expected}" + (f": {hint}" if hint else ""))


@verdict("Right: your test tells all seven networks apart.")
def check_mixes_tokens(attempt):
    """Checks `mixes_tokens(network, x)`: True if any output token depends on another input token."""
    from course_utils.layers import MixerBlock, NoMixingBlock

    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 9, 4)).astype("float32")
    mixer, plain = MixerBlock(8, 8), NoMixingBlock(8)
    for block in (mixer, plain):
        block.build(x.shape)

    def as_numpy(block):
        return lambda tokens: np.asarray(block(np.asarray(tokens, "float32")))

    def last_from_first(tokens):
        tokens = np.array(tokens)
        tokens[:, -1] += tokens[:, 0] ** 2
        return tokens

    def fourth_from_sixth(tokens):
        tokens = np.array(tokens)
        tokens[:, 3] += tokens[:, 5] ** 2
        return tokens

    networks = [
        ("a Mixer block", as_numpy(mixer), True),
        ("a block without token mixing", as_numpy(plain), False),
        ("a network that does nothing", lambda tokens: np.array(tokens), False),
        ("a network that only doubles", lambda tokens: 2 * np.asarray(tokens), False),
        ("a network in which only the first token moves only the last", last_from_first, True),
        ("a network that adds the mean over the tokens", lambda t: t + np.mean(t, axis=1, keepdims=True), True),
        ("a network in which only the sixth token moves only the fourth", fourth_from_sixth, True),
    ]
    for name, network, expected in networks:
        got = answer(attempt, network, x.copy())
        if not isinstance(got, bool | np.bool_):
            raise NotYet(f"return True or False; for {name} you return {got!r}")
        if bool(got) != expected:
            does = "does" if expected else "does not"
            raise NotYet(f"you say {got} for {name}, but it {does} mix tokens")


@verdict("Right: the same patches, each whole, in the order asked for.")
def check_shuffle_patches(attempt):
    """Checks `shuffle_patches(images, order, p)`: patch `order[i]` of every image moves to place `i`."""
    from course_utils.layers import Patches

    rng = np.random.default_rng(0)
    for (b, h, w, c), p in (((2, 8, 8, 3), 4), ((1, 6, 9, 1), 3)):
        images = rng.normal(size=(b, h, w, c)).astype("float32")
        patches = Patches(p)
        tokens = np.asarray(patches(images))
        order = rng.permutation(tokens.shape[1])
        expected = np.asarray(patches.unpatch(tokens[:, order], (h, w, c)))
        got = array(answer(attempt, images, order, p), images.shape, "(b, h, w, c)")
        if np.array_equal(got, expected):
            continue
        inverse = np.asarray(patches.unpatch(tokens[:, np.argsort(order)], (h, w, c)))
        if np.array_equal(got, images):
            raise NotYet("the images are unchanged: put the tokens into the new order")
        if np.array_equal(got, inverse):
            raise NotYet("this is the opposite order: place i must receive patch order[i], so index with order itself")
        raise NotYet("the pixels are not where they should be: take the tokens, reorder them, put them back")
