"""Opens the lessons in JupyterLab: a working copy of them, so that the stored ones stay as they are.

    python -m tools.lab                  JupyterLab's arguments may follow, such as --no-browser
    python -m tools.lab --only-copy      opens nothing

The working copy is the folder work/. An update brings new lessons into it: one in which nothing was written is
replaced; beside one in which something was, the new one is put as "01_mlp_mixer (new).ipynb". What counts as written
are the texts of the cells, not their outputs. Which release a copy is of stands in work/.lessons.json.
"""

import argparse
import hashlib
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

from course_utils.files import write_json, write_whole
from tools import payload
from tools.settings import ROOT

NOTEBOOKS = ROOT / "notebooks"
WORK = ROOT / "work"
RECORD = ".lessons.json"


def texts(notebook: bytes) -> str | None:
    """Returns a hash of the texts of a notebook's cells, without the cell that carries the package, whose copy changes
    with every release; None if it is no notebook."""
    try:
        cells = [(cell["cell_type"], "".join(cell["source"]).rstrip()) for cell in json.loads(notebook)["cells"]]
    except (ValueError, TypeError, KeyError):
        return None
    return hashlib.sha256(repr([cell for cell in cells if not payload.carries(cell[1])]).encode()).hexdigest()


def update(stored: Path = NOTEBOOKS, work: Path = WORK) -> list[str]:
    """Brings the stored lessons into the working copy; returns what it did, one sentence for each kind of thing.

    Raises:
        OSError: the folder cannot be written.
    """
    work.mkdir(exist_ok=True)
    try:
        record = dict(json.loads((work / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        record = {}  # then nothing is known to be untouched
    copied, replaced, beside = [], [], []
    for lesson in sorted(stored.glob("*.ipynb")):
        content = lesson.read_bytes()
        new = texts(content)
        for number in itertools.count():
            name = f"{lesson.stem}{('', ' (new)')[number] if number < 2 else f' (new {number})'}.ipynb"
            target = work / name
            if target.exists():
                have = texts(target.read_bytes())
                if have == new or record.get(name) == new:
                    record[name] = new
                    break  # it is the lesson, or a student's work on it
                if have is None or have != record.get(name):
                    continue  # a student's work on another release
                replaced.append(name)
            else:
                (beside if number else copied).append(name)
            write_whole(target, content, name)
            record[name] = new
            break
    write_json(work / RECORD, record)
    said = []
    if copied:
        said.append(f"Copied into {work.name}/: {', '.join(copied)}.")
    if replaced:
        said.append(f"New in {work.name}/, where you had written nothing: {', '.join(replaced)}.")
    if beside:
        said.append(f"You have written in a lesson that is new: yours stays, and the new one is {', '.join(beside)}.")
    return said


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.lab", description="Opens work/ in JupyterLab, which gets all other arguments."
    )
    parser.add_argument("--only-copy", action="store_true", help="bring work/ up to date and open nothing")
    given, others = parser.parse_known_args(arguments)
    try:
        for sentence in update():
            print(sentence, flush=True)
    except OSError as error:
        print(f"The working copy {WORK} cannot be written: {error}", file=sys.stderr)
        return 1
    if given.only_copy:
        return 0
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    first = min(WORK.glob("[0-9][0-9]_*.ipynb"))
    return subprocess.call([sys.executable, "-m", "jupyterlab", *as_root, *others, str(first)])


if __name__ == "__main__":
    sys.exit(main())
