"""An explorer in the browser: what it shows, and how to point at it."""

import json

from tests.explorers.support import GRIDS

MARGIN, GAP, HEAD = 6, 4, 13  # CSS pixels: as in front.js

# Every explorer, with as many controls and panels as a lesson gives it; for the kernel of a notebook, hence in words.
SETUP = """
from course_utils import analysis, classifier, explorers, load_dataset

puzzle = load_dataset("shapes")
images = {"a puzzle": puzzle.x_test[0]}

def network(name):
    return {name: classifier(name, puzzle.input_shape, puzzle.num_classes)}

gmlp = network("gmlp")["gmlp"]
five = {name: network(name)[name] for name in ("mixer", "fnet", "gmlp", "vit", "no_mixing")}
pooled = classifier("vit", puzzle.input_shape, puzzle.num_classes, pool="class_token")
"""
SHOWN = (
    "explorers.explore_patches()",
    "explorers.explore_influence(five, images)",
    'explorers.explore_token_mixing({"before": five["mixer"], "after": five["mixer"]})',
    "explorers.explore_frequencies()",
    "explorers.explore_fourier()",
    "explorers.explore_gating()",
    'explorers.explore_gate({"gMLP": {epoch: analysis.gate_weights(gmlp) for epoch in range(3)}}, gmlp)',
    'explorers.explore_attention({"mean pool": five["vit"], "class token": pooled}, images)',
    'explorers.explore_positions({"before training": five["vit"], "after training": five["vit"]})',
    "explorers.explore_shift()",
    'explorers.explore_temperature(network("small_data_vit")["small_data_vit"], images)',
    'explorers.Tabs({"two": explorers.explore_influence(five, images), "one": explorers.explore_patches()})',
)


def state(page):
    return json.loads(page.locator(".course-explorer").get_attribute("data-state"))


def pinned(page):
    return page.locator(".place output").text_content().endswith("pinned (Esc lets go)")


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
    """Points at a CSS pixel of a canvas; `act` is "move", "click" (of the mouse) or "tap" (with a finger)."""
    box = canvas(page, title).bounding_box()
    getattr(page.touchscreen if act == "tap" else page.mouse, act)(box["x"] + x, box["y"] + y)


def point_at_cell(page, cell, act="move", detail="coarse"):
    """Points at the middle of a cell of the first panel."""
    columns = GRIDS[detail][1]
    side = 300 / columns
    x, y = (cell % columns + 0.5) * side, (cell // columns + 0.5) * side
    point(page, "Ground", MARGIN + x, MARGIN + y, act)
