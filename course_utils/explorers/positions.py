"""The position explorer: which positions a network's position embedding takes for alike."""

from collections.abc import Mapping

import numpy as np

from course_utils import analysis, figures
from course_utils.explorers.core import checks
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.panels import apart, maps_and_one, middle, signed
from course_utils.explorers.core.parts import Choice, Place
from course_utils.explorers.core.words import at, number


def positions_explorer_from_arrays(
    similarity: Mapping[str, np.ndarray], grid: tuple[int, int], *, title: str = "Which positions are alike?"
) -> Explorer:
    """Builds the explorer from similarities.

    Args:
        similarity: {network: `(n, n)`}, the cosine between the position vectors of each two positions, as
            `analysis.position_similarity` gives it.
        grid: (rows, columns) of positions; `n = rows * columns`, at least 2.

    Raises:
        ValueError: shapes that do not fit, or numbers that are no cosines.
    """
    owner = "positions_explorer_from_arrays"
    rows, columns = grid = checks.grid_of(owner, grid)
    n = checks.whole(owner, "rows · columns", rows * columns, least=2)
    similarity = checks.arrays(owner, "similarity", similarity, "{network: array}", (n, n), -1.001, 1.001)
    steps = apart(rows, columns)  # 1: the eight around it

    def pages(network):
        return figures.diverging(similarity[network].reshape(n, rows, columns), 1.0)

    def words(network, position):
        values = similarity[network][position]
        others = np.flatnonzero(np.arange(n) != position)
        most, least = others[values[others].argmax()], others[values[others].argmin()]
        near, far = values[steps[position] == 1], values[steps[position] > 1]
        this, like, unlike = (at(k, columns, "position") for k in (position, most, least))
        said = f"{network}: {this} is most like {like}, {number(values[most])}"
        said += f", and least like {unlike}, {number(values[least])}."
        said += f" Mean over the positions around it: {number(near.mean())}"
        return said + (f"; over all others: {number(far.mean())}." if far.size else ".")

    settings = [Choice("network", "Network", list(similarity)), Place("position", "Position", grid)]
    captions = (
        f"Each small map belongs to one position and stands where the position is: {rows} × {columns} similarities",
        "The cosine between its position vector and every other: red is alike, blue is opposite, pale has nothing in "
        "common. With itself it is 1. The same colours everywhere.",
    )
    titles = ("All positions", "The position pointed at")
    panels = maps_and_one(pages, ("network", "position"), titles, captions, columns, signed(lambda **_: 1.0))
    start = {"network": list(similarity)[-1], "position": middle(grid)}
    return Explorer("positions", settings, panels, words, title=title, start=start)


def explore_positions(models: Mapping[str, object]) -> Explorer:
    """Shows how alike the position embeddings of real networks are, as one map for each position.

    Args:
        models: {name: classifier with a position embedding}, such as the same network before and after training.

    Raises:
        ValueError: no model, a model without position embedding, or models whose tokens differ.
    """
    models, grid = checks.networks_of("explore_positions", models)
    similarity = {name: analysis.position_similarity(model) for name, model in models.items()}
    return positions_explorer_from_arrays(similarity, grid)
