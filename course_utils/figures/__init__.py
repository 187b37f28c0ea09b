"""Figures: pure functions from arrays to one uint8 RGB image `(h, w, 3)`, and charts.

Nothing here knows Keras or a widget. matplotlib and Pillow are imported by the functions that need them.
"""

from course_utils.figures.charts import attention_distances, bar_chart, line_chart, training_curves
from course_utils.figures.colours import DIVERGING, SEQUENTIAL, bar_ticks, diverging, sequential
from course_utils.figures.frequencies import logarithmic, low_pass, wave_strengths, waves_across
from course_utils.figures.images import (
    as_output,
    as_rgb,
    blend,
    channel_cells,
    enlarge,
    faded,
    outline,
    resized,
    sheet,
)
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
    "channel_cells",
    "colour_bar",
    "diverging",
    "enlarge",
    "faded",
    "line_chart",
    "logarithmic",
    "low_pass",
    "outline",
    "resized",
    "sequential",
    "sheet",
    "training_curves",
    "wave_strengths",
    "waves_across",
    "with_title",
    "written",
]
