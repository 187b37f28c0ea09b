"""The shift explorer: what one token sees through shifted patches, and what through a plain one."""

from collections.abc import Mapping, Sequence
from functools import cache

import keras
import numpy as np

from course_utils.explorers.core import checks
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.panels import plain, see_through
from course_utils.explorers.core.parts import Choice, Layer, Panel, Place
from course_utils.explorers.core.words import at, count
from course_utils.explorers.patches import default_images
from course_utils.figures.checks import listed
from course_utils.layers import ShiftedPatchTokenization
from course_utils.layers.small_data_vit import DIRECTIONS

ALL, ITSELF = "all five", "the image itself"
NINE = np.array([[1, -1, 2], [-1, 0, -1], [3, -1, 4]])  # which of the five images lies where: a five on a die
FRACTIONS = {0: "0", 0.25: "¼", 0.5: "½", 0.75: "¾", 1: "1"}
EMPTY = (128, 128, 128, 64)  # between the images: unlike their black on a dark page too
VEIL = (11, 10, 31)  # what is laid over pixels that are not seen: dark, and not black as the zeros are


def _through_the_layer(image: np.ndarray, patch_size: int, fraction: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Returns the five images `(h, w, 5, c)`, each token's five `(n, p, p, 5, c)`, and how many pixels a copy moves."""
    h, w, c = image.shape
    layer = ShiftedPatchTokenization(patch_size, embed_dim=1, shift=fraction)
    stacked = layer.stacked(image[None].astype("float32"))
    five, cut = (keras.ops.convert_to_numpy(values)[0] for values in (stacked, layer.patches(stacked)))
    return five.reshape(h, w, 5, c), cut.reshape(-1, patch_size, patch_size, 5, c), layer.shift_pixels


def _in_nine(five: np.ndarray, empty=EMPTY) -> np.ndarray:
    """Lays five images `(…, h, w, 5, c)` out as in `NINE`, `(…, 3h, 3w, 4)`; the rest is empty."""
    *before, h, w, _, c = five.shape
    nine = np.full((*before, 3 * h, 3 * w, 4), empty, np.uint8)
    for (row, column), k in np.ndenumerate(NINE):
        if k >= 0:
            place = nine[..., row * h : (row + 1) * h, column * w : (column + 1) * w, :]
            place[..., 3] = 255
            place[..., : max(c, 3)] = five[..., k, :]
    return nine


def _parts(images: dict, first: str, patch_sizes: list[int], fractions: list[float]) -> dict:
    directions = (ALL, ITSELF, *DIRECTIONS)

    @cache
    def tokens(image, patch_size, fraction):
        return _through_the_layer(images[image], patch_size, fraction)

    @cache
    def numbered(h, w, patch_size, fraction):
        # The same layer on an image whose pixels are numbered from 1: a token holds the numbers it sees.
        return _through_the_layer(np.arange(1, h * w + 1).reshape(h, w, 1), patch_size, fraction)[1]

    @cache
    def seen(h, w, patch_size, fraction, direction):
        """(n, h * w) bool: the pixels that each token sees."""
        one = np.s_[:] if direction == ALL else directions.index(direction) - 1
        pixels = numbered(h, w, patch_size, fraction)[..., one, :]
        pixels = pixels.reshape(len(pixels), -1).astype(int)
        held = np.zeros((len(pixels), 1 + h * w), bool)
        np.put_along_axis(held, pixels, True, axis=1)
        return held[:, 1:]  # 0 is no pixel: it lies beyond the border

    def size(image):
        return images[image].shape[:2]

    def grid(image, patch_size, **_):
        h, w = size(image)
        return h // patch_size, w // patch_size

    def footprint(image, patch_size, fraction, direction):
        h, w = size(image)
        shown = seen(h, w, patch_size, fraction, direction).reshape(-1, h, w)
        return see_through(VEIL, 0.72 * ~shown)

    def five(image, patch_size, fraction):
        return _in_nine(tokens(image, patch_size, fraction)[0].astype(np.uint8))

    def over_nine(shown, direction, opacity):
        """(…, h, w) bool, what is shown of each image in that direction -> (…, 3h, 3w, 4): a veil over all others."""
        chosen = [direction in (ALL, one) for one in directions[1:]]
        return _in_nine(see_through(VEIL, opacity * ~(shown[..., None] & chosen)), empty=0)

    def places(image, patch_size, direction):
        rows, columns = grid(image, patch_size)
        return over_nine(np.eye(rows * columns, dtype=bool).reshape(-1, rows, columns), direction, 0.55)

    def patches(image, patch_size, fraction):
        return _in_nine(tokens(image, patch_size, fraction)[1].astype(np.uint8))

    def of_patches(direction):
        return over_nine(np.ones((1, 1), bool), direction, 0.72)

    def patches_caption(image, patch_size, fraction, direction):
        p, c = patch_size, images[image].shape[-1]
        return (
            f"They become one token of 5·p·p·c = 5·{p}·{p}·{c} = {5 * p * p * c} numbers; a plain patch has "
            f"{p}·{p}·{c} = {p * p * c}."
        )

    def words(image, patch_size, fraction, direction, token):
        h, w = size(image)
        p, key = patch_size, (h, w, patch_size, fraction)
        moved = tokens(image, p, fraction)[2]
        head = f"{image}, p = {p}: {at(token, w // p)}"
        held = int(seen(*key, direction)[token].sum())
        if direction == ITSELF:
            return f"{head} sees {held} pixels through a plain patch."
        if moved == 0:
            return f"{head}: nothing has moved, so all five show the same {p * p} pixels."
        if direction != ALL:
            up, left = direction.endswith("up"), direction.startswith("left")
            where = f"{count(moved, 'pixel')} further {'right' if left else 'left'} and {'down' if up else 'up'}"
            lost = p * p - held
            border = f"; {lost} of {p * p} lie beyond the border and are zero" if lost else ""
            return f"{head}: the copy moved {direction} by {moved} shows it what lies {where}{border}."
        lost = 5 * p * p - sum(int(seen(*key, one)[token].sum()) for one in directions[1:])
        border = f" {lost} of the 5·{p}·{p} places lie beyond the border and are zero." if lost else ""
        return (
            f"{head} sees {held} pixels with copies moved by {moved}, {held / (p * p):.3g} times as many as "
            f"a plain patch ({p * p}).{border}"
        )

    settings = [
        Choice("image", "Image", list(images)),
        Choice("patch_size", "Patch size p", patch_sizes),
        Choice("fraction", "Shift, as a part of p", fractions, [_written(f) for f in fractions]),
        Choice("direction", "Seen through", directions, [ALL, ITSELF, *(f"the copy moved {d}" for d in DIRECTIONS)]),
        Place("token", "Token", grid),
    ]
    layer = ("image", "patch_size", "fraction")
    captions = (
        "Point at a token, or use the arrow keys. The frame is its plain patch; bright is every pixel that it sees.",
        "The image in the middle, around it its copies, each on the side to which it was moved. What moved in at the "
        "border is zero: black. Bright is the token's patch, in the same place of all five.",
    )
    sees = [plain(images), Layer(footprint, (*layer, "direction", "token"))]
    copies = [Layer(five, layer), Layer(places, ("image", "patch_size", "direction", "token"))]
    cut = [Layer(patches, (*layer, "token")), Layer(of_patches, ("direction",))]
    panels = [
        Panel("What the token sees", sees, captions[0], 280, "grid"),
        Panel("The five images", copies, captions[1], 360),
        Panel("Its five patches", cut, patches_caption, 180),
    ]
    p, fraction = 8 if 8 in patch_sizes else patch_sizes[0], 0.5 if 0.5 in fractions else fractions[0]
    rows, columns = grid(first, p)
    start = {"image": first, "patch_size": p, "fraction": fraction, "token": rows // 2 * columns + columns // 2}
    return {"settings": settings, "panels": panels, "words": words, "start": start}


def _written(fraction: float) -> str:
    return FRACTIONS.get(fraction, f"{fraction:g}") + (" (the paper's)" if fraction == 0.5 else "")


def explore_shift(
    images: Mapping[str, np.ndarray] | None = None,
    patch_sizes: Sequence[int] = (5, 8, 10),
    fractions: Sequence[float] = (0, 0.25, 0.5, 1),
    size: int = 40,
) -> Explorer:
    """Shows what one token sees through shifted patches, through the real `ShiftedPatchTokenization` layer.

    Args:
        images: {name: uint8 image `(h, w, 1 or 3)`}; without it, a photograph and one of the shapes.
        patch_sizes: the sides `p` to choose from; each must divide every image. Half of an odd one is rounded down.
        fractions: how far a copy moves, as parts of the patch, from 0 to 1.
        size: side of the images that come without `images`, and of the student's own.

    Raises:
        ValueError: no image, no uint8 image, a patch size that does not divide one, or a fraction outside 0 to 1.
    """
    owner = "explore_shift"
    patch_sizes, size = checks.wholes(owner, "patch_sizes", patch_sizes), checks.whole(owner, "size", size)
    fractions = listed(owner, "fractions", fractions, "numbers from 0 to 1")
    fractions = [checks.amount(owner, "fractions", fraction, 1) for fraction in fractions]
    if images is None:
        images = {name: image for name, image in default_images(size).items() if name in ("astronaut", "shapes")}
    images = checks.images_of(owner, images, patch_sizes)

    def parts(own: dict) -> dict:
        every = checks.images_of(owner, {**images, **own}, patch_sizes)
        return _parts(every, [next(iter(images)), *own][-1], patch_sizes, fractions)

    return Explorer("shift", **parts({}), title="From shifted patches to tokens", with_own=parts, side=size)
