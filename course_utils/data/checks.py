"""What images and labels must be at every public entrance: the same questions, in the same words."""

import warnings
from collections.abc import Mapping, Set

import numpy as np

from course_utils.checked import one_line, shown


def whole_number(name: str, value, low: int, high: int | None = None, note: str = "") -> int:
    """Returns a whole number; raises ValueError, with a `note` on what for, unless it is one in low..high."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if whole and low <= value and (high is None or value <= high):
        return int(value)
    wanted = f"in {low:,}..{high:,}" if high is not None else f"from {low:,} on"
    raise ValueError(f"{name} must be a whole number {wanted}{note}; got {shown(value)}.")


def check_images(argument: str, x) -> None:
    """Raises TypeError or ValueError unless `x` is uint8 `(n, h, w, c)`, with 1 or 3 channels; it names `argument`."""
    if not isinstance(x, np.ndarray) or isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{argument} must be a NumPy array; got {shown(x)}. np.asarray(...) may help.")
    if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
        bad = np.argwhere(~np.isfinite(x))
        raise ValueError(
            f"{argument} has {len(bad)} values that are NaN or infinite, the first at index {tuple(bad[0].tolist())}. "
            "Pixels must be uint8, 0..255: find out where these came from and leave those images out."
        )
    if x.dtype != np.uint8:
        hint = ""
        if x.size and np.issubdtype(x.dtype, np.number) and not np.iscomplexobj(x):
            low, high = x.min(), x.max()
            hint = f" with values {low:g}..{high:g}"
            if low >= 0 and high <= 1 and np.issubdtype(x.dtype, np.floating):
                hint += "; if they are 0..1, convert with np.round(255 * x).astype('uint8')"
            elif low >= 0 and high <= 255:
                hint += "; convert with np.round(x).astype('uint8')"
        raise TypeError(f"{argument} must be uint8 pixels, 0..255; got {x.dtype}{hint}.")
    if x.ndim != 4 or 0 in x.shape[1:]:
        hint = " A grey image still needs its channel: x[..., None]." if x.ndim == 3 else ""
        raise ValueError(f"{argument} must have shape (n, height, width, channels); got {x.shape}.{hint}")
    if len(x) == 0:
        raise ValueError(f"{argument} is empty; it needs at least one image.")
    if x.shape[3] not in (1, 3):
        raise ValueError(f"{argument} must have 1 channel (grey) or 3 (colour), last; got shape {x.shape}.")


def check_labels(argument: str, y, num_classes: int) -> np.ndarray:
    """Returns labels as int32 `(n,)`; raises TypeError or ValueError unless they are whole, in 0..num_classes - 1."""
    try:
        y = np.asarray(y)
    except ValueError:
        raise ValueError(f"{argument} must be one whole number per image; got lists of unequal length.") from None
    if y.ndim != 1:
        name = argument.rpartition(" ")[2]
        hint = f" {name}.ravel() makes it so." if y.ndim == 2 and y.shape[1] == 1 else ""
        hint = hint or (f" One-hot labels: {name}.argmax(axis=1)." if y.ndim == 2 else "")
        raise ValueError(f"{argument} must have shape (n,), one whole number per image; got {y.shape}.{hint}")
    if not np.issubdtype(y.dtype, np.integer):
        raise TypeError(f"{argument} must hold whole numbers; got {y.dtype}.")
    wrong = np.flatnonzero((y < 0) | (y >= num_classes))
    if len(wrong):
        first = wrong[0]
        raise ValueError(
            f"{argument} must hold labels in 0..{num_classes - 1}, because there are {num_classes} classes; "
            f"{len(wrong)} labels are outside, the first is {y[first]} at index {first}."
        )
    return y.astype(np.int32)


def check_names(names) -> tuple[str, ...]:
    """Returns class names; raises TypeError or ValueError unless they are two or more texts that look different."""
    given = names
    try:
        names = (names,) if isinstance(names, str) else tuple(names)
    except TypeError:
        names = ()
    if isinstance(given, Set | Mapping):
        raise TypeError(f"class_names must be in the order of the labels, which a {type(given).__name__} is not.")
    if len(names) < 2:
        raise ValueError(f"class_names must name at least two classes to tell apart; got {shown(given)}.")
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"class_names must hold text; got {shown(name)}.")
        if name != one_line(name):
            raise ValueError(f"class_names must hold no control characters; got {shown(name)}. Rename it.")
    plain = [" ".join(name.split()) for name in names]
    if "" in plain:
        raise ValueError(f"class_names must not be empty; number {plain.index('')} is {names[plain.index('')]!r}.")
    if twice := sorted({name for name in plain if plain.count(name) > 1}):
        raise ValueError(f"class_names must all differ; found more than once: {', '.join(map(repr, twice))}.")
    return names


def warn_of_odd_parts(dataset) -> None:
    """Warns if images show nothing, if the test would not tell what was learned, or if a class cannot be learned."""
    said = []
    parts = {part: getattr(dataset, f"x_{part}") for part in ("train", "validation", "test")}
    blank = [f"x_{part}" for part, x in parts.items() if x.max() <= 1 or (part == "train" and x.min() == x.max())]
    if blank:
        hint = "Pixels run 0..255: were they 0..1, and cast to uint8? Then multiply by 255 first"
        said.append(f"nothing is to be seen in {', '.join(blank)}. {hint}")
    seen = {part: [hash(image.tobytes()) for image in x] for part, x in parts.items()}
    for known, part, cost in (
        ("training", "validation", "says what was remembered, not what was learned"),
        ("training", "test", "says what was remembered, not what was learned"),
        ("validation", "test", "is too good: they choose the epoch whose weights are kept"),
    ):
        those = set(seen["train" if known == "training" else known])
        again = sum(image in those for image in seen[part])
        if not blank and again > 0.5 * len(parts[part]):  # some are in the published sets, too
            share = f"{again} of {len(parts[part])} {part} images are {known} images, too"
            said.append(f"{share}. What is measured on them {cost}")
    missing = np.setdiff1d(np.arange(dataset.num_classes), dataset.y_train)
    if len(missing) and len(dataset.y_train) >= 10 * dataset.num_classes:  # of a few images, a class may have none
        which = f"{len(missing)} of {dataset.num_classes} classes, such as {dataset.class_names[missing[0]]!r}"
        said.append(f"no training image for {which}: they cannot be learned")
    if said:
        warnings.warn(f"the data set {dataset.name!r}: {'; '.join(said)}.", stacklevel=5)
