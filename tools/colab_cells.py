"""The source of the cells that bring the helper package to a machine that does not have it.

Both kinds of cell obey one rule: no package that the machine brings is changed. What is missing is installed alone,
with `--no-deps`, and before anything is imported.
"""

import base64
import hashlib
import io
import zipfile
from pathlib import Path

from tools.settings import ROOT

# What Colab could lack, as (module, package). anywidget needs psygnal, and `--no-deps` would not bring it.
LIGHT = (("anywidget", "anywidget"), ("psygnal", "psygnal"))
LINE = 100
PACKAGE_FILES = (".py", ".js", ".css", ".json")

INSTALL_MISSING = """\
import importlib.util
import subprocess
import sys

for module, package in {light!r}:
    if importlib.util.find_spec(module) is None:
        print(f"{{package}} is missing here: installing it, and nothing else.")
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", package], check=True)
"""

INSTALL = """\
# @title Fetch the course's helper package (run this first)
{missing}
if importlib.util.find_spec("course_utils") is None:
    %pip install -q --no-deps "{requirement}"
importlib.invalidate_caches()
"""

UNPACK = '''\
# @title Set up: unpack the course's helper package (run this first)
# The package travels in this cell, so that this notebook needs nothing but itself. It is unpacked beside the notebook.
{missing}
import base64
import hashlib
import io
import os
import pathlib
import shutil
import tempfile
import zipfile

SHA256 = "{sha256}"
PACKED = """
{packed}
"""


def unpack():
    """Unpacks the package beside the notebook, whole or not at all, and puts it first on the path."""
    data = base64.b64decode(PACKED)
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise RuntimeError("The package in this cell is damaged. Fetch a fresh copy of the notebook.")
    folder = pathlib.Path.cwd() / f"course_utils-{{SHA256[:12]}}"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if not all((folder / name).is_file() for name in archive.namelist()):
            draft = pathlib.Path(tempfile.mkdtemp(prefix="course_utils-", dir=pathlib.Path.cwd()))
            archive.extractall(draft)
            if folder.exists():  # a file of it is gone: what you edited in the others goes too
                shutil.rmtree(folder)
            os.replace(draft, folder)
    # A package of another version that this kernel has imported would win over the folder.
    for name in [name for name in sys.modules if name.split(".")[0] == "course_utils"]:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if not file.startswith(str(folder) + os.sep):
            del sys.modules[name]
    sys.path[:] = [str(folder)] + [entry for entry in sys.path if entry != str(folder)]
    importlib.invalidate_caches()
    print(f"course_utils is ready in {{folder.name}}")


unpack()
'''


def missing_source() -> str:
    """Returns the lines that install what the machine lacks."""
    return INSTALL_MISSING.format(light=LIGHT)


def install_source(requirement: str) -> str:
    """Returns the cell that installs the helper package from the configured repository.

    Args:
        requirement: what pip installs, `git+https://…@tag`.
    """
    return INSTALL.format(missing=missing_source(), requirement=requirement).rstrip()


def unpack_source(archive: bytes) -> str:
    """Returns the cell that carries the helper package and unpacks it."""
    text = base64.b64encode(archive).decode("ascii")
    packed = "\n".join(text[start : start + LINE] for start in range(0, len(text), LINE))
    sha256 = hashlib.sha256(archive).hexdigest()
    return UNPACK.format(missing=missing_source(), sha256=sha256, packed=packed).rstrip()


def pack(root: Path = ROOT) -> bytes:
    """Returns the helper package and the result cards as a zip archive, the same bytes for the same files."""
    files = {}
    for file in (root / "course_utils").rglob("*"):
        if file.is_file() and file.suffix in PACKAGE_FILES and "__pycache__" not in file.parts:
            files[file.relative_to(root).as_posix()] = file
    results = root / "benchmarks" / "results"
    for card in results.rglob("*.json"):
        files[f"course_utils/results/cards/{card.relative_to(results).as_posix()}"] = card
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(2000, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name].read_bytes())
    return buffer.getvalue()
