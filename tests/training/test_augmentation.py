import keras
import numpy as np
import pytest

from course_utils.training import augmentation
from course_utils.training.augmentation import Augmentation
from course_utils.training.batches import Batches
from course_utils.training.recipes import AUGMENTATIONS

MIXED = ("mixup", "cutmix")


@pytest.fixture(scope="module")
def images():
    ramp = np.linspace(0, 255, 16)[:, None] * np.ones(16)
    images = [np.stack([ramp, ramp.T, np.full((16, 16), 5.0 * k)], axis=-1) for k in range(12)]
    return np.stack(images).astype("uint8")


LABELS = np.eye(12, dtype="float32")


def changed(names, images, seed=0):
    return Augmentation(names)(images, LABELS, np.random.default_rng(seed))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_changes_images_within_their_range_and_only_mixing_changes_labels(name, images):
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


def test_mixup_weighs_images_and_labels_alike(images):
    """An image's third channel is 5 k for label k: so the mixed label tells what the mixed channel must be."""
    x, y = next((x, y) for x, y in (changed(("mixup",), images, s) for s in range(9)) if (y != LABELS).any())
    np.testing.assert_allclose(x[..., 2], (y @ (5.0 * np.arange(12)))[:, None, None] * np.ones((16, 16)), atol=0.501)


def operation(name):
    return next(layer for layer in augmentation._operations() if type(layer).__name__ == name)


@pytest.mark.parametrize("name", ["RandomTranslation", "RandomRotation", "RandomShear"])
def test_randaugment_moves_a_spot_both_ways(name):
    spot = np.zeros((40, 16, 16, 1), dtype="uint8")
    spot[:, 4:6, 11:13] = 255  # up on the right
    moved = augmentation._through([operation(name)], spot, np.random.default_rng(0))[..., 0]
    columns = (moved.sum(axis=1) * np.arange(16)).sum(axis=1) / moved.sum(axis=(1, 2)) - 11.5
    assert columns.min() < -0.3
    assert columns.max() > 0.3


def test_randaugment_makes_images_brighter_and_darker_sharper_and_smoother_and_keeps_four_bits_or_more():
    grey = np.full((40, 16, 16, 3), 100, dtype="uint8")
    found = augmentation._through([operation("RandomBrightness")], grey, np.random.default_rng(0)).mean(axis=(1, 2, 3))
    assert 100 - 52 < found.min() < 90
    assert 110 < found.max() < 100 + 52
    edge = np.full((40, 16, 16, 3), 60, dtype="uint8")
    edge[:, :, 8:] = 180
    at_edge = augmentation._through([operation("RandomSharpness")], edge, np.random.default_rng(0))[:, 8, 7, 0]
    assert at_edge.min() < 55
    assert at_edge.max() > 65
    ramp = np.broadcast_to(np.arange(256, dtype="uint8").reshape(1, 16, 16, 1), (40, 16, 16, 3))
    levels = augmentation._through([operation("RandomPosterization")], ramp, np.random.default_rng(0))
    assert {len(np.unique(image)) for image in levels} <= {16, 32, 64, 128, 256}


def test_randaugment_draws_two_operations_for_each_quarter_of_a_batch_and_all_of_them_in_time(images, monkeypatch):
    seen = []

    def through(layers, part, rng):
        seen.append((tuple(map(id, layers)), part))
        return part

    monkeypatch.setattr(augmentation, "_through", through)
    augment = Augmentation(("randaugment",))
    for seed in range(30):
        augment(images, LABELS, np.random.default_rng(seed))
    assert len(seen) == 4 * 30
    assert {len(layers) for layers, _ in seen} == {2}
    assert {len(part) for _, part in seen} == {3}
    np.testing.assert_array_equal(np.concatenate([part for _, part in seen[:4]]), images)
    assert len({layer for layers, _ in seen for layer in layers}) == 12
    assert len({layers for layers, _ in seen[:4]}) > 1


def test_a_batch_of_fewer_than_four_images_is_augmented_too(images):
    x, _ = Augmentation(("randaugment",))(images[:3], LABELS[:3], np.random.default_rng(0))
    assert x.shape == images[:3].shape


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


def test_repeated_augmentation_shows_fewer_images_more_often(images):
    epoch = Batches(images, np.arange(12), 12, batch_size=6, size=(16, 16), repeats=3)
    assert len(epoch) == 2
    shown = np.concatenate([epoch[i][1].argmax(axis=1) for i in range(2)])
    assert len(shown) == 12
    assert sorted(np.bincount(shown, minlength=12)) == [0] * 8 + [3] * 4
    np.testing.assert_array_equal(shown, np.repeat(shown[::3], 3))
