"""Images out of images: enlarge, blend, outline, lay out. All are uint8 `(h, w, 3)` unless stated."""

import base64
import math

import numpy as np

from course_utils.figures import checks

DARK, BRIGHT = (0, 0, 0), (255, 214, 0)  # an outline's two tones: one shows on any ground


def as_rgb(image) -> np.ndarray:
    """Returns a uint8 image `(h, w, 3)`; a grey one `(h, w, 1)` is repeated over the channels."""
    image = checks.image("as_rgb", "image", image)
    return image if image.shape[-1] == 3 else np.repeat(image, 3, axis=-1)


def as_output(png: bytes, words: str) -> tuple[dict, dict]:
    """Returns what a notebook shows (data and metadata): a PNG file, and words for those who cannot see it."""
    return {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": words}, {"image/png": {"alt": words}}


def resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns images `(b, h, w, c)` at `size` (height, width), bilinearly, as `train` gives them to a network.

    Returns:
        float32 `(b, *size, c)`; the images themselves if they have that size.
    """
    for axis, new in enumerate(size, start=1):
        old = images.shape[axis]
        if new != old:
            at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
            low = np.minimum(at.astype(int), max(old - 2, 0))
            share = (at - low).reshape(-1, *[1] * (3 - axis)).astype("float32")
            first, second = (images.take(np.minimum(low + k, old - 1), axis).astype("float32") for k in (0, 1))
            images = first + share * (second - first)
    return images


def enlarge(image, factor: int) -> np.ndarray:
    """Repeats every pixel `factor` × `factor` times: `(h, w, c)` to `(h * factor, w * factor, c)`."""
    image = checks.image("enlarge", "image", image, (3, 4))
    factor = checks.whole("enlarge", "factor", factor)
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def blend(image, overlay) -> np.ndarray:
    """Lays a transparent image over another one.

    Args:
        image: uint8 `(h, w, 3)`.
        overlay: uint8 `(oh, ow, 4)`; `oh` and `ow` must divide `h` and `w`, and it is enlarged to fit.

    Returns:
        uint8 `(h, w, 3)`.
    """
    image = checks.image("blend", "image", image, (3,))
    overlay = checks.image("blend", "overlay", overlay, (4,))
    (h, w), (oh, ow) = image.shape[:2], overlay.shape[:2]
    if h % oh or w % ow:
        raise ValueError(f"blend: an overlay of {oh} × {ow} does not divide an image of {h} × {w} pixels")
    overlay = overlay.repeat(h // oh, axis=0).repeat(w // ow, axis=1).astype(np.float64)
    share = overlay[..., 3:] / 255
    return np.rint(image * (1 - share) + overlay[..., :3] * share).astype(np.uint8)


def faded(image, share: float = 0.6, contrast: float = 1.0) -> np.ndarray:
    """Takes colour and contrast out of an image, so that colours laid over it can be compared.

    Args:
        image: uint8 `(h, w, 1 or 3)`.
        share: 1 leaves grey, 0 leaves the colours.
        contrast: 1 leaves light and dark as they are, 0 leaves one middle grey.
    """
    image = as_rgb(image)
    share, contrast = checks.amount("faded", "share", share, 1), checks.amount("faded", "contrast", contrast, 1)
    grey = (image @ np.array([0.299, 0.587, 0.114]))[..., None]
    mixed = image * (1 - share) + grey * share
    return np.rint(128 + (mixed - 128) * contrast).astype(np.uint8)


def outline(image, top: int, left: int, height: int, width: int, thickness: int = 2) -> np.ndarray:
    """Draws a frame around a box: dark, bright, dark, so that it shows on any ground.

    The box itself stays as it is; what would lie outside the image is cut off (`np.pad` the image first).

    Args:
        image: uint8 `(h, w, 3)`; a copy is returned.
        top, left, height, width: the box, in pixels.
        thickness: of the bright line; the dark ones are half as thick.
    """
    image = checks.image("outline", "image", image, (3,)).copy()
    thickness = checks.whole("outline", "thickness", thickness)
    h, w = image.shape[:2]
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > h or left + width > w:
        raise ValueError(
            f"outline: the box (top {top}, left {left}, {height} × {width}) does not lie inside an image of {h} × {w}"
        )
    inside = image[top : top + height, left : left + width].copy()
    thin = max(1, thickness // 2)
    for grow, tone in ((thin + thickness + thin, DARK), (thin + thickness, BRIGHT), (thin, DARK)):
        image[max(0, top - grow) : top + height + grow, max(0, left - grow) : left + width + grow] = tone
    image[top : top + height, left : left + width] = inside
    return image


def sheet(pages, columns: int | None = None, gap: int = 2, background=(255, 255, 255)) -> np.ndarray:
    """Lays images out in rows, in order, with gaps: small multiples.

    Args:
        pages: uint8 `(n, h, w, 3)`.
        columns: images per row; without it, about as many as there are rows.
        gap: pixels between two images.
        background: colour between them and after the last.

    Returns:
        uint8 `(rows * (h + gap) - gap, columns * (w + gap) - gap, 3)`.
    """
    pages = np.asarray(pages)
    if pages.ndim != 4 or pages.shape[-1] != 3 or 0 in pages.shape or pages.dtype != np.uint8:
        raise ValueError(f"sheet: pages must be uint8 (n, h, w, 3), but they are {pages.dtype} {pages.shape}")
    n, h, w, _ = pages.shape
    columns = checks.whole("sheet", "columns", columns or math.ceil(math.sqrt(n)))
    rows = math.ceil(n / columns)
    result = np.empty((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), np.uint8)
    result[:] = background
    for i, page in enumerate(pages):
        row, column = divmod(i, columns)
        result[row * (h + gap) : row * (h + gap) + h, column * (w + gap) : column * (w + gap) + w] = page
    return result


def channel_cells(tokens, channels: int = 3, columns: int | None = None) -> np.ndarray:
    """Shows vectors of pixel values as cells, each in the colour of its channel.

    Args:
        tokens: uint8 `(n, p * p * channels)`, pixels one after another, the channels of a pixel side by side.
        channels: 3 (cells in red, green, blue, in turn) or 1 (grey cells).
        columns: cells per row; it must divide the length of a vector. Without it, one row.

    Returns:
        uint8 `(n, rows, columns, 3)`: one small image for each vector.
    """
    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or tokens.dtype != np.uint8:
        raise ValueError(f"channel_cells: tokens must be uint8 (n, values), but they are {tokens.dtype} {tokens.shape}")
    n, length = tokens.shape
    columns = length if columns is None else checks.whole("channel_cells", "columns", columns)
    if channels not in (1, 3) or length % channels:
        raise ValueError(f"channel_cells: channels must be 1 or 3 and divide {length}, but it is {channels!r}")
    if length % columns:
        raise ValueError(f"channel_cells: columns={columns} does not divide a vector of {length} values")
    if channels == 1:
        return np.repeat(tokens.reshape(n, length // columns, columns, 1), 3, axis=-1)
    cells = np.zeros((n, length, 3), np.uint8)
    for k in range(3):
        cells[:, k::3, k] = tokens[:, k::3]
    return cells.reshape(n, length // columns, columns, 3)
