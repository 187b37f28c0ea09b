"""What cannot be drawn is refused in a sentence: which argument, what came, and what would be right."""

from functools import partial

import numpy as np
import pytest

from course_utils import figures
from course_utils.data import load_dataset
from course_utils.figures import show

IMAGE = np.zeros((4, 6, 3), np.uint8)
RUN = {"a": {"loss": [1.0], "accuracy": [0.5]}}
ONE_LINE = {"epoch": {"a": ([0], [1])}}


def lines(panels, **options):
    return figures.line_chart(panels, "accuracy (%)", **options)


def one_line(x, y):
    return lines({"epoch": {"a": (x, y)}})


def samples(*arguments, model=None):
    return show.samples(load_dataset("shapes", size=480), *arguments, model=model)


REFUSED = [
    (lines, ({},), "panels must be {x label: {name: .x, y.}} with at least one"),
    (lines, ({"epoch": {}},), r"panels\['epoch'\] must be {name: .x, y.} with at least one"),
    (lines, ({"epoch": {"a": 3}},), "'a' must be .x, y., two lists of numbers"),
    (one_line, ([1, 2], [1]), "as many y as x"),
    (one_line, ([], []), "as many y as x"),
    (one_line, ([1], [float("nan")]), "the line 'a' must hold finite numbers"),
    (lambda: lines(ONE_LINE, x_scale="cubic"), (), "x_scale must be 'linear' or 'log', but it is 'cubic'"),
    (lambda: lines(ONE_LINE, x_scale="log"), (), "on a log scale with every x above 0"),
    (lambda: lines(ONE_LINE, order=["b"]), (), r"order must name every line of \['a'\], but it is \['b'\]"),
    (lambda: lines(ONE_LINE, order=3), (), "order must be names of lines, at least one, but it is 3"),
    (figures.bar_chart, ({},), "rows must be {network: {quantity: number}} with at least one"),
    (figures.bar_chart, ({"a": {}},), r"rows\['a'\] has \[\]"),
    (figures.bar_chart, ({"a": {"x": 1}, "b": {"y": 1}},), r"rows\['b'\] has \['y'\], but the first row has \['x'\]"),
    (figures.bar_chart, ({"a": {"x": -1}},), "'x' of 'a' must be a number >= 0, but it is -1"),
    (figures.bar_chart, ({"a": {"x": float("inf")}},), "must be a number >= 0"),
    (figures.training_curves, ({},), "histories must be {run: {key: one value per epoch}} with at least one"),
    (figures.training_curves, ({"a": [1, 2]},), r"histories\['a'\] must be {key: values}"),
    (figures.training_curves, (RUN, ()), r"keys must be among accuracy, loss, at least one, but it is \(\)"),
    (figures.training_curves, (RUN, 3), "keys must be among accuracy, loss, at least one, but it is 3"),
    (figures.training_curves, (RUN, ("recall",)), r"keys must be among accuracy, loss, but they are \['recall'\]"),
    (figures.training_curves, ({"a": {"loss": [[1.0]]}}, ("loss",)), "'a, loss' must have as many y as x"),
    (figures.training_curves, ({"a": {"loss": ["high"]}}, ("loss",)), "'a, loss' must be .x, y., two lists of numbers"),
    (figures.attention_distances, ({},), "with at least one"),
    (figures.attention_distances, ({"a": np.zeros(3)},), r"distances\['a'\] must be .blocks, heads., but it is \(3,\)"),
    (figures.attention_distances, ({"a": np.full((1, 2), -1.0)},), ">= 0, but it goes from -1 to -1"),
    (figures.attention_distances, ({"a": np.full((1, 2), np.nan)},), ">= 0, but it goes from nan to nan"),
    (figures.sequential, ([1.0, np.nan],), "finite numbers, >= 0, but it goes from nan"),
    (figures.sequential, ([-1.0],), ">= 0, but it goes from -1"),
    (figures.sequential, ([1.0], -1), "high must be"),
    (figures.sequential, ([1.0], 1, "log"), "scale must be 'linear' or 'sqrt'"),
    (figures.sequential, (["a"],), "real numbers"),
    (figures.sequential, (np.zeros((0, 2)),), "an array with numbers in it"),
    (figures.diverging, ([np.inf],), "finite numbers, but it goes from inf"),
    (figures.diverging, ([1.0], float("nan")), "limit must be"),
    (figures.bar_ticks, (-1,), "high must be"),
    (figures.enlarge, (IMAGE[0], 2), r"image must be uint8 \(h, w, 3 or 4\).*\(6, 3\)"),
    (figures.enlarge, (IMAGE / 255, 2), "must be uint8.*float64"),
    (figures.enlarge, (IMAGE, 0), r"factor must be a whole number from 1 to \d+, but it is 0"),
    (figures.enlarge, (IMAGE, 10**5), r"factor must be a whole number from 1 to \d+, but it is 100000"),
    (figures.blend, (IMAGE, np.zeros((3, 3, 4), np.uint8)), "does not divide"),
    (figures.blend, (IMAGE, IMAGE), "overlay must be"),
    (figures.outline, (IMAGE, 3, 0, 2, 2), "does not lie inside"),
    (figures.sheet, (IMAGE, 2, 1), r"pages must be uint8 \(n, h, w, 3\)"),
    (figures.written, ("a", 0), "width must be"),
    (figures.colour_bar, (np.zeros((4, 4), np.uint8), [], 10), "colours must be uint8"),
    (figures.beside, ([],), "images is empty"),
    (show.source, (3,), "has no Python source to show; give a function or a class"),
    (show.table, ([],), "there are no rows"),
    (show.table, ([{"name": 1}], ["size"]), "no row has 'size'; they have name"),
    (show.table, ([["mixer", 1]],), r"each row must be {column: value}, but one is \['mixer', 1\]"),
    (partial(figures.training_curves, chance=25), (RUN, ("accuracy",)), "chance must be a number from 0 to 1"),
    (figures.training_curves, ({"a": {"accuracy": [55]}}, ("accuracy",)), "'accuracy' must hold fractions from 0 to 1"),
    (show.samples, (3,), "samples: dataset must be one that load_dataset gives, but it is 3"),
    (partial(samples, model=3), (), "samples: model must be a classifier, as classifier.*builds it, but it is 3"),
    (samples, ("six",), "samples: count must be a whole number of at least 1, but it is 'six'"),
]


@pytest.mark.parametrize(("draw", "arguments", "words"), REFUSED)
def test_what_cannot_be_drawn_is_refused(draw, arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        draw(*arguments)
