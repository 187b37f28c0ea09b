"""What several explorers ask of what they are given; the checks that figures make as well are taken from there."""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils import figures
from course_utils.figures.checks import amount, arrays, image, listed, named, numbers, whole

__all__ = ["amount", "arrays", "grid_of", "images_of", "named", "networks_of", "numbers", "seen_by", "whole", "wholes"]


def wholes(owner: str, name: str, values: Sequence, most: int | None = None) -> list[int]:
    """Returns a list of whole numbers from 1 on, at least one, none of them twice."""
    values = listed(owner, name, values, "different whole numbers")
    values = [whole(owner, name, value, most=most or 2**31) for value in values]
    if len(set(values)) != len(values):
        raise ValueError(f"{owner}: {name} must be different whole numbers, at least one, but they are {values}")
    return values


def grid_of(owner: str, grid) -> tuple[int, int]:
    """Returns (rows, columns) of tokens."""
    sides = [whole(owner, "grid", side) for side in listed(owner, "grid", grid, "(rows, columns)")]
    if len(sides) != 2:
        raise ValueError(f"{owner}: grid must be (rows, columns), but it is {grid!r:.60}")
    return sides[0], sides[1]


def images_of(owner: str, images: Mapping, divide_by: Sequence = (), channels=(1, 3)) -> dict[str, np.ndarray]:
    """Returns {name: uint8 image}; patches of the sides, or grids (rows, columns), in `divide_by` must divide each."""
    checked = {}
    for name, pixels in named(owner, "images", images, "{name: uint8 image (h, w, 1 or 3)}").items():
        checked[name] = image(owner, f"images[{name!r}]", pixels, channels)
        h, w = checked[name].shape[:2]
        for into in divide_by:
            a, b = (into, into) if isinstance(into, int) else into
            if h % a or w % b:
                what = f"patch size {a} does" if isinstance(into, int) else f"{a} × {b} tokens do"
                raise ValueError(f"{owner}: {what} not divide images[{name!r}] of {h} × {w} pixels; resize it")
    return checked


def networks_of(owner: str, networks: Mapping) -> tuple[dict, tuple[int, int]]:
    """Returns {name: model}, and the grid (rows, columns) of tokens that they all have."""
    from course_utils import analysis

    networks = named(owner, "models", networks, "{name: model}")
    grids = {name: analysis.token_grid(model) for name, model in networks.items()}
    if len(set(grids.values())) > 1:
        raise ValueError(f"{owner}: the models' tokens differ: {grids}")
    return networks, next(iter(grids.values()))


def seen_by(owner: str, model, images: Mapping) -> tuple[dict, np.ndarray]:
    """Returns images as a model gets them, resized as in training: to be shown, and as one batch for the model."""
    from course_utils.models import check_model

    check_model(owner, model)
    size, c = model.input_shape[1:3], model.input_shape[3]
    images = images_of(owner, images, channels=(c,))
    batch = np.concatenate([figures.resized(pixels[None], size) for pixels in images.values()])
    shown = np.rint(batch).astype(np.uint8)
    return dict(zip(images, shown, strict=True)), batch
