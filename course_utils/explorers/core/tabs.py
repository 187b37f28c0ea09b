"""Explorers under tabs: two networks that share a question but not their number of tokens or blocks."""

from collections.abc import Mapping

import numpy as np

from course_utils.explorers.core.checks import named
from course_utils.explorers.core.explorer import Explorer
from course_utils.explorers.core.shown import Shown
from course_utils.explorers.core.snapshot import stacked


class Tabs(Shown):
    """Shows one explorer at a time, without a button for an image of one's own. A still image shows them all.

    Args:
        explorers: {label: Explorer}, such as of your network and of the recorded one; the first is open at first.

    Raises:
        ValueError: none, labels that are no text, or something that is no explorer.
    """

    def __init__(self, explorers: Mapping[str, Explorer]):
        self.explorers = dict(named("Tabs", "explorers", explorers, "{label: Explorer}"))
        for label, explorer in self.explorers.items():
            if not isinstance(explorer, Explorer):
                raise ValueError(f"Tabs: {label!r} must be an Explorer, but it is {type(explorer).__name__}")
        self.title = " | ".join(f"{label}: {explorer.title}" for label, explorer in self.explorers.items())

    # What the explorers hold now: each may have got an image of one's own since.
    @property
    def spec(self) -> dict:  # type: ignore[override]
        tabs, start = [], 0
        for label, explorer in self.explorers.items():
            size = len(explorer.data)
            tabs.append({"label": label, "spec": {**explorer.spec, "upload": None}, "bytes": [start, size]})
            start += size
        return {"title": self.title, "tabs": tabs}

    @property
    def data(self) -> bytes:  # type: ignore[override]
        return b"".join(explorer.data for explorer in self.explorers.values())

    @property
    def default_state(self) -> dict:  # type: ignore[override]
        """The state of each explorer shown at first, {label: {setting: value}}."""
        return {label: explorer.default_state for label, explorer in self.explorers.items()}

    @property
    def state(self) -> dict:
        """What the browser shows (or showed last) under each tab, {label: {setting: value}}."""
        return {**self.default_state, **(self._widget.state if self._widget else {})}

    def still(self, state: dict | None = None, note: str = "") -> np.ndarray:
        """Returns a still image of all tabs, one below the other: uint8 `(h, w, 3)`."""
        of = state or {}
        images = [
            explorer.still(of.get(label), " · ".join(part for part in (label, note) if part))
            for label, explorer in self.explorers.items()
        ]
        return stacked(images)

    def __repr__(self):
        return " ".join(f"{label}: {explorer!r}" for label, explorer in self.explorers.items())
