"""Builds the lessons: text source -> executed notebook with outputs.

    python -m tools.build_notebooks                  all lessons
    python -m tools.build_notebooks 01_mlp_mixer     one lesson
    python -m tools.build_notebooks --check          only says whether the stored notebooks are in step
    python -m tools.build_notebooks --payload        runs nothing: renews text, badges and the copy of course_utils

A lesson is executed as a student's first run on two CPU cores: profile `quick`, no data set on the disk. What is stored
is what the course shows before anything is run: images and text, no live widgets, no times of day, no paths.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from course_utils.files import write_whole
from tools import minutes, payload
from tools.lesson import (
    KERNEL,
    LANGUAGE,
    NOTEBOOKS,
    SOURCES,
    differences,
    homework,
    read_exercises,
    read_lesson,
    said,
    sources,
)
from tools.settings import read_repository

MOST_BYTES = 3_000_000
CELL_SECONDS = 300
DRY_RUN = re.compile("^dry run:", re.MULTILINE)  # how it announces itself
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class LessonError(Exception):
    """A lesson that must not be stored: it says which cell and why."""


def clean_environment(scratch: Path, **changes: str) -> dict[str, str]:
    """Returns the environment in which a lesson is executed.

    Args:
        scratch: an empty folder, for what Jupyter and IPython would otherwise read from the user's home.
        changes: variables to set on top.
    """
    dropped = ("COURSE_", "MPLBACKEND")  # the course's own settings, and a backend that would keep images away
    environment = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    environment["COURSE_PROFILE"] = "quick"
    environment["IPYTHONDIR"] = str(scratch)
    return environment | changes


def execute(notebook: NotebookNode, folder: Path, environment: dict[str, str], seconds: int = CELL_SECONDS) -> float:
    """Executes a notebook in place with the kernel of the running Python and returns the seconds it took.

    Raises:
        LessonError: a cell raised, or ran longer than `seconds`.
    """
    client = NotebookClient(
        notebook,
        timeout=seconds,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=40"],  # it warns that it talks over TCP, to the same machine
    )
    start = time.perf_counter()
    try:
        client.execute(env=environment)
    except (CellExecutionError, TimeoutError) as error:
        raise LessonError(plain(str(error))) from error
    return time.perf_counter() - start


def plain(text: str) -> str:
    """Returns a traceback without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def clean(notebook: NotebookNode) -> None:
    """Takes out of an executed notebook what only lives while its kernel does, and what differs between machines."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = dict(KERNEL)
    notebook.metadata["language_info"] = dict(LANGUAGE)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        kept: list[NotebookNode] = []
        for output in cell.outputs:
            if "data" in output:
                output.data.pop(WIDGET_VIEW, None)
                output.metadata.pop(WIDGET_VIEW, None)
                if not output.data:
                    continue
            if kept and output.output_type == "stream" == kept[-1].output_type and output.name == kept[-1].name:
                kept[-1]["text"] += output.text
            else:
                kept.append(output)
        cell["outputs"] = kept


def complaints(notebook: NotebookNode) -> list[str]:
    """Returns in words what a student should not see in the stored outputs."""
    found = []
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(f"cell {number} raises {output.ename}: {output.evalue}")
            if output.output_type == "stream" and (output.name == "stderr" or "WARNING:" in output.text):
                found.append(f"cell {number} warns:\n{output.text}")
            if output.output_type == "stream" and re.search(DRY_RUN, output.text):
                found.append(f"cell {number} was saved from a dry run: take the notebook from git, or `make notebooks`")
    return found


def build(source: Path, target: Path) -> str:
    """Executes one lesson and stores it; returns a line about it.

    Raises:
        LessonError: the lesson fails, complains or is too large. The stored notebook is then left as it was.
    """
    notebook = read_lesson(source, read_repository())
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        seconds = execute(notebook, target.parent, clean_environment(Path(scratch)))
    timed = deepcopy(notebook)
    clean(notebook)
    store(notebook, target)
    minutes.record(source, timed)
    return f"{target.name}: {len(notebook.cells)} cells, {seconds:.1f} s, {target.stat().st_size / 1e6:.2f} MB"


def renew(source: Path, target: Path) -> str:
    """Renews what needs no run in a stored lesson: text, badge, the copy of course_utils; returns a line about it.

    Raises:
        LessonError: its code is not that of the source.
    """
    if not target.exists():
        raise LessonError("It is not built yet: run `make notebooks`")
    try:
        stored = nbformat.read(target, as_version=4)
    except Exception as error:  # whatever a damaged file makes of the code that reads it
        raise LessonError(f"{target} is damaged ({type(error).__name__}): run `make notebooks`") from None
    notebook = read_lesson(source, read_repository())
    new, old = ([cell for cell in each.cells if cell.cell_type == "code"] for each in (notebook, stored))
    if [source_to_run(cell) for cell in new] != [source_to_run(cell) for cell in old]:
        raise LessonError("Its code has changed, or it is of another release: run `make notebooks`")
    for fresh, known in zip(new, old, strict=True):
        fresh.outputs, fresh.execution_count = known.outputs, known.execution_count
        if payload.same(known.source, fresh.source):
            fresh.source = known.source
    if notebook == stored:
        return f"{target.name}: in step"
    store(notebook, target)
    return f"{target.name}: renewed, {target.stat().st_size / 1e6:.2f} MB"


def source_to_run(cell: NotebookNode) -> tuple:
    """Returns what a code cell runs; the cell that carries the package runs the same, whatever it carries."""
    return (payload.TITLE,) if payload.carries(cell.source) else said(cell)


def store(notebook: NotebookNode, target: Path) -> None:
    """Writes a lesson.

    Raises:
        LessonError: it complains or is too large. The stored notebook is then left as it was.
    """
    if found := complaints(notebook):
        raise LessonError("\n".join(found))
    nbformat.validate(notebook)
    text = nbformat.writes(notebook) + "\n"
    size = len(text.encode())
    if size > MOST_BYTES:
        raise LessonError(f"{size / 1e6:.1f} MB; a notebook of more than {MOST_BYTES / 1e6:.0f} MB opens slowly")
    write_whole(target, text.encode(), target.name)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="the lesson's name, for example 01_mlp_mixer")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="say where stored notebooks and sources differ")
    what.add_argument("--payload", action="store_true", help="run nothing; renew what needs no run")
    parser.add_argument("--source", type=Path, default=SOURCES, help="folder of the text sources")
    parser.add_argument("--target", type=Path, default=NOTEBOOKS, help="folder of the notebooks")
    options = parser.parse_args(arguments)
    known = {source.stem: source for source in sources(options.source) + homework(options.source)}
    unknown = [name for name in options.lessons if name not in known]
    if unknown or not known:
        parser.error(f"no lesson {', '.join(unknown) or 'at all'} in {options.source}; there are: {', '.join(known)}")
    failed = False
    try:
        read_exercises(options.source)
        read_repository()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for name in options.lessons or known:
        source, target = known[name], options.target / f"{name}.ipynb"
        if options.check:
            found = differences(source, target, read_repository())
            found = found or [f"{target.name}: {text}" for text in complaints(nbformat.read(target, as_version=4))]
            failed |= bool(found)
            print("\n".join(found) or f"{target.name}: in step")
            continue
        try:
            print((renew if options.payload else build)(source, target), flush=True)
        except (LessonError, ValueError) as error:
            failed = True
            print(f"{name} is not built. {error}", file=sys.stderr, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
