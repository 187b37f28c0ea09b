"""The keras.io examples' networks in plain Keras: what the course's speed is compared with.

Written here from the papers' formulas and the examples' sizes, as straightforwardly as a reader would: images
enlarged and augmented inside the model, patches by `keras.ops.image.extract_patches`, and for the ViTs a head that
flattens all tokens into wide dense layers.
"""

import keras
from keras import layers, ops

_MLP = {"side": 64, "patch": 8, "width": 256, "depth": 4}
_VIT = {"side": 72, "patch": 6, "width": 64, "depth": 8}
SIZES = {"mixer": _MLP, "fnet": _MLP, "gmlp": _MLP, "vit": _VIT, "small_data_vit": _VIT}


class Patches(layers.Layer):
    """Images to flat patches, by Keras' own operation."""

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, images):
        patches = ops.image.extract_patches(images, self.size)
        return ops.reshape(patches, (-1, patches.shape[1] * patches.shape[2], patches.shape[3]))


class Positions(layers.Layer):
    """Adds a learned vector to each token."""

    def build(self, shape):
        self.positions = layers.Embedding(shape[1], shape[2])
        self.positions.build(None)

    def call(self, tokens):
        return tokens + self.positions(ops.arange(tokens.shape[1]))


class Shifts(layers.Layer):
    """An image and its four diagonal shifts, each padded and cropped on its own."""

    def __init__(self, pixels, **kwargs):
        super().__init__(**kwargs)
        self.pixels = pixels

    def call(self, images):
        s, (h, w) = self.pixels, images.shape[1:3]
        found = [images]
        for down, right in ((-s, -s), (-s, s), (s, -s), (s, s)):
            top, left = max(-down, 0), max(-right, 0)
            part = images[:, top : h - max(down, 0), left : w - max(right, 0)]
            pads = ((0, 0), (max(down, 0), max(-down, 0)), (max(right, 0), max(-right, 0)), (0, 0))
            found.append(ops.pad(part, pads))
        return ops.concatenate(found, axis=-1)


class LocalAttention(layers.Layer):
    """Attention with a learned temperature and no diagonal."""

    def __init__(self, heads, width, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.width = heads, width
        self.parts = [layers.Dense(heads * width) for _ in range(3)]
        self.out = None

    def build(self, shape):
        self.temperature = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(self.width**0.5), name="temperature"
        )
        for part in self.parts:
            part.build(shape)
        self.out = layers.Dense(shape[-1])
        self.out.build((*shape[:-1], self.heads * self.width))

    def call(self, x):
        n = x.shape[1]
        q, k, v = (
            ops.transpose(ops.reshape(part(x), (-1, n, self.heads, self.width)), (0, 2, 1, 3)) for part in self.parts
        )
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / self.temperature
        scores = ops.where(ops.eye(n, dtype="bool"), -1e9, scores)
        mixed = ops.matmul(ops.softmax(scores), v)
        return self.out(ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (-1, n, self.heads * self.width)))


def _norm(x):
    return layers.LayerNormalization(epsilon=1e-6)(x)


def _mlp(x, hidden, width, dropout):
    x = layers.Dense(hidden, activation="gelu")(x)
    x = layers.Dropout(dropout)(x)
    return layers.Dropout(dropout)(layers.Dense(width)(x))


def _mixer(x, width, dropout):
    n = x.shape[1]
    turned = layers.Permute((2, 1))(_norm(x))
    x = x + layers.Permute((2, 1))(_mlp(turned, n, n, dropout))
    return x + _mlp(_norm(x), n, width, dropout)


class _Fourier(layers.Layer):
    def call(self, x):
        return ops.fft2((x, ops.zeros_like(x)))[0]


def _fnet(x, width, dropout):
    x = _norm(x + _Fourier()(x))
    return _norm(x + _mlp(x, width, width, dropout))


def _gmlp(x, width, dropout):
    z = layers.Dropout(dropout)(layers.Dense(2 * width, activation="gelu")(_norm(x)))
    left, right = ops.split(z, 2, axis=-1)
    gate = layers.Dense(x.shape[1], bias_initializer="ones")(layers.Permute((2, 1))(_norm(right)))
    return x + layers.Dense(width)(left * layers.Permute((2, 1))(gate))


def _vit(x, width, dropout):
    y = _norm(x)
    x = x + layers.MultiHeadAttention(4, width // 4, dropout=0.1)(y, y)
    return x + _mlp(_norm(x), 2 * width, width, 0.1)


def _small_data_vit(x, width, dropout):
    x = x + LocalAttention(4, width // 4)(_norm(x))
    return x + _mlp(_norm(x), 2 * width, width, 0.1)


BLOCKS = {"mixer": _mixer, "fnet": _fnet, "gmlp": _gmlp, "vit": _vit, "small_data_vit": _small_data_vit}


def network(paper: str, classes: int = 100, pixels: int = 32) -> keras.Model:
    """Returns a keras.io example's network on images `(b, pixels, pixels, 3)` in 0…255, to logits."""
    sizes = SIZES[paper]
    side, patch, width = (sizes[key] for key in ("side", "patch", "width"))
    inputs = keras.Input((pixels, pixels, 3))
    x = layers.Rescaling(1 / 127.5, -1)(inputs)
    x = layers.Resizing(side, side)(x)
    x = layers.RandomFlip("horizontal")(x)
    if "vit" in paper:
        x = layers.RandomRotation(0.02)(x)
    x = layers.RandomZoom(0.2, 0.2)(x)
    if paper == "small_data_vit":
        x = Shifts(patch // 2)(x)
    x = Patches(patch)(x)
    if paper == "small_data_vit":
        x = _norm(x)
    x = layers.Dense(width)(x)
    if paper in ("fnet", "vit", "small_data_vit"):
        x = Positions()(x)
    for _ in range(sizes["depth"]):
        x = BLOCKS[paper](x, width, 0.2)
    if "vit" in paper:
        x = layers.Dropout(0.5)(layers.Flatten()(_norm(x)))
        for hidden in (2048, 1024):
            x = layers.Dropout(0.5)(layers.Dense(hidden, activation="gelu")(x))
    else:
        x = layers.Dropout(0.2)(layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, layers.Dense(classes)(x), name=f"{paper}_plain")
