"""What several explorers ask of what they are given."""

from collections.abc import Mapping

import numpy as np

from course_utils import figures


def divided(owner: str, images: Mapping[str, np.ndarray], rows: int, columns: int) -> None:
    """Raises ValueError for an image that `rows × columns` tokens do not divide."""
    for name, image in images.items():
        h, w = figures.as_rgb(image).shape[:2]
        if h % rows or w % columns:
            raise ValueError(f"{owner}: {rows} × {columns} tokens do not divide images[{name!r}] of {h} × {w} pixels")
