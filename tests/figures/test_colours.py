"""Numbers to colours: known pixels, steady lightness, and clear refusals."""

import numpy as np
import pytest

from course_utils import figures


def lightness(colours):
    """Returns relative luminance (WCAG) of uint8 colours `(…, 3)`."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(
    ("values", "high", "scale", "places"),
    [
        ([[0.0, 2.0], [4.0, 9.0]], 4, "linear", [[0, 128], [255, 255]]),  # clipped at high
        ([0.25, 1.0], None, "sqrt", [128, 255]),
        ([0.0, 0.0], None, "linear", [0, 0]),
        ([3.0], 0, "linear", [0]),
    ],
)
def test_sequential_goes_from_dark_to_bright(values, high, scale, places):
    colours = figures.sequential(np.array(values), high, scale)
    assert colours.dtype == np.uint8
    assert (colours == figures.SEQUENTIAL[places]).all()


@pytest.mark.parametrize(
    ("values", "limit", "places"), [([-2, 0, 2], 2, [0, 128, 255]), ([-4, 2], None, [0, 191]), ([3], 0, [128])]
)
def test_diverging_is_pale_at_zero_and_symmetric(values, limit, places):
    assert (figures.diverging(values, limit) == figures.DIVERGING[places]).all()


def test_the_ends_of_the_maps():
    ends = [[figures.SEQUENTIAL[0], figures.SEQUENTIAL[-1]], [figures.DIVERGING[0], figures.DIVERGING[-1]]]
    assert np.array(ends).tolist() == [
        [[0x0B, 0x0A, 0x1F], [0xFD, 0xF3, 0xB0]],
        [[0x12, 0x3A, 0x7C], [0x7A, 0x14, 0x28]],
    ]
    assert figures.DIVERGING[128].min() >= 240


def test_lightness_of_the_sequential_map_rises_steadily():
    assert (np.diff(lightness(figures.SEQUENTIAL)) > -1e-3).all()
    assert lightness(figures.SEQUENTIAL)[-1] - lightness(figures.SEQUENTIAL)[0] > 0.8


def test_the_diverging_map_darkens_to_both_sides():
    light = lightness(figures.DIVERGING)
    assert (np.diff(light[:128]) >= 0).all()
    assert (np.diff(light[128:]) <= 0).all()


def test_bar_ticks():
    assert figures.bar_ticks(8) == [(0, "0"), (0.25, "2"), (0.5, "4"), (0.75, "6"), (1, "8")]
    assert figures.bar_ticks(16, "sqrt") == [(0, "0"), (0.25, "1"), (0.5, "4"), (0.75, "9"), (1, "16")]
    assert figures.bar_ticks(8, signed=True) == [(0, "−8"), (0.25, "−4"), (0.5, "0"), (0.75, "4"), (1, "8")]
    assert figures.bar_ticks(8, "sqrt", signed=True)[1:4] == [(0.25, "−2"), (0.5, "0"), (0.75, "2")]
    assert figures.bar_ticks(8, write=lambda value: f"{value:.0f} %")[1] == (0.25, "2 %")
    assert [figures.bar_ticks(0), figures.bar_ticks(0, signed=True)] == [[(0, "0")], [(0.5, "0")]]


@pytest.mark.parametrize(
    ("high", "text"),
    [(0.0036, "0.004"), (0.01, "0.01"), (0.036, "0.036"), (2e-6, "2e-6"), (0.00096, "1e-3"), (123.4, "123")],
)
def test_numbers_beside_a_bar_are_short_enough_for_their_place(high, text):
    assert figures.bar_ticks(high)[-1] == (1, text)
    assert len(text) <= 5
