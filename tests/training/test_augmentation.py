import numpy as np
import pytest
from PIL import Image, ImageEnhance

from course_utils.training import augmentation
from course_utils.training.augmentation import AUGMENTATIONS, CHANGES, OPERATIONS, augmented, cutmix, mixup, warp
from course_utils.training.batches import Batches

LABELS, LEVELS = np.eye(12, dtype="float32"), 5.0 * np.arange(12)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def images():
    ramp = np.linspace(0, 255, 16)[:, None] * np.ones(16)
    images = [np.stack([ramp, ramp.T / 2 + level, np.full((16, 16), level)], axis=-1) for level in LEVELS]
    return np.stack(images).astype("uint8")


@pytest.mark.parametrize("channels", [slice(3), slice(1, 2)], ids=["colour", "grey"])
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_changes_images_and_only_mixing_changes_labels(name, channels, images):
    images = images[..., channels]
    before = images.copy()
    found = [augmented((name,), images, LABELS, rng(seed)) for seed in range(6)]  # half stay unmixed
    np.testing.assert_array_equal(images, before)
    assert any((x != images).any() for x, _ in found)
    for x, y in found:
        assert x.shape == images.shape
        assert x.dtype == np.uint8, "batches of several types: TensorFlow casts them all to the first's"
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-6)
    mixed = [y for _, y in found if (y != LABELS).any()]
    if name in CHANGES:
        assert not mixed
    else:
        assert 0 < len(mixed) < 6
        assert max((y > 0).sum(axis=1).max() for y in mixed) == 2  # a pair


def test_mixed_labels_tell_what_share_of_each_image_is_left(images):
    """An image's third channel is 5 k for label k: the mixed label tells what its mean must be."""
    for seed in range(20):
        x, y = mixup(images, LABELS, rng(seed))
        np.testing.assert_allclose(
            x[..., 2], (y @ (5.0 * np.arange(12)))[:, None, None] * np.ones((16, 16)), atol=0.501
        )
        x, y = cutmix(images, LABELS, rng(seed))
        assert set(np.unique(x[..., 2])) <= set(5 * np.arange(12))
        np.testing.assert_allclose(x[..., 2].mean(axis=(1, 2)), y @ (5.0 * np.arange(12)), rtol=1e-5, atol=1e-5)


def test_all_shares_are_equally_likely():
    tiny, large = np.zeros((12, 2, 2, 1), dtype="uint8"), np.zeros((12, 100, 100, 1), dtype="uint8")
    kept = np.sort([mixup(tiny, LABELS, rng(s))[1].diagonal().min() for s in range(500)])
    np.testing.assert_allclose(kept, np.linspace(0, 1, 500), atol=0.06)
    # A window of area u, its middle anywhere, cut off at the edges, covers (√u − u / 4)² on average: 77 / 240.
    pasted = [1 - cutmix(large, LABELS, rng(s))[1].diagonal().min() for s in range(500)]
    assert np.mean(pasted) == pytest.approx(77 / 240, abs=0.03)
    assert max(pasted) > 0.8


def test_a_quarter_of_the_images_lose_a_grey_rectangle_of_up_to_40_percent():
    many = np.full((4000, 32, 32, 3), 9, dtype="uint8")
    erased = CHANGES["erase"](many, rng()) != 9
    hit = erased.any(axis=(1, 2, 3))
    assert hit.mean() == pytest.approx(0.25, abs=0.02)
    inside = erased[hit].all(axis=-1)
    np.testing.assert_array_equal(inside, inside.any(axis=1, keepdims=True) & inside.any(axis=2, keepdims=True))
    shares = inside.mean(axis=(1, 2))
    assert 0.01 < shares.min() < 0.04
    assert 0.36 < shares.max() < 0.42
    heights, widths = inside.any(axis=2).sum(axis=1), inside.any(axis=1).sum(axis=1)
    assert abs(np.log(heights / widths).mean()) < 0.1  # lying as often as standing
    assert set(np.unique(CHANGES["erase"](many, rng()))) == {9, 128}


def moved(image, *six):
    return image.transform((32, 32), Image.AFFINE, six, Image.BILINEAR)


PIL = {
    "rotate": lambda image, u: image.rotate(15 * u, Image.BILINEAR),
    "shear x": lambda image, u: moved(image, 1, 0.15 * u, -2.4 * u, 0, 1, 0),
    "shear y": lambda image, u: moved(image, 1, 0, 0, 0.15 * u, 1, -2.4 * u),
    "translate x": lambda image, u: moved(image, 1, 0, 6.4 * u, 0, 1, 0),
    "translate y": lambda image, u: moved(image, 1, 0, 0, 0, 1, 6.4 * u),
    "contrast": lambda image, u: ImageEnhance.Contrast(image).enhance(1 + 0.45 * u),
}


@pytest.mark.parametrize("name", PIL)
def test_randaugment_moves_pixels_as_pil_does(name):
    """To a level, away from the edges, beyond which PIL sees black; the other operations are PIL's own."""
    noise = rng().integers(0, 256, (40, 8, 8, 3)).astype("uint8").repeat(4, axis=1).repeat(4, axis=2)
    u = rng(1).uniform(-1, 1, 40)
    ours = OPERATIONS[name](noise, u).astype(int)
    theirs = np.stack([np.asarray(PIL[name](Image.fromarray(image), k)) for image, k in zip(noise, u, strict=True)])
    assert abs(ours - theirs)[:, 8:-8, 8:-8].max() <= 1


def test_beyond_its_edges_an_image_goes_on_as_in_a_mirror(images):
    shifted = warp(images, (1, 0, -3), (0, 1, np.full(12, 2.0)))
    mirrored = np.pad(images, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="symmetric")
    np.testing.assert_array_equal(shifted, mirrored[:, :16, 5:21])


def test_zoom_and_rotation_go_both_ways_and_not_too_far():
    square = np.zeros((500, 60, 60, 1), dtype="uint8")
    square[:, 20:40, 20:40] = 255
    shown = CHANGES["zoom"](square, rng())[..., 0] / 255
    for side in (shown.sum(axis=1).max(axis=1), shown.sum(axis=2).max(axis=1)):
        np.testing.assert_allclose([side.min(), side.max()], [20 / 1.2, 20 / 0.8], atol=0.4)
    spot = np.zeros((500, 61, 61, 1), dtype="uint8")
    spot[:, 30, 50] = 255
    shown = CHANGES["rotate"](spot, rng())[..., 0].astype(float)
    down = (shown.sum(axis=2) * (np.arange(61) - 30)).sum(axis=1) / shown.sum(axis=(1, 2))
    np.testing.assert_allclose([down.min(), down.max()], 20 * np.sin(0.04 * np.pi) * np.array([-1, 1]), atol=0.1)


def test_randaugment_draws_two_operations_for_each_image(monkeypatch):
    marks = {k: lambda images, u, k=k: images + np.uint8(k) for k in (1, 4, 16)}
    monkeypatch.setattr(augmentation, "OPERATIONS", marks)
    black = np.zeros((90, 2, 2, 1), dtype="uint8")
    assert set(np.unique(CHANGES["randaugment"](black, rng()))) == {2, 5, 8, 17, 20, 32}


def test_a_batch_depends_on_its_seed_epoch_and_step_alone(images):
    settings = {"batch_size": 6, "size": (16, 16), "augment": AUGMENTATIONS, "seed": 3}

    def batch(epoch=0):
        return Batches(images, np.arange(12), 12, epoch=epoch, **settings)[1]

    x, y = batch()
    augmented(AUGMENTATIONS, images, LABELS, rng(9))
    again, again_y = batch()
    np.testing.assert_array_equal(again, x)
    np.testing.assert_array_equal(again_y, y)
    assert (batch(epoch=1)[0] != x).any()


def test_repeated_augmentation_shows_fewer_images_more_often(images):
    epoch = Batches(images, np.arange(12), 12, batch_size=6, size=(16, 16), repeats=3)
    assert len(epoch) == 2
    shown = np.concatenate([epoch[i][1].argmax(axis=1) for i in range(2)])
    assert len(shown) == 12
    assert sorted(np.bincount(shown, minlength=12)) == [0] * 8 + [3] * 4
    np.testing.assert_array_equal(shown, np.repeat(shown[::3], 3))
