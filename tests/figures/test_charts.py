"""The charts: what stands in them and what is said of them, not how they look."""

import warnings

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text

from course_utils import figures
from course_utils.figures import fonts

NETWORKS = ("attention", "shifted + local", "MLP", "Fourier", "gate", "none")


def curves(x):
    return {name: (x, np.linspace(0, 1 - k / 10, len(x))) for k, name in enumerate(NETWORKS)}


def costs():
    return {
        name: {"parameters": 50_000 * (k + 1), "seconds for an epoch": 0.5 + k / 8, "test accuracy": 1 - k / 6}
        for k, name in enumerate(NETWORKS)
    }


def runs(count, name="lr {}"):
    return {
        name.format(k): {"loss": [3.0 - k / 10, 2.0], "test_accuracy": [0.1, 0.2 + k / 100], "accuracy": [0.2, 0.3]}
        for k in range(count)
    }


DISTANCES = {"before": np.full((2, 3), 16.0), "after": np.array([[4.0, 20.0, 10.0], [1.0, 2.0, 3.0]])}


def everything_is_inside(figure):
    """No panel, legend or title lies on another or is cut off."""
    FigureCanvasAgg(figure).draw()
    width, height = figure.canvas.get_width_height()
    boxes = [panel.get_tightbbox() for panel in figure.axes]
    legends = [legend.get_window_extent() for legend in figure.legends]
    for box in boxes + legends:
        assert -1 <= box.x0 < box.x1 <= width + 1
        assert -1 <= box.y0 < box.y1 <= height + 1
    for legend in legends:
        assert legend.y1 <= min(box.y0 for box in boxes) + 1


def legend_of(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def png_of(figure):
    data, _ = figure._repr_mimebundle_()
    return data["image/png"]


# ---- what is in them --------------------------------------------------------------------------------------------


def test_one_panel_for_each_key_with_every_run():
    figure = figures.training_curves(runs(8), title="Eight runs", chance=0.1)
    labels = ["training loss", "test accuracy (%)", "training accuracy (%)"]
    assert [panel.get_ylabel() for panel in figure.axes] == labels
    assert all(panel.get_xlabel() == "epoch" for panel in figure.axes)
    for panel in figure.axes:
        assert sum(line.get_label().startswith("lr ") for line in panel.lines) == 8
    accuracy = figure.axes[1].lines[3]
    assert accuracy.get_xdata().tolist() == [1, 2]
    np.testing.assert_allclose(accuracy.get_ydata(), [10, 23])  # percent


def test_the_legend_names_every_run_once_and_none_looks_like_another():
    figure = figures.training_curves(runs(16))
    assert legend_of(figure) == [f"lr {k}" for k in range(16)]
    looks = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}
    assert len(looks) == 16


def test_a_run_without_a_key_is_left_out_of_its_panel():
    figure = figures.training_curves({"a": {"loss": [1.0]}, "b": {"loss": [1.0], "accuracy": [0.5]}}, ("accuracy",))
    assert [line.get_label() for line in figure.axes[0].lines] == ["b"]
    assert legend_of(figure) == ["b"]


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
    assert legend_of(figure) == ["a head that attends to all patches alike"]
    assert figures.attention_distances({"a": np.zeros((1, 1))}).legends == []


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
    assert legend_of(figure) == list(NETWORKS)


def test_a_name_keeps_its_colour_in_a_figure_with_fewer_lines():
    all_of_them = figures.line_chart({"epoch": curves(range(3))}, "accuracy (%)")
    few = {name: line for name, line in curves(range(3)).items() if name in ("MLP", "gate")}
    figure = figures.line_chart({"epoch": few}, "accuracy (%)", order=NETWORKS)
    looks = {line.get_label(): (line.get_color(), line.get_linestyle()) for line in all_of_them.axes[0].lines}
    for line in figure.axes[0].lines:
        assert (line.get_color(), line.get_linestyle()) == looks[line.get_label()]
    assert legend_of(figure) == ["MLP", "gate"]


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
    assert [panel.get_title() for panel in figure.axes] == ["parameters", "seconds for an epoch", "test accuracy"]
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == list(NETWORKS)
    parameters, _, accuracy = figure.axes
    assert [bar.get_width() for bar in parameters.patches] == [50_000 * k for k in range(1, 7)]
    assert [text.get_text() for text in parameters.texts][:2] == ["50,000", "100,000"]
    assert [text.get_text() for text in accuracy.texts] == ["100 %", "83 %", "67 %", "50 %", "33 %", "17 %"]
    colours = [[to_hex(bar.get_facecolor()) for bar in panel.patches] for panel in figure.axes]
    assert colours[0] == colours[1] == colours[2]
    assert len(set(colours[0])) == len(NETWORKS)
    assert parameters.yaxis_inverted(), "the first network stands on top"


def test_a_number_beside_a_bar_stays_in_its_own_panel():
    figure = figures.bar_chart({"a": {"parameters": 123_456_789, "share": 0.5}, "b": {"parameters": 1, "share": 0.25}})
    FigureCanvasAgg(figure).draw()
    for panel in figure.axes:
        assert all(text.get_window_extent().x1 <= panel.get_window_extent().x1 + 1 for text in panel.texts)


# ---- how they are shown -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "figure",
    [
        figures.line_chart(
            {"epoch": curves(range(1, 5)), "seconds": curves((2, 5, 7, 9))}, "accuracy (%)", title="Six"
        ),
        figures.line_chart({"images": curves((500, 8000))}, "accuracy (%)", x_scale="log", chance=0.06),
        figures.bar_chart(costs(), title="Six networks"),
        figures.bar_chart({"one": {"quantity": 0}}),
        figures.attention_distances(DISTANCES, everywhere=15.5, title="How far?"),
        *(
            figures.training_curves(runs(8, name), keys=keys)
            for name in ("lr {}", "a network, {}0 epochs", "a network with a long name, {}00 epochs")
            for keys in (("loss",), ("loss", "test_accuracy", "accuracy"))
        ),
    ],
    ids=lambda figure: "",
)
def test_nothing_is_cut_off_and_a_notebook_shows_it(figure):
    everything_is_inside(figure)
    assert png_of(figure).startswith("iVBORw0KGgo")


def test_those_who_cannot_see_it_are_told_axes_ranges_and_last_values():
    data, metadata = figures.training_curves(runs(2), ("test_accuracy", "loss"), title="Two")._repr_mimebundle_()
    assert (
        data["text/plain"]
        == metadata["image/png"]["alt"]
        == (
            "Two. test accuracy over epoch, 1 to 2: lr 0 10 to 20, at last 20; lr 1 10 to 21, at last 21. "
            "training loss over epoch, 1 to 2: lr 0 2 to 3, at last 2; lr 1 2 to 2.9, at last 2."
        )
    )
    bars = figures.bar_chart({"a": {"MACs": 12345, "share": 0.5}, "b": {"MACs": 1, "share": 0.25}})
    assert repr(bars) == "MACs: a 12,345; b 1. share: a 0.5; b 0.25."
    lines = figures.line_chart({"s": {"a": ([0, 7.5], [1, 2])}, "t": {"a": ([1, 3], [1, 2])}}, "rate", chance=1)
    assert repr(lines) == "rate over s, 0 to 7.5: a 1 to 2, at last 2. rate over t, 1 to 3: a 1 to 2, at last 2."
    assert "after over block (one point for each head), " in repr(figures.attention_distances(DISTANCES))
    assert "block 1 4 to 20, at last 10; block 2 1 to 3, at last 3." in repr(figures.attention_distances(DISTANCES))


def test_names_with_two_dollars_are_no_formula():
    costly = {"from $5 to $9": {"loss": [1.0], "accuracy": [0.5]}, r"$\frac{1}{0": {"loss": [1.0]}}
    for figure in (
        figures.training_curves(costly, ("loss",), title="$x$"),
        figures.bar_chart({name: {"$a$": 1} for name in costly}),
    ):
        png_of(figure)
        assert not any(text.get_parse_math() for text in figure.findobj(Text))


@pytest.mark.parametrize("name", ["_with an underscore", "", 7])
def test_any_name_is_in_the_legend_and_in_the_words(name):
    for figure in (
        figures.training_curves({name: {"loss": [1.0, 2.0]}}, ("loss",)),
        figures.line_chart({"epoch": {name: ([1, 2], [1, 2])}}, "loss", order=["another", name]),
    ):
        png_of(figure)
        assert [text.get_text().lstrip("\u200b") for text in figure.legends[0].texts] == [str(name)]
        assert f": {name} 1 to 2, at last 2." in repr(figure)


def test_letters_that_the_font_lacks_come_from_another_or_are_said_once(monkeypatch):
    letter = "の"  # in a font that matplotlib brings, and not in the one of the charts
    other = font_manager.findfont("STIXGeneral")
    for found, families in (((fonts.Path(other),), ["sans-serif", "STIXGeneral"]), ((), ["sans-serif"])):
        monkeypatch.setattr(fonts, "_installed", lambda found=found: found)
        fonts._missing.cache_clear()
        figure = figures.bar_chart({letter: {"猫": 1}, "เ": {"猫": 2}})
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            png_of(figure)
            png_of(figure)
        assert figure.axes[0].get_yticklabels()[0].get_fontfamily() == families
        scripts = {"CJK", "THAI"} if found else {"CJK", "THAI", "HIRAGANA"}
        assert len(said) == len(scripts)
        assert {str(warning.message).split()[4] for warning in said} == scripts
