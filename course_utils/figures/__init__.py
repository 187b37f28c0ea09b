"""Figures: pure functions from arrays to one uint8 RGB image `(h, w, 3)`, and charts.

Nothing here knows Keras or a widget. matplotlib and Pillow are imported by the functions that need them.
"""

from course_utils.figures.charts import attention_distances, bar_chart, line_chart, training_curves
from course_utils.figures.colours import DIVERGING, SEQUENTIAL, bar_ticks, diverging, sequential
from course_utils.figures.images import as_output, as_rgb, blend, enlarge, faded, outline, resized, sheet
from course_utils.figures.text import beside, colour_bar, with_title, written

__all__ = [
    "DIVERGING",
    "SEQUENTIAL",
    "as_output",
    "as_rgb",
    "attention_distances",
    "bar_chart",
    "bar_ticks",
    "beside",
    "blend",
    "colour_bar",
    "diverging",
    "enlarge",
    "faded",
    "line_chart",
    "outline",
    "resized",
    "sequential",
    "sheet",
    "training_curves",
    "with_title",
    "written",
]
