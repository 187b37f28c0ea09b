"""The explorer: one description, from which comes all that is shown: images, words, controls."""

import base64
from collections.abc import Callable, Sequence

import numpy as np

from course_utils.checked import one_line
from course_utils.explorers.core.encode import LIMIT, TooLarge, encode, outer_index, pick_of, state_of
from course_utils.explorers.core.parts import Panel, Setting
from course_utils.explorers.core.shown import Shown
from course_utils.explorers.core.snapshot import snapshot
from course_utils.explorers.core.words import short

MOST_OWN = 5  # images of the student's own that are kept: with each new one everything is drawn again


class Explorer(Shown):
    """Settings × panels: a student moves the settings, and the images answer within a frame.

    Every image is made when the explorer is made; the browser only flips through them and needs no kernel.

    Args:
        name: a short name, such as "patches".
        settings: `Slider`, `Choice`, `Switch` objects, and at most one `Place`, which comes last.
        panels: `Panel` objects, in reading order.
        words: called with all settings by keyword; returns the sentence that says what is to be seen.
        title: shown above; the name without it.
        start: {setting: value} shown at first, where it is not the first value.
        with_own: makes "use your own image" possible. Called with the student's images, {name: uint8 `(side, side,
            3)`}, the newest last, it returns `{"settings": …, "panels": …, "words": …, "start": …}` with them added.
        side: of the student's images.
        limit: the most bytes that pages and words may take.

    Raises:
        ValueError: settings, panels or pages that contradict each other, or more bytes than `limit`.
        TypeError: pages that are not uint8 arrays.
    """

    def __init__(
        self,
        name: str,
        settings: Sequence[Setting],
        panels: Sequence[Panel],
        words: Callable[..., str],
        *,
        title: str = "",
        start: dict | None = None,
        with_own: Callable[[dict[str, np.ndarray]], dict] | None = None,
        side: int = 64,
        limit: int = LIMIT,
    ):
        self.name, self.title, self.limit = name, title or name, limit
        self._with_own, self._own, self._side = with_own, {}, side
        self._make(settings, panels, words, start)

    def _make(self, settings, panels, words, start=None) -> None:
        made = encode(self.name, self.title, settings, panels, words, start, self.limit)
        self.spec, self.data, self._pages = made
        self.spec["upload"] = "Use your own image…" if self._with_own else None
        self.default_state = state_of(self.spec, self.spec["start"])

    @property
    def state(self) -> dict:
        """What the browser shows (or showed last), {setting: value}. Assign to it to move the browser there."""
        held = self._widget.state if self._widget else {}
        return {**self.default_state, **held}

    @state.setter
    def state(self, state: dict):
        pick = pick_of(self.spec, {**self.state, **state})
        self.widget.state = state_of(self.spec, pick)

    def _pick(self, state: dict | None) -> list[int]:
        return pick_of(self.spec, {**self.default_state, **(state or {})})

    def words(self, state: dict | None = None) -> str:
        """Returns the sentence that belongs to a state (the default one without it)."""
        pick = self._pick(state)
        return self.spec["words"][outer_index(self.spec, pick)][pick[-1] if self.spec["place"] else 0]

    def pages(self, panel: str, layer: int = 0, state: dict | None = None) -> np.ndarray:
        """Returns what a layer shows in a state, before enlargement: uint8 `(count, h, w, 3 or 4)`."""
        titles = [p["title"] for p in self.spec["panels"]]
        if panel not in titles:
            raise ValueError(f"Explorer {self.name!r}: no panel {panel!r}; there are {', '.join(titles)}")
        layers = self.spec["panels"][titles.index(panel)]["layers"]
        if layer not in range(len(layers)):
            raise ValueError(
                f"Explorer {self.name!r}: panel {panel!r} has layers 0 to {len(layers) - 1}, but not {layer!r}"
            )
        found = layers[layer]
        return self._pages[found["pages"][outer_index(self.spec, self._pick(state), found["settings"])]]

    def still(self, state: dict | None = None, note: str = "") -> np.ndarray:
        """Returns a still image of a state (the default one without it): uint8 `(h, w, 3)`, a note below its title."""
        return snapshot(self.spec, self._pages, self._pick(state), note)

    def use_image(self, image, filename: str = "my image"):
        """Adds an image and shows it: what the browser's file button does.

        Where they become more than `MOST_OWN` or too many to carry, the oldest of the student's own makes room. If the
        image is refused, everything stays as it was.

        Args:
            image: a file's bytes or path, or a uint8 array `(h, w, 3)`.
            filename: its name in the list.

        Raises:
            ValueError: this explorer takes no images, or that is none.
        """
        from course_utils.data.images import as_image

        if self._with_own is None:
            raise ValueError(f"Explorer {self.name!r}: it takes no images of your own")
        filename = one_line(str(filename)).strip() or "my image"
        new = {short(filename): as_image(image, self._side)}
        own = {name: pixels for name, pixels in self._own.items() if name not in new} | new
        own = dict(list(own.items())[-MOST_OWN:])
        while True:
            try:
                self._make(**self._with_own(own))
                break
            except TooLarge:
                if len(own) == 1:
                    raise
                del own[next(iter(own))]
        self._own = own
        self.spec["notice"] = f"Showing “{filename}”."
        if self._widget:
            with self._widget.hold_sync():  # one message, so that the browser never sees new words with old pages
                self._widget.pages = self.data
                self._widget.spec = self.spec
                self._widget.state = self.default_state

    def _on_message(self, widget, content, buffers):
        if content.get("kind") != "image":
            return
        name = str(content.get("name", "my image"))
        try:
            self.use_image(base64.b64decode(content["data"], validate=True), name)
        except Exception as error:  # whatever went wrong, the student reads it where the button is
            widget.send({"kind": "problem", "text": f"“{name}” cannot be used: {error}"})

    def __repr__(self):
        return f"{self.title}: an interactive image. {self.words()}"
