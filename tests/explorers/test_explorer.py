"""The wrapper: what a notebook, a viewer without JavaScript, and a saved page get."""

import base64
import io
import json
import os
import re
import subprocess
import sys

import nbconvert
import nbformat
import numpy as np
import pytest
from PIL import Image

from course_utils import figures
from course_utils.explorers import Choice, Explorer, Layer, Panel
from course_utils.explorers.core.encode import png
from tests.explorers.support import colour, small_explorer


def read(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def shown(explorer, monkeypatch):
    """Returns what a notebook gets: a list of (data, metadata)."""
    outputs = []
    monkeypatch.setattr("IPython.display.publish_display_data", lambda *output: outputs.append(output))
    explorer._ipython_display_()
    return outputs


def test_the_notebook_gets_a_still_image_with_words_and_the_widget(monkeypatch):
    explorer = small_explorer()
    (still, about), (live, _), (gone,) = shown(explorer, monkeypatch)
    assert set(live) == {"application/vnd.jupyter.widget-view+json"}
    assert live["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.widget.model_id
    assert gone["text/html"].startswith("<style>"), "hides JupyterLab's complaint where the widget is no more"
    words = "A small explorer: an interactive image. coarse grid, level 1, light off, cell 0."
    assert still["text/plain"] == about["image/png"]["alt"] == repr(explorer) == words
    image = read(base64.b64decode(still["image/png"]))
    assert explorer.widget.still == [image.shape[1], image.shape[0]]
    note = figures.written("A still image: it comes alive when its cell is run.", 400, 12, bold=True)
    places = np.lib.stride_tricks.sliding_window_view(image[:80, 14:414], note.shape)
    assert (places == note).all(axis=(-3, -2, -1)).any()
    assert read(explorer.png()).shape[0] < image.shape[0]


@pytest.mark.filterwarnings("ignore:Your element with mimetype")  # the widget itself, without a kernel
@pytest.mark.parametrize("template", ["lab", "classic"])
def test_an_exported_notebook_holds_the_still_image_with_its_words(monkeypatch, template):
    explorer = small_explorer()
    published = shown(explorer, monkeypatch)
    outputs = [nbformat.v4.new_output("display_data", data, metadata=(*about, {})[0]) for data, *about in published]
    cell = nbformat.v4.new_code_cell("small_explorer()", outputs=outputs)
    exporter = nbconvert.HTMLExporter(template_name=template)
    page, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    (image,) = re.findall(r'<img [^>]*src="data:image/png;base64,[^>]*>', page)
    assert outputs[0]["data"]["image/png"].strip() in image.replace("\n", "")
    assert (f'alt="{explorer!r}"' in image) == (template == "classic")  # the other one drops all alternative texts


def test_the_still_image_shows_the_state():
    explorer = small_explorer()
    first, second = read(explorer.png()), read(explorer.png({"detail": "fine", "level": 9, "cell": 7}))
    shown = {tuple(c) for c in np.unique(second.reshape(-1, 3), axis=0).tolist()}
    assert tuple(colour(2, 9, 0, 7)) in shown
    assert tuple(colour(2, 9, 0, 7)) not in {tuple(c) for c in np.unique(first.reshape(-1, 3), axis=0).tolist()}
    assert (255, 214, 0) in shown  # the place is outlined
    assert explorer.png() == explorer.png({})


def test_the_still_image_does_not_ask_to_point_at_it():
    def with_caption(caption):
        panels = [Panel("P", [Layer(lambda: np.zeros((4, 4, 3), np.uint8))], caption)]
        return Explorer("still", [], panels, lambda: "words").png()

    asked = "Small maps. Point at one, or use the arrow keys. Bright is large."
    assert with_caption(asked) == with_caption("Small maps. Bright is large.")
    assert with_caption("Point at one.") == with_caption("")
    assert with_caption("Bright is large.") != with_caption("")


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
    with pytest.raises(ValueError, match=r"panel 'Items' has layers 0 to \d, but not 9"):
        explorer.pages("Items", layer=9)


def test_the_saved_page_is_one_file_that_asks_nothing_of_the_network(tmp_path):
    path = small_explorer(title="</title><b>& more").save_html(tmp_path / "small.html")
    text = path.read_text("utf-8")
    assert "<title>&lt;/title&gt;&lt;b&gt;&amp; more</title>" in text
    assert text.count("</script>") == 4
    assert not re.search(r"""(src|href)=["'](?!data:)|https?://""", text)
    outside = text[text.index("<noscript>") : text.index("</noscript>")]
    image = re.search(r'base64,([^"]+)" alt="([^"]+)"', outside)
    assert read(base64.b64decode(image[1])).shape[1] >= 560
    assert "&lt;b&gt;&amp; more: an interactive image. coarse grid" in image[2]


def test_names_cannot_end_or_swallow_the_script_that_holds_them(tmp_path):
    name = "<!--<script></script>\u2028"
    panels = [Panel(name, [Layer(lambda image: np.zeros((2, 2, 3), np.uint8), ["image"])], name)]
    explorer = Explorer("odd", [Choice("image", name, [name, "b"])], panels, lambda image: f"It is {image}.")
    text = explorer.save_html(tmp_path / "odd.html").read_text("utf-8")
    spec = text[text.index('id="spec">') + 10 :].partition("</script>")[0]
    assert "<" not in spec
    assert json.loads(spec)["words"] == [[f"It is {name}."], ["It is b."]]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = small_explorer().save_html(tmp_path / "page.html")
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"could not save the page .* the one before it is untouched"):
        small_explorer(title="new").save_html(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_is_written_where_a_user_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert small_explorer().save_html("~/page.html") == tmp_path / "page.html"
    for wrong in ("", "a\0b", None, 3):
        with pytest.raises((TypeError, ValueError), match="save_html: path must be a path"):
            small_explorer().save_html(wrong)


def test_an_images_name_is_shown_on_one_line_whatever_a_system_calls_it():
    explorer = with_own_images()
    for given, shown in (("a\nb\udcff", "ab"), ("", "my image"), (None, "None")):
        explorer.use_image(photo(1), given)
        assert explorer.spec["notice"] == f"Showing “{shown}”."
        explorer.page().encode()


def own_parts(own):
    """Each own image is a page of its own size in bytes: 50,000 or so, of which 120,000 may be carried."""
    names = ["none", *own]
    noise = {name: np.random.default_rng(k).integers(0, 256, (128, 128, 3), np.uint8) for k, name in enumerate(own)}
    pages = {"none": np.zeros((128, 128, 3), np.uint8), **noise}
    panel = Panel("P", [Layer(lambda image: pages[image], ["image"])])
    settings = [Choice("image", "Image", names)]

    def words(image):
        return f"{image}: {own[image][0, 0].tolist() if image in own else 'nothing'}"

    return {"settings": settings, "panels": [panel], "words": words, "start": {"image": names[-1]}}


def with_own_images():
    return Explorer("own", **own_parts({}), with_own=own_parts, side=8, limit=120_000)


def photo(shade):
    return np.full((20, 30, 3), shade, np.uint8)


def test_an_image_of_your_own_replaces_spec_pages_and_state():
    explorer = with_own_images()
    widget = explorer.widget
    assert explorer.spec["upload"]
    data = base64.b64encode(png(photo(7))).decode()
    explorer._on_message(widget, {"kind": "image", "name": "holiday-at-the-seaside-2019.png", "data": data}, [])
    assert widget.state == {"image": "holiday-at-the-…2019.png"}
    assert widget.spec["words"][1] == ["holiday-at-the-…2019.png: [7, 7, 7]"]
    assert widget.spec["notice"] == "Showing “holiday-at-the-seaside-2019.png”."
    assert widget.pages == explorer.data


def test_the_oldest_image_of_your_own_makes_room():
    explorer = with_own_images()
    for k in range(5):
        explorer.use_image(photo(k), f"{k}.png")
    assert explorer.spec["settings"][0]["values"] == ["none", "3.png", "4.png"]
    explorer.use_image(photo(9), "3.png")  # again, and so the newest
    assert explorer.spec["settings"][0]["values"] == ["none", "4.png", "3.png"]
    assert explorer.words() == "3.png: [9, 9, 9]"
    explorer.limit = 1_000_000
    for k in range(8):
        explorer.use_image(photo(k), f"{k}.png")
    assert explorer.spec["settings"][0]["values"] == ["none", *(f"{k}.png" for k in (3, 4, 5, 6, 7))]


def test_a_file_that_is_no_image_is_answered_with_a_message_and_leaves_nothing_behind():
    explorer = with_own_images()
    explorer.use_image(photo(1), "1.png")
    spec, sent = explorer.spec, []
    explorer.widget.send = lambda content, buffers=None: sent.append(content)
    explorer._on_message(explorer.widget, {"kind": "image", "name": "a.txt", "data": "AAAA"}, [])
    explorer._on_message(explorer.widget, {"kind": "image", "name": "b.txt", "data": "not base64!"}, [])
    explorer._on_message(explorer.widget, {"kind": "else"}, [])
    assert [message["kind"] for message in sent] == ["problem", "problem"]
    assert sent[0]["text"].startswith("“a.txt” cannot be used: ")
    assert sent[1]["text"].startswith("“b.txt” cannot be used: ")
    assert explorer.spec is spec
    explorer.limit = 10_000  # not even one fits
    with pytest.raises(ValueError, match="MB that a notebook carries lightly"):
        explorer.use_image(photo(2), "2.png")
    explorer.limit = 120_000
    explorer.use_image(photo(3), "3.png")
    assert explorer.spec["settings"][0]["values"] == ["none", "1.png", "3.png"]


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
