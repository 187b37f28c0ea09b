"""One lesson: from its text source to the cells that a student opens.

The text in `notebooks/source/` is the only place where a lesson is edited. `read_lesson` turns it into a notebook
without outputs, the same one every time. What its text may hold:

- `# %% [markdown]` and `# %%`, with tags where needed: `# %% tags=["nbval-check-output"]`. A cell that begins with
  `predict(` is folded, and left out on a page: its code tells the answer.
- `# %% exercise="patchify"`: an exercise. Its name (lower case, digits, `_`) is its own in the whole course and stays,
  wherever the exercise moves. The cell holds one or more solutions, each between two lines of their own:

      ### BEGIN SOLUTION
      …
      ### END SOLUTION

  and ends with its check, `exercises.check_…(…)`. `read_exercise` gives the student's cell, in which a gap takes each
  solution's place, and the solved one. A stored lesson has the student's cell and, as text that unfolds, the solution:
  running all cells never overwrites what a student has written.
- `# %% [markdown] tags=["teacher"]`: a note for the teacher, left out of the stored lesson. One stands after the first
  cell of each `## ` section; tools/editions.py says what it holds.

`read_lesson` adds the folded cell that carries the helper package (tools/payload.py), before the first code cell.
"""

import hashlib
import re
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from tools import payload
from tools.settings import ROOT, badge

NOTEBOOKS = ROOT / "notebooks"
SOURCES = NOTEBOOKS / "source"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
GAP = "...  # your code here"
SOLUTION = "<details>\n<summary><b>Solution</b></summary>\n\n```python\n{}\n```\n\n</details>"
MARKER = re.compile(r"#+\s*(BEGIN|END)\s+SOLUTION", re.IGNORECASE)
CHECK = re.compile(r"^exercises\.check_(\w+)\(", re.MULTILINE)
COLAB_METADATA = {"gpuType": "T4", "provenance": [], "toc_visible": True}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# No version in it: it would change with every machine that builds.
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"}
COLLAPSED = {"cellView": "form", "jupyter": {"source_hidden": True}}
# What a cell says of itself; all other metadata is an editor's own, and changes when a notebook is only opened.
SAID = ("tags", "exercise")


@dataclass(frozen=True)
class Exercise:
    """An exercise: its name, the source of the student's cell, and the source of the solved one."""

    name: str
    student: str
    solved: str

    def solution(self) -> str:
        """Returns the solution as text that unfolds: the solved cell without its check."""
        return SOLUTION.format("\n".join(line for line in self.solved.splitlines() if not CHECK.match(line)).rstrip())


def sources(folder: Path = SOURCES) -> list[Path]:
    """Returns the lessons' text sources, in the order of the course."""
    return sorted(folder.glob("[0-9][0-9]_*.py"))


def homework(folder: Path = SOURCES) -> list[Path]:
    """Returns the text sources of the notebooks for home: built and run as the lessons are, without their skeleton."""
    return sorted(folder.glob("homework_*.py"))


def read_lesson(source: Path, repository: str = "", notes: bool = False) -> NotebookNode:
    """Returns the lesson as a notebook without outputs.

    Args:
        source: a py:percent text file.
        repository: where the project is published, "owner/name"; with it, the title carries a badge.
        notes: with the notes for the teacher.

    Raises:
        ValueError: the lesson has no title, a solution is not marked as it must be, or an exercise's name is taken.
    """
    text = source.read_text(encoding="utf-8")
    cells: list[NotebookNode] = []
    for cell in read_cells(source):
        if "exercise" in cell.metadata:
            exercise = read_exercise(cell, source.name)
            metadata = {"exercise": exercise.name, "tags": ["exercise", *tags(cell)]}
            cells.append(new_cell("code", exercise.student, metadata))
            cells.append(new_cell("markdown", exercise.solution(), {"tags": ["solution"]}))
        elif cell.source.startswith("predict("):  # its code tells the answer
            folded = COLLAPSED | {"tags": ["remove-input", *tags(cell)]}
            cells.append(new_cell("code", f"# @title Predict first\n{cell.source}", folded))
        elif notes or "teacher" not in tags(cell):
            cells.append(new_cell(cell.cell_type, cell.source, cell.metadata))
    title = cells[0] if cells else None
    if title is None or title.cell_type != "markdown" or not title.source.startswith("# "):
        raise ValueError(f"{source.name}: the first cell must be Markdown and start with the title, `# …`")
    if repository:
        first, _, rest = title.source.partition("\n")
        title.source = f"{first}\n\n{badge(repository, source.stem)}\n{rest}".rstrip()
    package = new_cell("code", payload.cell_source(payload.package_files(text)), COLLAPSED)
    first_code = next((place for place, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    cells.insert(first_code, package)
    give_ids(cells)
    metadata = {
        "accelerator": "GPU",
        "colab": dict(COLAB_METADATA),
        "kernelspec": dict(KERNEL),
        "language_info": dict(LANGUAGE),
    }
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def read_cells(source: Path) -> list[NotebookNode]:
    """Returns the cells of a text source as they stand there.

    Raises:
        ValueError: a cell holds a solution but is no exercise, or two exercises have one name.
    """
    cells = jupytext.read(source, fmt="py:percent").cells
    for cell in cells:
        if "exercise" in tags(cell) or ("exercise" not in cell.metadata and MARKER.search(cell.source)):
            raise ValueError(f'{source.name}: give this exercise a name, `# %% exercise="…"`:\n{cell.source}')
    check_names((cell.metadata["exercise"], source.name) for cell in cells if "exercise" in cell.metadata)
    return cells


def read_exercises(folder: Path = SOURCES) -> dict[str, Exercise]:
    """Returns all exercises of the course by name.

    Raises:
        ValueError: two have one name, or one is not marked as it must be.
    """
    found = [
        (read_exercise(cell, source.name), source.name)
        for source in sources(folder)
        for cell in read_cells(source)
        if "exercise" in cell.metadata
    ]
    check_names((exercise.name, where) for exercise, where in found)
    return {exercise.name: exercise for exercise, _ in found}


def check_names(names) -> None:
    """Raises ValueError if two of the exercises, given as (name, where), have one name."""
    seen: dict[str, str] = {}
    for name, where in names:
        if name in seen:
            raise ValueError(f"two exercises are called {name!r}, in {seen[name]} and {where}: rename one of them")
        seen[name] = where


def read_exercise(cell: NotebookNode, where: str) -> Exercise:
    """Cuts an exercise's cell into what a student gets and the solution.

    Args:
        cell: a code cell with metadata `exercise`, and one or more solutions between the markers.
        where: the lesson, for messages.

    Raises:
        ValueError: it has no proper name, or its markers are missing or do not pair up.
    """
    name = cell.metadata["exercise"]
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{where}: an exercise's name has lower-case letters, digits and _ only, but it is {name!r}")
    student, solved = [], []
    opened = 0  # the line of the marker that is open
    for number, line in enumerate(cell.source.splitlines(), start=1):
        if not MARKER.match(mark := line.strip()):
            solved.append(line)
            if not opened:
                student.append(line)
            continue
        wanted = END if opened else BEGIN
        if mark != wanted:
            raise ValueError(
                f"{where}, exercise {name!r}, line {number} of its cell must be `{wanted}`, but it is `{mark}`"
            )
        opened = 0 if opened else number
        if opened:
            student.append(line[: len(line) - len(line.lstrip())] + GAP)
    if opened:
        raise ValueError(f"{where}, exercise {name!r}: line {opened} of its cell opens a solution; close it by `{END}`")
    if student == solved:
        raise ValueError(f"{where}, exercise {name!r} has no solution: put it between `{BEGIN}` and `{END}`")
    return Exercise(name, "\n".join(student), "\n".join(solved))


def tags(cell: NotebookNode) -> list[str]:
    """Returns the cell's tags."""
    return list(cell.metadata.get("tags", []))


def new_cell(cell_type: str, source: str, metadata: dict) -> NotebookNode:
    """Returns a new cell without id and outputs."""
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}.get(cell_type)
    if make is None:
        raise ValueError(f"a lesson has code and Markdown cells only, not {cell_type!r}:\n{source}")
    kept = {key: value for key, value in metadata.items() if key != "lines_to_next_cell"}  # jupytext's own note
    cell = make(source=source, metadata=deepcopy(kept))
    cell.pop("id", None)
    return cell


def give_ids(cells: list[NotebookNode]) -> None:
    """Gives each cell an id made from its type, source and place among its equals: the same ones at every build.

    The cell that carries the package keeps one id, whatever it carries.
    """
    seen: Counter = Counter()
    for cell in cells:
        content = f"{cell.cell_type}\n{payload.TITLE if payload.carries(cell.source) else cell.source}"
        seen[content] += 1
        cell["id"] = hashlib.sha1(f"{content}\n{seen[content]}".encode()).hexdigest()[:12]


def differences(source: Path, notebook: Path, repository: str = "") -> list[str]:
    """Returns in words where a stored notebook is not what its source says, and what to run; empty when in step.

    What JupyterLab, VS Code and Colab rewrite when a notebook is only opened and saved does not count: metadata of the
    kernel, of the language and of editors, cell ids, line ends.
    """
    if not notebook.exists():
        return [f"{notebook.name}: not built yet: run `make notebooks`"]
    wanted = read_lesson(source, repository)
    try:
        stored = nbformat.read(notebook, as_version=4)
    except Exception as error:  # whatever a damaged file makes of the code that reads it
        return [f"{notebook.name} is damaged ({type(error).__name__}): take it from git again, or run `make notebooks`"]
    if len(stored.cells) != len(wanted.cells):
        cells = f"{len(stored.cells)} cells, but the source makes {len(wanted.cells)}"
        return [f"{notebook.name}: {cells}: it is of another release, or was edited: run `make notebooks`"]
    found = []
    for number, (have, want) in enumerate(zip(stored.cells, wanted.cells, strict=True), start=1):
        if payload.carries(want.source):
            if not payload.same(have.source, want.source):
                found.append(f"{notebook.name}: the copy of course_utils in cell {number} is old: run `make payload`")
        elif said(have) != said(want):
            line = re.sub(r"\s+", " ", want.source)[:60]
            command = "notebooks" if "code" in (have.cell_type, want.cell_type) else "payload"
            found.append(f"{notebook.name}: cell {number} ({line!r}) differs: run `make {command}`")
    return found


def said(cell: NotebookNode) -> tuple:
    """Returns what a cell says: its type, source, tags and exercise."""
    return cell.cell_type, cell.source.rstrip(), *(cell.metadata.get(key) or None for key in SAID)
