"""What happens to training images at random.

Every random number comes from the generator that is handed in, so that a batch is a pure function of its seed. Images
are uint8 `(b, h, w, c)` before and after each step.
"""

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from pydantic import BeforeValidator


def flip(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mirrors half of the images, left and right."""
    flipped = rng.random(len(images)) < 0.5
    return np.where(flipped[:, None, None, None], images[:, :, ::-1], images)


def crop(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pads an eighth of the height with black, and cuts out a window of the old size."""
    b, h, w, _ = images.shape
    pad = max(h // 8, 1)
    padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    top, left = rng.integers(0, 2 * pad + 1, (2, b))
    rows = top[:, None] + np.arange(h)  # (b, h)
    cols = left[:, None] + np.arange(w)  # (b, w)
    return padded[np.arange(b)[:, None, None], rows[:, :, None], cols[:, None, :]]


def warp(images: np.ndarray, rows=(1, 0, 0), columns=(0, 1, 0)) -> np.ndarray:
    """Fetches each pixel from elsewhere, bilinearly; beyond its edges an image goes on as in a mirror, once.

    Args:
        images: uint8 `(b, h, w, c)`.
        rows: `(p, q, r)`, numbers or `(b,)` each: the pixel in row y and column x, counted from the middle, comes from
            row `p·y + q·x + r`.
        columns: the same for the column.
    """
    b, *sizes, c = images.shape
    y, x = (np.arange(size, dtype="float32") - (size - 1) / 2 for size in sizes)
    pixels, shares = [], []  # for row and column: the two next to the source, and how much each counts
    for size, factors in zip(sizes, (rows, columns), strict=True):
        p, q, r = (np.reshape(np.float32(factor), (-1, 1, 1)) for factor in factors)
        source = np.broadcast_to(p * y[:, None] + q * x + (r + (size - 1) / 2), (b, *sizes))
        low = np.floor(source)
        both = np.stack([low, low + 1]).astype(int)
        both = np.maximum(both, -1 - both)
        pixels.append(np.minimum(both, 2 * size - 1 - both))
        shares.append((low + 1 - source, source - low))
    flat, first = images.reshape(-1, c), np.arange(b).reshape(-1, 1, 1) * sizes[0]
    found = np.float32(0.5)  # rounded at the end
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        there = flat.take((first + pixels[0][i]) * sizes[1] + pixels[1][j], axis=0)
        found = found + (shares[0][i] * shares[1][j])[..., None] * there
    return found.astype("uint8")


def zoom(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Zooms in or out by up to 20 %, height and width apart."""
    height, width = rng.uniform(0.8, 1.2, (2, len(images)))
    return warp(images, (height, 0, 0), (0, width, 0))


def rotate(images: np.ndarray, turns: np.ndarray) -> np.ndarray:
    """Rotates by a part of a full turn, `(b,)`, anticlockwise."""
    sine, cosine = np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)
    return warp(images, (cosine, sine, 0), (-sine, cosine, 0))


def by_pil(change: Callable):
    """Makes an operation of what `change` does to one PIL image with one strength."""

    def operation(images: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Returns images, uint8 `(b, h, w, c)`, changed at strengths `(b,)`."""
        shown = images[..., 0] if images.shape[-1] == 1 else images
        changed = [np.asarray(change(Image.fromarray(image), float(k))) for image, k in zip(shown, u, strict=True)]
        return np.array(changed, "uint8").reshape(images.shape)

    return operation


# RandAugment's fourteen operations. Their strengths `u`, `(b,)`, from −1 to 1, are up to half of those in AutoAugment's
# table (arXiv 1805.09501), but all of posterize's and solarize's.
OPERATIONS = {
    "identity": lambda images, u: images,
    "shear x": lambda images, u: warp(images, columns=(0.15 * u, 1, 0)),
    "shear y": lambda images, u: warp(images, rows=(1, 0.15 * u, 0)),
    "translate x": lambda images, u: warp(images, columns=(0, 1, 0.2 * u * images.shape[2])),
    "translate y": lambda images, u: warp(images, rows=(1, 0, 0.2 * u * images.shape[1])),
    "rotate": lambda images, u: rotate(images, u / 24),
    "brightness": by_pil(lambda image, u: ImageEnhance.Brightness(image).enhance(1 + 0.45 * u)),
    "contrast": by_pil(lambda image, u: ImageEnhance.Contrast(image).enhance(1 + 0.45 * u)),
    "colour": by_pil(lambda image, u: ImageEnhance.Color(image).enhance(1 + 0.45 * u)),
    "sharpness": by_pil(lambda image, u: ImageEnhance.Sharpness(image).enhance(1 + 0.45 * u)),
    "posterize": by_pil(lambda image, u: ImageOps.posterize(image, 8 - round(2 - 2 * u))),
    "solarize": by_pil(lambda image, u: ImageOps.solarize(image, 128 + 128 * u)),
    "auto contrast": by_pil(lambda image, u: ImageOps.autocontrast(image)),
    "equalize": by_pil(lambda image, u: ImageOps.equalize(image)),
}


def randaugment(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Does two of `OPERATIONS` to each image, one after the other (arXiv 1909.13719)."""
    images = images.copy()
    for _ in range(2):
        drawn, strengths = rng.integers(len(OPERATIONS), size=len(images)), rng.uniform(-1, 1, len(images))
        for k, operation in enumerate(OPERATIONS.values()):
            chosen = drawn == k
            images[chosen] = operation(images[chosen], strengths[chosen])
    return images


def erase(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Makes a rectangle grey in a quarter of the images: 2 to 40 % of the area (arXiv 1708.04896)."""
    b, h, w, _ = images.shape
    side, stretch = np.sqrt(rng.uniform(0.02, 0.4, b)), np.sqrt(0.3 ** rng.uniform(-1, 1, b))
    inside = rng.random((b, 1, 1)) < 0.25
    for size, length, axis in ((h, side * stretch, (-1, 1)), (w, side / stretch, (1, -1))):
        length = np.clip(np.rint(size * length), 1, size)
        start = np.floor(rng.random(b) * (size - length + 1))
        place = np.arange(size) - start[:, None]  # (b, size)
        inside = inside & ((place >= 0) & (place < length[:, None])).reshape(b, *axis)
    return np.where(inside[..., None], np.uint8(128), images)


def mixup(images: np.ndarray, labels: np.ndarray, rng: np.random.Generator):
    """Averages each image with another one, and their labels likewise (arXiv 1710.09412)."""
    other, kept = rng.permutation(len(images)), rng.random()
    mixed = np.rint(kept * images + (1 - kept) * images[other]).astype("uint8")
    return mixed, kept * labels + (1 - kept) * labels[other]


def cutmix(images: np.ndarray, labels: np.ndarray, rng: np.random.Generator):
    """Pastes a window of another image into each one; labels count as much as their pixels (arXiv 1905.04899)."""
    _, h, w, _ = images.shape
    other, side = rng.permutation(len(images)), np.sqrt(rng.random())
    (top, bottom), (left, right) = (
        np.clip(rng.integers(size) + np.array([-1, 1]) * (int(size * side) // 2), 0, size) for size in (h, w)
    )
    mixed = images.copy()
    mixed[:, top:bottom, left:right] = images[other, top:bottom, left:right]
    kept = 1 - float((bottom - top) * (right - left)) / (h * w)
    return mixed, kept * labels + (1 - kept) * labels[other]


CHANGES = {
    "flip": flip,
    "crop": crop,
    "zoom": zoom,
    "rotate": lambda images, rng: rotate(images, rng.uniform(-0.02, 0.02, len(images))),
    "randaugment": randaugment,
    "erase": erase,
}
MIXERS = {"mixup": mixup, "cutmix": cutmix}

AUGMENTATIONS = (*CHANGES, *MIXERS)
"""What a recipe may ask for, in the order in which it is done. "zoom" and "rotate" are as in the keras.io examples.

Half of the batches are mixed, by one of the ways that were asked for, as in the small-data paper's script. A batch has
one share, as in both papers' code, and all shares from 0 to 1 are equally likely: Beta(1, 1). Cards of version 0.1.0
had the last four from Keras' layers: other strengths and shares (MixUp's α was 0.8).
"""


def _several(value):
    if isinstance(value, str):
        raise ValueError(f"should be several names, such as ({value!r},)")
    if isinstance(value, list | tuple) and len(set(map(repr, value))) < len(value):
        raise ValueError("should name each once")
    return tuple(value) if isinstance(value, list) else value


Augmentations = Annotated[tuple[Literal[AUGMENTATIONS], ...], BeforeValidator(_several)]  # type: ignore[valid-type]


def augmented(names, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator):
    """Returns images, uint8 `(b, h, w, c)`, and one-hot labels, float32 `(b, classes)`, changed as `names` say."""
    for name, change in CHANGES.items():
        if name in names:
            images = change(images, rng)
    mixers = [mix for name, mix in MIXERS.items() if name in names]
    if mixers and rng.random() < 0.5:
        images, labels = mixers[rng.integers(len(mixers))](images, labels, rng)
    return images, labels
