import keras
import numpy as np
import pytest

from course_utils.training.augmentation import augmented, crop, flip
from course_utils.training.batches import Batches, for_fit, resized


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype="uint8")


def batches(images, **changes):
    settings = {"batch_size": 8, "size": (16, 16), "seed": 0, "epoch": 0} | changes
    return Batches(images, np.arange(len(images)), len(images), **settings)


def labels_of(epoch):
    return np.concatenate([epoch[i][1].argmax(axis=1) for i in range(len(epoch))])


def test_an_epoch_shows_every_image_once_with_its_label(images):
    epoch = batches(images)
    assert len(epoch) == 5
    assert sorted(labels_of(epoch)) == list(range(40))
    x, y = epoch[2]
    np.testing.assert_array_equal(x, images[y.argmax(axis=1)])
    assert y.shape == (8, 40)


def test_every_epoch_has_its_own_order_and_every_seed_too(images):
    """Keras' own shuffling repeats one permutation on TensorFlow after set_random_seed."""
    first, second, again = (labels_of(batches(images, epoch=epoch)) for epoch in (0, 1, 0))
    assert (first != second).any()
    assert (first == again).all()
    assert (first != labels_of(batches(images, seed=1))).any()


def test_flip_is_left_right_and_about_half(images):
    many = np.repeat(images[:1], 1000, axis=0)
    out = flip(many, np.random.default_rng(0))
    flipped = (out == images[0][:, ::-1]).all(axis=(1, 2, 3))
    assert ((out == images[0]).all(axis=(1, 2, 3)) | flipped).all()
    assert 0.45 < flipped.mean() < 0.55


def test_crop_shifts_each_image_its_own_way_by_an_eighth_at_most(images):
    out = crop(np.repeat(images[:1], 200, axis=0), np.random.default_rng(0))
    padded = np.pad(images[0], ((2, 2), (2, 2), (0, 0)))
    windows = {padded[i : i + 16, j : j + 16].tobytes() for i in range(5) for j in range(5)}
    seen = {image.tobytes() for image in out}
    assert seen <= windows
    assert len(seen) == 25


def test_no_augmentation_leaves_pixels_alone(images):
    assert augmented((), images, images, np.random.default_rng(0)) == (images, images)


def test_resizing_comes_last_and_only_where_needed(images):
    assert resized(images, (16, 16)) is images
    x, _ = batches(images, size=(32, 24), augment=("flip",))[0]
    assert x.shape == (8, 32, 24, 3)
    flat = np.full((1, 16, 16, 1), 77, dtype="uint8")
    np.testing.assert_allclose(resized(flat, (32, 32)), 77)


def test_a_batch_larger_than_the_data_becomes_the_data(images):
    assert batches(images, batch_size=500)[0][0].shape == (40, 16, 16, 3)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's data pipeline")
def test_fit_is_fed_the_same_batches_without_the_tuning_that_holds_up_an_epochs_end(images):
    epoch = batches(images, augment=("flip", "crop"))
    data = for_fit(epoch)
    assert not data.options().autotune.enabled
    assert int(data.cardinality()) == len(epoch)
    found = list(data.as_numpy_iterator())
    assert len(found) == len(epoch)
    for (x, y), (same_x, same_y) in zip(found, (epoch[i] for i in range(len(epoch))), strict=True):
        assert x.dtype == same_x.dtype == "uint8"
        np.testing.assert_array_equal(x, same_x)
        np.testing.assert_array_equal(y, same_y)
