"""The figure of attention distances: what stands in it, not how it looks."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course_utils import figures

DISTANCES = {"before": np.full((2, 3), 16.0), "after": np.array([[4.0, 20.0, 10.0], [1.0, 2.0, 3.0]])}


def test_one_panel_for_each_network_one_point_for_each_head():
    figure = figures.attention_distances(DISTANCES, everywhere=15.5, title="How far?")
    assert [panel.get_title() for panel in figure.axes] == ["before", "after"]
    for panel, values in zip(figure.axes, DISTANCES.values(), strict=True):
        *blocks, line = panel.lines
        for k, (points, wanted) in enumerate(zip(blocks, values, strict=True), start=1):
            np.testing.assert_array_equal(points.get_ydata(), wanted)
            assert np.abs(points.get_xdata() - k).max() < 0.5
        assert set(line.get_ydata()) == {15.5}
        assert panel.get_ylim()[0] == 0
        assert panel.get_ylim()[1] > 20
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a head that attends to all patches alike"]


def test_without_a_line_there_is_no_legend():
    figure = figures.attention_distances({"a": np.zeros((1, 1))})
    assert figure.legends == []
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_nothing_lies_on_anything_else():
    figure = figures.attention_distances(DISTANCES, everywhere=15.5, title="How far?")
    FigureCanvasAgg(figure).draw()
    width, height = figure.canvas.get_width_height()
    legend = figure.legends[0].get_window_extent()
    for panel in figure.axes:
        box = panel.get_tightbbox()
        assert 0 <= box.x0 < box.x1 <= width
        assert legend.y1 <= box.y0 + 1 < box.y1 <= height


@pytest.mark.parametrize(
    ("distances", "words"),
    [
        ({}, "at least one network"),
        ({"a": np.zeros(3)}, r"distances\['a'\] must be \(blocks, heads\).*its shape is \(3,\)"),
        ({"a": np.full((1, 2), -1.0)}, "numbers >= 0.* and it holds -1"),
        ({"a": np.full((1, 2), np.nan)}, "numbers >= 0.* and it holds nan"),
    ],
)
def test_bad_input_is_refused(distances, words):
    with pytest.raises(ValueError, match=words):
        figures.attention_distances(distances)
