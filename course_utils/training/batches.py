"""Training batches whose order and augmentation are a pure function of (seed, epoch).

Keras' own `fit(x, y, shuffle=True)` repeats one permutation in every epoch on the TensorFlow backend once
`keras.utils.set_random_seed` was called; here every epoch has its own, and a run can be repeated exactly.
"""

import keras
import numpy as np

from course_utils.training.augmentation import augmented


def resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns images `(b, h, w, c)` at `size` (height, width), bilinearly, as float32; unchanged if they have it."""
    if images.shape[1:3] == tuple(size):
        return images
    return keras.ops.convert_to_numpy(
        keras.ops.image.resize(images.astype("float32"), size, data_format="channels_last")
    )


class Batches(keras.utils.PyDataset):
    """One epoch of training batches: `(images, one_hot_labels)`.

    The last, smaller batch is left out, so that every step has one shape; shuffling leaves out others each epoch.

    Args:
        images, labels: uint8 `(n, h, w, c)`, int `(n,)`.
        batch_size: `n` if it is larger.
        size: (height, width) that the network wants; images are resized after the augmentation.
        augment, repeats: as in a `Recipe`; an image is repeated at once.
        seed, epoch: what the order and the augmentation depend on.
    """

    def __init__(
        self, images, labels, num_classes, *, batch_size, size, augment=(), repeats=1, seed=0, epoch=0
    ):  # fmt: skip
        super().__init__(workers=1, use_multiprocessing=False)
        self.images, self.labels = images, labels
        self.one_hot = np.eye(num_classes, dtype="float32")
        self.batch_size = min(batch_size, len(images))
        self.size, self.augment, self.seed, self.epoch = size, augment, seed, epoch
        order = np.random.default_rng((seed, epoch)).permutation(len(images))
        self.order = np.repeat(order[: -(-len(images) // repeats)], repeats)[: len(images)]

    def __len__(self):
        return len(self.images) // self.batch_size

    def __getitem__(self, step):
        rows = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        images, labels = self.images[rows], self.one_hot[self.labels[rows]]
        images, labels = augmented(self.augment, images, labels, np.random.default_rng((self.seed, self.epoch, step)))
        return resized(images, self.size), labels


def for_fit(batches: Batches):
    """Returns an epoch's batches in the form in which `fit` wastes no time with them.

    Left to itself, Keras hands a `PyDataset` to TensorFlow's data pipeline with its autotuning on. The tuning thread
    sleeps for ever longer, up to a minute, and the end of an epoch now and then waits until it wakes up.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    kinds = tuple(tf.TensorSpec(part.shape, part.dtype) for part in batches[0])
    data = tf.data.Dataset.from_generator(
        lambda: (batches[step] for step in range(len(batches))), output_signature=kinds
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    # Told of its length, Keras does not take the end of an epoch for a lack of data.
    return data.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(2).with_options(options)
