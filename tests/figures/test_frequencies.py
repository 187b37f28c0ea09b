"""Images and their waves, against sums written out and against waves that were drawn."""

import numpy as np
import pytest

from course_utils import figures


def wave(down, across, size=16, high=100):
    """Returns a grey image `(size, size, 1)` that is one wave around 128."""
    places = np.arange(size) / size
    values = 128 + high * np.cos(2 * np.pi * (down * places[:, None] + across * places[None]))
    return np.rint(values).astype(np.uint8)[..., None]


def noise(h=6, w=8, c=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (h, w, c), dtype=np.uint8)


def test_waves_are_counted_from_border_to_border():
    waves = figures.waves_across(4, 6)
    assert waves.shape == (4, 6)
    assert waves[0].tolist() == [0, 1, 2, 3, 2, 1]
    assert waves[:, 0].tolist() == [0, 1, 2, 1]
    assert waves[1, 2] == pytest.approx(5**0.5)


@pytest.mark.parametrize("most", [0, 1, 1.5, 2.3, 4])
def test_low_pass_is_the_sum_of_the_slow_waves(most):
    image = noise()
    h, w, _ = image.shape
    values = image.astype("float64")
    expected = np.zeros(image.shape)
    y, x = np.meshgrid(np.arange(h), np.arange(w), indexing="ij")
    for u in range(-(h // 2), (h + 1) // 2):
        for v in range(-(w // 2), (w + 1) // 2):
            if u * u + v * v <= most * most:
                turn = np.exp(2j * np.pi * (u * y / h + v * x / w))[..., None]
                strength = (values * turn.conj()).mean(axis=(0, 1))
                expected += (strength * turn).real
    np.testing.assert_allclose(figures.low_pass(image, most), expected, atol=1e-9)


def test_low_pass_keeps_the_mean_alone_or_everything():
    image = noise(c=1)
    np.testing.assert_allclose(figures.low_pass(image, 0), np.full(image.shape, image.mean()))
    np.testing.assert_allclose(figures.low_pass(image, 5), image, atol=1e-9)


def test_low_pass_takes_a_fast_wave_out_of_a_slow_one():
    both = wave(1, 0, high=50).astype(int) + wave(0, 6, high=50) - 128
    np.testing.assert_allclose(figures.low_pass(both.astype(np.uint8), 3), wave(1, 0, high=50), atol=1.5)


def test_a_wave_shows_as_two_points_around_the_mean():
    strengths = figures.wave_strengths(wave(3, 2))
    assert strengths[8, 8] == pytest.approx(128, abs=0.5)  # the mean lies in the middle
    for row, column in ((8 + 3, 8 + 2), (8 - 3, 8 - 2)):
        assert strengths[row, column] == pytest.approx(50, abs=0.5)
        strengths[row, column] = 0
    strengths[8, 8] = 0
    assert strengths.max() < 0.5


def test_strengths_of_colours_are_their_root_mean_square():
    image = noise()
    single = np.stack([figures.wave_strengths(image[..., k : k + 1]) for k in range(3)])
    np.testing.assert_allclose(figures.wave_strengths(image), np.sqrt(np.square(single).mean(axis=0)))


def test_logarithmic_gives_each_factor_of_ten_the_same_distance():
    colours = figures.logarithmic(np.array([0, 0.01, 1, 100, 5000]), 0.01, 100)
    ends = [0, 0, 128, 255, 255]
    assert colours.tolist() == figures.SEQUENTIAL[ends].tolist()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: figures.waves_across(0, 4), "height must be a whole number of at least 1, but it is 0"),
        (lambda: figures.low_pass(noise(), -1), "most must be a number >= 0, but it is -1"),
        (lambda: figures.low_pass(noise(), np.nan), "most must be a number >= 0, but it is nan"),
        (lambda: figures.low_pass(noise()[0], 1), r"image must be uint8 \(h, w, 1 or 3\)"),
        (lambda: figures.wave_strengths(np.zeros((2, 2, 4), np.uint8)), r"image must be uint8 \(h, w, 1 or 3\)"),
        (
            lambda: figures.logarithmic(np.array([-1.0]), 1, 2),
            "values must be .*>= 0, but it goes from -1",
        ),
        (lambda: figures.logarithmic(np.array([1.0]), 0, 2), "0 < low < high, but they are 0 and 2"),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()
