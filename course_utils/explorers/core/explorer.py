"""The explorer: one description, shown as a widget, as a still image, as words, or as a page of its own."""

import base64
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from course_utils.explorers.core.encode import LIMIT, Encoded, encode, outer_index, pick_of, png, state_of
from course_utils.explorers.core.parts import Panel, Setting
from course_utils.explorers.core.snapshot import snapshot
from course_utils.explorers.core.standalone import front_end, page

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@cache
def _widget_class():
    # Made on first use: importing the explorers must not import the widget machinery.
    import anywidget
    import traitlets

    script, style = front_end()

    class ExplorerWidget(anywidget.AnyWidget):
        """The browser's side of an explorer."""

        _esm = traitlets.Unicode(script).tag(sync=True)
        _css = traitlets.Unicode(style).tag(sync=True)
        spec = traitlets.Dict().tag(sync=True)
        pages = traitlets.Bytes().tag(sync=True)
        state = traitlets.Dict().tag(sync=True)

    return ExplorerWidget


class Explorer:
    """Settings × panels: a student moves the settings, and the images answer within a frame.

    Every image is made when the explorer is made; the browser only flips through them and needs no kernel.

    Args:
        name: a short name, such as "patches".
        settings: `Slider`, `Choice`, `Switch` objects, and at most one `Place`, which comes last.
        panels: `Panel` objects, in reading order.
        words: called with all settings by keyword; returns the sentence that says what is to be seen.
        title: shown above; the name without it.
        start: {setting: value} shown at first, where it is not the first value.
        on_image: makes "use your own image" possible. Called with a uint8 image `(h, w, 3)` and the file's
            name, it returns `{"settings": …, "panels": …, "words": …, "start": …}` with the image added.
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
        on_image: Callable[[np.ndarray, str], dict] | None = None,
        limit: int = LIMIT,
    ):
        self.name, self.title, self.limit = name, title or name, limit
        self._on_image = on_image
        self._widget = None
        self._encoded = self._encode(settings, panels, words, start)

    def _encode(self, settings, panels, words, start) -> Encoded:
        encoded = encode(self.name, self.title, settings, panels, words, start, self.limit)
        encoded.spec["upload"] = "Use your own image…" if self._on_image else None
        return encoded

    @property
    def spec(self) -> dict:
        """The JSON that the browser gets."""
        return self._encoded.spec

    @property
    def data(self) -> bytes:
        """The PNG files that the browser gets, one after another."""
        return self._encoded.data

    @property
    def default_state(self) -> dict:
        """The state shown at first, {setting: value}."""
        return state_of(self.spec, self.spec["start"])

    @property
    def state(self) -> dict:
        """What the browser shows (or showed last), {setting: value}. Assign to it to move the browser there."""
        held = self._widget.state if self._widget else {}
        return {**self.default_state, **held}

    @state.setter
    def state(self, state: dict):
        pick = pick_of(self.spec, {**self.state, **state})
        self.widget.state = state_of(self.spec, pick)

    def words(self, state: dict | None = None) -> str:
        """Returns the sentence that belongs to a state (the default one without it)."""
        pick = pick_of(self.spec, {**self.default_state, **(state or {})})
        return self.spec["words"][outer_index(self.spec, pick)][pick[-1] if self.spec["place"] else 0]

    def pages(self, panel: str, layer: int = 0, state: dict | None = None) -> np.ndarray:
        """Returns what a layer shows in a state, before enlargement: uint8 `(count, h, w, 3 or 4)`."""
        titles = [p["title"] for p in self.spec["panels"]]
        if panel not in titles:
            raise ValueError(f"Explorer {self.name!r}: no panel {panel!r}; there are {', '.join(titles)}")
        pick = pick_of(self.spec, {**self.default_state, **(state or {})})
        found = self.spec["panels"][titles.index(panel)]["layers"][layer]
        return self._encoded.pages[found["pages"][outer_index(self.spec, pick, found["settings"])]]

    def png(self, state: dict | None = None) -> bytes:
        """Returns a still image of a state (the default one without it) as a PNG file."""
        full = None if state is None else {**self.default_state, **state}
        return png(snapshot(self._encoded, full))

    def page(self) -> str:
        """Returns the explorer as one HTML page that needs no kernel and no network."""
        return page(self._encoded)

    def save_html(self, path: str | Path) -> Path:
        """Writes `page()` to a file and returns its path."""
        path = Path(path)
        path.write_text(self.page(), "utf-8")
        return path

    @property
    def widget(self):
        """The anywidget. It is made when it is first asked for."""
        if self._widget is None:
            self._widget = _widget_class()(spec=self.spec, pages=self.data, state=self.default_state)
            self._widget.on_msg(self._on_message)
        return self._widget

    def use_image(self, image, filename: str = "my image"):
        """Adds an image and shows it: what the browser's file button does.

        Args:
            image: a file's bytes or path, or a uint8 array `(h, w, 3)`.
            filename: its name in the list.

        Raises:
            ValueError: this explorer takes no images, or that is none.
        """
        if self._on_image is None:
            raise ValueError(f"Explorer {self.name!r}: it takes no images of your own")
        made = self._on_image(image, filename)
        self._encoded = self._encode(made["settings"], made["panels"], made["words"], made.get("start"))
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

    def _repr_mimebundle_(self, include=None, exclude=None, **kwargs):
        """Returns the widget for a live notebook, and a still image and words for every other viewer."""
        shown = self.widget._repr_mimebundle_()
        data, metadata = shown if isinstance(shown, tuple) else (shown, {})
        bundle = {
            "text/plain": repr(self),
            "image/png": base64.b64encode(self.png()).decode("ascii"),
            _WIDGET_VIEW: data[_WIDGET_VIEW],
        }
        return bundle, metadata
