"""What becomes of a lesson's text and images on their way to a page."""

import re

import nbformat
import numpy as np
import pytest
from PIL import Image

from tools import site
from tools.settings import ROOT

TEXT = "[Results](results.md#cifar-100), [the rules](../CONTRIBUTING.md), [keras](https://keras.io), ![x](images/x.png)"


@pytest.mark.parametrize(
    ("repository", "rules"),
    [("", "the rules"), ("someone/course", "[the rules](https://github.com/someone/course/blob/main/CONTRIBUTING.md)")],
)
def test_what_is_no_page_is_named_or_shown_on_github(monkeypatch, repository, rules):
    monkeypatch.setattr(site, "read_repository", lambda: repository)
    assert site.with_links(TEXT, site.DOCS, site.PAGES) == TEXT.replace("[the rules](../CONTRIBUTING.md)", rules)


def test_a_link_to_a_page_leads_to_it_from_everywhere():
    for text, folder in (("[x](../docs/results.md)", ROOT / "notebooks"), ("[x](docs/results.md)", ROOT)):
        assert site.with_links(text, folder, site.PAGES) == "[x](results.md)"
    assert site.with_links("[x](notebooks/02_fnet.ipynb)", ROOT, ["02_fnet"]) == "[x](02_fnet.ipynb)"


def test_the_picture_of_a_lesson_begins_where_colours_begin(tmp_path):
    image = np.full((300, 400, 3), 255, np.uint8)
    image[10:20, 10:300] = 0  # text
    image[100:200, 20:120] = 128  # a grey panel beside
    image[100:200, 150:250] = (200, 10, 10)  # a coloured one
    Image.fromarray(image).save(tmp_path / "explorer.png")
    shown = np.asarray(site.cover(tmp_path / "explorer.png"))
    assert shown.shape == (100, 160, 3)
    assert (shown[:, :100] == 128).all()
    assert (shown[:, 130:] == (200, 10, 10)).all()


def page_of(output, tmp_path):
    """Returns the HTML that a lesson's page gets for an output of its second cell."""
    cells = [nbformat.v4.new_markdown_cell("# A lesson"), nbformat.v4.new_code_cell("x", outputs=[output])]
    page = site.as_page(nbformat.v4.new_notebook(cells=cells), "lesson", tmp_path, site.PAGES)
    return page.cells[1].outputs[0].data["text/html"]


def test_an_image_becomes_a_file_with_its_words(tmp_path):
    output = nbformat.v4.new_output("display_data", {"image/svg+xml": "<svg/>", "text/plain": 'a "curve" that rises'})
    assert page_of(output, tmp_path) == '<img src="lesson/1_0.svg" alt="a &quot;curve&quot; that rises">'
    assert (tmp_path / "1_0.svg").read_text("utf-8") == "<svg/>"


@pytest.mark.parametrize("stored", sorted(site.NOTEBOOKS.glob("*.ipynb")), ids=lambda stored: stored.stem)
def test_every_notebook_has_its_place_on_the_first_page(stored):
    shown = site.card(nbformat.read(stored, as_version=4), stored.stem)
    assert re.search(r"<strong>(0\d|Homework) · [^#<]+</strong>", shown)
    assert re.search(r"<p>[A-Z][^*#\[]+\.( <em>\d+ minutes to show, \d+ as a lab\.</em>)?</p>", shown)
    assert ("<em>" in shown) == stored.stem[0].isdigit()


def test_a_notebook_of_another_release_is_named_before_anything_is_run(monkeypatch, tmp_path, capsys):
    notebook = nbformat.read(site.NOTEBOOKS / "02_fnet.ipynb", as_version=4)
    notebook.cells.pop()
    nbformat.write(notebook, tmp_path / "02_fnet.ipynb")
    monkeypatch.setattr(site, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(site, "build", None)
    with pytest.raises(SystemExit, match="1"):
        site.main(["02_fnet"])
    assert "it is of another release, or was edited: run `make notebooks`" in capsys.readouterr().err


def test_an_unknown_lesson_is_named(capsys):
    with pytest.raises(SystemExit):
        site.main(["07_unknown"])
    assert "there is no lesson '07_unknown'; there are 01_mlp_mixer, " in capsys.readouterr().err
