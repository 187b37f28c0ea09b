"""Argument checks that all layers share: an error names the argument, its value and what would be right."""

import math
from numbers import Integral, Real


def positive_int(owner: str, name: str, value) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{owner}: {name} must be a whole number of at least 1, but it is {value!r}")
    return int(value)


def fraction(owner: str, name: str, value) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not (0 <= value < 1) or math.isnan(value):
        raise ValueError(f"{owner}: {name} must be at least 0 and below 1, but it is {value!r}")
    return float(value)


def finite(owner: str, name: str, value, least: float = -math.inf, most: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or not least <= value <= most:
        bounds = [f"at least {least:g}"] * (least > -math.inf) + [f"at most {most:g}"] * (most < math.inf)
        wanted = " ".join(["a finite number", *(["of", " and ".join(bounds)] if bounds else [])])
        raise ValueError(f"{owner}: {name} must be {wanted}, but it is {value!r}")
    return float(value)


def true_or_false(owner: str, name: str, value) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{owner}: {name} must be True or False, but it is {value!r}")
    return value


def one_of(owner: str, name: str, value, known: tuple):
    if value not in known:
        raise ValueError(f"{owner}: {name} must be one of {', '.join(map(repr, known))}, but it is {value!r}")
    return value


def rank(owner: str, shape, letters: str) -> tuple:
    """Returns `shape` if it has one axis for each letter of `letters`, such as "b n d"."""
    names = letters.split()
    shape = tuple(shape)
    if len(shape) != len(names):
        raise ValueError(
            f"{owner}: the input must have {len(names)} axes ({', '.join(names)}), but its shape is {shape}"
        )
    return shape
