"""From a description to what the browser gets: a JSON spec, and one run of bytes with all pages as PNG files.

Places are counted row by row. States without the place are counted like digits, the first setting slowest.
"""

import io
import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from course_utils.explorers.core.parts import Panel, Place, Setting, Slider

LIMIT = 3_000_000  # bytes of an explorer: pages and words together


@dataclass
class Encoded:
    """An explorer ready to be shown: `spec` (JSON), `data` (the PNG files) and the same pages as arrays."""

    spec: dict
    data: bytes
    pages: list[np.ndarray] = field(repr=False)  # (count, h, w, channels), as listed in spec["pages"]


def _call(value, state):
    return value(**state) if callable(value) else value


def atlas(pages: np.ndarray) -> tuple[np.ndarray, int]:
    """Lays pages `(n, h, w, c)` row by row into one image. Returns it and the pages per row."""
    n, h, w, c = pages.shape
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    filled = np.zeros((rows * columns, h, w, c), np.uint8)
    filled[:n] = pages
    image = filled.reshape(rows, columns, h, w, c).transpose(0, 2, 1, 3, 4)
    return image.reshape(rows * h, columns * w, c), columns


def png(image: np.ndarray) -> bytes:
    """Returns a uint8 image `(h, w, 3 or 4)` as a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, "PNG", optimize=True)
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


def _check_settings(settings) -> tuple[list[Slider], Place | None]:
    names = [setting.name for setting in settings if isinstance(setting, Setting)]
    if len(names) != len(settings):
        raise TypeError("Explorer: settings must be Slider, Choice, Switch or Place objects")
    if len(set(names)) != len(names):
        raise ValueError(f"Explorer: two settings have the same name: {names}")
    places = [setting for setting in settings if isinstance(setting, Place)]
    if len(places) > 1:
        raise ValueError(f"Explorer: at most one Place, but there are {[p.name for p in places]}")
    if places and settings[-1] is not places[0]:
        raise ValueError(f"Explorer: the Place {places[0].name!r} must be the last setting")
    return [setting for setting in settings if isinstance(setting, Slider)], (places or [None])[0]


def _check_pages(pages, where: str, with_place: bool, count: int | None) -> np.ndarray:
    wanted = f"({count}, h, w, 3 or 4)" if with_place else "(h, w, 3 or 4)"
    if not isinstance(pages, np.ndarray) or pages.dtype != np.uint8:
        got = pages.dtype if isinstance(pages, np.ndarray) else type(pages).__name__
        raise TypeError(f"{where}: pages must be a uint8 array {wanted}, but it is {got}")
    if pages.ndim != 3 + with_place or pages.shape[-1] not in (3, 4) or 0 in pages.shape:
        raise ValueError(f"{where}: pages must be {wanted}, but their shape is {pages.shape}")
    if with_place and len(pages) != count:
        raise ValueError(f"{where}: there are {count} places but {len(pages)} pages")
    return pages if with_place else pages[None]


def _layer(layer, where, outer, place, grids, store) -> dict:
    names = [setting.name for setting in outer]
    unknown = [n for n in layer.depends if n not in names and not (place and n == place.name)]
    if unknown:
        raise ValueError(f"{where}: depends names {unknown}, but the settings are {names + [place.name] * bool(place)}")
    used = [k for k, name in enumerate(names) if name in layer.depends]
    with_place = place is not None and place.name in layer.depends
    indices = []
    for combination in itertools.product(*(range(len(outer[k].values)) for k in used)):
        chosen = dict(zip(used, combination, strict=True))
        sizes = {r * c for pick, (r, c) in grids.items() if all(pick[k] == v for k, v in chosen.items())}
        if with_place and len(sizes) > 1:
            raise ValueError(f"{where}: the number of places depends on a setting that depends does not name")
        pages = layer.pages(**{names[k]: outer[k].values[v] for k, v in chosen.items()})
        indices.append(store.add(_check_pages(pages, where, with_place, sizes.pop() if sizes else None)))
    return {"settings": used, "place": with_place, "pages": indices, "smooth": bool(layer.smooth)}


def encode(name: str, title: str, settings, panels, words, start=None, limit: int = LIMIT) -> Encoded:
    """Makes all pages and words, checks them, and packs them.

    Raises:
        ValueError: a description that contradicts itself, or more than `limit` bytes.
    """
    outer, place = _check_settings(list(settings))
    picks = list(itertools.product(*(range(len(s.values)) for s in outer)))
    states = [{s.name: s.values[k] for s, k in zip(outer, pick, strict=True)} for pick in picks]
    grids = {pick: tuple(map(int, _call(place.grid, state))) if place else (1, 1)
             for pick, state in zip(picks, states, strict=True)}  # fmt: skip
    for pick, grid in grids.items():
        if len(grid) != 2 or min(grid) < 1:
            raise ValueError(
                f"Explorer: the grid of {place.name!r} must be (rows, columns), but it is {grid} at {pick}"
            )
    titles = [panel.title for panel in panels]
    if not panels or not all(isinstance(panel, Panel) for panel in panels) or len(set(titles)) != len(titles):
        raise ValueError(f"Explorer: panels must be Panel objects with different titles, but they are {titles}")

    store = _Store()
    drawn = []
    for panel in panels:
        where = f"Explorer {name!r}, panel {panel.title!r}"
        if panel.sheet and not (place and place.name in panel.layers[0].depends):
            raise ValueError(f"{where}: the layer of a sheet must depend on the place")
        layers = [_layer(layer, where, outer, place, grids, store) for layer in panel.layers]
        entry = {
            "title": panel.title,
            "captions": [_call(panel.caption, state) for state in states],
            "size": panel.size,
            "spots": "sheet" if panel.sheet else panel.spots if place else None,
            "lines": panel.lines,
            "values": panel.values,
            "beneath": panel.beneath,
            "layers": layers,
            "columns": [int(_call(panel.columns, state)) for state in states] if panel.sheet else None,
            "bar": None,
            "x_label": panel.x_label,
            "y_label": panel.y_label,
        }
        if panel.bar:
            colours = np.ascontiguousarray(panel.bar.colours[::-1, None])  # high on top
            ticks = [[[float(at), str(text)] for at, text in _call(panel.bar.ticks, state)] for state in states]
            entry["bar"] = {"page": store.add(colours[None]), "ticks": ticks}
        drawn.append(entry)

    said = []
    for state, (rows, columns) in zip(states, grids.values(), strict=True):
        if place:
            said.append([str(words(**state, **{place.name: i})) for i in range(rows * columns)])
        else:
            said.append([str(words(**state))])
    spec = {
        "name": name,
        "title": title,
        "settings": [
            {"kind": s.kind, "name": s.name, "label": s.label, "values": list(s.values), "texts": list(s.texts)}
            for s in outer
        ],
        "place": {"name": place.name, "label": place.label, "grids": list(map(list, grids.values()))}
        if place
        else None,
        "panels": drawn,
        "pages": store.entries,
        "words": said,
    }
    spec["start"] = _start(spec, start or {})
    data = b"".join(store.files)
    size = len(data) + sum(len(text.encode()) for texts in said for text in texts)
    if size > limit:
        raise ValueError(
            f"Explorer {name!r}: {size / 1e6:.1f} MB of pages and words, more than the {limit / 1e6:.1f} MB that a "
            "notebook carries lightly; use fewer images, fewer networks or fewer tokens"
        )
    return Encoded(spec, data, store.pages)


def _start(spec: dict, start: dict) -> list[int]:
    return pick_of(spec, {**state_of(spec, [0] * len(spec["settings"]) + [0] * bool(spec["place"])), **start})


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
        if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < rows * columns:
            raise ValueError(f"Explorer {name!r}: {names[-1]} lies between 0 and {rows * columns - 1}, not {at!r}")
        pick.append(at)
    return pick


def outer_index(spec: dict, pick, used=None) -> int:
    """Returns the number of a state, counted over all settings (or those in `used`) without the place."""
    index = 0
    for k, setting in enumerate(spec["settings"]):
        if used is None or k in used:
            index = index * len(setting["values"]) + pick[k]
    return index
