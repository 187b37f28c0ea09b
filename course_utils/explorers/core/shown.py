"""How an explorer reaches its reader: as a widget, as a still image with words, or as a page of its own."""

import html
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import figures
from course_utils.explorers.core.encode import png
from course_utils.explorers.core.standalone import front_end, page
from course_utils.files import file_path, write_whole

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# In a notebook that is opened again, JupyterLab writes "model not found" where the widget was, and nothing else there.
_HIDDEN_WHEN_GONE = "<style>.jp-OutputArea-output.jupyter-widgets:not(:has(*)) { display: none; }</style>"


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


class Shown:
    """What has a title, a spec, data, states and a still image."""

    title: str
    spec: dict  # the JSON that the browser gets
    data: bytes  # the PNG files that the browser gets, one after another
    default_state: dict  # the state shown at first, {setting: value}
    _widget: Any = None

    def still(self, state: dict | None = None, note: str = "") -> np.ndarray:
        """Returns a still image of a state (the default one without it): uint8 `(h, w, 3)`, a note below its title."""
        raise NotImplementedError

    def png(self, state: dict | None = None) -> bytes:
        """Returns a still image of a state (the default one without it) as a PNG file."""
        return png(self.still(state))

    def page(self) -> str:
        """Returns the explorer as one HTML page that needs no kernel and no network."""
        return page(self.spec, self.data, self.png(), repr(self))

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

    def _on_message(self, widget, content, buffers):
        """Answers what the browser sends beside its state."""

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
        still = self.still(note="A still image: it comes alive when its cell is run.")
        publish_display_data(*figures.as_output(png(still), repr(self)))
        self.widget.still = [still.shape[1], still.shape[0]]
        shown = self.widget._repr_mimebundle_()
        data, metadata = shown if isinstance(shown, tuple) else (shown, {})
        publish_display_data({_WIDGET_VIEW: data[_WIDGET_VIEW]}, metadata)
        publish_display_data({"text/html": _HIDDEN_WHEN_GONE, "text/plain": ""})
