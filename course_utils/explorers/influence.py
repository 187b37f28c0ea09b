"""The influence explorer: which input tokens move an output token, and how much."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import analysis, figures
from course_utils.explorers.core import checks
from course_utils.explorers.core.encode import SHORTEST, refuse_more
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.panels import amounts, middle, plain, see_through
from course_utils.explorers.core.parts import Choice, Layer, Panel, Place
from course_utils.explorers.core.words import at, percent
from course_utils.models import blocks

DARKEST = 0.88  # how much darkness lies over a token that does not count at all
TOUCHED = 1e-6  # less than this share of the row's largest entry counts as none: rounding, not influence


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

    Raises:
        ValueError: shapes that do not fit, NaN, or negative numbers.
    """
    owner = "influence_explorer_from_arrays"
    rows, columns = grid = checks.grid_of(owner, grid)
    images, depths, n = checks.images_of(owner, images, [grid]), checks.wholes(owner, "depths", depths), rows * columns
    names, shape = list(images), (len(images), len(depths), n, n)
    influences = checks.arrays(owner, "influences", influences, "{network: array}", shape, least=0)

    def matrix(network, image, depth):
        return influences[network][names.index(image), depths.index(depth)]

    def whole(**state):
        return figures.sequential(matrix(**state), matrix(**state).max(), "sqrt")

    def dark(**state):
        # Darkness, not a colour scale: colours laid over the image would hide the odd one.
        values = matrix(**state).reshape(-1, *grid)
        return see_through([0, 0, 0], DARKEST * (1 - np.sqrt(values / (values.max() or 1))))

    def words(network, image, depth, token):
        values = matrix(network, image, depth)[token]
        total, most = values.sum(), int(values.argmax())
        head = f"{network}, {image}, block {depth}: output {at(token, columns)} is moved by"
        if total == 0:
            return f"{head} none of the {n} input tokens."
        count = int(np.sum(values > TOUCHED * values.max()))
        if count == 1:
            whom = "itself" if most == token else f"token {most}"
            return f"{head} 1 of {n} input tokens: {whom}, and no other."
        share = f"{percent(values[most] / total)} of the total"
        if most == token:
            return f"{head} {count} of {n} input tokens, most by token {most} itself: {share}."
        own = f"token {token} itself gives {percent(values[token] / total)}"
        return f"{head} {count} of {n} input tokens, most by {at(most, columns)}: {share}; {own}."

    settings = [
        Choice("network", "Network", list(influences)),
        Choice("image", "Image", names),
        Choice("depth", "Up to block", depths),
        Place("token", "Output token", grid),
    ]
    outer = ("network", "image", "depth")
    captions = (
        "Point at an output token, or use the arrow keys. Bright input tokens move it, dark ones do not.",
        "One row for each output token; the outlined row lights the image. In both, brightness follows the square "
        "root, and the brightest is this matrix's largest entry.",
    )
    lit = [plain(images), Layer(dark, (*outer, "token"))]
    pairs = [Layer(whole, outer)]
    axes: dict = {"x_label": "input token j", "y_label": "output token i"}
    bar = amounts(lambda **state: matrix(**state).max(), scale="sqrt")
    panels = [
        Panel("The input tokens, lit by their influence", lit, captions[0], 320, "grid", lines=True),
        Panel("All pairs: ‖∂yᵢ/∂xⱼ‖", pairs, captions[1], 320, "rows", bar=bar, **axes),
    ]
    start = {"network": next(iter(influences)), "image": names[0], "depth": depths[0], "token": middle(grid)}
    return Explorer("influence", settings, panels, words, title=title, start=start)


def explore_influence(
    models: Mapping[str, object],
    images: Mapping[str, np.ndarray],
    depths: Sequence[int] | None = None,
) -> Explorer:
    """Shows ‖∂y_i/∂x_j‖ through real networks: point at an output token, see which input tokens move it.

    Args:
        models: {name: classifier}, such as a Mixer before and after training. All cut an image into the same tokens.
        images: {name: uint8 image}; one of another size than a model wants is resized, as in training.
        depths: the blocks after which the output tokens are taken, from 1; without it, all.

    Raises:
        ValueError: no model or image, models whose tokens differ, or a block that a model does not have.
    """
    owner = "explore_influence"
    models, (rows, columns) = checks.networks_of(owner, models)
    deepest = min(len(blocks(model)) for model in models.values())
    depths = checks.wholes(owner, "depths", range(1, deepest + 1) if depths is None else depths, deepest)
    seen = {name: checks.seen_by(owner, model, images) for name, model in models.items()}
    refuse_more("influence", SHORTEST * len(models) * len(images) * len(depths) * rows * columns)
    influences = {
        name: np.stack([[analysis.influence(model, image, depth) for depth in depths] for image in seen[name][1]])
        for name, model in models.items()
    }
    return influence_explorer_from_arrays(influences, next(iter(seen.values()))[0], depths, (rows, columns))
