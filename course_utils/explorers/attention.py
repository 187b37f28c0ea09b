"""The attention explorer: from which tokens a token takes, for every block and head."""

from collections.abc import Mapping

import numpy as np

from course_utils import analysis, figures
from course_utils.explorers.core import checks
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.panels import amounts, middle, plain, see_through
from course_utils.explorers.core.parts import Choice, Layer, Panel, Place
from course_utils.explorers.core.words import at, percent

DARKEST = 0.9  # how much of a patch that gives nothing is covered
MEAN, ROLLOUT = "mean of the heads", "rollout"


def _checked(owner: str, attention, images: dict, n: int) -> dict[str, np.ndarray]:
    checked = {}
    for network, values in checks.named(owner, "attention", attention, "{network: array}").items():
        shape = np.shape(values)
        if len(shape) != 5 or shape[1] != len(images) or shape[3:] not in ((n, n), (n + 1, n + 1)):
            raise ValueError(
                f"{owner}: attention[{network!r}] must be (blocks, {len(images)} images, heads, n, n) with "
                f"n = {n}, or {n + 1} with a class token, but its shape is {shape}"
            )
        values = analysis.shares(f"{owner}: attention[{network!r}]", values)
        checked[network] = values / values.sum(axis=-1, keepdims=True)
    sizes = {network: (values.shape[0], values.shape[2]) for network, values in checked.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"{owner}: the networks' blocks and heads differ: {sizes}")
    return checked


def attention_explorer_from_arrays(
    attention: Mapping[str, np.ndarray],
    images: Mapping[str, np.ndarray],
    grid: tuple[int, int],
    *,
    title: str = "Whom does a token attend to?",
    label: str = "Network",
    start: Mapping | None = None,
) -> Explorer:
    """Builds the explorer from attention that is already known.

    Beside the heads one may choose their mean, and with more than one block the rollout (`analysis.rollout`).

    Args:
        attention: {network: `(blocks, images, heads, n, n)`} with rows that sum to 1, as `analysis.attention` gives it;
            entry `[…, i, j]` is how much token `i` takes from token `j`. All networks have as many blocks and heads.
            One may have a class token, which is token 0: its tables are one larger than the grid holds.
        images: {name: uint8 `(h, w, 1 or 3)`}, in the order of the second axis.
        grid: (rows, columns) of patches.
        label: what the names in `attention` are called.
        start: {setting: value} shown at first, where it is not the usual one.

    Raises:
        ValueError: shapes that do not fit, NaN, negative numbers, or rows that do not sum to 1.
    """
    owner = "attention_explorer_from_arrays"
    rows, columns = grid = checks.grid_of(owner, grid)
    images, n = checks.images_of(owner, images, [grid]), rows * columns
    attention, names = _checked(owner, attention, images, n), list(images)
    blocks, _, count = next(iter(attention.values())).shape[:3]
    heads = [f"head {k}" for k in range(1, count + 1)]
    rolled = {network: analysis.rollout(values) for network, values in attention.items()}

    def table(network, image, block, head):
        """The whole table, with the class token where there is one."""
        k = names.index(image)
        if head == ROLLOUT:
            return rolled[network][block - 1, k]
        values = attention[network][block - 1, k]
        return values.mean(axis=0) if head == MEAN else values[heads.index(head)]

    def shade(values, high):
        """Covers what gives nothing and leaves what gives most as it is."""
        light = np.sqrt(np.clip(values / high, 0, 1)).reshape(-1, *grid)
        return see_through(figures.SEQUENTIAL[0], DARKEST * (1 - light))

    def lit(**state):
        values = table(**state)
        return shade(values[-n:, -n:], values.max())  # how much each patch takes from each patch

    def lit_by_class_token(**state):
        values = table(**state)
        row = values[0, 1:] if len(values) > n else np.ones(n)  # a mean pool hears all patches alike
        return shade(row, values.max() if len(values) > n else 1.0)[0]

    def whole(**state):
        values = table(**state)
        return figures.sequential(values[-n:, -n:], values.max(), "sqrt")

    def words(network, image, block, head, token):
        values = table(network, image, block, head)
        row = values[token - n]
        seen = row[-n:]
        most = int(seen.argmax())
        where = f", block {block}" if blocks > 1 else ""
        which = f", {head}" if len(choices) > 1 else ""
        most_from, rest = "most from", ""
        if len(values) > n:
            most_from, rest = "of the patches most from", f"; from the class token {percent(row[0])}"
        own, bits = percent(seen[token]), float(analysis.entropy(row))
        whom = f"itself: {own}" if most == token else f"{at(most, columns)}: {percent(seen[most])}; from itself {own}"
        return (
            f"{network}, {image}{where}{which}: {at(token, columns)} takes {most_from} {whom}{rest}. "
            f"Entropy {bits:.1f} bits: as if from {2**bits:.1f} of {len(row)} tokens alike."
        )

    def image_caption(head, **state):
        caption = "Point at the patch that asks, or use the arrow keys. It takes from bright patches and not from dark."
        return caption + (" Rollout: through all blocks up to this one." if head == ROLLOUT else "")

    def table_caption(network, **state):
        caption = "One row for each token that asks; the outlined row lights the image. In both, light follows the "
        if attention[network].shape[-1] == n:
            return caption + "square root, and the brightest is the table's largest entry."
        caption += "square root, up to the largest entry of all, the class token's included. "
        return caption + "The class token's row and column are left out."

    def class_caption(**state):
        values = table(**state)
        if len(values) == n:
            return f"No class token here: the mean pool takes as much from every patch, 1/{n}."
        chosen = int(values[0, 1:].argmax())
        return (
            f"Its row, as light on the image. It takes {percent(values[0, 0])} from itself and, of the patches, "
            f"most from {at(chosen, columns)}: {percent(values[0, 1 + chosen])}."
        )

    choices = [*heads, *[MEAN] * (count > 1), *[ROLLOUT] * (blocks > 1)]
    settings = [
        Choice("network", label, list(attention)),
        Choice("image", "Image", names),
        Choice("block", "Block", list(range(1, blocks + 1))),
        Choice("head", "Head", choices),
        Place("token", "Token that asks", grid),
    ]
    outer = [setting.name for setting in settings[:-1]]
    ground, light = plain(images), Layer(lit, (*outer, "token"))
    shares = {"scale": "sqrt", "write": lambda a: f"{100 * a:.{0 < a < 0.1:d}f} %"}
    bar = amounts(lambda **state: table(**state).max(), **shares)
    axes: dict = {"x_label": "token j that gives", "y_label": "token i that asks"}
    panels = [
        Panel("What the token that asks takes", [ground, light], image_caption, 320, "grid", lines=True),
        Panel("All pairs: A", [Layer(whole, outer)], table_caption, 320, "rows", bar=bar, **axes),
    ]
    if any(values.shape[-1] > n for values in attention.values()):
        panels.append(
            Panel("What the class token takes", [ground, Layer(lit_by_class_token, outer)], class_caption, 240)
        )
    usual = {"network": next(iter(attention)), "block": 1, "token": middle(grid)}
    return Explorer("attention", settings, panels, words, title=title, start={**usual, **(start or {})})


def explore_attention(
    models: Mapping[str, object], images: Mapping[str, np.ndarray], *, start: Mapping | None = None
) -> Explorer:
    """Shows the attention weights of real networks: choose block and head, point at the patch that asks.

    Args:
        models: {name: ViT}, such as the same network before and after training. All cut an image into the same
            tokens and have as many blocks and heads; one may have a class token.
        images: {name: uint8 image}; one of another size than a model wants is resized, as in training.
        start: {setting: value} shown at first, where it is not the usual one.

    Raises:
        ValueError: no model or image, a model without Transformer blocks, or models that do not fit together.
    """
    models, grid = checks.networks_of("explore_attention", models)
    seen = {name: checks.seen_by("explore_attention", model, images) for name, model in models.items()}
    attention = {name: analysis.attention(model, seen[name][1]) for name, model in models.items()}
    return attention_explorer_from_arrays(attention, next(iter(seen.values()))[0], grid, start=start)
