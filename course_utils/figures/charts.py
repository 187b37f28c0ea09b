"""Networks beside each other: lines over anything measured, and bars for what each of them costs and reaches."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from course_utils.figures.curves import COLOURS, STYLES, _figure_class

SCALES = ("linear", "log")
Line = tuple[Sequence[float], Sequence[float]]


def _line(owner: str, name: str, line: Line, scale: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        x, y = (np.asarray(values, dtype=np.float64) for values in line)
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: the line {name!r} must be (x, y), two lists of numbers") from None
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise ValueError(
            f"{owner}: the line {name!r} must have as many y as x, at least one, but it has {y.shape} and {x.shape}"
        )
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise ValueError(f"{owner}: the line {name!r} holds a number that is not finite")
    if scale == "log" and x.min() <= 0:
        raise ValueError(f"{owner}: on a log scale every x must be above 0, but {name!r} has {x.min():g}")
    return x, y


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
        title: words above the panels.

    Returns:
        A `matplotlib.figure.Figure`, shown by the notebook.

    Raises:
        ValueError: no panel or line, a line that `order` does not name, an unknown scale, or numbers that are no line.
    """
    owner = "line_chart"
    if not isinstance(panels, Mapping) or not panels or not all(panels.values()):
        raise ValueError(f"{owner}: panels must be {{x label: {{name: (x, y)}}}} with at least one line in each")
    if x_scale not in SCALES:
        raise ValueError(f"{owner}: x_scale must be 'linear' or 'log', but it is {x_scale!r}")
    from matplotlib.ticker import MaxNLocator

    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    order = names if order is None else list(order)
    for name in names:
        if name not in order:
            raise ValueError(f"{owner}: order must name every line, but {name!r} is not in {order}")
    factor = 100 if y_label.endswith("(%)") else 1
    legend_rows = -(-len(names) // 4)
    size = (min(max(5.2 * len(panels), 6.4), 14), 3.6 + 0.24 * legend_rows + (0.3 if title else 0))
    figure = _figure_class()(figsize=size, layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    drawn = {}
    for panel, (x_label, lines) in zip(axes, panels.items(), strict=True):
        found = {name: _line(owner, name, line, x_scale) for name, line in lines.items()}
        for name, (x, y) in found.items():
            k = order.index(name)
            (drawn[name],) = panel.plot(
                x,
                factor * y,
                color=COLOURS[k % len(COLOURS)],
                linestyle=STYLES[(k % 2 + 2 * (k // len(COLOURS))) % len(STYLES)],
                linewidth=1.8,
                marker="o" if markers or len(x) == 1 else None,
                markersize=5,
                label=name,
            )
        if chance is not None:
            panel.axhline(factor * chance, color="#767676", linewidth=1, linestyle=(0, (1, 2)))
            panel.annotate(
                "guessing", (0.99, factor * chance), xycoords=("axes fraction", "data"), xytext=(0, 6),
                textcoords="offset points", ha="right", va="bottom", fontsize=8, color="#595959",
            )  # fmt: skip
        if x_scale == "log":
            places = sorted({value for x, _ in found.values() for value in x})
            panel.set_xscale("log")
            panel.set_xticks(places, [f"{place:,g}" for place in places])
            panel.minorticks_off()
        else:
            if all(np.all(x == np.round(x)) for x, _ in found.values()):
                panel.xaxis.set_major_locator(MaxNLocator(integer=True))
            if min(x.min() for x, _ in found.values()) >= 0:
                panel.set_xlim(left=0)
        panel.set_xlabel(x_label)
        panel.grid(True, color="#dddddd", linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    if factor == 100:
        axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel(y_label)
    figure.legend(
        [drawn[name] for name in names], names, loc="outside lower center", ncols=min(4, len(names)), frameon=False,
        fontsize=9, handlelength=2.8,
    )  # fmt: skip
    if title:
        figure.suptitle(title, fontsize=12)
    return figure


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
        title: words above the panels.

    Returns:
        A `matplotlib.figure.Figure`, shown by the notebook.

    Raises:
        ValueError: no network or quantity, networks whose quantities differ, or a number that is negative or not
            finite.
    """
    if not isinstance(rows, Mapping) or not rows:
        raise ValueError("bar_chart: rows must be {network: {quantity: number}} with at least one network")
    names, quantities = list(rows), list(next(iter(rows.values())))
    if not quantities:
        raise ValueError(f"bar_chart: rows[{names[0]!r}] is empty; give at least one quantity")
    for name, row in rows.items():
        if list(row) != quantities:
            raise ValueError(f"bar_chart: rows[{name!r}] has {list(row)}, but the first row has {quantities}")
        for quantity, value in row.items():
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"bar_chart: {quantity!r} of {name!r} must be a number >= 0, but it is {value!r}")
    texts = texts or {}
    size = (min(max(2.9 * len(quantities) + 1.2, 6.4), 14), 1.1 + 0.36 * len(names) + (0.3 if title else 0))
    figure = _figure_class()(figsize=size, layout="constrained")
    axes = figure.subplots(1, len(quantities), squeeze=False, sharey=True)[0]
    colours = [COLOURS[k % len(COLOURS)] for k in range(len(names))]
    for panel, quantity in zip(axes, quantities, strict=True):
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
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    if title:
        figure.suptitle(title, fontsize=12)
    return figure
