"""The working copy that `make lab` opens: new lessons come in, and nothing that a student has written is touched."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from tools import lab, payload
from tools.lab import RECORD, update
from tools.settings import ROOT


def write(folder: Path, text: str, name: str = "01_small.ipynb", package: bytes = b"") -> Path:
    """Writes a notebook of a package's cell and one cell of code."""
    cells = [payload.cell_source({"course_utils/__init__.py": package}), text]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / name)
    return folder / name


def said_by(file: Path) -> str:
    """Returns the text of a notebook's last cell."""
    return nbformat.read(file, as_version=4).cells[-1].source


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """The stored lessons, one of which is there, and the working copy, which is not yet."""
    write(tmp_path / "notebooks", "first")
    return tmp_path / "notebooks", tmp_path / "work"


def names(work: Path) -> list[str]:
    return sorted(file.name for file in work.iterdir() if not file.name.startswith("."))


def test_lessons_are_copied_and_nothing_else(folders):
    stored, work = folders
    (stored / "source").mkdir()
    (stored / "notes.txt").write_text("x")
    assert update(stored, work) == ["Copied into work/: 01_small.ipynb."]
    assert names(work) == ["01_small.ipynb"]
    assert (work / "01_small.ipynb").read_bytes() == (stored / "01_small.ipynb").read_bytes()
    assert update(stored, work) == []


def test_a_lesson_in_which_nothing_was_written_is_replaced(folders):
    stored, work = folders
    update(stored, work)
    mine = nbformat.read(work / "01_small.ipynb", as_version=4)
    mine.cells[1].outputs = [nbformat.v4.new_output("stream", text="it was only run")]
    mine.cells[1].metadata["trusted"] = True
    nbformat.write(mine, work / "01_small.ipynb")
    write(stored, "second")
    assert update(stored, work) == ["New in work/, where you had written nothing: 01_small.ipynb."]
    assert said_by(work / "01_small.ipynb") == "second"


def test_what_was_written_stays_and_the_new_lesson_lies_beside_it(folders):
    stored, work = folders
    update(stored, work)
    mine = write(work, "mine").read_bytes()
    assert update(stored, work) == []
    write(stored, "second")
    (sentence,) = update(stored, work)
    assert sentence == "You have written in a lesson that is new: yours stays, and the new one is 01_small (new).ipynb."
    assert (work / "01_small.ipynb").read_bytes() == mine
    assert said_by(work / "01_small (new).ipynb") == "second"
    assert update(stored, work) == []

    write(stored, "third")
    update(stored, work)
    assert said_by(work / "01_small (new).ipynb") == "third"
    write(work, "mine too", "01_small (new).ipynb")
    write(stored, "fourth")
    update(stored, work)
    assert [said_by(work / f"01_small{end}.ipynb") for end in ("", " (new)", " (new 2)")] == [
        "mine",
        "mine too",
        "fourth",
    ]
    assert (work / "01_small.ipynb").read_bytes() == mine
    assert update(stored, work) == []


def test_a_new_copy_of_the_package_alone_is_no_new_lesson(folders):
    stored, work = folders
    update(stored, work)
    mine = write(work, "mine").read_bytes()
    write(stored, "first", package=b"NEW = True")
    assert update(stored, work) == []
    assert (work / "01_small.ipynb").read_bytes() == mine


@pytest.mark.parametrize("record", [None, "", "[1]", "{"])
def test_without_a_record_nothing_is_replaced(folders, record):
    stored, work = folders
    update(stored, work)
    if record is None:
        (work / RECORD).unlink()
    else:
        (work / RECORD).write_text(record)
    write(stored, "second")
    update(stored, work)
    assert said_by(work / "01_small.ipynb") == "first"
    assert said_by(work / "01_small (new).ipynb") == "second"


@pytest.mark.parametrize("content", [b"", b"half a noteb", b'{"cells": [3]}', b"[]"])
def test_a_file_that_is_no_notebook_stays(folders, content):
    stored, work = folders
    update(stored, work)
    (work / "01_small.ipynb").write_bytes(content)
    update(stored, work)
    write(stored, "second")
    update(stored, work)
    assert (work / "01_small.ipynb").read_bytes() == content
    assert said_by(work / "01_small (new).ipynb") == "second"


def test_a_deleted_lesson_comes_back(folders):
    stored, work = folders
    update(stored, work)
    (work / "01_small.ipynb").unlink()
    assert update(stored, work) == ["Copied into work/: 01_small.ipynb."]


def test_a_working_copy_that_cannot_be_written_is_one_sentence(folders, monkeypatch, capsys):
    stored, work = folders
    work.write_text("a file in its place")
    monkeypatch.setattr(lab, "update", lambda: update(stored, work))
    assert lab.main(["--only-copy"]) == 1
    assert capsys.readouterr().err.startswith("The working copy ")
    assert work.read_text() == "a file in its place"


def test_jupyterlab_opens_the_first_lesson_of_the_working_copy(folders, monkeypatch):
    stored, work = folders
    asked = []
    monkeypatch.setattr(lab, "WORK", work)
    monkeypatch.setattr(lab, "update", lambda: update(stored, work))
    monkeypatch.setattr(lab.subprocess, "call", lambda command: asked.append(command) or 0)
    assert lab.main(["--no-browser"]) == 0
    (command,) = asked
    assert command[1:3] == ["-m", "jupyterlab"]
    assert command[-2:] == ["--no-browser", str(work / "01_small.ipynb")]


def test_git_ignores_it(tmp_path):
    assert "work/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert lab.WORK == ROOT / "work"
    for lesson in lab.NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(lesson, tmp_path)
    assert len(update(tmp_path, tmp_path / "work")) == 1
    assert len(json.loads((tmp_path / "work" / RECORD).read_text())) == len(names(tmp_path / "work"))
    assert names(tmp_path / "work") == sorted(file.name for file in lab.NOTEBOOKS.glob("*.ipynb"))
