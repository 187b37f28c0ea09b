"""Checks of what figures and explorers are given: an error names the argument, what came, and what would be right."""

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real

import numpy as np


def named(owner: str, name: str, value, holds: str) -> dict:
    """Returns `value` as dict if it is a mapping with at least one entry."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"{owner}: {name} must be {holds} with at least one, but it is {value!r:.60}")
    return dict(value)


def listed(owner: str, name: str, value, holds: str) -> list:
    """Returns `value` as list if it holds things one after another, at least one."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes) or not (found := list(value)):
        raise ValueError(f"{owner}: {name} must be {holds}, at least one, but it is {value!r:.60}")
    return found


def whole(owner: str, name: str, value, least: int = 1, most: float = math.inf) -> int:
    """Returns `value` as int if it is a whole number, Python's or NumPy's, from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) <= most:
        wanted = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
        raise ValueError(f"{owner}: {name} must be a whole number {wanted}, but it is {value!r}")
    return int(value)


def amount(owner: str, name: str, value, most: float = math.inf) -> float:
    """Returns `value` as float if it is a finite number from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) <= most or math.isinf(value):
        wanted = ">= 0" if most == math.inf else f"from 0 to {most:g}"
        raise ValueError(f"{owner}: {name} must be a number {wanted}, but it is {value!r}")
    return float(value)


def image(owner: str, name: str, value, channels=(1, 3)) -> np.ndarray:
    """Returns `value` if it is a uint8 image `(h, w, c)` with `c` one of `channels`."""
    value = np.asarray(value)
    if value.ndim != 3 or value.shape[-1] not in channels or 0 in value.shape or value.dtype != np.uint8:
        wanted = f"uint8 (h, w, {' or '.join(map(str, channels))}), from 0 to 255"
        raise ValueError(f"{owner}: {name} must be {wanted}, but it is {value.dtype} {value.shape}")
    return value


def arrays(owner: str, name: str, value, holds: str, axes: str | tuple, least=-math.inf, most=math.inf) -> dict:
    """Returns a mapping with at least one entry as {name: array}, each as `numbers` wants it."""
    found = named(owner, name, value, holds)
    return {key: numbers(owner, f"{name}[{key!r}]", each, axes, least, most) for key, each in found.items()}


def numbers(owner: str, name: str, value, axes: str | tuple | None = None, least=-math.inf, most=math.inf):
    """Returns `value` as float64 if it is a non-empty array of finite real numbers from `least` to `most`.

    `axes` names its axes, such as "(blocks, heads)", or is its shape.
    """
    value = np.asarray(value)
    if value.dtype.kind not in "biuf" and value.dtype.name != "bfloat16":
        raise ValueError(f"{owner}: {name} must be an array of real numbers, but its dtype is {value.dtype}")
    fits = axes is None or (value.ndim == axes.count(",") + 1 if isinstance(axes, str) else value.shape == axes)
    if value.size == 0 or not fits:
        raise ValueError(f"{owner}: {name} must be {axes or 'an array with numbers in it'}, but it is {value.shape}")
    value = value.astype(np.float64)
    low, high = value.min(), value.max()  # NaN if one of them is
    if not (least <= low <= high <= most and math.isfinite(low) and math.isfinite(high)):
        wanted = f"from {least:g} to {most:g}" if most < math.inf else f">= {least:g}" if least > -math.inf else ""
        raise ValueError(
            f"{owner}: {name} must be finite numbers{wanted and ', '}{wanted}, but it goes from {low:g} to {high:g}"
        )
    return value
