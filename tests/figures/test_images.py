"""Images out of images, against small arrays worked out by hand."""

import numpy as np
import pytest

from course_utils import figures

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8)


def test_enlarge_repeats_pixels():
    big = figures.enlarge(IMAGE, 3)
    assert big.shape == (12, 18, 3)
    assert (big[::3, ::3] == IMAGE).all()
    assert (big[2::3, 2::3] == IMAGE).all()


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


def test_faded_keeps_grey_and_takes_colour():
    grey = np.full((1, 1, 3), 90, np.uint8)
    assert (figures.faded(grey, 0.7) == grey).all()
    red = np.array([[[255, 0, 0]]], np.uint8)
    assert figures.faded(red, 1).tolist() == [[[76, 76, 76]]]
    assert (figures.faded(red, 0) == red).all()
    assert (figures.faded(red, 0.3, contrast=0) == 128).all()


def test_heat_over_shows_the_colours_of_the_amounts():
    values = np.array([[0.0, 1.0, 4.0], [0.0, 0.0, 4.0]])
    full = figures.heat_over(IMAGE, values, opacity=1)
    assert (full == figures.sequential(values).repeat(2, axis=0).repeat(2, axis=1)).all()
    assert (figures.heat_over(IMAGE, values, opacity=0) == figures.faded(IMAGE, contrast=0.7)).all()


def test_outline_frames_a_box_and_leaves_it_and_the_rest():
    image = np.full((16, 16, 3), 50, np.uint8)
    result = figures.outline(image, 6, 6, 4, 4, thickness=2)
    assert (image == 50).all()
    assert (result[6:10, 6:10] == 50).all()
    assert result[7, :7, 0].tolist() == [50, 50, 0, 255, 255, 0, 50]
    assert result[7, 10:, 0].tolist() == [0, 255, 255, 0, 50, 50]


def test_outline_at_the_border_is_cut_off():
    result = figures.outline(np.full((4, 4, 3), 50, np.uint8), 0, 0, 2, 2, thickness=1)
    assert result[..., 0].tolist() == [[50, 50, 0, 255], [50, 50, 0, 255], [0, 0, 0, 255], [255, 255, 255, 255]]


def test_patch_grid_has_lines_between_the_patches():
    result = figures.patch_grid(IMAGE, 2, factor=4)
    assert result.shape == (16, 24, 3)
    assert (result[8] == 255).all()
    assert (result[:, [8, 16]] == 255).all()
    assert (result[:8, :8] == figures.enlarge(IMAGE, 4)[:8, :8]).all()


def test_patch_grid_lights_one_patch():
    plain, lit = figures.patch_grid(IMAGE, 2, factor=8), figures.patch_grid(IMAGE, 2, factor=8, lit=4)
    changed = np.argwhere((plain != lit).any(axis=-1))
    assert changed.min(axis=0).tolist() == [16, 16]  # patch 4 is row 1, column 1
    assert changed.max(axis=0).tolist() == [31, 31]


def test_sheet_lays_pages_out_in_order():
    pages = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((3, 2, 2, 3), np.uint8)
    result = figures.sheet(pages, columns=2, gap=1, background=(9, 9, 9))
    assert result[..., 0].tolist() == [
        [0, 0, 9, 1, 1],
        [0, 0, 9, 1, 1],
        [9, 9, 9, 9, 9],
        [2, 2, 9, 9, 9],
        [2, 2, 9, 9, 9],
    ]


def test_channel_cells_keep_the_order_of_the_vector():
    tokens = np.arange(1, 13, dtype=np.uint8)[None]
    cells = figures.channel_cells(tokens, 3, columns=6)
    assert cells.shape == (1, 2, 6, 3)
    assert cells[0].max(axis=-1).ravel().tolist() == list(range(1, 13))
    assert cells[0, 0].argmax(axis=-1).tolist() == [0, 1, 2, 0, 1, 2]
    assert ((cells > 0).sum(axis=-1) == 1).all()


def test_channel_cells_of_grey_are_grey():
    cells = figures.channel_cells(np.array([[5, 7]], np.uint8), 1)
    assert cells.tolist() == [[[[5, 5, 5], [7, 7, 7]]]]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: figures.enlarge(IMAGE[0], 2), ValueError, r"image must be \(h, w, 3 or 4\).*\(6, 3\)"),
        (lambda: figures.enlarge(IMAGE / 255, 2), TypeError, "must be uint8.*float64"),
        (lambda: figures.enlarge(IMAGE, 0), ValueError, "factor must be a whole number of at least 1"),
        (lambda: figures.blend(IMAGE, np.zeros((3, 3, 4), np.uint8)), ValueError, "does not divide"),
        (lambda: figures.blend(IMAGE, IMAGE), ValueError, "overlay must be"),
        (lambda: figures.faded(IMAGE, 2), ValueError, "share must be between 0 and 1"),
        (lambda: figures.heat_over(IMAGE, np.full((2, 3), np.nan)), ValueError, "6 values that are NaN"),
        (lambda: figures.heat_over(IMAGE, np.zeros(6)), ValueError, "must have 2 axes"),
        (lambda: figures.outline(IMAGE, 3, 0, 2, 2), ValueError, "does not lie inside"),
        (lambda: figures.patch_grid(IMAGE, 4), ValueError, "patch_size=4 does not divide an image of 4 × 6"),
        (lambda: figures.patch_grid(IMAGE, 2, lit=6), ValueError, "lit must be between 0 and 5"),
        (lambda: figures.sheet(IMAGE), ValueError, r"pages must be \(n, h, w, 3\)"),
        (lambda: figures.channel_cells(np.zeros((1, 4), np.uint8)), ValueError, "channels must be 1 or 3 and divide 4"),
        (lambda: figures.channel_cells(np.zeros((1, 6), np.uint8), 3, 4), ValueError, "columns=4 does not divide"),
        (lambda: figures.channel_cells(np.zeros((1, 6))), ValueError, "must be uint8"),
    ],
)
def test_bad_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
