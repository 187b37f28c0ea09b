"""The position explorer: which places a network's position embedding takes for alike."""

from collections.abc import Mapping

import numpy as np

from course_utils import figures
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.parts import Bar, Choice, Layer, Panel, Place


def _checked(similarity, grid) -> dict[str, np.ndarray]:
    owner = "positions_explorer_from_arrays"
    if not isinstance(similarity, Mapping) or not similarity:
        raise ValueError(f"{owner}: similarity must be {{network: array}} with at least one network")
    n = grid[0] * grid[1]
    if n < 2:
        raise ValueError(f"{owner}: there must be at least 2 places, but the grid is {grid[0]} × {grid[1]}")
    checked = {}
    for network, values in similarity.items():
        values = np.asarray(values, dtype=np.float64)
        if values.shape != (n, n):
            raise ValueError(f"{owner}: similarity[{network!r}] must be (n, n) = ({n}, {n}), but it is {values.shape}")
        if not np.all(np.isfinite(values)) or np.abs(values).max() > 1 + 1e-3:
            raise ValueError(f"{owner}: similarity[{network!r}] must be cosines, from -1 to 1")
        checked[network] = values
    return checked


def positions_explorer_from_arrays(
    similarity: Mapping[str, np.ndarray], grid: tuple[int, int], *, title: str = "Which places are alike?"
) -> Explorer:
    """Builds the explorer from similarities.

    Args:
        similarity: {network: `(n, n)`}, the cosine between the position vectors of each two places, as
            `analysis.position_similarity` gives it.
        grid: (rows, columns) of places; `n = rows * columns`.
        title: shown above.

    Raises:
        ValueError: shapes that do not fit, or numbers that are no cosines.
    """
    rows, columns = map(int, grid)
    n = rows * columns
    similarity = _checked(similarity, (rows, columns))
    row, column = np.divmod(np.arange(n), columns)
    apart = np.maximum(np.abs(row[:, None] - row), np.abs(column[:, None] - column))  # 1: the eight around it

    def pages(network):
        return figures.diverging(similarity[network].reshape(n, rows, columns), 1.0)

    def at(place):
        return f"place {place} (row {place // columns}, column {place % columns})"

    def words(network, place):
        values = similarity[network][place]
        others = np.flatnonzero(np.arange(n) != place)
        most, least = others[values[others].argmax()], others[values[others].argmin()]
        near, far = values[apart[place] == 1], values[apart[place] > 1]
        said = f"{network}: {at(place)} is most like {at(most)}, {_signed(values[most])}"
        said += f", and least like {at(least)}, {_signed(values[least])}."
        said += f" Mean over the places around it: {_signed(near.mean())}"
        return said + (f"; over all others: {_signed(far.mean())}." if far.size else ".")

    settings = [Choice("network", "Network", list(similarity)), Place("place", "Place", (rows, columns))]
    everything = ("network", "place")
    panels = [
        Panel(
            "All places",
            [Layer(pages, everything)],
            f"Each small map belongs to one place and stands where the place is: {rows} × {columns} similarities, "
            "laid out like the image. Point at one.",
            size=440,
            sheet=True,
            columns=columns,
        ),
        Panel(
            "The place pointed at",
            [Layer(pages, everything)],
            "The cosine between its position vector and every other: red is alike, blue is opposite, pale has "
            "nothing in common. With itself it is 1. The same colours everywhere.",
            size=280,
            bar=Bar(figures.DIVERGING, figures.bar_ticks(1.0, signed=True)),
        ),
    ]
    start = {"network": list(similarity)[-1], "place": (rows // 2) * columns + columns // 3}
    return Explorer("positions", settings, panels, words, title=title, start=start)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def explore_positions(models: Mapping[str, object]) -> Explorer:
    """Shows how alike the position embeddings of real networks are, as one map for each place.

    Args:
        models: {name: classifier with a position embedding}, such as the same network before and after training.

    Raises:
        ValueError: no model, a model without position embedding, or models whose tokens differ.
    """
    from course_utils import analysis

    if not isinstance(models, Mapping) or not models:
        raise ValueError("explore_positions: models must be {name: model} with at least one model")
    grids = {name: analysis.token_grid(model) for name, model in models.items()}
    if len(set(grids.values())) > 1:
        raise ValueError(f"explore_positions: the models' tokens differ: {grids}")
    similarity = {name: analysis.position_similarity(model) for name, model in models.items()}
    return positions_explorer_from_arrays(similarity, next(iter(grids.values())))
