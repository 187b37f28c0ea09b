"""Words and numbers on images, drawn with Pillow in the font that comes with matplotlib."""

import textwrap
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np

from course_utils.figures import checks
from course_utils.figures.fonts import font_of, own_font

INK, PAPER = (28, 28, 30), (255, 255, 255)


@cache
def _font(size: int, path: Path):
    from PIL import ImageFont

    return ImageFont.truetype(path, size)


def _runs(text: str, size: int, bold: bool) -> list:
    """Cuts text where the font changes: a list of (letters, font)."""
    runs = groupby(text, key=lambda letter: font_of(letter, bold))
    return [("".join(letters), _font(size, path)) for path, letters in runs]


def _length(text: str, size: int, bold: bool) -> float:
    return sum(font.getlength(run) for run, font in _runs(text, size, bold))


def written(text: str, width: int, size: int = 13, *, bold: bool = False) -> np.ndarray:
    """Writes text on plain paper: uint8 `(h, width, 3)`, where `h` follows from the number of lines.

    Lines are wrapped at `width`; `size` is the height of the letters, both in pixels.
    """
    from PIL import Image, ImageDraw

    width = checks.whole("written", "width", width)
    own = _font(size, own_font(bold))
    per_line = max(8, int(width / own.getlength("abcdefghij etaoin") * 17))
    lines = textwrap.wrap(text, per_line) or [""]
    while len(lines) > 1 and max(_length(line, size, bold) for line in lines) > width and per_line > 8:
        per_line -= 1
        lines = textwrap.wrap(text, per_line)
    step = round(size * 1.4)
    image = Image.new("RGB", (width, step * len(lines)), PAPER)
    draw = ImageDraw.Draw(image)
    for k, line in enumerate(lines):
        x, baseline = 0.0, k * step + own.getmetrics()[0]
        for run, font in _runs(line, size, bold):
            draw.text((x, baseline), run, INK, font, anchor="ls")
            x += font.getlength(run)
    return np.asarray(image).copy()


def colour_bar(colours, ticks, height: int) -> np.ndarray:
    """Draws a colour bar with its numbers to the right, the low end at the bottom: uint8 `(height, w, 3)`.

    Args:
        colours: uint8 `(k, 3)`, from low to high.
        ticks: list of (position from 0 to 1, text): `figures.bar_ticks` makes them.
        height: pixels, all of them bar: the outermost numbers are moved inwards.
    """
    from PIL import Image, ImageDraw

    colours = np.asarray(colours)
    if colours.ndim != 2 or colours.shape[1] != 3 or colours.dtype != np.uint8:
        raise ValueError(f"colour_bar: colours must be uint8 (k, 3), but they are {colours.dtype} {colours.shape}")
    height = checks.whole("colour_bar", "height", height)
    size = 11
    font = _font(size, own_font())
    room = max([round(font.getlength(text)) for _, text in ticks], default=0)
    image = np.full((height, 14 + 8 + room, 3), PAPER, np.uint8)
    where = np.rint(np.linspace(len(colours) - 1, 0, height)).astype(int)
    image[:, :14] = colours[where][:, None]
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    for at, text in ticks:
        y = round((1 - at) * (height - 1))
        draw.line((14, y, 17, y), INK)
        draw.text((20, min(max(y - size * 0.6, 0), max(height - size * 1.3, 0))), text, INK, font)
    return np.asarray(canvas).copy()


def with_title(image, title: str, caption: str = "") -> np.ndarray:
    """Puts a bold title above an image and a caption below it. Returns uint8 `(h', w, 3)`."""
    image = checks.image("with_title", "image", image, (3,))
    width = image.shape[1]
    gap = np.full((6, width, 3), PAPER, np.uint8)
    parts = [written(title, width, 13, bold=True), gap, image]
    if caption:
        parts += [gap, written(caption, width, 11)]
    return np.concatenate(parts, axis=0)


def beside(images, gap: int = 16) -> np.ndarray:
    """Sets images `(h_k, w_k, 3)` side by side, their tops in line. Returns one uint8 image."""
    images = [checks.image("beside", "images", p, (3,)) for p in images]
    if not images:
        raise ValueError("beside: images is empty; give at least one")
    height = max(p.shape[0] for p in images)
    padded = [np.pad(p, ((0, height - p.shape[0]), (0, gap), (0, 0)), constant_values=255) for p in images]
    return np.concatenate(padded, axis=1)[:, : -gap or None]
