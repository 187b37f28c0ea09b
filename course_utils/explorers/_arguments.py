"""What several explorers ask of what they are given."""

from collections.abc import Mapping

import numpy as np

from course_utils import figures


def divided(owner: str, pictures: Mapping[str, np.ndarray], rows: int, columns: int) -> None:
    """Raises ValueError for a picture that `rows × columns` tokens do not divide."""
    for name, picture in pictures.items():
        h, w = figures.as_rgb(picture).shape[:2]
        if h % rows or w % columns:
            raise ValueError(f"{owner}: {rows} × {columns} tokens do not divide pictures[{name!r}] of {h} × {w} pixels")
