"""The token-mixing explorer: the weights of a Mixer's token MLP, drawn as maps over the image."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import figures
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.parts import Bar, Choice, Layer, Panel, Place

SIDES = ("in", "out")
SIDE_TEXTS = ("in: what it looks at", "out: where it writes")


def _checked(weights, grid) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    owner = "token_mixing_explorer_from_arrays"
    if not isinstance(weights, Mapping) or not weights or not all(len(blocks) for blocks in weights.values()):
        raise ValueError(f"{owner}: weights must be {{network: [(w_in, w_out), …]}} with at least one block")
    n = grid[0] * grid[1]
    shapes = {name: [tuple(np.shape(w) for w in block) for block in blocks] for name, blocks in weights.items()}
    if len(set(map(str, shapes.values()))) > 1:
        raise ValueError(f"{owner}: the networks' shapes differ: {shapes}")
    for name, blocks in weights.items():
        for k, (w_in, w_out) in enumerate(blocks):
            units = np.shape(w_in)[-1] if np.ndim(w_in) == 2 else 0
            if np.shape(w_in) != (n, units) or np.shape(w_out) != (units, n) or not units:
                raise ValueError(
                    f"{owner}: block {k + 1} of {name!r} must be w_in ({n}, units) and w_out (units, {n}), "
                    f"but they are {np.shape(w_in)} and {np.shape(w_out)}"
                )
            if not (np.all(np.isfinite(w_in)) and np.all(np.isfinite(w_out))):
                raise ValueError(f"{owner}: block {k + 1} of {name!r} holds NaN or infinite weights")
    return dict(weights)


def token_mixing_explorer_from_arrays(
    weights: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]],
    grid: tuple[int, int],
    *,
    title: str = "What the token MLP's hidden units look at",
) -> Explorer:
    """Builds the explorer from weights.

    Args:
        weights: {network: for each block `(w_in (n, units), w_out (units, n))`}; all networks have the same shapes.
        grid: (rows, columns) of tokens; `n = rows * columns`.
        title: shown above.

    Raises:
        ValueError: shapes that do not fit, or NaN.
    """
    rows, columns = map(int, grid)
    n = rows * columns
    weights = _checked(weights, (rows, columns))
    units = np.shape(next(iter(weights.values()))[0][0])[1]
    blocks = list(range(1, len(next(iter(weights.values()))) + 1))

    def maps(network, block, side):
        w_in, w_out = weights[network][block - 1]
        values = np.asarray(w_in).T if side == "in" else np.asarray(w_out)
        return values.reshape(-1, rows, columns)  # (units, rows, columns)

    def limit(network, block, side):
        return float(np.abs(maps(network, block, side)).max())

    def pages(network, block, side):
        return figures.diverging(maps(network, block, side), limit(network, block, side))

    def ticks(network, block, side):
        return figures.bar_ticks(limit(network, block, side), signed=True)

    def words(network, block, side, unit):
        values = maps(network, block, side)[unit].ravel()
        head = f"{network}, block {block}: hidden unit {unit} {'reads' if side == 'in' else 'writes to'} {n} tokens."
        high, low = int(values.argmax()), int(values.argmin())

        def at(token):
            return f"token {token} (row {token // columns}, column {token % columns}, weight {_signed(values[token])})"

        if not values[high] > 0 > values[low]:
            return f"{head} Its weights go from {_signed(values[low])} to {_signed(values[high])}."
        return f"{head} Strongest positive: {at(high)}; strongest negative: {at(low)}."

    def grid_of_units(network, block, side):
        return 1, units

    settings = [
        Choice("network", "Network", list(weights)),
        Choice("block", "Block", blocks),
        Choice("side", "Weights", SIDES, SIDE_TEXTS),
        Place("unit", "Hidden unit", grid_of_units),
    ]
    everything = ("network", "block", "side", "unit")
    panels = [
        Panel(
            "All hidden units",
            [Layer(pages, everything)],
            f"Each small map is one unit: {rows} × {columns} weights, one for each token, laid out like the image. "
            "Point at one.",
            size=440,
            sheet=True,
            columns=8 if units <= 64 else 16,
        ),
        Panel(
            "The unit pointed at",
            [Layer(pages, everything)],
            "Red adds, blue subtracts, pale does nothing. The same colours for all units here.",
            size=280,
            bar=Bar(figures.DIVERGING, ticks),
        ),
    ]
    return Explorer("token-mixing", settings, panels, words, title=title)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def explore_token_mixing(models: Mapping[str, object], grid: tuple[int, int] | None = None) -> Explorer:
    """Shows the token MLP's weights as maps over the image, one for each hidden unit.

    Args:
        models: {name: Mixer}, such as the same network before and after training.
        grid: (rows, columns) of tokens; without it, asked of the first model.

    Raises:
        ValueError: no model, a model without Mixer blocks, or models of different shapes.
    """
    from course_utils import analysis

    if not isinstance(models, Mapping) or not models:
        raise ValueError("explore_token_mixing: models must be {name: model} with at least one model")
    weights = {name: analysis.token_mixing_weights(model) for name, model in models.items()}
    return token_mixing_explorer_from_arrays(weights, grid or analysis.token_grid(next(iter(models.values()))))
