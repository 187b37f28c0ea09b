"""The patch explorer: how an image becomes tokens."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import figures
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.parts import Choice, Layer, Panel, Place


def default_images(size: int = 64) -> dict[str, np.ndarray]:
    """Returns three photographs and one image of the embedded data set, uint8 `(size, size, 3)`."""
    from course_utils.data import load_dataset
    from course_utils.data.images import as_image, photographs

    drawn = load_dataset("shapes", task="odd_one_out", size=100).x_train[0]
    factor, rest = divmod(size, drawn.shape[0])
    shapes = figures.enlarge(drawn, factor) if factor and not rest else as_image(drawn, size)
    return {**photographs(size), "shapes": shapes}


def _checked(images, patch_sizes) -> tuple[dict, list]:
    if not isinstance(images, Mapping) or not images:
        raise ValueError("explore_patches: images must be {name: uint8 image (h, w, 1 or 3)} with at least one")
    patch_sizes = list(patch_sizes)
    if not patch_sizes or any(isinstance(p, bool) or not isinstance(p, int) or p < 1 for p in patch_sizes):
        raise ValueError(f"explore_patches: patch_sizes must be whole numbers of at least 1, but are {patch_sizes!r}")
    for name, image in images.items():
        shape = np.shape(image)
        if len(shape) != 3 or shape[-1] not in (1, 3) or np.asarray(image).dtype != np.uint8:
            raise ValueError(
                f"explore_patches: images[{name!r}] must be uint8 (h, w, 1 or 3), "
                f"but it is {np.asarray(image).dtype} {shape}"
            )
        for p in patch_sizes:
            if shape[0] % p or shape[1] % p:
                raise ValueError(
                    f"explore_patches: patch size {p} does not divide images[{name!r}] of {shape[0]} × {shape[1]} "
                    "pixels; leave it out of patch_sizes or resize the image"
                )
    return dict(images), patch_sizes


def _columns(tokens: int) -> int:
    return 8 if tokens <= 16 else 16 if tokens <= 64 else 32


def _parts(images: dict, patch_sizes: list) -> dict:
    import keras

    from course_utils.layers import Patches

    tokens = {}  # (image, patch size) -> uint8 (n, p * p * c), as the layer gives them
    for p in patch_sizes:
        layer = Patches(p)
        for name, image in images.items():
            values = keras.ops.convert_to_numpy(layer(image[None].astype("float32")))[0]
            tokens[name, p] = values.astype(np.uint8)

    def grid(image, patch_size):
        h, w, _ = images[image].shape
        return h // patch_size, w // patch_size

    def whole(image):
        return figures.as_rgb(images[image])

    def in_order(image, patch_size):
        c = images[image].shape[-1]
        pages = tokens[image, patch_size].reshape(-1, patch_size, patch_size, c)  # (n, p, p, c)
        return pages if c == 3 else np.repeat(pages, 3, axis=-1)

    def vector(image, patch_size):
        c = images[image].shape[-1]
        return figures.channel_cells(tokens[image, patch_size], c, patch_size * c)  # a row of the patch in each row

    def vector_caption(image, patch_size):
        p, c = patch_size, images[image].shape[-1]
        if c == 1:
            return f"{p}·{p}·1 = {p * p} numbers, read like a page. Bright is large."
        return (
            f"{p}·{p}·{c} = {p * p * c} numbers, read like a page: each pixel gives three, red, green, blue. "
            "Bright is large."
        )

    def words(image, patch_size, patch):
        h, w, c = images[image].shape
        p = patch_size
        rows, columns = grid(image, p)
        row, column = divmod(patch, columns)
        values = tokens[image, p][patch]
        colours = ("red", "green", "blue") if c == 3 else ("grey",) * 3
        first = ", ".join(f"{v} ({colour})" for v, colour in zip(values[:3], colours, strict=False))
        return (
            f"{image}: n = ({h}/{p})·({w}/{p}) = {rows * columns} patches; each becomes a token of "
            f"p·p·c = {p}·{p}·{c} = {p * p * c} numbers. "
            f"Token {patch} is the patch in row {row}, column {column}. It begins {first}, …"
        )

    settings = [
        Choice("image", "Image", list(images)),
        Choice("patch_size", "Patch size p", patch_sizes),
        Place("patch", "Patch", grid),
    ]
    both = ("image", "patch_size", "patch")
    panels = [
        Panel(
            "The image, cut into patches",
            [Layer(whole, ("image",))],
            "Point at a patch, or use the arrow keys. Everything is counted from 0.",
            size=320,
            spots="grid",
            lines=True,
        ),
        Panel(
            "The tokens, in order",
            [Layer(in_order, both)],
            "Left to right, then the next row: the network gets this list and not the image.",
            size=480,
            sheet=True,
            columns=lambda image, patch_size: _columns(len(tokens[image, patch_size])),
        ),
        Panel("The token as a vector", [Layer(vector, both)], vector_caption, size=480, values=True, beneath=True),
    ]
    return {"settings": settings, "panels": panels, "words": words}


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
        ValueError: no image, not a uint8 image, or a patch size that does not divide one.
    """
    images, patch_sizes = _checked(default_images(size) if images is None else images, patch_sizes)

    def start(image: str) -> dict:
        p = 8 if 8 in patch_sizes else patch_sizes[0]
        h, w, _ = images[image].shape
        rows, columns = h // p, w // p
        return {"image": image, "patch_size": p, "patch": (rows // 4) * columns + columns // 2}

    def on_image(image, filename: str) -> dict:
        from course_utils.data.images import as_image

        own = as_image(image, size)
        _checked({filename: own}, patch_sizes)
        images[_short(filename)] = own
        return {**_parts(images, patch_sizes), "start": start(_short(filename))}

    return Explorer(
        "patches",
        **_parts(images, patch_sizes),
        title="From image to tokens",
        start=start(next(iter(images))),
        on_image=on_image,
    )


def _short(name: str, longest: int = 24) -> str:
    return name if len(name) <= longest else name[: longest - 9] + "…" + name[-8:]
