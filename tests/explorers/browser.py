"""An explorer in the browser: what it shows, and how to point at it."""

import json

from tests.explorers.support import GRIDS

MARGIN, GAP, HEAD = 6, 4, 13  # CSS pixels: as in front.js


def state(page):
    return json.loads(page.locator(".course-explorer").get_attribute("data-state"))


def words(page):
    return page.locator(".words").text_content()


def canvas(page, title):
    return page.locator(f'canvas[data-panel="{title}"]')


def pixel(page, title, x, y):
    """Returns the colour at a CSS pixel of a canvas."""
    script = "(c, [x, y]) => Array.from(c.getContext('2d').getImageData(x, y, 1, 1).data.slice(0, 3))"
    return canvas(page, title).evaluate(script, [round(x), round(y)])


def ground_pixel(page, detail, cell):
    """Returns the colour in the middle of a cell of the first panel."""
    columns = GRIDS[detail][1]
    side = 300 / columns
    return pixel(page, "Ground", MARGIN + (cell % columns + 0.5) * side, MARGIN + (cell // columns + 0.5) * side)


def point(page, title, x, y, act="move"):
    box = canvas(page, title).bounding_box()
    getattr(page.mouse if act == "move" else page.touchscreen, act)(box["x"] + x, box["y"] + y)
