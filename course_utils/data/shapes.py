"""The embedded data set: images of coloured shapes, made here, so nothing has to be downloaded.

Every image is 32 x 32 pixels: a grid of 4 x 4 cells, each 8 x 8 pixels, on a calm grey background. A cell is
empty or holds one of ten shapes in one of ten colours. With patches of 8 pixels one token sees exactly one cell.

Four tasks ask different questions about the same kind of image:

=============  ==========================================================  =======  ====================
task           question                                                    classes  must tokens be mixed?
=============  ==========================================================  =======  ====================
odd_one_out    16 shapes in one colour, one in another: in which cell?     16       yes
match          two shapes: have they the same colour?                      2        yes
relation       two shapes: same shape, same colour, both or neither?       4        yes
content        one to four equal shapes: which shape, which colour?        100      no
=============  ==========================================================  =======  ====================

In the first three, what one cell shows is distributed in the same way whatever the class is, so a network has to
compare cells. More exactly, for a network that treats every cell by itself, alike, and adds up the results:

- odd_one_out: the sum is independent of the class, so it stays at chance, 1 in 16. (Were each cell's result allowed
  to depend on its place, the odd one could be found half of the time: always take the cell with the reddest colour.)
- match and relation: the expected sum is the same in every class, so cross-entropy gains nothing from it.

The same seed gives the same bytes on every machine: random numbers are the raw 64-bit words of PCG64, whose stream
NumPy promises to keep (it makes no such promise for ``Generator.integers``), and every pixel is integer arithmetic.
"""

from functools import lru_cache

import numpy as np

from course_utils.checked import shown
from course_utils.data.checks import whole_number
from course_utils.data.rng import Draw

IMAGE_SIZE = 32  # height and width of an image, pixels
GRID = 4  # cells along one side of an image
CELL = IMAGE_SIZE // GRID  # height and width of a cell, pixels

COLOURS = {
    "red": (214, 39, 40),
    "orange": (247, 127, 20),
    "yellow": (238, 198, 0),
    "green": (44, 150, 62),
    "turquoise": (20, 184, 186),
    "blue": (38, 88, 214),
    "purple": (128, 62, 190),
    "pink": (240, 112, 180),
    "brown": (128, 80, 44),
    "black": (52, 54, 64),
}
"""Name of each colour -> its red, green and blue, 0..255."""

SHAPES = ("disc", "ring", "square", "triangle", "diamond", "plus", "cross", "star", "heart", "crescent")
EMPTY = len(SHAPES)  # the shape number that `render` takes for "nothing in this cell"

BACKGROUNDS = (
    (171, 169, 164), (165, 169, 172), (167, 171, 165), (172, 166, 165), (168, 166, 172), (170, 170, 170),
)  # fmt: skip
"""Grey tints; each image has one of them, drawn at random, and it tells nothing about the class.

On a nearly white ground all tokens share one large offset, and networks took longer to see past it: a tiny gMLP was
still at chance after three epochs and then often stayed at about one half.
"""

MOST = 1_000_000  # images made at once, which are 3 GB of pixels


def make(task: str = "odd_one_out", size: int = 10_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make the images and labels of one task: uint8 (size, 32, 32, 3) and int32 (size,).

    Labels are as balanced as `size` allows (class counts differ by one at most) and in random order. ValueError if
    there is no such task, `size` is below the number of classes or above `MOST`, or the seed is below 0.
    """
    classes = len(class_names(task))
    size = whole_number("size", size, classes, MOST, f", at least one image per class of task {task!r}")
    draw = Draw(whole_number("seed", seed, 0))
    labels = np.arange(size)[draw.order(size)] % classes
    shape, colour = (cells.reshape(-1, GRID, GRID) for cells in _TASKS[task][1](labels, draw))
    background = draw.integers(len(BACKGROUNDS), size)
    return render(shape, colour, background), labels.astype(np.int32)


def class_names(task: str = "odd_one_out") -> tuple[str, ...]:
    """Names of a task's classes, in the order of the labels; ValueError if there is no such task."""
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(map(repr, TASKS))}; got {shown(task)}.")
    return _TASKS[task][0]


def render(shape: np.ndarray, colour: np.ndarray, background: np.ndarray | int = 0) -> np.ndarray:
    """Draw images, uint8 (n, 32, 32, 3), from numbers: also the way to draw an image of your own.

    Args:
        shape: integers (n, 4, 4), an index into `SHAPES` per cell, or `EMPTY`.
        colour: integers (n, 4, 4), an index into the names of `COLOURS` per cell.
        background: one index into `BACKGROUNDS`, or one per image, (n,).

    Raises:
        ValueError: wrong shape of an argument, or an index out of range.
    """
    shape, colour, background = np.asarray(shape), np.asarray(colour), np.asarray(background)
    if shape.ndim != 3 or shape.shape[1:] != (GRID, GRID) or colour.shape != shape.shape:
        raise ValueError(f"shape and colour must both be (n, {GRID}, {GRID}); got {shape.shape} and {colour.shape}.")
    if background.shape not in ((), shape.shape[:1]):
        raise ValueError(f"background must be one number or {len(shape)} of them; got shape {background.shape}.")
    for name, values, high in (
        ("shape", shape, EMPTY),
        ("colour", colour, len(COLOURS) - 1),
        ("background", background, len(BACKGROUNDS) - 1),
    ):
        if not np.issubdtype(values.dtype, np.integer):
            raise ValueError(f"{name} must hold whole numbers; got {values.dtype}.")
        if values.size and (values.min() < 0 or values.max() > high):
            raise ValueError(f"{name} must be in 0..{high}; got {values.min()}..{values.max()}.")
    background = np.broadcast_to(background, shape.shape[:1])[:, None]
    images = np.empty((len(shape), GRID, CELL, GRID, CELL, 3), np.uint8)
    for row in range(GRID):  # one gather of whole 8 x 8 tiles for each: no loop over images
        images[:, row] = _tiles()[background, shape[:, row], colour[:, row]].swapaxes(1, 2)
    return images.reshape(-1, IMAGE_SIZE, IMAGE_SIZE, 3)


def _other(number: np.ndarray, count: int, draw: Draw) -> np.ndarray:
    """For each number in 0..count-1 one of the others, all equally likely."""
    return (number + 1 + draw.integers(count - 1, number.shape)) % count


def _odd_one_out(labels: np.ndarray, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    cells = (len(labels), GRID * GRID)
    shape = draw.integers(len(SHAPES), cells)
    common = draw.integers(len(COLOURS), len(labels))
    odd = _other(common, len(COLOURS), draw)
    colour = np.where(np.arange(GRID * GRID) == labels[:, None], odd[:, None], common[:, None])
    return shape, colour


def _pair(same_shape: np.ndarray, same_colour: np.ndarray, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    """Two objects in two different cells; each alone has a random shape and colour, whatever the class."""
    count = len(same_shape)
    shape = np.full((count, GRID * GRID), EMPTY)
    colour = np.zeros((count, GRID * GRID), np.int64)
    first = draw.integers(GRID * GRID, count)
    second = _other(first, GRID * GRID, draw)
    first_shape, first_colour = draw.integers(len(SHAPES), count), draw.integers(len(COLOURS), count)
    image = np.arange(count)
    shape[image, first], colour[image, first] = first_shape, first_colour
    shape[image, second] = np.where(same_shape, first_shape, _other(first_shape, len(SHAPES), draw))
    colour[image, second] = np.where(same_colour, first_colour, _other(first_colour, len(COLOURS), draw))
    return shape, colour


def _match(labels: np.ndarray, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    # Whether the shapes agree is a coin toss, so that it cannot stand in for the answer.
    return _pair(draw.integers(2, len(labels)) == 1, labels == 1, draw)


def _relation(labels: np.ndarray, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    return _pair((labels == 0) | (labels == 2), (labels == 1) | (labels == 2), draw)


def _content(labels: np.ndarray, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    # One to four copies in random cells: with a single one there would be so few different images that the same
    # one would turn up in training and in the test.
    cells = (len(labels), GRID * GRID)
    rank = draw.integers(2**31, cells).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    here = rank <= draw.integers(4, len(labels))[:, None]
    shape = np.where(here, (labels // len(COLOURS))[:, None], EMPTY)
    colour = np.broadcast_to((labels % len(COLOURS))[:, None], cells)
    return shape, colour


_CELLS = tuple(f"row {row}, column {column}" for row in range(GRID) for column in range(GRID))
_TASKS = {
    "odd_one_out": (_CELLS, _odd_one_out),
    "match": (("different colours", "same colour"), _match),
    "relation": (("same shape", "same colour", "same shape and colour", "nothing in common"), _relation),
    "content": (tuple(f"{colour} {shape}" for shape in SHAPES for colour in COLOURS), _content),
}
TASKS = tuple(_TASKS)


@lru_cache(maxsize=1)
def _tiles() -> np.ndarray:
    """Every cell that can occur: uint8 (backgrounds, shapes + empty, colours, 8, 8, 3)."""
    cover = np.concatenate([_coverage(), np.zeros((1, CELL, CELL), np.int64)])[None, :, None, :, :, None]
    back = np.array(BACKGROUNDS)[:, None, None, None, None, :]
    ink = np.array(list(COLOURS.values()))[None, None, :, None, None, :]
    return ((back * (256 - cover) + ink * cover + 128) >> 8).astype(np.uint8)


def _coverage() -> np.ndarray:
    """How much of each pixel a shape covers, 0..256, (shapes, 8, 8): 16 x 16 points per pixel, counted.

    The points lie at odd whole numbers -127..127 with 32 units to a pixel, so each test below is exact.
    """
    points = np.arange(-127, 128, 2)
    u, v = points[None, :], points[:, None]  # right, down
    wide, high = np.abs(u), np.abs(v)
    square = u * u + v * v
    # A five-pointed star is where a point lies on the inner side of at least four of its five lines.
    normals = ((0, 1000), (951, 309), (588, -809), (-588, -809), (-951, 309))
    star = sum((u * a + (8 - v) * b <= 44_000).astype(np.int64) for a, b in normals) >= 4
    heart = ((wide - 62) ** 2 + (v + 48) ** 2 <= 48**2) | ((v >= -44) & (wide * 144 <= (100 - v) * 108))
    inside = {
        "disc": square <= 106**2,
        "ring": (square <= 112**2) & (square >= 64**2),
        "square": (wide <= 96) & (high <= 96),
        "triangle": (v <= 92) & (v >= -108) & (wide * 200 <= (v + 108) * 116),
        "diamond": wide + high <= 118,
        "plus": ((wide <= 32) & (high <= 112)) | ((high <= 32) & (wide <= 112)),
        "cross": ((np.abs(u - v) <= 40) | (np.abs(u + v) <= 40)) & (wide <= 100) & (high <= 100),
        "star": star,
        "heart": heart,
        "crescent": (square <= 112**2) & ((u - 56) ** 2 + (v + 20) ** 2 >= 84**2),
    }
    masks = np.stack([np.broadcast_to(inside[name], (128, 128)) for name in SHAPES])
    return masks.reshape(len(SHAPES), CELL, 16, CELL, 16).sum(axis=(2, 4))
