"""The shift explorer: what one token sees through shifted patches, and what through a plain one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from course_utils import figures
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.parts import Choice, Layer, Panel, Place

ALL, ITSELF = "all five", "the image itself"
CORNERS = ((1, 1), (0, 0), (0, 2), (2, 0), (2, 2))  # row and column of each of the five in a square of nine
FRACTIONS = {0: "0", 0.25: "¼", 0.5: "½", 0.75: "¾", 1: "1"}
EMPTY = (128, 128, 128, 64)  # between the images: unlike their black on a dark page too
VEIL = (11, 10, 31)  # what is laid over pixels that are not seen: dark, and not black as the zeros are


@dataclass(frozen=True)
class _Tokens:
    """What the layer makes of one image, or of its pixels' numbers: the five images, and each token's five."""

    stacked: np.ndarray  # (h, w, 5, c)
    patches: np.ndarray  # (n, p, p, 5, c)
    pixels: int  # how far a copy moves


def _through_the_layer(image: np.ndarray, patch_size: int, fraction: float) -> _Tokens:
    import keras

    from course_utils.layers import ShiftedPatchTokenization

    h, w, c = image.shape
    layer = ShiftedPatchTokenization(patch_size, embed_dim=1, shift=fraction)
    stacked = layer.stacked(image[None].astype("float32"))
    patches = keras.ops.convert_to_numpy(layer.patches(stacked))[0]
    return _Tokens(
        keras.ops.convert_to_numpy(stacked)[0].reshape(h, w, 5, c),
        patches.reshape(-1, patch_size, patch_size, 5, c),
        layer.shift_pixels,
    )


def _held(numbers: np.ndarray, count: int) -> np.ndarray:
    """(n, …) numbers of pixels from 1, 0 for none -> (n, count) bool: which of `count` pixels each token holds."""
    pixels = numbers.reshape(len(numbers), -1).astype(int)
    held = np.zeros((len(numbers), count + 1), bool)
    np.put_along_axis(held, pixels, True, axis=1)
    return held[:, 1:]


def _in_nine(five: np.ndarray) -> np.ndarray:
    """Lays five images `(…, h, w, 5, c)` out as a five on a die, `(…, 3h, 3w, 4)`; the rest is `EMPTY`."""
    *before, h, w, _, _ = five.shape
    nine = np.empty((*before, 3 * h, 3 * w, 4), np.uint8)
    nine[:] = EMPTY
    for k, (row, column) in enumerate(CORNERS):
        place = nine[..., row * h : (row + 1) * h, column * w : (column + 1) * w, :]
        place[..., :3] = five[..., k, :]
        place[..., 3] = 255
    return nine


def _checked(images, patch_sizes, fractions) -> tuple[dict, list[int], list[float]]:
    owner = "explore_shift"
    if not isinstance(images, Mapping) or not images:
        raise ValueError(f"{owner}: images must be {{name: uint8 image (h, w, 1 or 3)}} with at least one")
    patch_sizes, fractions = list(patch_sizes), list(fractions)
    if not patch_sizes or any(isinstance(p, bool) or not isinstance(p, int) or p < 1 for p in patch_sizes):
        raise ValueError(f"{owner}: patch_sizes must be whole numbers of at least 1, but are {patch_sizes!r}")
    if not fractions or not all(isinstance(f, int | float) and 0 <= f <= 1 for f in fractions):
        raise ValueError(f"{owner}: fractions must be numbers between 0 and 1, but are {fractions!r}")
    for name, image in images.items():
        kind, shape = np.asarray(image).dtype, np.shape(image)
        if len(shape) != 3 or shape[-1] not in (1, 3) or kind != np.uint8:
            raise ValueError(f"{owner}: images[{name!r}] must be uint8 (h, w, 1 or 3), but it is {kind} {shape}")
        for p in patch_sizes:
            if shape[0] % p or shape[1] % p:
                raise ValueError(
                    f"{owner}: patch size {p} does not divide images[{name!r}] of {shape[0]} × {shape[1]} pixels; "
                    "leave it out of patch_sizes or resize the image"
                )
    return dict(images), patch_sizes, fractions


def _parts(images: dict, patch_sizes: list[int], fractions: list[float]) -> dict:
    from course_utils.layers.small_data_vit import DIRECTIONS

    directions = (ALL, ITSELF, *DIRECTIONS)
    tokens, seen = {}, {}
    for p in patch_sizes:
        for f in fractions:
            for name, image in images.items():
                tokens[name, p, f] = _through_the_layer(image, p, f)
            for h, w in {image.shape[:2] for image in images.values()}:
                # The same layer on an image whose pixels are numbered from 1: a token holds the numbers it sees.
                numbered = _through_the_layer(np.arange(1, h * w + 1).reshape(h, w, 1), p, f).patches
                seen[h, w, p, f, ALL] = _held(numbered, h * w)
                for k, direction in enumerate(directions[1:]):
                    seen[h, w, p, f, direction] = _held(numbered[..., k, :], h * w)

    def size(image):
        return images[image].shape[:2]

    def grid(image, patch_size, **_):
        h, w = size(image)
        return h // patch_size, w // patch_size

    def veil(shown, opacity):
        """(…) bool, what is shown -> (…, 4): a veil over the rest."""
        pages = np.zeros((*shown.shape, 4), np.uint8)
        pages[..., :3] = VEIL
        pages[..., 3] = np.where(shown, 0, round(255 * opacity))
        return pages

    def footprint(image, patch_size, fraction, direction):
        h, w = size(image)
        return veil(seen[h, w, patch_size, fraction, direction].reshape(-1, h, w), 0.72)

    def five(image, patch_size, fraction):
        return _in_nine(tokens[image, patch_size, fraction].stacked.astype(np.uint8))

    def of_five(direction):
        """Which squares of the nine a direction shows, and which of them hold an image at all."""
        held = np.zeros((3, 3), bool)
        held[tuple(np.transpose(CORNERS))] = True
        chosen = held.copy()
        if direction != ALL:
            chosen[:] = False
            chosen[CORNERS[directions.index(direction) - 1]] = True
        return chosen, held

    def places(image, patch_size, direction):
        rows, columns = grid(image, patch_size)
        chosen, held = of_five(direction)
        own = np.eye(rows * columns, dtype=bool).reshape(-1, rows, columns)
        pages = veil(np.kron(chosen, own), 0.55)
        pages[:, ~np.kron(held, np.ones((rows, columns), bool))] = 0
        return pages

    def patches(image, patch_size, fraction):
        return _in_nine(tokens[image, patch_size, fraction].patches.astype(np.uint8))

    def of_patches(direction):
        chosen, held = of_five(direction)
        pages = veil(chosen, 0.72)
        pages[~held] = 0
        return pages

    def patches_caption(image, patch_size, fraction, direction):
        p, c = patch_size, images[image].shape[-1]
        return (
            f"They become one token of 5·p·p·c = 5·{p}·{p}·{c} = {5 * p * p * c} numbers; a plain patch has "
            f"{p}·{p}·{c} = {p * p * c}."
        )

    def words(image, patch_size, fraction, direction, token):
        h, w = size(image)
        p, key = patch_size, (h, w, patch_size, fraction)
        columns = w // p
        moved = tokens[image, p, fraction].pixels
        head = f"{image}, p = {p}: token {token} (row {token // columns}, column {token % columns})"
        count = int(seen[(*key, direction)][token].sum())
        if direction == ITSELF:
            return f"{head} sees {count} pixels through a plain patch."
        if moved == 0:
            return f"{head}: nothing has moved, so all five show the same {p * p} pixels."
        if direction != ALL:
            up, left = direction.endswith("up"), direction.startswith("left")
            pixels = "1 pixel" if moved == 1 else f"{moved} pixels"
            where = f"{pixels} further {'right' if left else 'left'} and {'down' if up else 'up'}"
            lost = p * p - count
            border = f"; {lost} of {p * p} lie beyond the border and are zero" if lost else ""
            return f"{head}: the copy moved {direction} by {moved} shows it what lies {where}{border}."
        lost = 5 * p * p - sum(int(seen[(*key, one)][token].sum()) for one in directions[1:])
        border = f" {lost} of the 5·{p}·{p} places lie beyond the border and are zero." if lost else ""
        return (
            f"{head} sees {count} pixels with copies moved by {moved}, {count / (p * p):.3g} times as many as "
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
    panels = [
        Panel(
            "What the token sees",
            [
                Layer(lambda image: figures.as_rgb(images[image]), ("image",)),
                Layer(footprint, (*layer, "direction", "token")),
            ],
            "Point at a token, or use the arrow keys. The frame is its plain patch; bright is every pixel that it "
            "sees.",
            size=280,
            spots="grid",
        ),
        Panel(
            "The five images",
            [Layer(five, layer), Layer(places, ("image", "patch_size", "direction", "token"))],
            "The image in the middle, around it its copies, each on the side to which it was moved. What moved in "
            "at the border is zero: black. Bright is the token's patch, in the same place of all five.",
            size=360,
        ),
        Panel(
            "Its five patches",
            [Layer(patches, (*layer, "token")), Layer(of_patches, ("direction",))],
            patches_caption,
            size=180,
        ),
    ]
    return {"settings": settings, "panels": panels, "words": words}


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
        ValueError: no image, not a uint8 image, a patch size that does not divide one, or a fraction outside
            0 to 1.
    """
    if images is None:
        from course_utils.explorers.patches import default_images

        images = {
            name: image for name, image in default_images(size).items() if name in ("astronaut", "shapes")
        }
    images, patch_sizes, fractions = _checked(images, patch_sizes, fractions)

    def start(image: str) -> dict:
        p = 8 if 8 in patch_sizes else patch_sizes[0]
        rows, columns = (side // p for side in images[image].shape[:2])
        return {
            "image": image,
            "patch_size": p,
            "fraction": 0.5 if 0.5 in fractions else fractions[0],
            "token": (rows // 2) * columns + columns // 2,
        }

    def on_image(image, filename: str) -> dict:
        from course_utils.data.images import as_image

        own, name = as_image(image, size), filename if len(filename) <= 24 else filename[:15] + "…" + filename[-8:]
        _checked({name: own}, patch_sizes, fractions)
        # One of one's own at a time: all of them together would be too much to carry.
        kept = {**images, name: own}
        return {**_parts(kept, patch_sizes, fractions), "start": {**start(next(iter(images))), "image": name}}

    return Explorer(
        "shift",
        **_parts(images, patch_sizes, fractions),
        title="From shifted patches to tokens",
        start=start(next(iter(images))),
        on_image=on_image,
    )
