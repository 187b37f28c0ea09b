"""The temperature explorer: one row of Q·Kᵀ, and what temperature and mask make of it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import analysis, figures
from course_utils.explorers.core import checks
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.panels import faded, middle, see_through, signed
from course_utils.explorers.core.parts import Bar, Choice, Layer, Panel, Place, Slider, Switch
from course_utils.explorers.core.words import at, percent
from course_utils.layers import LocalitySelfAttention
from course_utils.models import blocks as blocks_of

LEARNED = "learned"
FACTORS = {0.125: "⅛", 0.25: "¼", 0.5: "½", 1: "1", 2: "2", 4: "4", 8: "8"}
SHARES = [(0.0, "0"), (math.sqrt(0.05), "5 %"), (0.5, "25 %"), (math.sqrt(0.5), "50 %"), (1.0, "100 %")]
MOST = 12_800  # that one explorer carries: a row costs about 32 + n, its words and its images
WIDTH, HEIGHT = 64, 32  # of a bar chart, in its own pixels
PAPER, LINE, OTHER, OWN = (240, 240, 244), (150, 150, 156), (11, 98, 168), (209, 86, 10)


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

    Raises:
        ValueError: shapes that do not fit, NaN, or a temperature that is not above 0.
    """
    owner = "temperature_explorer_from_arrays"
    rows, columns = grid = checks.grid_of(owner, grid)
    n = checks.whole(owner, "rows · columns", rows * columns, least=2)
    images = checks.images_of(owner, images, [grid])
    names, axes = list(images), "(blocks, images, heads, n, n)"
    products = checks.numbers(owner, "products", products, axes)
    if products.shape[1:] != (len(images), products.shape[2], n, n):
        raise ValueError(
            f"{owner}: products must be {axes} with {len(images)} images and n = {rows}·{columns}, but their shape is "
            f"{products.shape}"
        )
    if learned is not None:
        learned = checks.numbers(owner, "learned", learned, products.shape[::2][:2])
        if learned.min() <= 0:
            raise ValueError(f"{owner}: learned must be numbers above 0, but it is {learned.tolist()}")
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
        scores = np.where(np.eye(n, dtype=bool) & mask, -np.inf, scores)
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)

    def whole(**state):
        return figures.sequential(weights(**state), 1.0, "sqrt")

    def heat(**state):
        return see_through(whole(**state).reshape(-1, *grid, 3))

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
        most, own = int(row.argmax()), percent(row[token], 0.005)
        kind = {LEARNED: ", as learned", 1: " = √head_dim"}.get(temperature, "")
        other = f"{at(most, columns)}: {percent(row[most], 0.005)}; from itself {'nothing' if mask else own}"
        return (
            f"{image}, block {block}, head {head}, τ = {tau(block, head, temperature):.2f}{kind}, diagonal "
            f"{'masked' if mask else 'open'}: {at(token, columns)} takes most from "
            f"{f'itself: {own}' if most == token else other}. "
            f"Entropy {analysis.entropy(row):.2f} bits of at most {math.log2(n - mask):.2f}."
        )

    texts = [{LEARNED: LEARNED, 1: "√head_dim"}.get(step) or f"{FACTORS[step]} · √head_dim" for step in steps]
    settings = [
        Choice("image", "Image", names),
        Choice("block", "Block", blocks),
        Choice("head", "Head", heads),
        Slider("temperature", "Temperature τ", steps, texts),
        Switch("mask", "Mask the diagonal"),
        Place("token", "Token", grid),
    ]
    one = ("image", "block", "head")
    state = (*one, "temperature", "mask")
    captions = (
        "Point at a token, or use the arrow keys. Bright tokens give it much.",
        "Row i: what token i takes; on the diagonal, what it takes from itself. The outlined row is the token's.",
        "One bar for each token, in order; its own is orange. Striped: −∞, masked.",
        "After temperature, mask and softmax: shares that sum to 100 %. Heights and colours follow the square root, so "
        "that small shares can be seen.",
    )
    taken = [faded(images), Layer(heat, (*state, "token"))]
    table, scores, shares = (
        [Layer(pages, depends)]
        for pages, depends in ((whole, state), (before, (*one, "mask", "token")), (after, (*state, "token")))
    )
    sides: dict = {"x_label": "from token j", "y_label": "token i"}
    light, plain_bar = Bar(figures.SEQUENTIAL, SHARES), np.array([PAPER, PAPER], np.uint8)
    reach, of_one = signed(limit, plain_bar), Bar(plain_bar, SHARES)
    panels = [
        Panel("What the token takes", taken, captions[0], 256, "grid", lines=True),
        Panel("All rows of A", table, captions[1], 256, "rows", beneath=True, bar=light, **sides),
        Panel("Its row of Q·Kᵀ", scores, captions[2], 256, bar=reach),
        Panel("Its row of A = softmax(Q·Kᵀ / τ)", shares, captions[3], 256, beneath=True, bar=of_one),
    ]
    start = {"temperature": 1 if learned is None else LEARNED, "mask": masked}
    start |= {"block": blocks[-1], "token": middle(grid)}
    return Explorer("temperature", settings, panels, words, title=title, start=start)


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
        images: {name: uint8 image}; one of another size than the model wants is resized, as in training.
        blocks, heads: which to show, counted from 1; without it, as many as an explorer carries lightly: all of a
            small network, some of the first and last block of a larger one.

    Raises:
        ValueError: no image, a model without attention or with a class token, or a block or head that it lacks.
    """
    owner = "explore_temperature"
    images, batch = checks.seen_by(owner, model, images)
    products, grid = analysis.products(model, batch), analysis.token_grid(model)
    if products.shape[-1] != grid[0] * grid[1]:
        raise ValueError(f"{owner}: a class token has no position in the image; use a model with pool='mean'")
    attention = blocks_of(model)[0].attention
    own = isinstance(attention, LocalitySelfAttention)
    learned = analysis.temperatures(model) if own and attention.learns_temperature else None
    depth, _, count, n, _ = products.shape
    room = MOST // (len(images) * n * (32 + n))  # so many heads
    if blocks is None:
        blocks = range(1, depth + 1) if depth * count <= room else sorted({1, depth}) if room > 1 else [depth]
    if heads is None:
        heads = range(1, min(count, max(1, room // len(blocks))) + 1)
    blocks, heads = checks.wholes(owner, "blocks", blocks, depth), checks.wholes(owner, "heads", heads, count)
    chosen = [k - 1 for k in blocks], [k - 1 for k in heads]
    return temperature_explorer_from_arrays(
        products[chosen[0]][:, :, chosen[1]],
        None if learned is None else learned[np.ix_(*chosen)],
        attention.head_dim,
        images,
        grid,
        blocks=blocks,
        heads=heads,
        masked=own and attention.mask_diagonal,
    )
