"""The wrapper: what a notebook, a viewer without JavaScript, and a saved page get."""

import base64
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from course_utils.explorers.core.encode import png
from tests.explorers.support import colour, small_explorer, small_parts


def read(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def test_the_notebook_gets_widget_image_and_words():
    explorer = small_explorer()
    bundle, _ = explorer._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == explorer.widget.model_id
    assert bundle["text/plain"] == (
        "A small explorer: an interactive image. coarse grid, level 1, light off, cell 0."
    )
    assert bundle["text/plain"] == explorer._repr_mimebundle_()[0]["text/plain"] == repr(small_explorer())
    image = read(base64.b64decode(bundle["image/png"]))
    assert image.ndim == 3
    assert image.shape[1] >= 560


def test_the_still_image_shows_the_state():
    explorer = small_explorer()
    first, second = read(explorer.png()), read(explorer.png({"detail": "fine", "level": 9, "cell": 7}))
    shown = {tuple(c) for c in np.unique(second.reshape(-1, 3), axis=0).tolist()}
    assert tuple(colour(2, 9, 0, 7)) in shown
    assert tuple(colour(2, 9, 0, 7)) not in {tuple(c) for c in np.unique(first.reshape(-1, 3), axis=0).tolist()}
    assert (255, 214, 0) in shown  # the place is outlined
    assert explorer.png() == explorer.png({})


def test_the_widget_carries_spec_pages_and_front_end():
    explorer = small_explorer(start={"cell": 4})
    widget = explorer.widget
    assert widget.spec == explorer.spec
    assert widget.pages == explorer.data
    assert widget.state == explorer.default_state == {"detail": "coarse", "level": 1, "lit": False, "cell": 4}
    assert "export default { render }" in widget._esm
    assert ".course-explorer" in widget._css
    assert widget is explorer.widget
    assert not re.search(r"https?://", widget._esm + widget._css)  # nothing is fetched


def test_state_follows_the_browser_and_can_be_set():
    explorer = small_explorer()
    explorer.widget.state = {"detail": "fine", "level": 2, "lit": True, "cell": 23}
    assert explorer.state["cell"] == 23
    explorer.state = {"cell": 5}
    assert explorer.widget.state == {"detail": "fine", "level": 2, "lit": True, "cell": 5}
    with pytest.raises(ValueError, match="cell lies between 0 and 23, not 24"):
        explorer.state = {"cell": 24}


def test_pages_gives_what_a_layer_shows():
    explorer = small_explorer()
    items = explorer.pages("Items", state={"detail": "fine"})
    assert items.shape == (24, 1, 1, 3)
    assert items[23, 0, 0].tolist() == colour(3, 23)
    with pytest.raises(ValueError, match="no panel 'Nothing'; there are Ground, Items, Rows"):
        explorer.pages("Nothing")


def test_the_saved_page_is_one_file_that_asks_nothing_of_the_network(tmp_path):
    path = small_explorer(title="</title><b>& more").save_html(tmp_path / "small.html")
    text = path.read_text("utf-8")
    assert "<title>&lt;/title&gt;&lt;b&gt;&amp; more</title>" in text
    assert text.count("</script>") == 4
    assert not re.search(r"""(src|href)=["']|https?://""", text)


def test_a_image_of_your_own_replaces_spec_pages_and_state():
    def on_image(image, filename):
        assert image == b"bytes"
        return {**small_parts(), "words": lambda cell, **_: f"{filename}: {cell}", "start": {"cell": 3}}

    explorer = small_explorer(on_image=on_image)
    widget = explorer.widget
    assert explorer.spec["upload"]
    data = base64.b64encode(b"bytes").decode()
    explorer._on_message(widget, {"kind": "image", "name": "me.png", "data": data}, [])
    assert widget.spec["words"][0][3] == "me.png: 3"
    assert widget.spec["notice"] == "Showing “me.png”."
    assert widget.state["cell"] == 3


def test_a_file_that_is_no_image_is_answered_with_a_message():
    def on_image(image, filename):
        raise ValueError("this is no image")

    explorer = small_explorer(on_image=on_image)
    spec, sent = explorer.spec, []
    explorer.widget.send = lambda content, buffers=None: sent.append(content)
    explorer._on_message(explorer.widget, {"kind": "image", "name": "a.txt", "data": "AAAA"}, [])
    explorer._on_message(explorer.widget, {"kind": "image", "name": "b.txt", "data": "not base64!"}, [])
    explorer._on_message(explorer.widget, {"kind": "else"}, [])
    assert sent[0] == {"kind": "problem", "text": "“a.txt” cannot be used: this is no image"}
    assert sent[1]["text"].startswith("“b.txt” cannot be used")
    assert len(sent) == 2
    assert explorer.spec is spec


def test_an_explorer_without_upload_says_so():
    with pytest.raises(ValueError, match="takes no images of your own"):
        small_explorer().use_image(b"")


def test_importing_the_explorers_imports_neither_keras_nor_widgets():
    code = "import sys, course_utils.explorers; print([m for m in ('keras', 'anywidget', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_png_keeps_every_bit():
    pages = np.random.default_rng(0).integers(0, 256, (7, 5, 4), dtype=np.uint8)
    assert (read(png(pages)) == pages).all()
