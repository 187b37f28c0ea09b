"""How far attention reaches: one point for each head, block by block."""

from collections.abc import Mapping

import numpy as np

from course_utils.figures.curves import COLOURS, _figure_class


def attention_distances(
    distances: Mapping[str, np.ndarray], *, everywhere: float | None = None, title: str | None = None
):
    """Draws the mean attention distance of every head, one panel for each network.

    Args:
        distances: {network: `(blocks, heads)`}, pixels >= 0, as `probes.mean_attention_distance` gives them.
        everywhere: the distance of a head that attends to all patches alike, to be marked by a line.
        title: words above the panels.

    Returns:
        A `matplotlib.figure.Figure`, shown by the notebook. All panels have one scale, from 0.

    Raises:
        ValueError: no network, or distances that are no `(blocks, heads)` of numbers >= 0.
    """
    owner = "attention_distances"
    if not isinstance(distances, Mapping) or not distances:
        raise ValueError(f"{owner}: distances must be {{network: (blocks, heads)}} with at least one network")
    found = {name: np.asarray(values, dtype=np.float64) for name, values in distances.items()}
    for name, values in found.items():
        if values.ndim != 2 or not values.size or not np.all(np.isfinite(values)) or values.min() < 0:
            raise ValueError(
                f"{owner}: distances[{name!r}] must be (blocks, heads) of numbers >= 0, but its shape is {values.shape}"
                + ("" if values.ndim != 2 or not values.size else f" and it holds {values.min():g}")
            )
    size = (min(max(3.4 * len(found), 6.4), 14), 3.4 + (0.3 if title else 0))
    figure = _figure_class()(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
    top = max([values.max() for values in found.values()] + [everywhere or 0.0])
    for panel, (name, values) in zip(panels, found.items(), strict=True):
        blocks, heads = values.shape
        beside = np.linspace(-0.24, 0.24, heads) if heads > 1 else np.zeros(1)  # heads that agree stay apart
        for k in range(blocks):
            panel.plot(k + 1 + beside, values[k], "o", color=COLOURS[0], markersize=5.5, alpha=0.8)
        if everywhere is not None:
            line = panel.axhline(everywhere, color="#767676", linewidth=1.4, linestyle=(0, (1, 2)))
        panel.set_title(name, fontsize=11)
        panel.set_xlabel("block (one point for each head)")
        panel.set_xticks(range(1, blocks + 1))
        panel.set_xlim(0.5, blocks + 0.5)
        panel.set_ylim(0, 1.12 * top if top else 1.0)
        panel.grid(True, axis="y", color="#dddddd", linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("mean attention distance (pixels)")
    if everywhere is not None:  # below the panels: beside the line it would lie on the points
        text = "a head that attends to all patches alike"
        figure.legend([line], [text], loc="outside lower center", frameon=False, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=12)
    return figure
