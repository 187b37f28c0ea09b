"""The token-mixing explorer: the weights of a Mixer's token MLP, drawn as maps over the image."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import analysis, figures
from course_utils.explorers.core import checks
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.panels import maps_and_one, signed
from course_utils.explorers.core.parts import Choice, Place
from course_utils.explorers.core.words import at, number

SIDES = ("in", "out")
SIDE_TEXTS = ("in: what it looks at", "out: where it writes")


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

    Raises:
        ValueError: shapes that do not fit, or NaN.
    """
    owner = "token_mixing_explorer_from_arrays"
    rows, columns = grid = checks.grid_of(owner, grid)
    n, maps, sizes = rows * columns, {}, set()
    for name, blocks in checks.named(owner, "weights", weights, "{network: [(w_in, w_out), …]}").items():
        units = np.shape(blocks[0][0])[-1:] if len(blocks) else ()
        sizes.add((len(blocks), *units))
        for k, (w_in, w_out) in enumerate(blocks, start=1):
            where = f"of block {k} of {name!r}"
            maps[name, k, "in"] = checks.numbers(owner, f"w_in {where}", w_in, (n, *units)).T
            maps[name, k, "out"] = checks.numbers(owner, f"w_out {where}", w_out, (*units, n))
    if len(sizes) > 1 or not maps:
        raise ValueError(f"{owner}: all networks must have as many blocks, at least one, of as many units: {sizes}")
    depth, units = sizes.pop()

    def limit(network, block, side):
        return float(np.abs(maps[network, block, side]).max())

    def pages(network, block, side):
        return figures.diverging(maps[network, block, side].reshape(-1, *grid), limit(network, block, side))

    def words(network, block, side, unit):
        values = maps[network, block, side][unit]
        head = f"{network}, block {block}: hidden unit {unit} {'reads' if side == 'in' else 'writes to'} {n} tokens."
        high, low = int(values.argmax()), int(values.argmin())
        if not values[high] > 0 > values[low]:
            return f"{head} Its weights go from {number(values[low])} to {number(values[high])}."
        most, least = (f"{at(k, columns)[:-1]}, weight {number(values[k])})" for k in (high, low))
        return f"{head} Strongest positive: {most}; strongest negative: {least}."

    settings = [
        Choice("network", "Network", list(weights)),
        Choice("block", "Block", list(range(1, depth + 1))),
        Choice("side", "Weights", SIDES, SIDE_TEXTS),
        Place("unit", "Hidden unit", (1, units)),
    ]
    captions = (
        f"Each small map is one unit: {rows} × {columns} weights, one for each token",
        "Red adds, blue subtracts, pale does nothing. The same colours for all units here.",
    )
    depends, titles = ("network", "block", "side", "unit"), ("All hidden units", "The unit pointed at")
    panels = maps_and_one(pages, depends, titles, captions, 8 if units <= 64 else 16, signed(limit))
    return Explorer("token-mixing", settings, panels, words, title=title)


def explore_token_mixing(models: Mapping[str, object]) -> Explorer:
    """Shows the token MLP's weights as maps over the image, one for each hidden unit.

    Args:
        models: {name: Mixer}, such as the same network before and after training.

    Raises:
        ValueError: no model, a model without Mixer blocks, or models of different shapes.
    """
    models, grid = checks.networks_of("explore_token_mixing", models)
    weights = {name: analysis.token_mixing_weights(model) for name, model in models.items()}
    return token_mixing_explorer_from_arrays(weights, grid)
