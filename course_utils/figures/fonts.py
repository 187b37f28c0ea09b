"""Fonts: the one that comes with matplotlib, and for letters that it lacks one that is on the machine."""

import importlib.util
import unicodedata
import warnings
from functools import cache
from pathlib import Path


@cache
def own_font(bold: bool = False) -> Path:
    """Returns the font file of all figures."""
    # Found, not imported: importing matplotlib would cost more than a whole image.
    home = importlib.util.find_spec("matplotlib").submodule_search_locations[0]
    return Path(home) / "mpl-data" / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


def font_of(letter: str, bold: bool = False) -> Path:
    """Returns the font file that has a letter. If none on this machine has it, that is said once for its script."""
    if ord(letter) < 0x0900 or 0x1D00 <= ord(letter) < 0x2E80:  # DejaVu's: Latin, Greek, Cyrillic, Arabic, signs
        return own_font(bold)
    having = (path for path in (own_font(), *_installed()) if ord(letter) in _letters(path))
    return next(having, None) or _missing(unicodedata.name(letter, "unknown").split()[0])


@cache
def _installed() -> tuple[Path, ...]:
    """Returns the fonts on this machine, plain ones first."""
    from matplotlib.font_manager import findSystemFonts

    found = [Path(path) for path in findSystemFonts() if "emoji" not in path.lower()]  # coloured ones have one size
    return tuple(sorted(found, key=lambda path: ("Regular" not in path.stem, "Sans" not in path.stem, path.stem)))


@cache
def _letters(path: Path) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(str(path)).get_charmap())
    except RuntimeError:  # a file that is no font, or of a kind that cannot be drawn
        return frozenset()


@cache
def _missing(script: str) -> Path:
    warnings.warn(f"no font here has {script} letters: images show boxes. Install one, such as Noto Sans", stacklevel=2)
    return own_font()


def families(text: str) -> list[str]:
    """Returns the names under which matplotlib finds the other fonts that a text needs."""
    from matplotlib.font_manager import FontProperties, fontManager

    others = sorted({font_of(letter) for letter in text} - {own_font()})
    for path in others:
        fontManager.addfont(path)
    return [FontProperties(fname=path).get_name() for path in others]
