"""What an explorer is made of: settings that a student moves, and panels whose images depend on them.

Everything here only describes. `encode` turns a description into the bytes that the browser flips through.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Setting:
    """One control. `name` is the keyword under which images and words receive its value; `label` is shown."""

    name: str
    label: str

    def __post_init__(self):
        owner = type(self).__name__
        if not (isinstance(self.name, str) and self.name.isidentifier()):
            raise ValueError(f"{owner}: name must be a Python identifier, but it is {self.name!r}")
        if not (isinstance(self.label, str) and self.label.strip()):
            raise ValueError(f"{owner}: label must be words, but it is {self.label!r}")


@dataclass(frozen=True)
class Slider(Setting):
    """A row of values in order: numbers, usually."""

    values: Sequence[Any] = ()
    texts: Sequence[str] | None = None  # how the values are written; str() of each without it

    def __post_init__(self):
        super().__post_init__()
        values = [value.item() if isinstance(value, np.generic) else value for value in self.values]
        texts = list(map(str, values) if self.texts is None else self.texts)
        owner = type(self).__name__
        if not values or len(set(values)) != len(values):
            raise ValueError(f"{owner}: values of {self.name!r} must differ, at least one, but they are {values}")
        if len(texts) != len(values):
            raise ValueError(f"{owner}: {self.name!r} has {len(values)} values but {len(texts)} texts")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "texts", texts)


@dataclass(frozen=True)
class Choice(Slider):
    """One of a few named things: all of them are shown side by side while they are few."""


@dataclass(frozen=True)
class Switch(Slider):
    """Off or on: its value is False or True."""

    values: Sequence[Any] = (False, True)
    texts: Sequence[str] | None = ("off", "on")


@dataclass(frozen=True)
class Place(Setting):
    """A place pointed at: an index into a grid, row by row, counted from 0. At most one to an explorer."""

    grid: tuple[int, int] | Callable[..., tuple[int, int]] = (1, 1)  # (rows, columns), or given the other settings


@dataclass(frozen=True)
class Layer:
    """An image × the settings it depends on. Each is made once.

    Args:
        pages: called with the settings in `depends` by keyword, for each of their values. It returns a uint8 image
            `(h, w, 3 or 4)`; if the layer depends on the place, all of them at once: `(n, h, w, 3 or 4)`, and the
            place itself is not passed. A fourth channel is opacity: the layers below shine through.
        depends: names of settings.
    """

    pages: Callable[..., np.ndarray]
    depends: Sequence[str] = ()


@dataclass(frozen=True)
class Bar:
    """A colour bar beside a panel.

    Args:
        colours: uint8 `(k, 3)` from low to high.
        ticks: list of (position from 0 to 1, text), or a function of the settings (without the place) giving it.
    """

    colours: np.ndarray
    ticks: Sequence[tuple[float, str]] | Callable[..., Sequence[tuple[float, str]]]


@dataclass(frozen=True)
class Panel:
    """Layers drawn on top of each other on one canvas.

    Args:
        title: a few words; no two panels of an explorer share them.
        layers: from the bottom up, all stretched over the same area.
        caption: what one sees, shown below: words, or a function of the settings (without the place).
        size: greatest width on the screen, in CSS pixels.
        spots: where the place lies in this panel. "grid": the place's own rows and columns; "rows": one row for each
            place, as in a matrix; None: it is not shown and cannot be pointed at.
        lines: draw the lines of that grid.
        sheet: show the pages of *all* places at once, in order, with gaps and numbers, and mark the one pointed at.
            The panel then has one layer, which depends on the place.
        columns: pages per row of a sheet: a number or a function of the settings (without the place).
        values: write into each pixel, where there is room, the number that it shows (its brightest channel).
        beneath: stands under the panel before it, not beside it.
        bar: a colour bar.
        x_label, y_label: what runs along the axes.
    """

    title: str
    layers: Sequence[Layer]
    caption: str | Callable[..., str] = ""
    size: int = 320
    spots: str | None = None
    lines: bool = False
    sheet: bool = False
    columns: int | Callable[..., int] = 16
    values: bool = False
    beneath: bool = False
    bar: Bar | None = None
    x_label: str = ""
    y_label: str = ""

    def __post_init__(self):
        if self.spots not in (None, "grid", "rows"):
            raise ValueError(f"Panel {self.title!r}: spots must be 'grid', 'rows' or None, but it is {self.spots!r}")
        if not self.layers:
            raise ValueError(f"Panel {self.title!r}: layers is empty; give at least one")
        if self.sheet and len(self.layers) != 1:
            raise ValueError(f"Panel {self.title!r}: a sheet has one layer, but it got {len(self.layers)}")
