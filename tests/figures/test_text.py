"""Words and numbers on images."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from course_utils import figures
from course_utils.figures import fonts


def test_written_wraps_at_the_width():
    one = figures.written("short", 400)
    many = figures.written("a longer sentence that needs several lines here " * 3, 200)
    assert one.shape[1] == 400
    assert many.shape[0] >= 3 * one.shape[0]
    assert one.min() < 100  # there is ink
    assert (one[:, 200:] == 255).all()  # and none where no word is
    assert (many[:, 199:] == 255).all()  # no line runs out


def test_letters_that_the_font_lacks_are_taken_from_one_that_has_them(monkeypatch):
    other = Path(font_manager.findfont("STIXGeneral"))
    monkeypatch.setattr(fonts, "_installed", lambda: (other,))
    own = figures.written("Cat ", 120)
    both = figures.written("Cat の", 120)
    start = round(ImageFont.truetype(fonts.own_font(), 13).getlength("Cat "))
    assert (both[:, :start] == own[:, :start]).all()
    alone = Image.new("RGB", (120, own.shape[0]), figures.text.PAPER)
    ImageDraw.Draw(alone).text((start, 12), "の", figures.text.INK, ImageFont.truetype(other, 13), anchor="ls")
    ink = (np.asarray(alone) < 128).any(axis=-1)
    assert ink.any()
    assert ((both[:, start:] < 128).any(axis=-1).sum() - ink.sum()) == 0
    monkeypatch.setattr(fonts, "_installed", lambda: ())
    fonts._missing.cache_clear()
    with pytest.warns(UserWarning, match="no font here has HIRAGANA letters: images show boxes"):
        figures.written("の", 120)
    assert (figures.written("のの", 120) < 128).any()  # said once


def test_colour_bar_has_its_low_end_at_the_bottom():
    bar = figures.colour_bar(np.array([[0, 0, 0], [100, 0, 0], [200, 0, 0]], np.uint8), [(0, "0"), (1, "9")], 90)
    assert bar.shape[0] == 90
    assert bar[0, 0].tolist() == [200, 0, 0]
    assert bar[45, 13].tolist() == [100, 0, 0]
    assert bar[-1, 0].tolist() == [0, 0, 0]
    assert (bar[:30, 20:] < 128).any()  # numbers at both ends, none between
    assert (bar[60:, 20:] < 128).any()
    assert not (bar[35:55, 20:] < 128).any()


def test_beside_and_with_title():
    a, b = np.zeros((10, 20, 3), np.uint8), np.zeros((30, 5, 3), np.uint8)
    both = figures.beside([a, b], gap=4)
    assert both.shape == (30, 29, 3)
    assert (both[10:, :20] == 255).all()
    titled = figures.with_title(np.zeros((10, 100, 3), np.uint8), "Title", "and a caption")
    assert titled.shape[1] == 100
    assert titled.shape[0] > 10 + 2 * 13


def test_importing_figures_imports_neither_matplotlib_nor_keras_nor_pillow():
    code = "import sys, course_utils.figures; print([m for m in ('matplotlib', 'keras', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
