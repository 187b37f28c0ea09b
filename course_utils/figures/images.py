"""Images out of images: enlarge, blend, outline, lay out. All are uint8 `(h, w, 3)` unless stated."""

import base64
import math

import numpy as np

from course_utils.figures import checks

MOST_PIXELS = 2**26  # of an enlarged image: a larger one fills the memory and fits on no screen

DARK, BRIGHT = (0, 0, 0), (255, 214, 0)  # an outline's two tones: one shows on any ground


def as_rgb(image) -> np.ndarray:
    """Returns a uint8 image `(h, w, 3)`; a grey one `(h, w, 1)` is repeated over the channels."""
    image = checks.image("as_rgb", "image", image)
    return image if image.shape[-1] == 3 else np.repeat(image, 3, axis=-1)


def as_output(png: bytes, words: str) -> tuple[dict, dict]:
    """Returns what a notebook shows (data and metadata): a PNG file, and words for those who cannot see it."""
    return {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": words}, {"image/png": {"alt": words}}


def resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns images `(b, h, w, c)` as float32 `(b, *size, c)`, bilinearly, as `train` gives them to a network.

    They come back themselves if they have that `size` (height, width).
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
    most = max(1, math.isqrt(MOST_PIXELS // max(1, image[..., 0].size)))
    factor = checks.whole("enlarge", "factor", factor, most=most)
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def blend(image, overlay) -> np.ndarray:
    """Lays a transparent image, uint8 `(oh, ow, 4)`, over another one, uint8 `(h, w, 3)`. Returns one like that.

    The upper one is enlarged to fit: `oh` and `ow` must divide `h` and `w`.
    """
    image = checks.image("blend", "image", image, (3,))
    overlay = checks.image("blend", "overlay", overlay, (4,))
    (h, w), (oh, ow) = image.shape[:2], overlay.shape[:2]
    if h % oh or w % ow:
        raise ValueError(f"blend: an overlay of {oh} × {ow} does not divide an image of {h} × {w} pixels")
    overlay = overlay.repeat(h // oh, axis=0).repeat(w // ow, axis=1).astype(np.float64)
    share = overlay[..., 3:] / 255
    return np.rint(image * (1 - share) + overlay[..., :3] * share).astype(np.uint8)


def faded(image) -> np.ndarray:
    """Pales an image, `(h, w, 1 or 3)` -> uint8 `(h, w, 3)`, so that colours laid over it can be compared."""
    image = as_rgb(image)
    grey = (image @ np.array([0.299, 0.587, 0.114]))[..., None]
    return np.rint(128 + 0.7 * (0.4 * image + 0.6 * grey - 128)).astype(np.uint8)


def outline(image, top: int, left: int, height: int, width: int) -> np.ndarray:
    """Draws a frame around a box: 1 pixel dark, 2 bright, 1 dark, so that it shows on any ground.

    The box itself stays as it is; what would lie outside the image is cut off (`np.pad` the image first).

    Args:
        image: uint8 `(h, w, 3)`; a copy is returned.
        top, left, height, width: the box, in pixels.
    """
    image = checks.image("outline", "image", image, (3,)).copy()
    h, w = image.shape[:2]
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > h or left + width > w:
        raise ValueError(
            f"outline: the box (top {top}, left {left}, {height} × {width}) does not lie inside an image of {h} × {w}"
        )
    inside = image[top : top + height, left : left + width].copy()
    for grow, tone in ((4, DARK), (3, BRIGHT), (1, DARK)):
        image[max(0, top - grow) : top + height + grow, max(0, left - grow) : left + width + grow] = tone
    image[top : top + height, left : left + width] = inside
    return image


def sheet(pages, columns: int, gap: int) -> np.ndarray:
    """Lays images out in rows of `columns`, in order, on white, `gap` pixels apart: small multiples.

    uint8 `(n, h, w, 3)` -> uint8 `(rows * (h + gap) - gap, columns * (w + gap) - gap, 3)`.
    """
    pages = np.asarray(pages)
    if pages.ndim != 4 or pages.shape[-1] != 3 or 0 in pages.shape or pages.dtype != np.uint8:
        raise ValueError(f"sheet: pages must be uint8 (n, h, w, 3), but they are {pages.dtype} {pages.shape}")
    (n, h, w, _), columns = pages.shape, checks.whole("sheet", "columns", columns)
    rows = math.ceil(n / columns)
    result = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), 255, np.uint8)
    for i, page in enumerate(pages):
        top, left = i // columns * (h + gap), i % columns * (w + gap)
        result[top : top + h, left : left + w] = page
    return result
