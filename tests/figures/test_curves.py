"""The curves of runs: what stands in the figure, not how it looks."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course_utils import figures


def runs(count):
    return {
        f"lr {k}": {"loss": [3.0 - k / 10, 2.0], "test_accuracy": [0.1, 0.2 + k / 100], "accuracy": [0.2, 0.3]}
        for k in range(count)
    }


def test_one_panel_for_each_key_with_every_run():
    figure = figures.training_curves(runs(8), title="Eight runs", chance=0.1)
    assert [panel.get_ylabel() for panel in figure.axes] == [
        "training loss",
        "test accuracy (%)",
        "training accuracy (%)",
    ]
    assert all(panel.get_xlabel() == "epoch" for panel in figure.axes)
    for panel in figure.axes:
        assert sum(line.get_label().startswith("lr ") for line in panel.lines) == 8
    accuracy = figure.axes[1].lines[3]
    assert accuracy.get_xdata().tolist() == [1, 2]
    np.testing.assert_allclose(accuracy.get_ydata(), [10, 23])  # percent


def test_the_legend_names_every_run_once_and_none_looks_like_another():
    figure = figures.training_curves(runs(16))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [f"lr {k}" for k in range(16)]
    looks = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}
    assert len(looks) == 16


@pytest.mark.parametrize("keys", [("loss",), ("loss", "test_accuracy", "accuracy")])
@pytest.mark.parametrize("name", ["lr {}", "a network, {}0 epochs", "a network with a long name, {}00 epochs"])
def test_the_figure_can_be_drawn_and_nothing_is_cut_off(name, keys):
    histories = {name.format(k): history for k, history in enumerate(runs(8).values())}
    figure = figures.training_curves(histories, keys=keys)
    FigureCanvasAgg(figure).draw()
    width, height = figure.canvas.get_width_height()
    for panel in figure.axes:
        box = panel.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
    legend = figure.legends[0].get_window_extent()
    assert legend.x0 >= 0
    assert legend.x1 <= width
    assert legend.y1 <= min(panel.get_tightbbox().y0 for panel in figure.axes) + 1


def test_a_notebook_shows_it_without_pyplot():
    assert figures.training_curves(runs(2))._repr_png_().startswith(b"\x89PNG")


def test_a_run_without_a_key_is_left_out_of_its_panel():
    figure = figures.training_curves({"a": {"loss": [1.0]}, "b": {"loss": [1.0], "accuracy": [0.5]}}, ("accuracy",))
    assert [line.get_label() for line in figure.axes[0].lines] == ["b"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (({},), ValueError, "at least one run"),
        (({"a": [1, 2]},), TypeError, "must be a dict"),
        ((runs(1), ()), ValueError, "keys is empty"),
        ((runs(1), ("recall",)), ValueError, "no run has 'recall'; they have accuracy, loss, test_accuracy"),
        (({"a": {"loss": [[1.0]]}}, ("loss",)), ValueError, "one number per epoch"),
    ],
)
def test_bad_input_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        figures.training_curves(*arguments)
