"""The influence explorer: which input tokens move an output token, and how much."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import figures
from course_utils.explorers.core import checks as arguments
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.parts import Bar, Choice, Layer, Panel, Place

OPACITY = 0.66
TOUCHED = 1e-6  # less than this share of the row's largest entry counts as none: rounding, not influence


def _checked(influences, images, depths, grid) -> dict[str, np.ndarray]:
    owner = "influence_explorer_from_arrays"
    if not isinstance(influences, Mapping) or not influences:
        raise ValueError(f"{owner}: influences must be {{network: array}} with at least one network")
    if not isinstance(images, Mapping) or not images:
        raise ValueError(f"{owner}: images must be {{name: uint8 image}} with at least one")
    rows, columns = grid
    n = rows * columns
    wanted = (len(images), len(depths), n, n)
    checked = {}
    for network, values in influences.items():
        values = np.asarray(values)
        if values.shape != wanted:
            raise ValueError(
                f"{owner}: influences[{network!r}] must be (images, depths, n, n) = {wanted}, "
                f"but its shape is {values.shape}"
            )
        if not np.all(np.isfinite(values)) or values.min() < 0:
            raise ValueError(f"{owner}: influences[{network!r}] must be finite and >= 0")
        checked[network] = values.astype(np.float64)
    arguments.divided(owner, images, rows, columns)
    return checked


def influence_explorer_from_arrays(
    influences: Mapping[str, np.ndarray],
    images: Mapping[str, np.ndarray],
    depths: Sequence[int],
    grid: tuple[int, int],
    *,
    title: str = "Which input tokens move an output token?",
) -> Explorer:
    """Builds the explorer from influences that are already known.

    Args:
        influences: {network: `(images, depths, n, n)`}; entry `[…, i, j]` is ‖∂y_i/∂x_j‖ >= 0.
        images: {name: uint8 `(h, w, 1 or 3)`}, in the order of the first axis.
        depths: the blocks, in the order of the second axis.
        grid: (rows, columns) of tokens; `n = rows * columns`.
        title: shown above.

    Raises:
        ValueError: shapes that do not fit, NaN, or negative numbers.
    """
    depths, names = list(depths), list(images)
    rows, columns = map(int, grid)
    n = rows * columns
    influences = _checked(influences, images, depths, (rows, columns))

    def matrix(network, image, depth):
        return influences[network][names.index(image), depths.index(depth)]

    def heat(network, image, depth):
        values = matrix(network, image, depth)
        colours = figures.sequential(values, values.max(), "sqrt").reshape(n, rows, columns, 3)
        opacity = np.full((n, rows, columns, 1), round(255 * OPACITY), np.uint8)
        return np.concatenate([colours, opacity], axis=-1)

    def whole(network, image, depth):
        values = matrix(network, image, depth)
        return figures.sequential(values, values.max(), "sqrt")

    def ticks(network, image, depth):
        return figures.bar_ticks(matrix(network, image, depth).max(), "sqrt")

    def words(network, image, depth, token):
        values = matrix(network, image, depth)[token]
        total, most = values.sum(), int(values.argmax())
        row, column = divmod(token, columns)
        head = f"{network}, {image}, block {depth}: output token {token} (row {row}, column {column}) is moved by"
        if total == 0:
            return f"{head} none of the {n} input tokens."
        count = int(np.sum(values > TOUCHED * values.max()))
        if count == 1:
            whom = "itself" if most == token else f"token {most}"
            return f"{head} 1 of {n} input tokens: {whom}, and no other."
        share = f"{_percent(values[most] / total)} of the total"
        if most == token:
            return f"{head} {count} of {n} input tokens, most by token {token} itself: {share}."
        return (
            f"{head} {count} of {n} input tokens, most by token {most} (row {most // columns}, "
            f"column {most % columns}): {share}; token {token} itself gives {_percent(values[token] / total)}."
        )

    settings = [
        Choice("network", "Network", list(influences)),
        Choice("image", "Image", names),
        Choice("depth", "Up to block", depths),
        Place("token", "Output token", (rows, columns)),
    ]
    without_place = ("network", "image", "depth")
    bar = Bar(figures.SEQUENTIAL, ticks)
    panels = [
        Panel(
            "The input tokens, lit by their influence",
            [
                Layer(lambda image: figures.faded(images[image], contrast=0.7), ("image",)),
                Layer(heat, (*without_place, "token")),
            ],
            "Point at an output token, or use the arrow keys. Bright input tokens move it, dark ones do not.",
            size=320,
            spots="grid",
            lines=True,
        ),
        Panel(
            "All pairs: ‖∂yᵢ/∂xⱼ‖",
            [Layer(whole, without_place)],
            "One row for each output token; the outlined row is shown in the image. In both, colours follow the "
            "square root, and the brightest is this matrix's largest entry.",
            size=320,
            spots="rows",
            bar=bar,
            x_label="input token j",
            y_label="output token i",
        ),
    ]
    start = {"network": next(iter(influences)), "image": names[0], "depth": depths[-1]}
    start["token"] = (rows // 2) * columns + columns // 3
    return Explorer("influence", settings, panels, words, title=title, start=start)


def _percent(share: float) -> str:
    return "less than 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def explore_influence(
    models: Mapping[str, object],
    images: Mapping[str, np.ndarray],
    depths: Sequence[int] | None = None,
) -> Explorer:
    """Shows ‖∂y_i/∂x_j‖ through real networks: point at an output token, see which input tokens move it.

    Args:
        models: {name: classifier}, such as the same Mixer before and after training. All cut an image into the same
            tokens.
        images: {name: uint8 image} of the models' input size.
        depths: the blocks after which the output tokens are taken, from 1; without it, all.

    Raises:
        ValueError: no model or image, models whose tokens differ, or a block that a model does not have.
    """
    from course_utils import analysis
    from course_utils import models as model_parts

    if not isinstance(models, Mapping) or not models:
        raise ValueError("explore_influence: models must be {name: model} with at least one model")
    if not isinstance(images, Mapping) or not images:
        raise ValueError("explore_influence: images must be {name: uint8 image} with at least one")
    grids = {name: analysis.token_grid(model) for name, model in models.items()}
    if len(set(grids.values())) > 1:
        raise ValueError(f"explore_influence: the models' tokens differ: {grids}")
    deepest = min(len(model_parts.blocks(model)) for model in models.values())
    depths = list(range(1, deepest + 1)) if depths is None else list(depths)
    if not depths or not all(isinstance(d, int) and 1 <= d <= deepest for d in depths):
        raise ValueError(f"explore_influence: depths must be blocks from 1 to {deepest}, but they are {depths}")
    influences = {
        name: np.stack([[analysis.influence(model, image, depth) for depth in depths] for image in images.values()])
        for name, model in models.items()
    }
    return influence_explorer_from_arrays(influences, images, depths, next(iter(grids.values())))
