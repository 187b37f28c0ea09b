"""The patch explorer: how an image becomes tokens."""

from collections.abc import Mapping, Sequence
from functools import cache

import keras
import numpy as np

from course_utils import figures
from course_utils.data import load_dataset
from course_utils.data.images import as_image, photographs
from course_utils.explorers.core import checks
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.panels import plain
from course_utils.explorers.core.parts import Choice, Layer, Panel, Place
from course_utils.layers import Patches


def default_images(size: int = 64) -> dict[str, np.ndarray]:
    """Returns three photographs and one image of the embedded data set, uint8 `(size, size, 3)`."""
    drawn = load_dataset("shapes", task="odd_one_out", size=100).x_train[0]
    factor, rest = divmod(size, drawn.shape[0])
    shapes = figures.enlarge(drawn, factor) if factor and not rest else as_image(drawn, size)
    return {**photographs(size), "shapes": shapes}


def _parts(images: dict, first: str, patch_sizes: list) -> dict:
    @cache
    def tokens(image, patch_size):
        """uint8 (n, p * p * c), as the layer gives them."""
        values = Patches(patch_size)(images[image][None].astype("float32"))
        return keras.ops.convert_to_numpy(values)[0].astype(np.uint8)

    def grid(image, patch_size):
        h, w, _ = images[image].shape
        return h // patch_size, w // patch_size

    def in_order(image, patch_size):
        c = images[image].shape[-1]
        pages = tokens(image, patch_size).reshape(-1, patch_size, patch_size, c)  # (n, p, p, c)
        return pages if c == 3 else np.repeat(pages, 3, axis=-1)

    def vector(image, patch_size):
        """A row of the patch in each row; each number in the colour of its channel."""
        c = images[image].shape[-1]
        values = tokens(image, patch_size).reshape(-1, patch_size, patch_size * c, 1)
        channel = np.arange(patch_size * c)[:, None] % c == np.arange(3)  # red, green, blue, in turn
        return values * (channel | (c == 1)).astype(np.uint8)

    def vector_caption(image, patch_size):
        p, c = patch_size, images[image].shape[-1]
        each = "" if c == 1 else ": each pixel gives three, red, green, blue"
        return f"{p}·{p}·{c} = {p * p * c} numbers, read like a page{each}. Bright is large."

    def words(image, patch_size, patch):
        h, w, c = images[image].shape
        p, (rows, columns) = patch_size, grid(image, patch_size)
        row, column = divmod(patch, columns)
        colours = ("red", "green", "blue") if c == 3 else ("grey",) * 3
        first = zip(tokens(image, p)[patch][:3], colours, strict=False)
        return (
            f"{image}: n = ({h}/{p})·({w}/{p}) = {rows * columns} patches; each becomes a token of "
            f"p·p·c = {p}·{p}·{c} = {p * p * c} numbers. Token {patch} is the patch in row {row}, column {column}. "
            f"It begins {', '.join(f'{value} ({colour})' for value, colour in first)}, …"
        )

    def in_a_row(**state):
        n = len(tokens(**state))
        return 8 if n <= 16 else 16 if n <= 64 else 32

    settings = [
        Choice("image", "Image", list(images)),
        Choice("patch_size", "Patch size p", patch_sizes),
        Place("patch", "Patch", grid),
    ]
    captions = (
        "Point at a patch, or use the arrow keys. Everything is counted from 0.",
        "Left to right, then the next row: the network gets this list and not the image.",
    )
    both = ("image", "patch_size", "patch")
    panels = [
        Panel("The image, cut into patches", [plain(images)], captions[0], 320, "grid", lines=True),
        Panel("The tokens, in order", [Layer(in_order, both)], captions[1], 480, sheet=True, columns=in_a_row),
        Panel("The token as a vector", [Layer(vector, both)], vector_caption, 480, values=True, beneath=True),
    ]
    p = 8 if 8 in patch_sizes else patch_sizes[0]
    rows, columns = grid(first, p)
    start = {"image": first, "patch_size": p, "patch": rows // 4 * columns + columns // 2}
    return {"settings": settings, "panels": panels, "words": words, "start": start}


def explore_patches(
    images: Mapping[str, np.ndarray] | None = None,
    patch_sizes: Sequence[int] = (4, 8, 16, 32),
    size: int = 64,
) -> Explorer:
    """Shows how an image is cut into patches and each patch becomes a vector, through the real `Patches` layer.

    Args:
        images: {name: uint8 image `(h, w, 1 or 3)`}; without it, three photographs and one of the shapes.
        patch_sizes: the sides `p` to choose from; each must divide every image.
        size: side of the images that come without `images`, and of the student's own.

    Raises:
        ValueError: no image, not a uint8 image, a patch size that does not divide one, or numbers that are no sizes.
    """
    owner = "explore_patches"
    patch_sizes, size = checks.wholes(owner, "patch_sizes", patch_sizes), checks.whole(owner, "size", size)
    images = checks.images_of(owner, default_images(size) if images is None else images, patch_sizes)

    def parts(own: dict) -> dict:
        every = checks.images_of(owner, {**images, **own}, patch_sizes)
        return _parts(every, [next(iter(images)), *own][-1], patch_sizes)

    return Explorer("patches", **parts({}), title="From image to tokens", with_own=parts, side=size)
