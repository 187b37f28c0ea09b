"""A small explorer whose every pixel is known, and arrays for the lessons' explorers."""

import numpy as np

from course_utils.explorers import Bar, Choice, Explorer, Layer, Panel, Place, Slider, Switch
from course_utils.figures import DIVERGING
from course_utils.models import classifier

LEARNED = np.array([[1.5, 3.0, 2.5], [0.5, 4.0, 2.0]])  # temperatures of 2 blocks of 3 heads
GRIDS = {"coarse": (2, 3), "fine": (4, 6)}


def colour(*numbers):
    """Returns a colour that belongs to these numbers alone."""
    mixed = sum(number * step for number, step in zip(numbers, (97, 31, 7, 3), strict=False))
    return [mixed % 251, (mixed * 5) % 241, (mixed * 11) % 239]


def small_parts():
    """Every kind of control and of panel: a choice that changes the grid, a slider, a switch, a place."""

    def ground(detail):
        rows, columns = GRIDS[detail]
        return np.array([[colour(1, r, c) for c in range(columns)] for r in range(rows)], np.uint8)

    def glow(detail, level, lit):
        rows, columns = GRIDS[detail]
        pages = np.zeros((rows * columns, rows, columns, 4), np.uint8)
        for i in range(rows * columns):
            pages[i, i // columns, i % columns] = [*colour(2, level, lit, i), 255]
        return pages

    def items(detail):
        rows, columns = GRIDS[detail]
        return np.array([[[colour(3, i)]] for i in range(rows * columns)], np.uint8)

    def words(detail, level, lit, cell):
        return f"{detail} grid, level {level}, light {'on' if lit else 'off'}, cell {cell}."

    return {
        "settings": [
            Choice("detail", "Detail", list(GRIDS)),
            Slider("level", "Level", [1, 2, 5, 9]),
            Switch("lit", "Light"),
            Place("cell", "Cell", lambda detail, **_: GRIDS[detail]),
        ],
        "panels": [
            Panel(
                "Ground",
                [Layer(ground, ["detail"]), Layer(glow, ["detail", "level", "lit", "cell"])],
                lambda detail, **_: f"The {detail} ground.",
                size=300,
                spots="grid",
                lines=True,
            ),
            Panel("Items", [Layer(items, ["detail", "cell"])], "All.", size=240, sheet=True, columns=6),
            Panel(
                "Rows",
                [Layer(lambda detail: items(detail)[:, 0].repeat(len(items(detail)), axis=1), ["detail"])],
                size=120,
                spots="rows",
                bar=Bar(DIVERGING, [(0, "low"), (1, "high")]),
                x_label="across",
                y_label="down",
            ),
        ],
        "words": words,
    }


def small_explorer(**changes):
    """Returns the explorer made of `small_parts`, with some arguments changed."""
    return Explorer("small", **{"title": "A small explorer", **small_parts(), **changes})


def carried(explorer):
    """Returns the bytes that an explorer sends."""
    return len(explorer.data) + sum(len(text.encode()) for texts in explorer.spec["words"] for text in texts)


def influences(networks=("before", "after", "no mixing"), images=2, depths=2, n=16, seed=0):
    """Returns made-up influences: positive, largest on the diagonal; "no mixing" has nothing else."""
    rng = np.random.default_rng(seed)
    found = {}
    for name in networks:
        values = rng.random((images, depths, n, n)) * (name != "no mixing")
        found[name] = values + 3 * np.eye(n)
    return found


def token_weights(networks=("before", "after"), blocks=2, n=16, units=12, seed=0):
    """Returns made-up weights of token MLPs."""
    rng = np.random.default_rng(seed)
    return {
        name: [(rng.normal(size=(n, units)), rng.normal(size=(units, n))) for _ in range(blocks)] for name in networks
    }


def tables(blocks=2, count=2, heads=3, n=16, seed=0):
    """Returns made-up attention: rows that sum to 1, some of them sharp."""
    powers = np.exp(3 * np.random.default_rng(seed).normal(size=(blocks, count, heads, n, n)))
    return powers / powers.sum(axis=-1, keepdims=True)


def products(blocks=2, count=2, heads=3, n=16):
    """Returns a made-up `Q·Kᵀ`."""
    return np.random.default_rng(0).normal(size=(blocks, count, heads, n, n)) * 4


def diary(epochs=(0, 1, 2), blocks=2, seed=0, n=6):
    """Returns made-up gates that start as the paper's do and grow."""
    rng = np.random.default_rng(seed)
    grown = [(rng.normal(size=(n, n)), rng.normal(size=n)) for _ in range(blocks)]
    return {e: [(1e-6 * (e == 0) + e * w, 1 + 0.1 * e * b) for w, b in grown] for e in epochs}


def similarity(n=12, seed=0):
    """Returns the cosines between `n` made-up vectors."""
    vectors = np.random.default_rng(seed).normal(size=(n, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors @ vectors.T


def network(name="vit", shape=(16, 16, 3), **changes):
    """Returns a small network, untrained: 4 tokens of images `(16, 16, 3)`."""
    return classifier(name, shape, 4, **{"embed_dim": 8, "channels_mlp_dim": 8, **changes})


def images(count=2, side=32, seed=0):
    """Returns named random images, uint8 `(side, side, 3)`."""
    rng = np.random.default_rng(seed)
    return {f"image {k}": rng.integers(0, 256, (side, side, 3), dtype=np.uint8) for k in range(count)}
