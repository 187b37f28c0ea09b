"""Lines and bars: what stands in the figure, not how it looks."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from course_utils import figures

NETWORKS = ("attention", "shifted + local", "MLP", "Fourier", "gate", "none")


def curves(x):
    return {name: (x, np.linspace(0, 1 - k / 10, len(x))) for k, name in enumerate(NETWORKS)}


def costs():
    return {
        name: {"weights": 50_000 * (k + 1), "seconds for an epoch": 0.5 + k / 8, "test accuracy": 1 - k / 6}
        for k, name in enumerate(NETWORKS)
    }


def everything_is_inside(figure):
    FigureCanvasAgg(figure).draw()
    width, height = figure.canvas.get_width_height()
    for panel in figure.axes:
        box = panel.get_tightbbox()
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= width + 1
        assert box.y1 <= height + 1


def test_lines_have_one_panel_for_each_thing_measured_and_one_colour_for_each_name():
    figure = figures.line_chart(
        {"epoch": curves(range(1, 5)), "seconds": curves((2, 5, 7, 9))}, "accuracy (%)", chance=0.1
    )
    assert [panel.get_xlabel() for panel in figure.axes] == ["epoch", "seconds"]
    assert figure.axes[0].get_ylabel() == "accuracy (%)"
    left, right = ({line.get_label(): line for line in panel.lines} for panel in figure.axes)
    for k, name in enumerate(NETWORKS):
        assert left[name].get_color() == right[name].get_color()
        assert right[name].get_xdata().tolist() == [2, 5, 7, 9]
        np.testing.assert_allclose(left[name].get_ydata(), 100 * np.linspace(0, 1 - k / 10, 4))  # percent
    assert all("guessing" in [text.get_text() for text in panel.texts] for panel in figure.axes)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(NETWORKS)


def test_a_name_keeps_its_colour_in_a_figure_with_fewer_lines():
    all_of_them = figures.line_chart({"epoch": curves(range(3))}, "accuracy (%)")
    few = {name: line for name, line in curves(range(3)).items() if name in ("MLP", "gate")}
    figure = figures.line_chart({"epoch": few}, "accuracy (%)", order=NETWORKS)
    looks = {line.get_label(): (line.get_color(), line.get_linestyle()) for line in all_of_them.axes[0].lines}
    for line in figure.axes[0].lines:
        assert (line.get_color(), line.get_linestyle()) == looks[line.get_label()]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["MLP", "gate"]


def test_numbers_that_are_no_fractions_stay_as_they_are():
    figure = figures.line_chart({"step": {"rate": ([0, 1], [0.5, 2.0])}}, "learning rate")
    assert figure.axes[0].lines[0].get_ydata().tolist() == [0.5, 2.0]


def test_whole_numbers_get_whole_ticks():
    figure = figures.line_chart({"epoch": curves(range(1, 5))}, "accuracy (%)")
    FigureCanvasAgg(figure).draw()
    assert {tick % 1 for tick in figure.axes[0].get_xticks()} == {0.0}


def test_on_a_log_scale_the_ticks_stand_where_the_points_are():
    figure = figures.line_chart({"images": curves((500, 2000, 8000))}, "accuracy (%)", x_scale="log", markers=True)
    (panel,) = figure.axes
    assert panel.get_xscale() == "log"
    assert [tick.get_text() for tick in panel.get_xticklabels()] == ["500", "2,000", "8,000"]
    assert all(line.get_marker() == "o" for line in panel.lines)


def test_bars_have_one_panel_for_each_quantity_and_their_number_beside_them():
    figure = figures.bar_chart(costs(), texts={"test accuracy": lambda value: f"{100 * value:.0f} %"})
    assert [panel.get_title() for panel in figure.axes] == ["weights", "seconds for an epoch", "test accuracy"]
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == list(NETWORKS)
    weights, _, accuracy = figure.axes
    assert [bar.get_width() for bar in weights.patches] == [50_000 * k for k in range(1, 7)]
    assert [text.get_text() for text in weights.texts][:2] == ["50,000", "100,000"]
    assert [text.get_text() for text in accuracy.texts] == ["100 %", "83 %", "67 %", "50 %", "33 %", "17 %"]
    colours = [[to_hex(bar.get_facecolor()) for bar in panel.patches] for panel in figure.axes]
    assert colours[0] == colours[1] == colours[2]
    assert len(set(colours[0])) == len(NETWORKS)
    assert weights.yaxis_inverted(), "the first network stands on top"


def test_a_number_beside_a_bar_stays_in_its_own_panel():
    figure = figures.bar_chart({"a": {"weights": 123_456_789, "share": 0.5}, "b": {"weights": 1, "share": 0.25}})
    FigureCanvasAgg(figure).draw()
    for panel in figure.axes:
        assert all(text.get_window_extent().x1 <= panel.get_window_extent().x1 + 1 for text in panel.texts)


@pytest.mark.parametrize(
    "figure",
    [
        figures.line_chart(
            {"epoch": curves(range(1, 5)), "seconds": curves((2, 5, 7, 9))}, "accuracy (%)", title="Six"
        ),
        figures.line_chart({"images": curves((500, 8000))}, "accuracy (%)", x_scale="log", chance=0.06),
        figures.bar_chart(costs(), title="Six networks"),
        figures.bar_chart({"one": {"quantity": 0}}),
    ],
    ids=["lines", "log", "bars", "one bar"],
)
def test_nothing_is_cut_off_and_a_notebook_shows_it(figure):
    everything_is_inside(figure)
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("panels", "options", "words"),
    [
        ({}, {}, "at least one line"),
        ({"epoch": {}}, {}, "at least one line"),
        ({"epoch": {"a": ([1], [1])}}, {"x_scale": "cubic"}, "x_scale must be 'linear' or 'log', but it is 'cubic'"),
        ({"epoch": {"a": ([1, 2], [1])}}, {}, "as many y as x"),
        ({"epoch": {"a": ([], [])}}, {}, "as many y as x"),
        ({"epoch": {"a": 3}}, {}, "'a' must be .x, y., two lists of numbers"),
        ({"epoch": {"a": ([1], [float("nan")])}}, {}, "not finite"),
        ({"epoch": {"a": ([0], [1])}}, {"order": ["b"]}, r"order must name every line, but 'a' is not in \['b'\]"),
        ({"epoch": {"a": ([0], [1])}}, {"x_scale": "log"}, "every x must be above 0, but 'a' has 0"),
    ],
)
def test_what_is_no_line_is_refused(panels, options, words):
    with pytest.raises(ValueError, match=words):
        figures.line_chart(panels, "accuracy (%)", **options)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({}, "at least one network"),
        ({"a": {}}, r"rows\['a'\] is empty"),
        ({"a": {"x": 1}, "b": {"y": 1}}, r"rows\['b'\] has \['y'\], but the first row has \['x'\]"),
        ({"a": {"x": -1}}, "'x' of 'a' must be a number >= 0, but it is -1"),
        ({"a": {"x": float("inf")}}, "must be a number >= 0"),
    ],
)
def test_what_is_no_bar_is_refused(rows, words):
    with pytest.raises(ValueError, match=words):
        figures.bar_chart(rows)
