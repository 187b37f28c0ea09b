"""Training batches whose order and augmentation are a pure function of (seed, epoch).

Keras' own `fit(x, y, shuffle=True)` repeats one permutation in every epoch on the TensorFlow backend once
`keras.utils.set_random_seed` was called; here every epoch has its own, and a run can be repeated exactly.
"""

import keras
import numpy as np


def augment(images: np.ndarray, names, rng: np.random.Generator) -> np.ndarray:
    """Changes pictures at random, each its own way.

    Args:
        images: uint8 `(b, h, w, c)`.
        names: any of "flip" and "crop", as in `Recipe.augment`.
        rng: the source of randomness.

    Returns:
        uint8 `(b, h, w, c)`, a new array.
    """
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


def resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns pictures `(b, h, w, c)` at `size` (height, width), bilinearly, as float32; unchanged if they have it."""
    if images.shape[1:3] == tuple(size):
        return images
    return keras.ops.convert_to_numpy(keras.ops.image.resize(images.astype("float32"), size))


class Batches(keras.utils.PyDataset):
    """One epoch of training batches: `(images, one_hot_labels)`.

    The last, smaller batch is left out, so that every step has one shape; shuffling leaves out others each epoch.

    Args:
        images: uint8 `(n, h, w, c)`.
        labels: int `(n,)`.
        num_classes: number of classes.
        batch_size: pictures in one batch; at most `n`.
        size: (height, width) that the network wants; pictures are resized after the augmentation.
        names: augmentations, as in `Recipe.augment`.
        seed, epoch: what the order and the augmentation depend on.
    """

    def __init__(self, images, labels, num_classes, *, batch_size, size, names=(), seed=0, epoch=0):
        super().__init__(workers=1, use_multiprocessing=False)
        self.images, self.labels = images, labels
        self.one_hot = np.eye(num_classes, dtype="float32")
        self.batch_size = min(batch_size, len(images))
        self.size, self.names, self.seed, self.epoch = size, names, seed, epoch
        self.order = np.random.default_rng((seed, epoch)).permutation(len(images))

    def __len__(self):
        return len(self.images) // self.batch_size

    def __getitem__(self, step):
        rows = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        images = self.images[rows]
        if self.names:
            images = augment(images, self.names, np.random.default_rng((self.seed, self.epoch, step)))
        return resized(images, self.size), self.one_hot[self.labels[rows]]
