"""The charts: curves of training runs, networks beside each other, and how far attention reaches.

Each is a `matplotlib.figure.Figure` that a notebook shows by itself, of no pyplot window: nothing has to be closed.
"""

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from course_utils.figures import checks
from course_utils.figures.fonts import families
from course_utils.figures.images import as_output

# Eight colours that stay apart for colour-blind eyes; after eight lines the line style changes with them.
COLOURS = ("#0b62a8", "#d1560a", "#1a7f5a", "#b2478a", "#6b4fbb", "#8a6d00", "#4a4a4a", "#2aa0c8")
STYLES = ("-", "--", ":", "-.")
GUIDE = {"color": "#767676", "linestyle": (0, (1, 2))}
BELOW = {"loc": "outside lower center", "frameon": False, "fontsize": 9}
SPLITS = {"": "training", "val_": "validation", "test_": "test"}
MEASURED = {"loss": "loss", "accuracy": "accuracy (%)", "top5": "top-5 accuracy (%)"}
NAMES = {split + key: f"{of} {label}" for split, of in SPLITS.items() for key, label in MEASURED.items()}
Line = tuple[Sequence[float], Sequence[float]]


@cache
def _chart_class():
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    class Chart(Figure):
        """A figure with words made from its data, in which names are shown as they are."""

        def draw(self, renderer):
            for text in self.findobj(Text):
                text.set_parse_math(False)  # what comes from data is no formula, even with two $ in it
                text.set_fontfamily(list(dict.fromkeys([*text.get_fontfamily(), *families(text.get_text())])))
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Glyph .* missing")  # `fonts` has said so, and what helps
                super().draw(renderer)

        def __repr__(self):
            return _in_words(self)

        def _repr_mimebundle_(self, include=None, exclude=None):
            file = io.BytesIO()
            self.savefig(file, format="png", dpi=90)
            return as_output(file.getvalue(), _in_words(self))

    return Chart


def _in_words(figure) -> str:
    """Returns what a chart shows: for each panel its axes, and of each line its range and its last value."""
    said = [figure.get_suptitle()] if figure.get_suptitle() else []
    first = figure.axes[0]
    for panel in figure.axes:
        what = panel.get_title() or panel.get_ylabel() or first.get_ylabel()
        lines = {line.get_label(): line.get_data() for line in panel.lines if not line.get_label().startswith("_")}
        if lines:
            every_x = np.concatenate([x for x, _ in lines.values()])
            what += f" over {panel.get_xlabel()}, {every_x.min():.4g} to {every_x.max():.4g}"
            parts = [f"{name} {min(y):.4g} to {max(y):.4g}, at last {y[-1]:.4g}" for name, (_, y) in lines.items()]
        else:
            names = [label.get_text() for label in first.get_yticklabels()]
            parts = [f"{name} {text.get_text()}" for name, text in zip(names, panel.texts, strict=True)]
        said.append(f"{what}: {'; '.join(parts)}")
    return (". ".join(said) + ".").replace("\u200b", "")


def _empty(count: int, width: float, height: float, title: str | None, names=(), sharey: bool = True):
    """Returns a figure, about `width` × `height` inches, its `count` panels, and how many `names` fit side by side."""
    width = min(max(width, 6.4), 14)
    entry = 0.65 + 0.075 * max(map(len, names), default=0)  # inches of the legend's longest, on the safe side
    columns = max(1, min(4, len(names), int(width / entry)))
    height += 0.24 * -(-len(names) // columns) + (0.3 if title else 0)
    figure = _chart_class()(figsize=(width, height), layout="constrained")
    panels = figure.subplots(1, count, squeeze=False, sharey=sharey)[0]
    if title:
        figure.suptitle(title, fontsize=12)
    return figure, panels, columns


def _shown(name) -> str:
    """Returns a name as matplotlib shows it: it hides what is empty or begins with an underscore."""
    return f"\u200b{name}" if str(name)[:1] in ("", "_") else str(name)


def _plain(panel, axis: str = "both") -> None:
    panel.grid(True, axis=axis, color="#dddddd", linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)


def _draw_lines(panel, lines: dict, order: list, percent: bool, chance: float | None, marker: str = "") -> dict:
    """Draws {name: (x, y)}. A name has the look of its place in `order`. Returns {name: its line}."""
    from matplotlib.ticker import MaxNLocator

    drawn, factor = {}, 100 if percent else 1
    for name, (x, y) in lines.items():
        k = order.index(name)
        style = STYLES[(k % 2 + 2 * (k // len(COLOURS))) % len(STYLES)]
        look = {"color": COLOURS[k % len(COLOURS)], "linestyle": style, "linewidth": 1.8, "markersize": 5}
        marked = marker or ("o" if len(x) == 1 else None)
        (drawn[name],) = panel.plot(x, factor * y, **look, marker=marked, label=name)
    if chance is not None:
        panel.axhline(factor * chance, **GUIDE, linewidth=1)
        at = {"xy": (0.99, factor * chance), "xycoords": ("axes fraction", "data"), "ha": "right", "va": "bottom"}
        above = {"xytext": (0, 6), "textcoords": "offset points"}  # above a curve that runs along the line
        panel.annotate("guessing", **at, **above, fontsize=8, color="#595959")
    if all(np.all(x == np.round(x)) for x, _ in lines.values()):
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    _plain(panel)
    return drawn


def _with_legend(figure, drawn: dict, columns: int):
    figure.legend(list(drawn.values()), list(drawn), ncols=columns, handlelength=2.8, **BELOW)
    return figure


def _line(owner: str, name: str, line: Line, least_x: float = -np.inf) -> tuple[np.ndarray, np.ndarray]:
    try:
        x, y = (np.asarray(values, dtype=np.float64) for values in line)
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: the line {name!r} must be (x, y), two lists of numbers") from None
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise ValueError(
            f"{owner}: the line {name!r} must have as many y as x, at least one, but it has {y.shape} and {x.shape}"
        )
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y)) and x.min() > least_x):
        raise ValueError(f"{owner}: the line {name!r} must hold finite numbers, on a log scale with every x above 0")
    return x, y


def training_curves(
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    keys: Sequence[str] = ("loss", "test_accuracy", "accuracy"),
    *,
    labels: Mapping[str, str] | None = None,
    chance: float | None = None,
    title: str | None = None,
):
    """Draws the curves of many runs, one panel for each key.

    Args:
        histories: {name of the run: {key: one value per epoch}}. Accuracies are fractions from 0 to 1.
        keys: which to draw, from left to right. A run without a key is left out of that panel.
        labels: axis label for a key, where the usual one does not fit. An accuracy's label ends in "(%)".
        chance: fraction to be marked as "guessing" in the accuracy panels.

    Raises:
        ValueError: no run, a key that no run has, or values that are no list of numbers.
    """
    owner = "training_curves"
    histories = checks.named(owner, "histories", histories, "{run: {key: one value per epoch}}")
    for run, history in histories.items():
        histories[run] = checks.named(owner, f"histories[{run!r}]", history, "{key: values}")
    chance = None if chance is None else checks.amount(owner, "chance", chance, most=1)
    histories = {_shown(run): history for run, history in histories.items()}
    had = sorted(set().union(*histories.values()))
    keys = checks.listed(owner, "keys", keys, f"among {', '.join(had)}")
    if not set(keys) <= set(had):
        raise ValueError(f"{owner}: keys must be among {', '.join(had)}, but they are {keys}")
    labels = {**NAMES, **(labels or {})}
    figure, panels, columns = _empty(len(keys), 4.2 * len(keys), 3.2, title, histories, sharey=False)
    drawn = {}
    for panel, key in zip(panels, keys, strict=True):
        percent = "accuracy" in key or "top" in key
        label = labels.get(key, key.replace("_", " ") + (" (%)" if percent else ""))
        found = {run: history[key] for run, history in histories.items() if key in history}
        lines = {run: _line(owner, f"{run}, {key}", (range(1, 1 + np.size(y)), y)) for run, y in found.items()}
        if percent and max(y.max() for _, y in lines.values()) > 1:
            raise ValueError(f"{owner}: {key!r} must hold fractions from 0 to 1")
        drawn |= _draw_lines(panel, lines, list(histories), percent, chance if percent else None)
        if percent:
            panel.set_ylim(bottom=0)
        panel.set(xlabel="epoch", ylabel=label)
        panel.set_title(label.removesuffix(" (%)"), fontsize=11)
    return _with_legend(figure, {run: drawn[run] for run in histories if run in drawn}, columns)


def line_chart(
    panels: Mapping[str, Mapping[str, Line]],
    y_label: str,
    *,
    x_scale: str = "linear",
    markers: bool = False,
    chance: float | None = None,
    order: Sequence[str] | None = None,
    title: str | None = None,
):
    """Draws lines over something measured: one panel for each thing on the x axis, all networks in it.

    Args:
        panels: {label of the x axis: {name of the line: (x, y)}}. A name has one colour in all panels; it need not be
            in all of them.
        y_label: of the y axis, which the panels share. If it ends in "(%)", y are fractions and drawn in percent.
        x_scale: "linear", or "log" (ticks then stand where there are points).
        markers: mark every point.
        chance: fraction to be marked as "guessing".
        order: all names that figures of a lesson show. A name has the colour of its place in it, so that a figure with
            fewer lines keeps their colours; without it, the order of the lines.

    Raises:
        ValueError: no panel or line, a line that `order` does not name, an unknown scale, or numbers that are no line.
    """
    owner = "line_chart"
    panels = checks.named(owner, "panels", panels, "{x label: {name: (x, y)}}")
    for label, lines in panels.items():
        lines = checks.named(owner, f"panels[{label!r}]", lines, "{name: (x, y)}")
        panels[label] = {_shown(name): line for name, line in lines.items()}
    if x_scale not in ("linear", "log"):
        raise ValueError(f"{owner}: x_scale must be 'linear' or 'log', but it is {x_scale!r}")
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    order = names if order is None else list(map(_shown, checks.listed(owner, "order", order, "names of lines")))
    if not set(names) <= set(order):
        raise ValueError(f"{owner}: order must name every line of {names}, but it is {order}")
    percent = y_label.endswith("(%)")
    figure, axes, columns = _empty(len(panels), 5.2 * len(panels), 3.6, title, names)
    drawn = {}
    for panel, (x_label, lines) in zip(axes, panels.items(), strict=True):
        above = 0 if x_scale == "log" else -np.inf
        found = {name: _line(owner, name, line, above) for name, line in lines.items()}
        drawn |= _draw_lines(panel, found, order, percent, chance, "o" if markers else "")
        measured = sorted({value for x, _ in found.values() for value in x})
        if x_scale == "log":
            panel.set_xscale("log")
            panel.set_xticks(measured, [f"{value:,g}" for value in measured])
            panel.minorticks_off()
        elif measured[0] >= 0:
            panel.set_xlim(left=0)
        panel.set_xlabel(x_label)
    if percent:
        axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel(y_label)
    return _with_legend(figure, drawn, columns)


def bar_chart(
    rows: Mapping[str, Mapping[str, float]],
    *,
    texts: Mapping[str, Callable[[float], str]] | None = None,
    title: str | None = None,
):
    """Draws what was measured of several networks as bars: one panel for each quantity, one bar for each network.

    Args:
        rows: {network: {quantity: number >= 0}}, the same quantities for all. Each panel has its own scale, from 0.
        texts: {quantity: function that writes its number at the end of a bar}; without one, 12345 is "12,345".

    Raises:
        ValueError: no network or quantity, networks whose quantities differ, or a number that is not finite or < 0.
    """
    rows = checks.named("bar_chart", "rows", rows, "{network: {quantity: number}}")
    names, quantities = list(rows), list(next(iter(rows.values())))
    for name, row in rows.items():
        if not row or list(row) != quantities:
            raise ValueError(f"bar_chart: rows[{name!r}] has {list(row)}, but the first row has {quantities}")
        for quantity, value in row.items():
            checks.amount("bar_chart", f"{quantity!r} of {name!r}", value)
    texts = texts or {}
    figure, panels, _ = _empty(len(quantities), 2.9 * len(quantities) + 1.2, 1.1 + 0.36 * len(names), title)
    colours = [COLOURS[k % len(COLOURS)] for k in range(len(names))]
    for panel, quantity in zip(panels, quantities, strict=True):
        values = [float(rows[name][quantity]) for name in names]
        written = [texts.get(quantity, "{:,g}".format)(rows[name][quantity]) for name in names]
        bars = panel.barh(range(len(names)), values, color=colours, height=0.62)
        panel.bar_label(bars, written, padding=3, fontsize=9)
        # Room for the number beside the longest bar: about 7 hundredths of a panel for each of its letters.
        panel.set_xlim(0, (max(values) or 1) * (1.08 + 0.07 * max(map(len, written))))
        panel.set_title(quantity, fontsize=10.5)
        panel.set_xticks([])
        panel.tick_params(axis="y", length=0)
        panel.spines[["top", "right", "bottom"]].set_visible(False)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    return figure


def attention_distances(
    distances: Mapping[str, np.ndarray], *, everywhere: float | None = None, title: str | None = None
):
    """Draws the mean attention distance of every head, one panel for each network, all on one scale from 0.

    Args:
        distances: {network: `(blocks, heads)`}, pixels >= 0, as `analysis.mean_attention_distance` gives them.
        everywhere: the distance of a head that attends to all patches alike, to be marked by a line.

    Raises:
        ValueError: no network, or distances that are no `(blocks, heads)` of numbers >= 0.
    """
    owner = "attention_distances"
    axes = "(blocks, heads)"
    found = checks.arrays(owner, "distances", distances, f"{{network: {axes}}}", axes, least=0)
    figure, panels, _ = _empty(len(found), 3.4 * len(found), 3.4, title)
    top = max([values.max() for values in found.values()] + [everywhere or 0.0])
    for panel, (name, values) in zip(panels, found.items(), strict=True):
        blocks, heads = values.shape
        beside = np.linspace(-0.24, 0.24, heads) if heads > 1 else np.zeros(1)  # heads that agree stay apart
        for k, row in enumerate(values, start=1):
            panel.plot(k + beside, row, "o", color=COLOURS[0], markersize=5.5, alpha=0.8, label=f"block {k}")
        if everywhere is not None:
            line = panel.axhline(everywhere, **GUIDE, linewidth=1.4)
        panel.set_title(name, fontsize=11)
        panel.set_xlabel("block (one point for each head)")
        panel.set(xticks=range(1, blocks + 1), xlim=(0.5, blocks + 0.5), ylim=(0, 1.12 * top if top else 1.0))
        _plain(panel, axis="y")
    panels[0].set_ylabel("mean attention distance (pixels)")
    if everywhere is not None:  # below the panels: beside the line it would lie on the points
        figure.legend([line], ["a head that attends to all patches alike"], **BELOW)
    return figure
