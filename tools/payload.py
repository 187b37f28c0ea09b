"""The folded cell that carries the helper package, so that a stored notebook runs alone.

The package travels as one line of text: its files in a zip archive, compressed as a whole, in base85, whose letters
need no escaping in JSON or Python. The cell checks the line's SHA-256 before it writes anything, and unpacks into a
temporary folder of this kernel alone, removed when the kernel ends. So nothing that lies anywhere is trusted, whatever
it is called, thirty kernels do not meet, a read-only folder is no hindrance, and nothing is left beside the notebook.
"""

import base64
import bz2
import functools
import hashlib
import io
import re
import zipfile
from pathlib import Path

from course_utils.system import __version__
from tools.settings import ROOT

TITLE = "# @title The course's helper package (run this first)"
CELL = """\
{title}
# The cell carries a copy, so that this notebook runs alone. Where course_utils can be imported, it does nothing.
VERSION, SHA256 = "{version}", "{sha256}"
PACKED = "{packed}"

def bring_course_utils():
    import atexit, base64, bz2, hashlib, importlib.util as lib, io, shutil, subprocess, sys, tempfile, zipfile

    Stop = type("Stop", (Exception,), {{"_render_traceback_": lambda self: [str(self)]}})  # shown as one sentence
    found = lib.find_spec("course_utils")
    if found and found.origin and found.submodule_search_locations:  # more than a folder or a file of that name
        if (version := getattr(__import__("course_utils"), "__version__", "unknown")) != VERSION:
            print(f"This notebook is of release {{VERSION}}, course_utils of {{version}}: take both from one release.")
        return
    if hashlib.sha256(PACKED.encode()).hexdigest() != SHA256:
        raise Stop("The package in this cell is damaged: fetch a fresh copy of the notebook.")
    try:  # a folder of this kernel's own, removed when it ends
        atexit.register(shutil.rmtree, folder := tempfile.mkdtemp(prefix=f"course_utils-{{VERSION}}-"), True)
        zipfile.ZipFile(io.BytesIO(bz2.decompress(base64.b85decode(PACKED)))).extractall(folder)
    except OSError as error:
        raise Stop(f"The helper package cannot be unpacked ({{error}}). Free some space, then run this cell again.")
    sys.path.insert(0, folder)
    for name in {light}:  # alone: no package that is here already is changed
        lib.find_spec(name) or subprocess.check_call([sys.executable, "-m", "pip", "install", "-q", "--no-deps", name])
bring_course_utils()"""
# What a machine that has Keras could lack. anywidget needs psygnal, and `--no-deps` would not bring it.
LIGHT = ("anywidget", "psygnal")
LINE = re.compile(r'^VERSION, SHA256 = "[^"]*", "(\w*)"\nPACKED = "([^"]*)"$', re.MULTILINE)


def package_files(lesson: str, root: Path = ROOT) -> dict[str, bytes]:
    """Returns what travels with a lesson, {path: content}: the package, the result cards, and weights it needs.

    Args:
        lesson: its text. The weights of a recorded network travel with the lessons that load networks and name it, and
            runs with several seeds with those that name them: all would make every notebook slow to open.
        root: the project.
    """
    found = {}
    for file in (root / "course_utils").rglob("*"):
        name = file.relative_to(root).as_posix()
        network = re.fullmatch(r"course_utils/models/weights/(\w+?)(_\d+)?\.(weights|json)", name)
        if network and not ("load_trained" in lesson and re.search(rf"\b{network[1]}\b", lesson)):
            continue
        if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith("."):
            found[name] = file.read_bytes()
    results = root / "benchmarks" / "results"
    for card in results.rglob("*.json"):
        kind = card.parent.name
        if kind not in (results.name, "reported") and not (kind == "seeds" and re.search(rf'["/]{card.stem}"', lesson)):
            continue
        found[f"course_utils/results/cards/{card.relative_to(results).as_posix()}"] = card.read_bytes()
    return dict(sorted(found.items()))


def cell_source(files: dict[str, bytes]) -> str:
    """Returns the source of the cell that carries these files: the same text for the same files."""
    return _cell_source(tuple(files.items()))


@functools.lru_cache(maxsize=2)
def _cell_source(files: tuple) -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # stored: it is compressed as a whole, which is smaller
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0)), content)
    packed = base64.b85encode(bz2.compress(buffer.getvalue())).decode()
    sha256 = hashlib.sha256(packed.encode()).hexdigest()
    return CELL.format(title=TITLE, version=__version__, sha256=sha256, packed=packed, light=LIGHT)


def carries(source: str) -> bool:
    """Says whether a cell's source is that of the cell that carries the package."""
    return source.startswith(TITLE)


def carried(source: str) -> dict[str, bytes]:
    """Returns the files that a cell carries.

    Raises:
        ValueError: its payload is damaged.
    """
    found = LINE.search(source)
    if not found or hashlib.sha256(found[2].encode()).hexdigest() != found[1]:
        raise ValueError("the payload does not match its SHA-256")
    with zipfile.ZipFile(io.BytesIO(bz2.decompress(base64.b85decode(found[2])))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def same(have: str, want: str) -> bool:
    """Says whether two such cells do the same: compressed bytes may differ from one machine to the next."""
    have, want = have.rstrip(), want.rstrip()
    if have == want:
        return True
    try:
        return LINE.sub("", have) == LINE.sub("", want) and carried(have) == carried(want)
    except ValueError:
        return False
