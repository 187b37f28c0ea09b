"""The gating explorer: gates written by hand, and what they let through of an image's tokens."""

from collections.abc import Mapping

import numpy as np

from course_utils import figures
from course_utils.data import shapes
from course_utils.data.images import photographs
from course_utils.explorers.core import checks
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.panels import apart, signed
from course_utils.explorers.core.parts import Choice, Layer, Panel, Place
from course_utils.explorers.core.words import at, number

TOKENS, ROW, GATE, PASSED = "The tokens z", "One row of W", "The gate W · z + b", "What passes: z · gate"


def gates_by_hand(rows: int, columns: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns gates that do something one can name, {what it does: `(W (n, n), b (n,))`}, for `n = rows * columns`."""
    n = rows * columns
    nothing, zero, one = np.zeros((n, n)), np.zeros(n), np.ones(n)
    left = np.diag(np.ones(n - 1), -1)
    left[::columns] = 0  # the first position of a row has no left neighbour
    around = (apart(rows, columns) == 1).astype(np.float64)
    others = np.ones((n, n)) - np.eye(n)
    return {
        "W = 0, b = 1": (nothing, one),
        "W = 0, b = 0": (nothing, zero),
        "left neighbour": (left, zero),
        "mean of all": (np.full((n, n), 1 / n), zero),
        "itself − its neighbours": (np.eye(n) - around / around.sum(axis=1, keepdims=True), zero),
        "itself − all others": (np.eye(n) - others / others.sum(axis=1, keepdims=True), zero),
    }


def _tokens() -> dict[str, np.ndarray]:
    """Returns the brightness of each token, 0 to 1: of a puzzle with one odd cell, and of a photograph."""
    colours = list(shapes.COLOURS)
    colour = np.full((1, shapes.GRID, shapes.GRID), colours.index("blue"))
    colour[0, 1, 2] = colours.index("yellow")
    puzzle = shapes.render(np.full(colour.shape, shapes.SHAPES.index("square")), colour)[0]
    cells = puzzle.reshape(shapes.GRID, shapes.CELL, shapes.GRID, shapes.CELL, 3)
    # The middle of a cell: all ink.
    images = {"a photograph": photographs(24)["coffee"], "a puzzle": cells[:, 3:5, :, 3:5].mean(axis=(1, 3))}
    return {name: image @ np.array([0.299, 0.587, 0.114]) / 255 for name, image in images.items()}


def explore_gating(tokens: Mapping[str, np.ndarray] | None = None) -> Explorer:
    """Shows what a spatial gate does: gates written by hand, one number to a token, `z1 = z2 = z`, no LayerNorm.

    Args:
        tokens: {name: `(rows, columns)` numbers from 0 to 1}; without it, a puzzle's cells and a small photograph.

    Raises:
        ValueError: there are no tokens, or they are not `(rows, columns)` numbers from 0 to 1, at least 2 × 2.
    """
    owner = "explore_gating"
    axes, tokens = "(rows, columns)", _tokens() if tokens is None else tokens
    tokens = checks.arrays(owner, "tokens", tokens, f"{{name: {axes} numbers}}", axes, 0, 1)
    for name, values in tokens.items():
        if min(values.shape) < 2:
            raise ValueError(f"{owner}: tokens[{name!r}] must be at least 2 × 2, but it is {values.shape}")
    by_hand = {name: gates_by_hand(*values.shape) for name, values in tokens.items()}

    def gate(image, weights):
        w, b = by_hand[image][weights]
        return (w @ tokens[image].ravel() + b).reshape(tokens[image].shape)

    def passed(image, weights):
        return tokens[image] * gate(image, weights)

    def rows_of(image, weights):
        return by_hand[image][weights][0].reshape(-1, *tokens[image].shape)

    def grey(image):
        return np.rint(255 * tokens[image])[..., None].repeat(3, axis=-1).astype(np.uint8)

    def words(image, weights, token):
        z, g = tokens[image].ravel()[token], gate(image, weights).ravel()[token]
        return (
            f"{image}, gate “{weights}”: {at(token, tokens[image].shape[1])} is {z:.2f}, its gate {number(g)}; "
            f"{z:.2f} · {number(g)} = {number(z * g)} passes."
        )

    def drawn(title, values, caption, depends=("image", "weights"), **more):
        """Returns the panel of a map, on a scale of its own."""
        layer = Layer(lambda **state: figures.diverging(values(**state)), depends)
        bar = signed(lambda **state: np.abs(values(**state)).max())
        return Panel(title, [layer], caption, 220, "grid", bar=bar, **more)

    names = list(next(iter(by_hand.values())))
    settings = [
        Choice("image", "Image", list(tokens)),
        Choice("weights", "Gate", names),
        Place("token", "Token", lambda image, **_: tokens[image].shape),
    ]
    captions = (
        "One number to a token: its brightness, from 0 (black) to 1 (white). Point at one.",
        "How the gate of the outlined token weighs all tokens.",
        "One gate to a token: red lets through, blue turns the sign round, white lets nothing through.",
        "Token times gate, position by position.",
    )
    panels = [
        Panel(TOKENS, [Layer(grey, ("image",))], captions[0], 220, "grid"),
        drawn(ROW, rows_of, captions[1], ("image", "weights", "token"), beneath=True),
        drawn(GATE, gate, captions[2]),
        drawn(PASSED, passed, captions[3], beneath=True),
    ]
    rows, columns = next(iter(tokens.values())).shape
    start = {"weights": names[4], "token": (rows // 3) * columns + columns // 4}
    return Explorer("gating", settings, panels, words, title="A gate multiplies", start=start)
