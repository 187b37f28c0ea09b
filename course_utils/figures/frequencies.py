"""Images and their waves: the two-dimensional Fourier transform of the pixels, an image rebuilt from slow waves."""

import numpy as np

from course_utils.figures import checks
from course_utils.figures.colours import SEQUENTIAL


def waves_across(height: int, width: int) -> np.ndarray:
    """Returns how fast each frequency of an image waves: periods from border to border.

    Args:
        height, width: of the image, in pixels.

    Returns:
        float64 `(height, width)` in the order of `np.fft.fft2`: entry `[0, 0]` is the mean, with 0 periods. A wave
        with `u` periods from top to bottom and `v` from left to right has `√(u² + v²)`.
    """
    height = checks.whole("waves_across", "height", height)
    width = checks.whole("waves_across", "width", width)
    down, across = np.fft.fftfreq(height, 1 / height), np.fft.fftfreq(width, 1 / width)
    return np.hypot(down[:, None], across[None])


def low_pass(image, most: float) -> np.ndarray:
    """Rebuilds an image from its slow waves alone.

    Args:
        image: uint8 `(h, w, 1 or 3)`; each channel by itself.
        most: the most periods across the image that a wave may have to be kept; 0 leaves the mean.

    Returns:
        float64 `(h, w, 1 or 3)` on the scale 0…255; it may leave that range a little, as a sum of waves does.

    Raises:
        ValueError: `most` is negative or not a number.
    """
    image = checks.image("low_pass", "image", image)
    kept = waves_across(*image.shape[:2]) <= checks.amount(
        "low_pass", "most", most
    )  # with a wave its mirrored twin: the sum stays real
    spectrum = np.fft.fft2(image, axes=(0, 1)) * kept[..., None]
    return np.fft.ifft2(spectrum, axes=(0, 1)).real


def wave_strengths(image) -> np.ndarray:
    """Returns how strong each wave of an image is.

    Args:
        image: uint8 `(h, w, 1 or 3)`.

    Returns:
        float64 `(h, w)`, the mean waves in the middle (`np.fft.fftshift`): the size of each term of the sum that the
        image is, in grey values, as the root mean square over the channels.
    """
    image = checks.image("wave_strengths", "image", image)
    h, w, _ = image.shape
    sizes = np.abs(np.fft.fft2(image, axes=(0, 1))) / (h * w)
    return np.fft.fftshift(np.sqrt(np.square(sizes).mean(axis=-1)))


def logarithmic(values, low: float, high: float) -> np.ndarray:
    """Colours amounts from `low` (dark) to `high` (bright), each factor of ten the same distance.

    Args:
        values: array `(…)` of numbers >= 0; what lies outside `low` and `high` gets the colour of the end.
        low, high: the ends, both above 0.

    Returns:
        uint8 `(…, 3)`.

    Raises:
        ValueError: a value is negative, NaN or infinite, or the ends are not `0 < low < high`.
    """
    values = checks.numbers("logarithmic", "values", values, least=0)
    if not 0 < low < high:
        raise ValueError(f"logarithmic: low and high must be 0 < low < high, but they are {low!r} and {high!r}")
    shares = np.log(np.clip(values, low, high) / low) / np.log(high / low)
    return SEQUENTIAL[np.rint(255 * shares).astype(int)]
