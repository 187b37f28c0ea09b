"""Layers and panels that several explorers show."""

from collections.abc import Callable, Sequence

import numpy as np

from course_utils import figures
from course_utils.explorers.core.parts import Bar, Layer, Panel

OPACITY = 0.66


def plain(images: dict) -> Layer:
    """The image as it is."""
    return Layer(lambda image: figures.as_rgb(images[image]), ("image",))


def faded(images: dict) -> Layer:
    """The image itself, without colour, so that colours laid over it can be compared."""
    return Layer(lambda image: figures.faded(images[image]), ("image",))


def see_through(colours, opacity=OPACITY) -> np.ndarray:
    """Colours `(…, 3)` to be laid over an image, each as opaque as `opacity` `(…)` says, from 0 to 1: `(…, 4)`."""
    shape = np.broadcast_shapes(np.shape(colours)[:-1], np.shape(opacity))
    pages = np.empty((*shape, 4), np.uint8)
    pages[..., :3], pages[..., 3] = colours, np.rint(255 * np.asarray(opacity))
    return pages


def amounts(high: Callable[..., float], **how) -> Bar:
    """The colour bar of amounts from 0 to `high(**state)`; `how` goes to `figures.bar_ticks`."""
    return Bar(figures.SEQUENTIAL, lambda **state: figures.bar_ticks(high(**state), **how))


def signed(limit: Callable[..., float], colours: np.ndarray = figures.DIVERGING, **how) -> Bar:
    """The colour bar of signed values that reach `limit(**state)`; `how` goes to `figures.bar_ticks`."""
    return Bar(colours, lambda **state: figures.bar_ticks(limit(**state), signed=True, **how))


def middle(grid: tuple[int, int]) -> int:
    """The token pointed at first: near the middle."""
    rows, columns = grid
    return (rows // 2) * columns + columns // 3


def apart(rows: int, columns: int) -> np.ndarray:
    """How far the tokens lie apart: the larger of the steps down and across, `(n, n)`."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    return np.maximum(np.abs(row[:, None] - row), np.abs(column[:, None] - column))


def maps_and_one(
    pages: Callable, depends: Sequence[str], titles: tuple[str, str], captions: tuple[str, str], columns: int, bar: Bar
) -> list[Panel]:
    """Two panels: all maps side by side, and the one that is pointed at."""
    layers = [Layer(pages, depends)]
    every = f"{captions[0]}, laid out like the image. Point at one."
    return [
        Panel(titles[0], layers, every, 440, sheet=True, columns=columns),
        Panel(titles[1], layers, captions[1], 280, bar=bar),
    ]
