"""From a description to what the browser gets: a JSON spec, and one run of bytes with all pages as PNG files.

Places are counted row by row. States without the place are counted like digits, the first setting slowest.
"""

import io
import itertools
import math
from collections import defaultdict
from numbers import Integral

import numpy as np

from course_utils.explorers.core.parts import Layer, Panel, Place, Setting, Slider

LIMIT = 3_000_000  # bytes of an explorer: pages and words together
SHORTEST = 40  # bytes of a sentence: those of no explorer are shorter
SENT = ("title", "size", "lines", "values", "beneath", "x_label", "y_label")  # of a panel, as it is
MARGIN = 1.3  # by which an estimate may miss: what seems this much too large is refused before it is drawn


class TooLarge(ValueError):
    """More bytes than a notebook carries lightly."""


def refuse_more(name: str, size: float, limit: float = LIMIT, margin: float = 1.0) -> None:
    """Raises TooLarge if `size` bytes are more than `margin * limit`."""
    if size > margin * limit:
        raise TooLarge(
            f"Explorer {name!r}: about {size / 1e6:.1f} MB of pages and words, more than the {limit / 1e6:.1f} MB that "
            "a notebook carries lightly; use fewer images, fewer networks or fewer tokens"
        )


def _call(value, state):
    return value(**state) if callable(value) else value


def atlas(pages: np.ndarray) -> tuple[np.ndarray, int]:
    """Lays pages `(n, h, w, c)` row by row into one image. Returns it and the pages per row."""
    n, h, w, c = pages.shape
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    filled = np.pad(pages, ((0, rows * columns - n), (0, 0), (0, 0), (0, 0)))
    image = filled.reshape(rows, columns, h, w, c).transpose(0, 2, 1, 3, 4)
    return image.reshape(rows * h, columns * w, c), columns


def png(image: np.ndarray, **how) -> bytes:
    """Returns a uint8 image `(h, w, 3 or 4)` as a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, "PNG", **(how or {"optimize": True}))
    return file.getvalue()


class _Store:
    """The PNG files, each different one once."""

    def __init__(self):
        self.files, self.entries, self.pages, self.known = [], [], [], {}

    def add(self, pages: np.ndarray) -> int:
        key = (pages.shape, pages.tobytes())
        if key not in self.known:
            image, columns = atlas(pages)
            file = png(image)
            start = sum(map(len, self.files))
            count, h, w, _ = pages.shape
            self.known[key] = len(self.entries)
            self.entries.append([start, len(file), h, w, count, columns])
            self.files.append(file)
            self.pages.append(pages)
        return self.known[key]


def _check_settings(settings: list) -> tuple[list[Slider], Place | None]:
    names = [setting.name for setting in settings if isinstance(setting, Setting)]
    if len(names) != len(settings):
        raise TypeError("Explorer: settings must be Slider, Choice, Switch or Place objects")
    if len(set(names)) != len(names):
        raise ValueError(f"Explorer: two settings have the same name: {names}")
    outer, places = ([s for s in settings if isinstance(s, kind)] for kind in (Slider, Place))
    if places != settings[len(outer) :] or len(places) > 1:
        raise ValueError(f"Explorer: at most one Place, the last of the settings, but they are {names}")
    return outer, (places or [None])[0]  # type: ignore[return-value]


class _Plan:
    """One layer, before it is drawn."""

    def __init__(self, layer: Layer, where: str, states: list[dict], grids: list[tuple], place: Place | None):
        names = list(states[0])
        known = names + ([place.name] if place else [])
        if unknown := [name for name in layer.depends if name not in known]:
            raise ValueError(f"{where}: depends names {unknown}, but the settings are {known}")
        self.layer, self.where = layer, where
        self.used = [k for k, name in enumerate(names) if name in layer.depends]
        self.place = place is not None and place.name in layer.depends
        places = defaultdict(set)  # how many there are, for the settings that the layer depends on
        for state, grid in zip(states, grids, strict=True):
            places[tuple((names[k], state[names[k]]) for k in self.used)].add(math.prod(grid))
        if self.place and any(len(counts) > 1 for counts in places.values()):
            raise ValueError(f"{where}: the number of places depends on a setting that depends does not name")
        self.states = [(dict(state), min(counts)) for state, counts in places.items()]
        self.count = len(self.states)

    def draw(self, k: int) -> np.ndarray:
        """Returns the pages `(n, h, w, 3 or 4)` in one of the `count` states that the layer tells apart."""
        state, count = self.states[k]
        pages = self.layer.pages(**state)
        wanted = f"a uint8 array ({count}, h, w, 3 or 4)" if self.place else "a uint8 array (h, w, 3 or 4)"
        if not isinstance(pages, np.ndarray) or pages.dtype != np.uint8:
            got = getattr(pages, "dtype", type(pages).__name__)
            raise TypeError(f"{self.where}: pages must be {wanted}, but it is {got}")
        pages = pages if self.place else pages[None]
        fit = pages.ndim == 4 and pages.shape[-1] in (3, 4) and 0 not in pages.shape
        if not fit or (self.place and len(pages) != count):
            shape = pages.shape[not self.place :]
            raise ValueError(f"{self.where}: pages must be {wanted}, but their shape is {shape}")
        return pages

    def expected(self, enough: float) -> float:
        """Returns about how many bytes the pages will take: at most, where that is less than `enough`."""
        first = self.draw(0)
        if first.nbytes * self.count < enough:
            return first.nbytes * self.count
        # The golden section falls on no beat of the settings: one of them alone is hardly the first in all samples.
        drawn = [first, *(self.draw(int(share * self.count)) for share in (0.236, 0.618, 0.854))]
        samples = {pages.tobytes(): len(png(atlas(pages)[0], compress_level=1)) for pages in drawn}
        return sum(samples.values()) / len(samples) * (self.count if len(samples) > 1 else 1)


def encode(name: str, title: str, settings, panels, words, start=None, limit: int = LIMIT) -> tuple:
    """Makes all pages and words, checks them, and packs them.

    Returns:
        The JSON spec, the PNG files one after another, and the same pages as arrays `(count, h, w, channels)`.

    Raises:
        ValueError: a description that contradicts itself, or more than `limit` bytes.
    """
    outer, place = _check_settings(list(settings))
    names = [s.name for s in outer]
    states = [dict(zip(names, values, strict=True)) for values in itertools.product(*(s.values for s in outer))]
    grids = [tuple(map(int, _call(place.grid, state))) if place else (1, 1) for state in states]
    for grid in grids:
        if len(grid) != 2 or min(grid) < 1:
            raise ValueError(f"Explorer: the grid of {place.name!r} must be (rows, columns), but it is {grid}")
    titles = [panel.title for panel in panels]
    if not panels or not all(isinstance(panel, Panel) for panel in panels) or len(set(titles)) != len(titles):
        raise ValueError(f"Explorer: panels must be Panel objects with different titles, but they are {titles}")

    plans = {}
    for panel in panels:
        where = f"Explorer {name!r}, panel {panel.title!r}"
        if panel.sheet and not (place and place.name in panel.layers[0].depends):
            raise ValueError(f"{where}: the layer of a sheet must depend on the place")
        plans[panel.title] = [_Plan(layer, where, states, grids, place) for layer in panel.layers]

    def say(state, i):
        return str(words(**state, **({place.name: i} if place else {})))

    sentences = sum(map(math.prod, grids))
    refuse_more(name, SHORTEST * sentences, limit)
    expected = sentences * (len(say(states[0], 0)) + len(say(states[-1], 0))) / 2
    for plan in itertools.chain(*plans.values()):
        expected += plan.expected(enough=limit / 20)
        refuse_more(name, expected, limit, MARGIN)

    store = _Store()
    drawn = []
    for panel in panels:
        layers = [
            {"settings": plan.used, "place": plan.place, "pages": [store.add(plan.draw(k)) for k in range(plan.count)]}
            for plan in plans[panel.title]
        ]
        entry = {key: getattr(panel, key) for key in SENT} | {
            "captions": [_call(panel.caption, state) for state in states],
            "spots": "sheet" if panel.sheet else panel.spots if place else None,
            "layers": layers,
            "columns": [int(_call(panel.columns, state)) for state in states] if panel.sheet else None,
            "bar": None,
        }
        if panel.bar:
            colours = np.ascontiguousarray(panel.bar.colours[::-1, None])  # high on top
            ticks = [[[float(at), str(text)] for at, text in _call(panel.bar.ticks, state)] for state in states]
            entry["bar"] = {"page": store.add(colours[None]), "ticks": ticks}
        drawn.append(entry)

    said = [[say(state, i) for i in range(math.prod(grid))] for state, grid in zip(states, grids, strict=True)]
    spec = {
        "name": name,
        "title": title,
        "settings": [{**vars(s), "kind": type(s).__name__.lower()} for s in outer],
        "place": place and {"name": place.name, "label": place.label, "grids": list(map(list, grids))},
        "panels": drawn,
        "pages": store.entries,
        "words": said,
    }
    first = state_of(spec, [0] * (len(outer) + bool(place)))
    spec["start"] = pick_of(spec, {**first, **(start or {})})
    data = b"".join(store.files)
    size = len(data) + sum(len(text.encode()) for texts in said for text in texts)
    refuse_more(name, size, limit)
    return spec, data, store.pages


def state_of(spec: dict, pick) -> dict:
    """Returns {setting: value} for a list of indices, one for each setting, the place last."""
    state = {s["name"]: s["values"][k] for s, k in zip(spec["settings"], pick, strict=False)}
    return {**state, spec["place"]["name"]: int(pick[-1])} if spec["place"] else state


def pick_of(spec: dict, state: dict) -> list[int]:
    """Returns the indices for {setting: value}.

    Raises:
        ValueError: an unknown setting, a value that the setting does not have, or a place outside the grid.
    """
    name = spec["name"]
    names = [s["name"] for s in spec["settings"]] + ([spec["place"]["name"]] if spec["place"] else [])
    unknown = set(state) - set(names)
    if unknown or len(state) != len(names):
        raise ValueError(f"Explorer {name!r}: a state names {', '.join(names)}, but this one names {', '.join(state)}")
    pick = []
    for setting in spec["settings"]:
        value = state[setting["name"]]
        if value not in setting["values"]:
            raise ValueError(f"Explorer {name!r}: {setting['name']} is one of {setting['values']}, not {value!r}")
        pick.append(setting["values"].index(value))
    if spec["place"]:
        at, (rows, columns) = state[spec["place"]["name"]], spec["place"]["grids"][outer_index(spec, pick)]
        if isinstance(at, bool) or not isinstance(at, Integral) or not 0 <= int(at) < rows * columns:
            raise ValueError(f"Explorer {name!r}: {names[-1]} lies between 0 and {rows * columns - 1}, not {at!r}")
        pick.append(int(at))
    return pick


def outer_index(spec: dict, pick, used=None) -> int:
    """Returns the number of a state, counted over all settings (or those in `used`) without the place."""
    index = 0
    for k, setting in enumerate(spec["settings"]):
        if used is None or k in used:
            index = index * len(setting["values"]) + pick[k]
    return index
