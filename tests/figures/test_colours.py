"""Numbers to colours: known pixels, steady lightness, and clear refusals."""

import numpy as np
import pytest

from course_utils import figures


def lightness(colours):
    """Returns relative luminance (WCAG) of uint8 colours `(…, 3)`."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def test_sequential_gives_the_ends_of_the_map():
    colours = figures.sequential(np.array([[0.0, 2.0], [4.0, 9.0]]), high=4)
    assert colours.dtype == np.uint8
    assert colours.shape == (2, 2, 3)
    assert colours[0, 0].tolist() == figures.SEQUENTIAL[0].tolist() == [0x0B, 0x0A, 0x1F]
    assert colours[0, 1].tolist() == figures.SEQUENTIAL[128].tolist()
    assert colours[1, 0].tolist() == colours[1, 1].tolist() == [0xFD, 0xF3, 0xB0]  # clipped at high


def test_sequential_square_root_lifts_small_amounts():
    colours = figures.sequential(np.array([0.25, 1.0]), scale="sqrt")
    assert colours[0].tolist() == figures.SEQUENTIAL[128].tolist()


def test_sequential_of_nothing_is_dark():
    assert (figures.sequential(np.zeros((2, 2))) == figures.SEQUENTIAL[0]).all()


def test_diverging_is_pale_at_zero_and_symmetric():
    colours = figures.diverging(np.array([-2.0, 0.0, 2.0]), limit=2)
    assert colours[0].tolist() == figures.DIVERGING[0].tolist() == [0x12, 0x3A, 0x7C]
    assert colours[2].tolist() == figures.DIVERGING[255].tolist() == [0x7A, 0x14, 0x28]
    assert colours[1].min() >= 240


def test_diverging_takes_the_largest_size_as_limit():
    colours = figures.diverging(np.array([-4.0, 2.0]))
    assert colours[0].tolist() == figures.DIVERGING[0].tolist()
    assert colours[1].tolist() == figures.DIVERGING[191].tolist()


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
    assert figures.bar_ticks(0.5, signed=True)[0] == (0.0, "−0.5")
    assert figures.bar_ticks(0) == [(0, "0")]


@pytest.mark.parametrize(
    ("high", "text"),
    [(0.0036, "0.004"), (0.01, "0.01"), (0.036, "0.036"), (2e-6, "2e-6"), (0.00096, "1e-3"), (123.4, "123")],
)
def test_numbers_beside_a_bar_are_short_enough_for_their_place(high, text):
    assert figures.bar_ticks(high)[-1] == (1, text)
    assert len(text) <= 5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: figures.sequential(np.array([1.0, np.nan])),
            "finite numbers, >= 0, but it goes from nan",
        ),
        (lambda: figures.sequential(np.array([-1.0])), ">= 0, but it goes from -1"),
        (lambda: figures.sequential(np.array([1.0]), high=-1), "high must be"),
        (lambda: figures.sequential(np.array([1.0]), scale="log"), "scale must be 'linear' or 'sqrt'"),
        (lambda: figures.sequential(np.array(["a"])), "real numbers"),
        (lambda: figures.sequential(np.zeros((0, 2))), "an array with numbers in it"),
        (
            lambda: figures.diverging(np.array([np.inf])),
            "finite numbers, but it goes from inf",
        ),
        (lambda: figures.diverging(np.array([1.0]), limit=float("nan")), "limit must be"),
        (lambda: figures.bar_ticks(-1), "high must be"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
