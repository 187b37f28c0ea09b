"""The explorer: one description, shown as a widget, as a still image, as words, or as a page of its own."""

import base64
import html
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import figures
from course_utils.checked import one_line
from course_utils.explorers.core.encode import LIMIT, Encoded, TooLarge, encode, outer_index, pick_of, png, state_of
from course_utils.explorers.core.parts import Panel, Setting
from course_utils.explorers.core.snapshot import snapshot
from course_utils.explorers.core.standalone import front_end, page
from course_utils.explorers.core.words import short
from course_utils.files import file_path, write_whole

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# In a notebook that is opened again, JupyterLab writes "model not found" where the widget was, and nothing else there.
_HIDDEN_WHEN_GONE = "<style>.jp-OutputArea-output.jupyter-widgets:not(:has(*)) { display: none; }</style>"
MOST_OWN = 5  # images of the student's own that are kept: with each new one everything is drawn again


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
        still = traitlets.List().tag(sync=True)  # width and height of the still image that stands above
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
        self._widget: Any = None
        self._encoded = self._encode(settings, panels, words, start)

    def _encode(self, settings, panels, words, start=None) -> Encoded:
        encoded = encode(self.name, self.title, settings, panels, words, start, self.limit)
        encoded.spec["upload"] = "Use your own image…" if self._with_own else None
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
        layers = self.spec["panels"][titles.index(panel)]["layers"]
        if layer not in range(len(layers)):
            raise ValueError(
                f"Explorer {self.name!r}: panel {panel!r} has layers 0 to {len(layers) - 1}, but not {layer!r}"
            )
        found = layers[layer]
        return self._encoded.pages[found["pages"][outer_index(self.spec, pick, found["settings"])]]

    def png(self, state: dict | None = None) -> bytes:
        """Returns a still image of a state (the default one without it) as a PNG file."""
        full = None if state is None else {**self.default_state, **state}
        return png(snapshot(self._encoded, full))

    def page(self) -> str:
        """Returns the explorer as one HTML page that needs no kernel and no network."""
        return page(self._encoded, self.png(), repr(self))

    def save_html(self, path: str | Path) -> Path:
        """Writes `page()` to a file and returns its path. What was there before stays until the new one is whole."""
        path = file_path(path, "save_html: path")
        return write_whole(path, self.page().encode("utf-8"), f"the page {path.name}")

    @property
    def widget(self):
        """The anywidget. It is made when it is first asked for."""
        if self._widget is None:
            self._widget = _widget_class()(spec=self.spec, pages=self.data, state=self.default_state)
            self._widget.on_msg(self._on_message)
        return self._widget

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
                self._encoded = self._encode(**self._with_own(own))
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

    def _frame(self, folder: Path) -> str:
        """Writes the explorer's page into a folder, and returns the HTML of a frame with it (tools/site.py)."""
        path = folder / f"explorer_{len(list(folder.glob('explorer_*.html'))) + 1}.html"
        self.save_html(path)
        path.with_suffix(".png").write_bytes(self.png())
        source, title = f"{folder.name}/{path.name}", html.escape(self.title, quote=True)
        return f'<iframe class="explorer" loading="lazy" src="{source}" title="{title}" height="600"></iframe>'

    def _ipython_display_(self):
        """Shows a still image with words, and after it the widget, which hides that image as soon as it is alive.

        One output with both would show neither where the widget is gone: a viewer that knows widgets prefers it.
        """
        from IPython.display import publish_display_data

        if pages := os.environ.get("COURSE_PAGES"):
            publish_display_data({"text/html": self._frame(Path(pages)), "text/plain": repr(self)})
            return
        still = snapshot(self._encoded, note="A still image: it comes alive when its cell is run.")
        publish_display_data(*figures.as_output(png(still), repr(self)))
        self.widget.still = [still.shape[1], still.shape[0]]
        shown = self.widget._repr_mimebundle_()
        data, metadata = shown if isinstance(shown, tuple) else (shown, {})
        publish_display_data({_WIDGET_VIEW: data[_WIDGET_VIEW]}, metadata)
        publish_display_data({"text/html": _HIDDEN_WHEN_GONE, "text/plain": ""})
