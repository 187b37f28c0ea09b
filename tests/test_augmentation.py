import keras
import numpy as np
import pytest

from course_utils.augmentation import Augmentation
from course_utils.batches import Batches
from course_utils.recipes import AUGMENTATIONS

MIXED = ("mixup", "cutmix")


@pytest.fixture(scope="module")
def images():
    ramp = np.linspace(0, 255, 16)[:, None] * np.ones(16)
    pictures = [np.stack([ramp, ramp.T, np.full((16, 16), 5.0 * k)], axis=-1) for k in range(12)]
    return np.stack(pictures).astype("uint8")


LABELS = np.eye(12, dtype="float32")


def changed(names, images, seed=0):
    return Augmentation(names)(images, LABELS, np.random.default_rng(seed))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_changes_pictures_within_their_range_and_only_mixing_changes_labels(name, images):
    # half of the batches stay unmixed: look at several
    found = [changed((name,), images, seed) for seed in range(6)]
    assert any((x != images).any() for x, _ in found)
    for x, y in found:
        assert x.shape == images.shape
        assert x.dtype == np.uint8, "batches of several types: TensorFlow casts them all to the first's"
        np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-6)
        if name not in MIXED:
            np.testing.assert_array_equal(y, LABELS)
    if name in MIXED:
        mixed = [y for _, y in found if (y != LABELS).any()]
        assert 0 < len(mixed) < 6
        assert max((y > 0).sum(axis=1).max() for y in mixed) == 2  # a pair


def test_mixup_weighs_pictures_and_labels_alike(images):
    """A picture's third channel is 5 k for label k: so the mixed label tells what the mixed channel must be."""
    x, y = next((x, y) for x, y in (changed(("mixup",), images, s) for s in range(9)) if (y != LABELS).any())
    np.testing.assert_allclose(x[..., 2], (y @ (5.0 * np.arange(12)))[:, None, None] * np.ones((16, 16)), atol=0.501)


@pytest.mark.one_backend
def test_a_batch_depends_on_its_seed_epoch_and_step_alone(images):
    everything = Augmentation(AUGMENTATIONS)

    def batches(augmentation, epoch=0):
        return Batches(
            images, np.arange(12), 12, batch_size=6, size=(16, 16), augmentation=augmentation, seed=3, epoch=epoch
        )

    x, y = batches(everything)[1]
    everything(images, LABELS, np.random.default_rng(9))  # its layers' own states have moved on
    again, again_y = batches(everything)[1]
    np.testing.assert_array_equal(again, x)
    np.testing.assert_array_equal(again_y, y)
    keras.utils.set_random_seed(5)
    fresh, _ = batches(Augmentation(AUGMENTATIONS))[1]
    np.testing.assert_array_equal(fresh, x)
    assert (batches(everything, epoch=1)[1][0] != x).any()


def test_repeated_augmentation_shows_fewer_pictures_more_often(images):
    epoch = Batches(images, np.arange(12), 12, batch_size=6, size=(16, 16), repeats=3)
    assert len(epoch) == 2
    shown = np.concatenate([epoch[i][1].argmax(axis=1) for i in range(2)])
    assert len(shown) == 12
    assert sorted(np.bincount(shown, minlength=12)) == [0] * 8 + [3] * 4
    np.testing.assert_array_equal(shown, np.repeat(shown[::3], 3))
