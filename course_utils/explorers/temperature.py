"""The temperature explorer: one row of Q·Kᵀ, and what temperature and mask make of it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import figures
from course_utils.explorers.core import checks as arguments
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.parts import Bar, Choice, Layer, Panel, Place, Slider, Switch
from course_utils.explorers.influence import OPACITY

LEARNED = "learned"
FACTORS = {0.125: "⅛", 0.25: "¼", 0.5: "½", 1: "1", 2: "2", 4: "4", 8: "8"}
SHARES = [(0.0, "0"), (math.sqrt(0.05), "5 %"), (0.5, "25 %"), (math.sqrt(0.5), "50 %"), (1.0, "100 %")]
MOST = 12_800  # that one explorer carries: a row costs about 32 + n, its words and its images
WIDTH, HEIGHT = 64, 32  # of a bar chart, in its own pixels
PAPER, LINE, OTHER, OWN = (240, 240, 244), (150, 150, 156), (11, 98, 168), (209, 86, 10)


def _checked(products, learned, images, grid) -> tuple[np.ndarray, np.ndarray | None]:
    owner = "temperature_explorer_from_arrays"
    if not isinstance(images, Mapping) or not images:
        raise ValueError(f"{owner}: images must be {{name: uint8 image}} with at least one")
    rows, columns = grid
    n = rows * columns
    products = np.asarray(products, dtype="float64")
    if products.ndim != 5 or products.shape[1] != len(images) or products.shape[3:] != (n, n) or n < 2:
        raise ValueError(
            f"{owner}: products must be (blocks, images, heads, n, n) with {len(images)} images and "
            f"n = {rows}·{columns}, but their shape is {products.shape}"
        )
    if not np.all(np.isfinite(products)):
        raise ValueError(f"{owner}: products must be finite")
    if learned is not None:
        learned = np.asarray(learned, dtype="float64")
        if learned.shape != products.shape[::2][:2] or not np.all(learned > 0):
            raise ValueError(
                f"{owner}: learned must be (blocks, heads) = {products.shape[::2][:2]} numbers above 0, "
                f"but it is {learned.tolist()}"
            )
    arguments.divided(owner, images, rows, columns)
    return products, learned


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _bars(heights: np.ndarray, zero: int) -> np.ndarray:
    """Draws a chart for each token: (n, n) whole heights, above 0 up and below 0 down -> (n, HEIGHT, w, 3).

    The bar of the token itself has a colour of its own.
    """
    n = len(heights)
    step = max(1, WIDTH // n)
    thick = step - 1 if step > 2 else step
    y = zero - np.arange(HEIGHT)[:, None]  # how far a pixel lies above the zero line; the bars' first pixel is 1
    drawn = np.where(heights[:, None] >= 0, (y >= 1) & (y <= heights[:, None]), (y <= 0) & (y > heights[:, None]))
    pages = np.empty((n, HEIGHT, n, step, 3), np.uint8)
    pages[:] = PAPER
    if zero < HEIGHT:
        pages[:, zero] = LINE
    pages[:, :, :, :thick][drawn] = OTHER
    own = np.arange(n)
    pages[own, :, own, :thick] = np.where(drawn[own, :, own][..., None, None], OWN, pages[own, :, own, :thick])
    return pages.reshape(n, HEIGHT, n * step, 3)


def temperature_explorer_from_arrays(
    products: np.ndarray,
    learned: np.ndarray | None,
    head_dim: int,
    images: Mapping[str, np.ndarray],
    grid: tuple[int, int],
    *,
    blocks: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    masked: bool = True,
    title: str = "Temperature and mask",
) -> Explorer:
    """Builds the explorer from `Q·Kᵀ`.

    Args:
        products: `(blocks, images, heads, n, n)`, before temperature, mask and softmax.
        learned: the learned temperatures `(blocks, heads)`; None where none was learned.
        head_dim: width of a head: √head_dim is the temperature of a plain ViT.
        images: {name: uint8 `(h, w, 1 or 3)`}, in the order of the second axis.
        grid: (rows, columns) of tokens; `n = rows * columns`, at least 2.
        blocks, heads: what the blocks and heads are called; counted from 1 without it.
        masked: whether the diagonal is masked at first.
        title: shown above.

    Raises:
        ValueError: shapes that do not fit, NaN, or a temperature that is not above 0.
    """
    from course_utils.analysis import entropy

    rows, columns = map(int, grid)
    n = rows * columns
    products, learned = _checked(products, learned, images, (rows, columns))
    names = list(images)
    blocks = list(range(1, len(products) + 1)) if blocks is None else list(blocks)
    heads = list(range(1, products.shape[2] + 1)) if heads is None else list(heads)
    plain = math.sqrt(head_dim)
    steps: list = list(FACTORS)
    if learned is not None:  # among the others where it belongs, as far as one place can say so for all heads
        steps.insert(sum(factor < learned.mean() / plain for factor in steps), LEARNED)

    def product(image, block, head):
        return products[blocks.index(block), names.index(image), heads.index(head)]  # (n, n)

    def tau(block, head, temperature):
        if temperature == LEARNED:
            return float(learned[blocks.index(block), heads.index(head)])
        return temperature * plain

    def weights(image, block, head, temperature, mask):
        scores = product(image, block, head) / tau(block, head, temperature)
        return _softmax(np.where(np.eye(n, dtype=bool) & mask, -np.inf, scores))

    def heat(**state):
        colours = figures.sequential(weights(**state), 1.0, "sqrt").reshape(n, rows, columns, 3)
        return np.concatenate([colours, np.full((n, rows, columns, 1), round(255 * OPACITY), np.uint8)], axis=-1)

    def whole(**state):
        return figures.sequential(weights(**state), 1.0, "sqrt")

    def limit(image, block, head, **_):
        return float(np.abs(product(image, block, head)).max())

    def before(image, block, head, mask):
        high = limit(image, block, head)
        heights = product(image, block, head) / high * (HEIGHT // 2) if high else np.zeros((n, n))
        pages = _bars(np.rint(heights).astype(int), HEIGHT // 2)
        if mask:  # the entry is −∞: a striped column from top to bottom instead of a bar
            step = pages.shape[2] // n
            stripes = np.where((np.arange(HEIGHT) // 2 % 2)[:, None, None], PAPER, LINE)
            for token in range(n):
                pages[token, :, token * step : (token + 1) * step] = stripes
        return pages

    def after(**state):
        return _bars(np.rint(np.sqrt(weights(**state)) * HEIGHT).astype(int), HEIGHT)

    def words(image, block, head, temperature, mask, token):
        row = weights(image, block, head, temperature, mask)[token]
        most = int(row.argmax())
        value = tau(block, head, temperature)
        kind = {LEARNED: ", as learned", 1: " = √head_dim"}.get(temperature, "")
        head_text = (
            f"{image}, block {block}, head {head}, τ = {value:.2f}{kind}, diagonal {'masked' if mask else 'open'}: "
            f"token {token} (row {token // columns}, column {token % columns}) takes"
        )
        if most == token:
            first = f"most from itself: {_percent(row[token])}."
        else:
            first = (
                f"most from token {most} (row {most // columns}, column {most % columns}): {_percent(row[most])}; "
                f"from itself {'nothing' if mask else _percent(row[token])}."
            )
        return f"{head_text} {first} Entropy {entropy(row):.2f} bits of at most {math.log2(n - mask):.2f}."

    texts = [
        "learned" if step == LEARNED else "√head_dim" if step == 1 else f"{FACTORS[step]} · √head_dim" for step in steps
    ]
    settings = [
        Choice("image", "Image", names),
        Choice("block", "Block", blocks),
        Choice("head", "Head", heads),
        Slider("temperature", "Temperature τ", steps, texts),
        Switch("mask", "Mask the diagonal"),
        Place("token", "Token", (rows, columns)),
    ]
    one = ("image", "block", "head")
    state = (*one, "temperature", "mask")
    panels = [
        Panel(
            "What the token takes",
            [
                Layer(lambda image: figures.faded(images[image], contrast=0.7), ("image",)),
                Layer(heat, (*state, "token")),
            ],
            "Point at a token, or use the arrow keys. Bright tokens give it much.",
            size=256,
            spots="grid",
            lines=True,
        ),
        Panel(
            "All rows of A",
            [Layer(whole, state)],
            "Row i: what token i takes; on the diagonal, what it takes from itself. The outlined row is the token's.",
            size=256,
            spots="rows",
            beneath=True,
            bar=Bar(figures.SEQUENTIAL, SHARES),
            x_label="from token j",
            y_label="token i",
        ),
        Panel(
            "Its row of Q·Kᵀ",
            [Layer(before, (*one, "mask", "token"))],
            "One bar for each token, in order; its own is orange. Striped: −∞, masked.",
            size=256,
            bar=Bar(np.array([PAPER, PAPER], np.uint8), lambda **s: figures.bar_ticks(limit(**s), signed=True)),
        ),
        Panel(
            "Its row of A = softmax(Q·Kᵀ / τ)",
            [Layer(after, (*state, "token"))],
            "After temperature, mask and softmax: shares that sum to 100 %. Heights and colours follow the square "
            "root, so that small shares can be seen.",
            size=256,
            beneath=True,
            bar=Bar(np.array([PAPER, PAPER], np.uint8), SHARES),
        ),
    ]
    start = {"temperature": 1 if learned is None else LEARNED, "mask": masked}
    start |= {"block": blocks[-1], "token": (rows // 2) * columns + columns // 3}
    return Explorer("temperature", settings, panels, words, title=title, start=start)


def _percent(share: float) -> str:
    return "less than 1 %" if share < 0.005 else f"{100 * share:.0f} %"


def explore_temperature(
    model,
    images: Mapping[str, np.ndarray],
    *,
    blocks: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
) -> Explorer:
    """Shows what temperature and masked diagonal make of real rows of `Q·Kᵀ`.

    The scores are the network's own (`analysis.products`). With the learned temperature and the mask that the network
    has, the row is the attention that it uses.

    Args:
        model: a ViT for small data sets, or a plain ViT, as built by `models.classifier`, without a class token.
        images: {name: uint8 image} of the model's input size.
        blocks, heads: which to show, counted from 1; without it, as many as an explorer carries lightly: all of a
            small network, some of the first and last block of a larger one.

    Raises:
        ValueError: no image, a model without attention or with a class token, or a block or head that it does not
            have.
    """
    from course_utils import analysis
    from course_utils import models as model_parts
    from course_utils.layers import LocalitySelfAttention

    if not isinstance(images, Mapping) or not images:
        raise ValueError("explore_temperature: images must be {name: uint8 image} with at least one")
    for name, image in images.items():
        if np.shape(image) != tuple(model.input_shape[1:]):
            raise ValueError(
                f"explore_temperature: images[{name!r}] must be {tuple(model.input_shape[1:])} like the model's "
                f"input, but its shape is {np.shape(image)}"
            )
    products = analysis.products(model, np.stack(list(images.values())))
    grid = analysis.token_grid(model)
    if products.shape[-1] != grid[0] * grid[1]:
        raise ValueError("explore_temperature: a class token has no place in the image; use a model with pool='mean'")
    attention = model_parts.blocks(model)[0].attention
    own = isinstance(attention, LocalitySelfAttention)
    learned = analysis.temperatures(model) if own and attention.temperature is not None else None
    depth, _, count, n, _ = products.shape
    room = MOST // (len(images) * n * (32 + n))  # so many heads
    if blocks is None:
        blocks = range(1, depth + 1) if depth * count <= room else sorted({1, depth}) if room > 1 else [depth]
    if heads is None:
        heads = range(1, min(count, max(1, room // len(blocks))) + 1)
    blocks, heads = list(blocks), list(heads)
    for name, chosen, most in (("blocks", blocks, depth), ("heads", heads, count)):
        if not chosen or not all(isinstance(k, int) and 1 <= k <= most for k in chosen):
            raise ValueError(f"explore_temperature: {name} must be numbers from 1 to {most}, but they are {chosen}")
    at = [k - 1 for k in blocks], [k - 1 for k in heads]
    return temperature_explorer_from_arrays(
        products[at[0]][:, :, at[1]],
        None if learned is None else learned[np.ix_(*at)],
        attention.head_dim,
        images,
        grid,
        blocks=blocks,
        heads=heads,
        masked=own and attention.mask_diagonal,
    )
