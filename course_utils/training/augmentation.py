"""What happens to training images at random: our own flip and crop, and Keras' augmentation layers.

Every random number comes from the generator that is handed in, so that a batch is a pure function of its seed: Keras'
layers keep random states of their own, and those are set anew from the generator for each batch.
"""

import warnings
from collections.abc import Sequence

import keras
import numpy as np


def _operations() -> list:
    """Returns RandAugment's operations as Keras' own layers, how strongly: recipes.AUGMENTATIONS.

    One by one, because Keras' RandAugment computes all of them to use two, turns and shifts images one way only, and
    leaves a colour two bits at a strength of 0.3, which is not much for the others.
    """
    layers, common = keras.layers, {"dtype": "float32"}
    return [
        layers.RandomShear(x_factor=0.15, **common),
        layers.RandomShear(y_factor=0.15, **common),
        layers.RandomTranslation(0.2, 0.2, **common),
        layers.RandomRotation(15 / 360, **common),
        layers.RandomBrightness(0.2, **common),
        layers.RandomContrast(0.4, **common),
        layers.RandomColorDegeneration(0.5, **common),
        layers.RandomSharpness((0.25, 0.75), **common),  # 0.5 changes nothing
        layers.RandomPosterization((4, 8), **common),  # bits that are kept
        layers.Solarization(threshold_factor=1.0, **common),
        layers.AutoContrast(**common),
        layers.Equalization(**common),
    ]


# How strongly, and from which papers: recipes.AUGMENTATIONS. A batch goes through all layers of a list, through two of
# RandAugment's.
IMAGES = {
    "zoom": lambda: [keras.layers.RandomZoom(0.2, 0.2, dtype="float32")],
    "rotate": lambda: [keras.layers.RandomRotation(0.02, dtype="float32")],
    "randaugment": _operations,
    "erase": lambda: [keras.layers.RandomErasing(0.25, dtype="float32")],
}
MIXERS = {
    "mixup": lambda: keras.layers.MixUp(0.8, dtype="float32"),
    "cutmix": lambda: keras.layers.CutMix(1.0, dtype="float32"),
}


def flip_and_crop(images: np.ndarray, names: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Does "flip" and "crop", if named. uint8 `(b, h, w, c)` to a new array of the same kind."""
    b, h, w, _ = images.shape
    if "flip" in names:
        flipped = rng.random(b) < 0.5
        images = np.where(flipped[:, None, None, None], images[:, :, ::-1], images)
    if "crop" in names:
        pad = max(h // 8, 1)
        padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        top, left = rng.integers(0, 2 * pad + 1, (2, b))
        rows = top[:, None] + np.arange(h)  # (b, h)
        cols = left[:, None] + np.arange(w)  # (b, w)
        images = padded[np.arange(b)[:, None, None], rows[:, :, None], cols[:, None, :]]
    return images


class Augmentation:
    """Changes a batch at random.

    Args:
        names: any of `recipes.AUGMENTATIONS`.
    """

    def __init__(self, names: Sequence[str]):
        self.names = tuple(names)
        self._images = {name: make() for name, make in IMAGES.items() if name in names}
        self._mixers = [make() for name, make in MIXERS.items() if name in names]

    def __call__(self, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator):
        """Returns the batch changed.

        Args:
            images: uint8 `(b, h, w, c)`.
            labels: float32 `(b, classes)`, one-hot.
            rng: where every random number comes from.

        Returns:
            Images, uint8 `(b, h, w, c)`, and labels `(b, classes)` whose rows sum to 1.
        """
        images = flip_and_crop(images, self.names, rng)
        for name, layers in self._images.items():
            if name == "randaugment":
                # Not for each image alone: that would be two calls of a layer for every image.
                parts = np.array_split(images, min(4, len(images)))
                drawn = [[layers[k] for k in rng.integers(len(layers), size=2)] for _ in parts]
                images = np.concatenate([_through(two, part, rng) for two, part in zip(drawn, parts, strict=True)])
            else:
                images = _through(layers, images, rng)
        if self._mixers and rng.random() < 0.5:
            layer = self._mixers[rng.integers(len(self._mixers))]
            _seed(layer, images.shape, rng)
            with warnings.catch_warnings():  # Keras' MixUp asks JAX for int64, gets int32, and that is enough
                warnings.filterwarnings("ignore", "Explicitly requested dtype int64")
                mixed = layer({"images": images.astype("float32"), "labels": labels}, training=True)
            images, labels = (keras.ops.convert_to_numpy(mixed[key]) for key in ("images", "labels"))
        if images.dtype != np.uint8:
            # All batches have one type: TensorFlow would cast later ones to that of the first, JAX would compile twice.
            images = np.clip(np.rint(images), 0, 255).astype("uint8")
        return images, labels


def _through(layers, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    for layer in layers:
        _seed(layer, images.shape, rng)
        images = keras.ops.convert_to_numpy(layer(images.astype("float32"), training=True))
    return images


def _seed(layer, shape, rng: np.random.Generator) -> None:
    """Sets every random state inside an augmentation layer."""
    if not layer.built:
        layer.build(shape)
        layer.built = True
    for variable in layer.variables:
        if "seed" in variable.path:
            variable.assign(rng.integers(0, 2**31 - 1, variable.shape))
