"""Figures: pure functions from arrays to one uint8 RGB picture `(h, w, 3)`, and figures of curves.

Nothing here knows Keras or a widget. matplotlib and Pillow are imported by the functions that need them.
"""

from course_utils.figures.colours import DIVERGING, SEQUENTIAL, bar_ticks, diverging, sequential
from course_utils.figures.curves import training_curves
from course_utils.figures.pictures import (
    as_rgb,
    blend,
    channel_cells,
    enlarge,
    faded,
    heat_over,
    outline,
    patch_grid,
    sheet,
)
from course_utils.figures.text import beside, colour_bar, with_title, written

__all__ = [
    "DIVERGING",
    "SEQUENTIAL",
    "as_rgb",
    "bar_ticks",
    "beside",
    "blend",
    "channel_cells",
    "colour_bar",
    "diverging",
    "enlarge",
    "faded",
    "heat_over",
    "outline",
    "patch_grid",
    "sequential",
    "sheet",
    "training_curves",
    "with_title",
    "written",
]
