"""An explorer as one still image, drawn in Python from the same pages: for viewers without JavaScript."""

import re

import numpy as np

from course_utils import figures
from course_utils.explorers.core.encode import outer_index

POINTING = re.compile(r"Point at [^.]*\.\s*")  # what a caption asks for and a still image cannot do
MARGIN = 4  # room for the outline of a cell at the border


def _to_size(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Enlarges `(h, w, c)` to whole multiples or not, nearest pixel."""
    h, w = image.shape[:2]
    return image[np.arange(height) * h // height][:, np.arange(width) * w // width]


def _sheet(panel: dict, pages: np.ndarray, columns: int, lit: int) -> tuple[np.ndarray, tuple]:
    """Returns all pages, and the box of the one that is lit."""
    n, h, w, _ = pages.shape
    columns = min(columns, n)
    gap = 4
    side = max(4, min(100, (panel["size"] - gap * (columns - 1)) // columns))
    height = round(side * h / w)
    big = np.stack([_to_size(page[..., :3], height, side) for page in pages])
    row, column = divmod(lit, columns)
    return figures.sheet(big, columns, gap), (row * (height + gap), column * (side + gap), height, side)


def stacked(images: list[np.ndarray], gap: int = 14) -> np.ndarray:
    """Puts images `(h, w, 3)` one below the other, on white."""
    return figures.beside([image.swapaxes(0, 1) for image in images], gap).swapaxes(0, 1)


def _panel(spec: dict, pages: list[np.ndarray], panel: dict, pick) -> np.ndarray:
    outer = outer_index(spec, pick)
    place = spec["place"]
    at = pick[-1] if place else 0
    shown = [layer["pages"][outer_index(spec, pick, layer["settings"])] for layer in panel["layers"]]
    layers = [pages[number] for number in shown]  # each (count, h, w, c)
    box = None
    if panel["spots"] == "sheet":
        result, box = _sheet(panel, layers[0], panel["columns"][outer], at)
    else:
        h, w = layers[0].shape[1:3]
        factor = max(1, panel["size"] // w)
        result = np.full((h * factor, w * factor, 3), 255, np.uint8)
        for layer, images in zip(panel["layers"], layers, strict=True):
            page = _to_size(images[at if layer["place"] else 0], *result.shape[:2])
            result = page if page.shape[-1] == 3 else figures.blend(result, page)
        if panel["spots"]:
            rows, columns = place["grids"][outer]
            rows, columns = (rows, columns) if panel["spots"] == "grid" else (rows * columns, 1)
            height, width = result.shape[0] // rows, result.shape[1] // columns
            if panel["lines"]:
                result = result.copy()
                result[height::height] = 255
                result[:, width::width] = 255
            row, column = divmod(at, columns)
            box = row * height, column * width, height, width
    result = np.pad(result, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), constant_values=255)
    if box:
        result = figures.outline(result, box[0] + MARGIN, box[1] + MARGIN, *box[2:])
    if panel["bar"]:
        colours = pages[panel["bar"]["page"]][0, ::-1, 0]
        bar = figures.colour_bar(colours, panel["bar"]["ticks"][outer], result.shape[0])
        result = figures.beside([result, bar], gap=8)
    return figures.with_title(result, panel["title"], POINTING.sub("", panel["captions"][outer]))


def snapshot(spec: dict, pages: list[np.ndarray], pick: list[int], note: str = "") -> np.ndarray:
    """Draws a state as one uint8 image `(h, w, 3)`: title, a note, settings, words, panels in rows."""
    columns, gap = [], 24
    for panel in spec["panels"]:
        image = _panel(spec, pages, panel, pick)
        if panel["beneath"]:
            columns[-1] = stacked([columns[-1], image])
        else:
            columns.append(image)
    rows = [[]]
    for column in columns:
        if rows[-1] and sum(c.shape[1] + gap for c in rows[-1]) + column.shape[1] > 920:
            rows.append([])
        rows[-1].append(column)
    body = [figures.beside(row, gap) for row in rows]
    width = max(560, *(row.shape[1] for row in body))
    free = [(s, k) for s, k in zip(spec["settings"], pick, strict=False) if len(s["texts"]) > 1]
    chosen = [f"{setting['label']}: {setting['texts'][k]}" for setting, k in free]
    if spec["place"]:
        chosen.append(f"{spec['place']['label']}: {pick[-1]}")
    words = spec["words"][outer_index(spec, pick)][pick[-1] if spec["place"] else 0]
    head = [(spec["title"], 16, True), (note, 12, True), ("   ·   ".join(chosen), 12, False), (words, 13, False)]
    parts = [figures.written(text, width, size, bold=bold) for text, size, bold in head if text] + body
    space = 14
    return np.pad(stacked(parts, space), ((space, space), (space, space), (0, 0)), constant_values=255)
