"""Argument checks of the figures: an error names the argument, what came, and what would be right."""

from numbers import Integral

import numpy as np


def positive_int(owner: str, name: str, value) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{owner}: {name} must be a whole number of at least 1, but it is {value!r}")
    return int(value)


def image(owner: str, name: str, value, channels=(3,)) -> np.ndarray:
    """Returns `value` if it is a uint8 image `(h, w, c)` with `c` one of `channels`."""
    value = np.asarray(value)
    wanted = " or ".join(str(c) for c in channels)
    if value.ndim != 3 or value.shape[-1] not in channels or 0 in value.shape:
        raise ValueError(f"{owner}: {name} must be (h, w, {wanted}), but its shape is {value.shape}")
    if value.dtype != np.uint8:
        raise TypeError(
            f"{owner}: {name} must be uint8 (0 to 255), but its dtype is {value.dtype}; "
            "scale it to 0..255 and call .astype('uint8')"
        )
    return value


def numbers(owner: str, name: str, value, rank: int | None = None) -> np.ndarray:
    """Returns `value` as float64 if it is a non-empty array of finite real numbers (with `rank` axes)."""
    value = np.asarray(value)
    if value.dtype.kind not in "biuf" and value.dtype.name != "bfloat16":
        raise TypeError(f"{owner}: {name} must be an array of real numbers, but its dtype is {value.dtype}")
    if rank is not None and value.ndim != rank:
        raise ValueError(f"{owner}: {name} must have {rank} axes, but its shape is {value.shape}")
    if value.size == 0:
        raise ValueError(f"{owner}: {name} is empty (shape {value.shape})")
    value = value.astype(np.float64)
    bad = int(np.sum(~np.isfinite(value)))
    if bad:
        raise ValueError(f"{owner}: {name} holds {bad} values that are NaN or infinite; it must be finite")
    return value
