"""Makes the course's editions from the one source.

    python -m tools.editions student       for a class: no outputs, no solutions, what to predict folded
    python -m tools.editions selfstudy     what notebooks/ holds
    python -m tools.editions teacher       what notebooks/ holds, solutions open, with the notes for each section
    python -m tools.editions assignment    the exercises as a course folder for nbgrader

Each goes into the folder of its name in build/. An edition is made as a whole before any file is written, and each file
is written whole: whoever has one open keeps what he has read, and a source that is wrong leaves all as it was.

A note for the teacher is a Markdown cell with the tag "teacher", after the first cell of a `## ` section, whose heading
says how many minutes it takes. It is a list of four:

    - **Ask:** …
    - **Students say:** …
    - **Misconception:** …
    - **If late:** …
"""

import argparse
import re
import symtable
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.files import write_whole
from tools import payload
from tools.build_notebooks import complaints
from tools.lesson import (
    CHECK,
    COLLAPSED,
    GAP,
    KERNEL,
    LANGUAGE,
    NOTEBOOKS,
    SOURCES,
    differences,
    give_ids,
    homework,
    new_cell,
    read_cells,
    read_exercise,
    read_exercises,
    read_lesson,
    sources,
    tags,
)
from tools.settings import ROOT, read_repository

BUILD = ROOT / "build"
PARTS = ("Ask", "Students say", "Misconception", "If late")
PART = re.compile(r"^- \*\*(.+?):\*\* \S", re.MULTILINE)
UNFOLDS = " A solution unfolds below."  # true in the stored lessons alone
FOLDED = "<details>\n<summary><b>What came out</b> (predict and look first)</summary>\n\n{}\n\n</details>"
HEADING = re.compile(r"^#+ ", re.MULTILINE)
POINTS = 1
NBGRADER = f'''\
"""nbgrader's settings: run its commands in this folder."""

c = get_config()
c.CourseDirectory.course_id = "vision_mixers"
c.ClearSolutions.code_stub = {{"python": "{GAP}"}}
c.ExecutePreprocessor.timeout = 300  # seconds; the first cell that imports Keras takes most of them
'''
TO_HAND_IN = f"""{{title}}

**Exercises, to hand in.** Put your own code in the place of each `{GAP}` and run the cell: the check at its end answers
at once. The locked cell below it gives the points, and raises an error until the check is content. Save the notebook
and hand it in: it needs no other cell of the lesson."""


def student(lessons: list[Path], stored: Path) -> dict[str, bytes]:
    """Returns the edition for a class, {path: content}: no outputs, so that nothing is seen before it is run, no
    solutions, and what a prediction was about is folded."""
    files = {}
    for source in lessons:
        lesson = read_lesson(source)  # without the badge, which leads to the lesson with its solutions
        lesson.cells = [cell for cell in lesson.cells if "solution" not in tags(cell)]
        promise_nothing(lesson.cells)
        fold_what_was_to_be_predicted(lesson.cells)
        files[f"{source.stem}.ipynb"] = written(lesson)
    return files


def selfstudy(lessons: list[Path], stored: Path) -> dict[str, bytes]:
    """Returns the stored lessons, {path: content}.

    Raises:
        ValueError: one of them is not what its source says.
    """
    for source in lessons:
        read_stored(source, stored)
    return {f"{source.stem}.ipynb": (stored / f"{source.stem}.ipynb").read_bytes() for source in lessons}


def teacher(lessons: list[Path], stored: Path) -> dict[str, bytes]:
    """Returns the teacher's edition, {path: content}: the stored lessons with open solutions and the notes, and all
    notes on one page.

    Raises:
        ValueError: a stored lesson is not what its source says, or a note is not as it must be.
    """
    files = {"notes.md": notes_page(lessons).encode()}
    for source in lessons:
        have = iter(cell for cell in read_stored(source, stored).cells if cell.cell_type == "code")
        lesson = read_lesson(source, read_repository(), notes=True)
        for cell in lesson.cells:
            if cell.cell_type == "code":
                known = next(have)
                cell.outputs, cell.execution_count = known.outputs, known.execution_count
            elif "solution" in tags(cell):
                cell.source = cell.source.replace("<details>", "<details open>", 1)
            elif "teacher" in tags(cell):  # set off from the lesson's own text
                cell.source = "\n".join(f"> {line}".rstrip() for line in cell.source.splitlines())
        files[f"{source.stem}.ipynb"] = written(lesson)
    return files


def assignment(lessons: list[Path], stored: Path) -> dict[str, bytes]:
    """Returns nbgrader's course folder, {path: content}: after each exercise stands a locked cell that gives points."""
    notebooks = {f"source/{source.stem}/{source.stem}.ipynb": written(graded(source)) for source in lessons}
    return {"nbgrader_config.py": NBGRADER.encode(), **notebooks}


EDITIONS = {edition.__name__: edition for edition in (student, selfstudy, teacher, assignment)}


def read_stored(source: Path, stored: Path) -> NotebookNode:
    """Returns a stored lesson.

    Raises:
        ValueError: it is not what its source says, or was saved from a run that a student should not see.
    """
    path = stored / f"{source.stem}.ipynb"
    if found := differences(source, path, read_repository()):
        raise ValueError("\n".join(found))
    notebook = nbformat.read(path, as_version=4)
    if found := complaints(notebook):
        raise ValueError("\n".join(f"{path.name}: {text}" for text in found))
    return notebook


def written(notebook: NotebookNode) -> bytes:
    """Returns what a notebook's file holds."""
    nbformat.validate(notebook)
    return (nbformat.writes(notebook) + "\n").encode()


def promise_nothing(cells: list[NotebookNode]) -> None:
    """Takes the sentence out that a solution unfolds below."""
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(UNFOLDS, "")


def fold_what_was_to_be_predicted(cells: list[NotebookNode]) -> None:
    """Folds what says what came out: after a prediction, the first text behind code, up to a heading in it."""
    asked = ran = False
    for cell in cells:
        if cell.cell_type == "code":
            predicts = "remove-input" in tags(cell)
            asked, ran = asked or predicts, asked and not predicts
        elif ran:
            heading = HEADING.search(cell.source)
            said = cell.source[: heading.start() if heading else None].strip()
            if said:
                cell.source = f"{FOLDED.format(said)}\n\n{cell.source[len(said) :].strip()}".strip()
            asked = ran = False


def title(source: Path) -> str:
    """Returns the first line of a lesson, `# …`."""
    return read_cells(source)[0].source.splitlines()[0]


def notes(source: Path) -> dict[str, str]:
    """Returns a lesson's notes for the teacher, {heading of the section: Markdown}.

    Raises:
        ValueError: a note stands elsewhere than after the first cell of a section, or has not its four parts.
    """
    found: dict[str, str] = {}
    heading = ""
    for cell in read_cells(source):
        if "teacher" in tags(cell):
            if not heading:
                raise ValueError(
                    f"{source.name}: one note stands after the first cell of a section, not:\n{cell.source}"
                )
            if PART.findall(cell.source) != list(PARTS):
                parts = " ".join(f"`- **{part}:** …`" for part in PARTS)
                raise ValueError(f"{source.name}: the note to {heading!r} must be a list of four: {parts}")
            found[heading] = cell.source
        first = cell.source.partition("\n")[0]
        heading = first.removeprefix("## ") if cell.cell_type == "markdown" and first.startswith("## ") else ""
    return found


def notes_page(lessons: list[Path]) -> str:
    """Returns all notes for the teacher as one page of Markdown."""
    page = ["# Notes for the teacher"]
    for source in lessons:
        page.append(f"#{title(source)}")
        page += [f"### {heading}\n\n{note}" for heading, note in notes(source).items()]
    return "\n\n".join(page) + "\n"


def graded(source: Path) -> NotebookNode:
    """Returns a lesson's exercises as nbgrader's source notebook, with their solutions.

    Grading trains no network: of the lesson's other cells there are only those that `needed` names.
    """
    cells = [cell for cell in read_cells(source) if "teacher" not in tags(cell)]
    used = [cells[place] for place in needed(cells)]
    package = payload.package_files("\n".join(cell.source for cell in used))
    kept = [
        new_cell("markdown", TO_HAND_IN.format(title=title(source)), {}),
        new_cell("code", payload.cell_source(package), COLLAPSED | nbgrader("package", locked=True)),
    ]
    for number, cell in enumerate(used):
        if "exercise" in cell.metadata:
            name = read_exercise(cell, source.name).name
            kept.append(new_cell("code", cell.source, nbgrader(name, solution=True)))
            kept.append(
                new_cell("code", require(cell, source.name), nbgrader(f"{name}-check", locked=True, grade=True))
            )
        else:
            locked = nbgrader(f"given-{number}", locked=True) if cell.cell_type == "code" else {}
            kept.append(new_cell(cell.cell_type, cell.source, locked))
    promise_nothing(kept)
    give_ids(kept)
    return nbformat.v4.new_notebook(cells=kept, metadata={"kernelspec": dict(KERNEL), "language_info": dict(LANGUAGE)})


def needed(cells: list[NotebookNode]) -> list[int]:
    """Returns the places of the cells that go into an assignment.

    They are the section "Your turn", an exercise elsewhere with the text right above it, and the cells that define what
    these use.
    """
    kept = set()
    section = ""
    for place, cell in enumerate(cells):
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            section = cell.source.lower()
        if section.startswith("## your turn"):
            kept.add(place)
        elif "exercise" in cell.metadata:
            kept |= {place, *(place - 1,) * (cells[place - 1].cell_type == "markdown")}
    wanted: set[str] = set()
    for place in reversed(range(len(cells))):
        if cells[place].cell_type == "code":
            defined, used = names(cells[place].source)
            if place in kept or defined & wanted:
                kept.add(place)
                wanted = (wanted - defined) | used
    return sorted(kept)


def names(code: str) -> tuple[set[str], set[str]]:
    """Returns the names that a cell defines, and those that it uses from cells before it."""
    tables = [symtable.symtable(code, "cell", "exec")]
    defined = {name.get_name() for name in tables[0].get_symbols() if name.is_assigned() or name.is_imported()}
    used = set()
    for table in tables:
        tables += table.get_children()
        used |= {name.get_name() for name in table.get_symbols() if name.is_referenced() and name.is_global()}
    return defined, used - defined


def require(cell: NotebookNode, where: str) -> str:
    """Returns the code that raises an error unless an exercise's check is content.

    Raises:
        ValueError: the exercise has no check.
    """
    check = CHECK.search(cell.source)
    if not check:
        raise ValueError(f"{where}, exercise {cell.metadata['exercise']!r}: end its cell with `exercises.check_…(…)`")
    call = CHECK.sub(r"exercises.check_\1.require(", cell.source[check.start() :])
    return f"from course_utils import exercises\n\n{call}"  # a name that a student has not changed


def nbgrader(name: str, *, locked: bool = False, solution: bool = False, grade: bool = False) -> dict:
    """Returns the metadata by which nbgrader knows a cell.

    Args:
        name: its own in the notebook. That of an exercise is the exercise's: grades survive when a lesson moves.
        locked: nbgrader puts it back before it grades.
        solution: a student writes in it.
        grade: it gives `POINTS` if it raises nothing.
    """
    said = {
        "schema_version": 3,
        "grade_id": name,
        "locked": locked,
        "solution": solution,
        "grade": grade,
        "task": False,
    }
    return {"nbgrader": said | ({"points": POINTS} if grade else {})}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("edition", choices=EDITIONS)
    parser.add_argument("--source", type=Path, default=SOURCES, help="folder of the text sources")
    parser.add_argument("--stored", type=Path, default=NOTEBOOKS, help="folder of the stored lessons")
    parser.add_argument("--target", type=Path, help="folder to write to (default: the edition's, in build/)")
    options = parser.parse_args(arguments)
    target = options.target or BUILD / options.edition
    lessons = sources(options.source)
    if options.edition != "assignment":  # at home there is no exercise that a check could grade
        lessons += homework(options.source)
    if not lessons:
        parser.error(f"no lesson in {options.source}")
    try:
        read_exercises(options.source)
        files = EDITIONS[options.edition](lessons, options.stored)
    except (OSError, ValueError) as error:
        print(f"{error}\nThe {options.edition} edition is not made: nothing was written.", file=sys.stderr)
        return 1
    try:
        for name, content in files.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(target / name, content, name)
    except OSError as error:
        print(f"The {options.edition} edition is not complete: {error}", file=sys.stderr)
        return 1
    print(f"{target}: {', '.join(files)}")
    for stale in sorted(
        {file.relative_to(target).as_posix() for file in target.glob("[0-9][0-9]_*.ipynb")} - set(files)
    ):
        print(f"{target / stale} is of another release: remove it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
