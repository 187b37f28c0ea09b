"""Curves of training runs: one figure for each thing measured, all runs in it."""

import io
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

# Eight colours that stay apart for colour-blind eyes; after eight runs the line style changes with them.
COLOURS = ("#0b62a8", "#d1560a", "#1a7f5a", "#b2478a", "#6b4fbb", "#8a6d00", "#4a4a4a", "#2aa0c8")
STYLES = ("-", "--", ":", "-.")
NAMES = {
    "loss": "training loss",
    "accuracy": "training accuracy (%)",
    "val_loss": "validation loss",
    "val_accuracy": "validation accuracy (%)",
    "test_loss": "test loss",
    "test_accuracy": "test accuracy (%)",
    "top5": "training top-5 accuracy (%)",
    "val_top5": "validation top-5 accuracy (%)",
    "test_top5": "test top-5 accuracy (%)",
}


def _checked(histories, keys) -> None:
    if not isinstance(histories, Mapping) or not histories:
        raise ValueError("training_curves: histories must be {run: {key: [values]}} with at least one run")
    for run, history in histories.items():
        if not isinstance(history, Mapping):
            raise TypeError(f"training_curves: histories[{run!r}] must be a dict, but it is a {type(history).__name__}")
    for key in keys:
        if not any(key in history for history in histories.values()):
            had = sorted({k for history in histories.values() for k in history})
            raise ValueError(f"training_curves: no run has {key!r}; they have {', '.join(had) or 'nothing'}")


@cache
def _figure_class():
    from matplotlib.figure import Figure

    class Curves(Figure):
        """A figure that a notebook shows by itself, whether or not pyplot was ever imported."""

        def _repr_png_(self) -> bytes:
            file = io.BytesIO()
            self.savefig(file, format="png", dpi=90)
            return file.getvalue()

    return Curves


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
        title: words above the panels.

    Returns:
        A `matplotlib.figure.Figure`, shown by the notebook. It belongs to no pyplot window: nothing has to be closed.

    Raises:
        ValueError: no run, a key that no run has, or values that are no list of numbers.
    """
    from matplotlib.ticker import MaxNLocator

    keys = tuple(keys)
    if not keys:
        raise ValueError("training_curves: keys is empty; give at least one, such as 'loss'")
    _checked(histories, keys)
    labels = {**NAMES, **(labels or {})}
    width = min(max(4.2 * len(keys), 6.4), 14)
    entry = 0.65 + 0.075 * max(map(len, histories))  # inches of the legend's longest entry, on the safe side
    columns = max(1, min(4, len(histories), int(width / entry)))
    rows = -(-len(histories) // columns)
    size = (width, 3.2 + 0.24 * rows + (0.3 if title else 0))
    figure = _figure_class()(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(keys), squeeze=False)[0]
    lines = {}
    for panel, key in zip(panels, keys, strict=True):
        percent = "accuracy" in key or "top" in key
        label = labels.get(key, key.replace("_", " ") + (" (%)" if percent else ""))
        for k, (run, history) in enumerate(histories.items()):
            if key not in history:
                continue
            values = np.asarray(history[key], dtype=np.float64)
            if values.ndim != 1 or values.size == 0:
                raise ValueError(
                    f"training_curves: histories[{run!r}][{key!r}] must be a list with one number per epoch, "
                    f"but its shape is {values.shape}"
                )
            style = STYLES[(k % 2 + 2 * (k // len(COLOURS))) % len(STYLES)]
            (lines[run],) = panel.plot(
                np.arange(1, len(values) + 1),
                values * (100 if percent else 1),
                color=COLOURS[k % len(COLOURS)],
                linestyle=style,
                linewidth=1.8,
                marker="o" if len(values) == 1 else None,
                label=run,
            )
        if percent:
            if chance is not None:
                panel.axhline(100 * chance, color="#767676", linewidth=1, linestyle=(0, (1, 2)))
                panel.annotate(
                    "guessing",
                    (0.99, 100 * chance),
                    xycoords=("axes fraction", "data"),
                    xytext=(0, 6),  # above a curve that runs along the line
                    textcoords="offset points",
                    ha="right",
                    va="bottom",
                    fontsize=8,
                    color="#595959",
                )
            panel.set_ylim(bottom=0)
        panel.set_xlabel("epoch")
        panel.set_ylabel(label)
        panel.set_title(label.removesuffix(" (%)"), fontsize=11)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(True, color="#dddddd", linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    order = [run for run in histories if run in lines]
    figure.legend(
        [lines[run] for run in order],
        order,
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=9,
        handlelength=2.8,
    )
    if title:
        figure.suptitle(title, fontsize=12)
    return figure
