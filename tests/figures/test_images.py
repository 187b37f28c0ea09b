"""Images out of images, against small arrays worked out by hand."""

import numpy as np
import pytest

from course_utils import figures
from course_utils.training.batches import resized

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8)


def test_enlarge_repeats_pixels():
    big = figures.enlarge(IMAGE, 3)
    assert big.shape == (12, 18, 3)
    assert (big[::3, ::3] == IMAGE).all()
    assert (big[2::3, 2::3] == IMAGE).all()


@pytest.mark.parametrize("size", [(7, 5), (2, 3), (4, 12), (1, 1), (4, 6)])
def test_resized_is_what_training_does(size):
    images = RNG.integers(0, 256, (2, 4, 6, 3), dtype=np.uint8)
    found = figures.resized(images, size)
    np.testing.assert_allclose(found, resized(images, size), atol=1e-3)
    assert found is images or size != (4, 6)


def test_grey_images_become_rgb():
    grey = IMAGE[..., :1]
    assert (figures.as_rgb(grey) == grey).all()
    assert figures.as_rgb(grey).shape == (4, 6, 3)


def test_blend_at_no_half_and_full_opacity():
    image = np.full((1, 3, 3), 100, np.uint8)
    overlay = np.zeros((1, 3, 4), np.uint8)
    overlay[..., :3] = 200
    overlay[0, :, 3] = [0, 51, 255]
    assert figures.blend(image, overlay)[0, :, 0].tolist() == [100, 120, 200]


def test_blend_enlarges_the_overlay():
    overlay = np.zeros((2, 2, 4), np.uint8)
    overlay[0, 1] = [9, 8, 7, 255]
    result = figures.blend(IMAGE, overlay)
    assert (result[:2, 3:] == [9, 8, 7]).all()
    assert (result[2:] == IMAGE[2:]).all()
    assert (result[:2, :3] == IMAGE[:2, :3]).all()


def test_faded_takes_colour_and_contrast():
    middle, red = np.full((1, 1, 1), 128, np.uint8), np.array([[[255, 0, 0]]], np.uint8)
    assert (figures.faded(middle) == 128).all()
    grey = 0.6 * 0.299 * 255
    light, dark = (round(38.4 + 0.7 * (0.4 * value + grey)) for value in (255, 0))
    assert figures.faded(red).tolist() == [[[light, dark, dark]]]


def test_outline_frames_a_box_and_leaves_it_and_the_rest():
    image = np.full((16, 16, 3), 50, np.uint8)
    result = figures.outline(image, 6, 6, 4, 4)
    assert (image == 50).all()
    assert (result[6:10, 6:10] == 50).all()
    assert result[7, :7, 0].tolist() == [50, 50, 0, 255, 255, 0, 50]
    assert result[7, 10:, 0].tolist() == [0, 255, 255, 0, 50, 50]


def test_outline_at_the_border_is_cut_off():
    result = figures.outline(np.full((3, 6, 3), 50, np.uint8), 0, 0, 2, 1)
    assert result[..., 0].tolist() == [[50, 0, 255, 255, 0, 50], [50, 0, 255, 255, 0, 50], [0, 0, 255, 255, 0, 50]]


def test_sheet_lays_pages_out_in_order():
    pages = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((3, 2, 2, 3), np.uint8)
    result = figures.sheet(pages, columns=2, gap=1)
    assert result[..., 0].tolist() == [
        [0, 0, 255, 1, 1],
        [0, 0, 255, 1, 1],
        [255, 255, 255, 255, 255],
        [2, 2, 255, 255, 255],
        [2, 2, 255, 255, 255],
    ]
