"""Numbers to colours: one colour map for amounts (0 to high), one for signed values (-limit to limit)."""

from collections.abc import Callable

import numpy as np

from course_utils.figures import checks


def _table(*anchors: str) -> np.ndarray:
    """Returns 256 colours `(256, 3)` uint8, interpolated between evenly spaced hex colours."""
    points = np.array([[int(a[k : k + 2], 16) for k in (0, 2, 4)] for a in anchors], dtype=np.float64)
    where = np.linspace(0, len(points) - 1, 256)
    colours = [np.interp(where, np.arange(len(points)), points[:, k]) for k in range(3)]
    return np.stack(colours, axis=1).round().astype(np.uint8)


# Lightness rises steadily, so that the map also reads in grey and for colour-blind eyes.
SEQUENTIAL = _table("0b0a1f", "3b1261", "7a1c6d", "b83159", "e8603a", "fba238", "fdf3b0")
# Blue for negative, red for positive, the same lightness at the same distance from the middle.
DIVERGING = _table("123a7c", "2f6fb8", "85b4dc", "f5f5f2", "eb9c85", "c34a45", "7a1428")


def _power(owner: str, scale: str) -> int:
    """Returns which power of its place on the scale an amount is."""
    if scale not in ("linear", "sqrt"):
        raise ValueError(f"{owner}: scale must be 'linear' or 'sqrt', but it is {scale!r}")
    return 2 if scale == "sqrt" else 1


def sequential(values, high: float | None = None, scale: str = "linear") -> np.ndarray:
    """Colours amounts `(…)` from 0 (dark) to `high` (bright): uint8 `(…, 3)`. If `high` is 0, all get the colour of 0.

    Args:
        values: numbers >= 0.
        high: the amount that gets the brightest colour; without it, the largest value.
        scale: "linear", or "sqrt" to tell small amounts apart.

    Raises:
        ValueError: a value is negative, NaN or infinite, or `high` is negative.
    """
    values = checks.numbers("sequential", "values", values, least=0)
    high = checks.amount("sequential", "high", values.max() if high is None else high)
    amounts = np.clip(values / high if high else 0 * values, 0, 1) ** (1 / _power("sequential", scale))
    return SEQUENTIAL[np.rint(amounts * 255).astype(int)]


def diverging(values, limit: float | None = None) -> np.ndarray:
    """Colours signed values `(…)`, blue below 0, near-white at 0, red above, up to ±`limit`: uint8 `(…, 3)`.

    Without `limit`, the largest size gets the strongest colour.

    Raises:
        ValueError: a value is NaN or infinite, or `limit` is negative.
    """
    values = checks.numbers("diverging", "values", values)
    limit = checks.amount("diverging", "limit", np.abs(values).max() if limit is None else limit)
    share = np.clip(values / limit if limit else 0 * values, -1, 1)
    return DIVERGING[np.rint(127.5 + share * 127.5).astype(int)]


def _short(value: float) -> str:
    """Writes a number in at most five signs after its own, so that it fits beside a bar: 0.004, −1.5, 38, 4e-5."""
    if value < 0:
        return "−" + _short(-value)
    if value == 0 or value >= 100:
        return f"{value:.0f}"
    if value < 0.001:
        digit, power = f"{value:.0e}".split("e")
        return f"{digit}e{int(power)}"
    return f"{value:.1g}" if value < 0.01 else f"{value:.2g}"


def bar_ticks(
    high: float, scale: str = "linear", *, signed: bool = False, write: Callable[[float], str] = _short
) -> list[tuple[float, str]]:
    """Places five numbers along a colour bar, at even distances; one alone where all of it is 0.

    The bar goes from 0, or if `signed` from -high, to `high`; `scale` is that of `sequential`.

    Returns:
        List of (position from 0 to 1, text).
    """
    high, power = checks.amount("bar_ticks", "high", high), _power("bar_ticks", scale)
    places = np.linspace(-1 if signed else 0, 1, 5)
    found = [(float(place), float(np.sign(place) * np.abs(place) ** power * high)) for place in places]
    found = found if high else [(0.0, 0.0)]
    return [((place + 1) / 2 if signed else place, write(value)) for place, value in found]
