"""One lesson: from its text source to the cells that a student opens.

The text in `notebooks/source/` is the only place where a lesson is edited. `read_lesson` turns it into a notebook
without outputs, the same one every time:

- A cell's id is a hash of the cell. (`jupytext --update` keeps ids too, but needs the old notebook beside it, and gives
  random ids without one: a rebuild would then differ from the stored notebook in every cell.)
- A cell tagged `exercise` holds its own solution between `### BEGIN SOLUTION` and `### END SOLUTION`. It becomes two
  cells: the student's, with a gap, and the solution, collapsed.
"""

import hashlib
import re
from collections import Counter
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from tools.settings import ROOT, Repository

NOTEBOOKS = ROOT / "notebooks"
SOURCES = NOTEBOOKS / "source"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
GAP = "...  # your code here"
SOLUTION_TITLE = "# @title Solution"
COLAB_METADATA = {"gpuType": "T4", "provenance": [], "toc_visible": True}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# No version in it: it would change with every machine that builds.
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"}
COLLAPSED = {"cellView": "form", "jupyter": {"source_hidden": True}}


def sources(folder: Path = SOURCES) -> list[Path]:
    """Returns the lessons' text sources, in the order of the course."""
    return sorted(folder.glob("[0-9][0-9]_*.py"))


def read_lesson(source: Path, repository: Repository | None = None) -> NotebookNode:
    """Returns the lesson as a notebook without outputs.

    Args:
        source: a py:percent text file.
        repository: where the project is published. With one, the title carries its badge and a cell after it
            fetches the helper package where that is missing.

    Raises:
        ValueError: the lesson has no title, or an exercise's solution is not marked as it must be.
    """
    text = jupytext.read(source, fmt="py:percent")
    cells: list[NotebookNode] = []
    exercises = 0
    for cell in text.cells:
        if "exercise" in tags(cell):
            exercises += 1
            cells += split_exercise(cell, f"{source.stem}-exercise-{exercises}")
        elif cell.cell_type == "code" and (BEGIN in cell.source or END in cell.source):
            raise ValueError(f"{source.name}: a cell holds a solution but no tag `exercise`:\n{cell.source}")
        else:
            cells.append(plain_cell(cell))
    title = cells[0] if cells else None
    if title is None or title.cell_type != "markdown" or not title.source.startswith("# "):
        raise ValueError(f"{source.name}: the first cell must be Markdown and start with the title, `# …`")
    if repository is not None:
        first, _, rest = title.source.partition("\n")
        title.source = f"{first}\n\n{repository.badge(source.stem)}\n{rest}".rstrip()
        cells.insert(1, install_cell(repository))
    give_ids(cells)
    metadata = {
        "accelerator": "GPU",
        "colab": dict(COLAB_METADATA),
        "kernelspec": dict(KERNEL),
        "language_info": dict(LANGUAGE),
    }
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def tags(cell: NotebookNode) -> list[str]:
    """Returns the cell's tags."""
    return list(cell.metadata.get("tags", []))


def plain_cell(cell: NotebookNode) -> NotebookNode:
    """Returns a copy of a cell with its source and metadata only."""
    return new_cell(cell.cell_type, cell.source, cell.metadata)


def new_cell(cell_type: str, source: str, metadata: dict) -> NotebookNode:
    """Returns a new cell without id and outputs."""
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}.get(cell_type)
    if make is None:
        raise ValueError(f"a lesson has code and Markdown cells only, not {cell_type!r}:\n{source}")
    kept = {key: value for key, value in metadata.items() if key != "lines_to_next_cell"}  # jupytext's own note
    cell = make(source=source, metadata=deepcopy(kept))
    cell.pop("id", None)
    return cell


def split_exercise(cell: NotebookNode, grade_id: str) -> tuple[NotebookNode, NotebookNode]:
    """Splits an exercise into the student's cell and the collapsed solution.

    Args:
        cell: a code cell with one or more solutions between the markers, each on a line of its own.
        grade_id: nbgrader's name of the exercise, unique in the course.

    Returns:
        The student's cell, in which every solution is replaced by one line at the marker's indentation, and the cell
        with the whole source.

    Raises:
        ValueError: the markers are missing or do not pair up.
    """
    student, solution = [], []
    inside = False
    gaps = 0
    for line in cell.source.splitlines():
        mark = line.strip()
        if mark in (BEGIN, END):
            if inside != (mark == END):
                raise ValueError(f"{grade_id}: {mark} where the other marker is due:\n{cell.source}")
            inside = mark == BEGIN
            if inside:
                gaps += 1
                student.append(line[: len(line) - len(line.lstrip())] + GAP)
            continue
        solution.append(line)
        if not inside:
            student.append(line)
    if inside or not gaps:
        raise ValueError(f"{grade_id}: an exercise needs {BEGIN} and {END}, each on a line of its own:\n{cell.source}")
    grader = {"grade": False, "grade_id": grade_id, "locked": False}
    grader |= {"schema_version": 3, "solution": True, "task": False}
    open_cell = new_cell("code", "\n".join(student), {**cell.metadata, "nbgrader": grader})
    shown = [tag for tag in tags(cell) if tag != "exercise"]
    metadata = {**deepcopy(COLLAPSED), "tags": ["solution", "hide-input", *shown]}
    return open_cell, new_cell("code", "\n".join([SOLUTION_TITLE, *solution]), metadata)


def install_cell(repository: Repository) -> NotebookNode:
    """Returns the collapsed cell that fetches the helper package from the configured repository."""
    from tools.colab_cells import install_source

    return new_cell("code", install_source(repository.requirement()), COLLAPSED)


def give_ids(cells: list[NotebookNode]) -> None:
    """Gives each cell an id made from its type, source and place among its equals."""
    seen: Counter = Counter()
    for cell in cells:
        content = f"{cell.cell_type}\n{cell.source}"
        seen[content] += 1
        cell["id"] = hashlib.sha1(f"{content}\n{seen[content]}".encode()).hexdigest()[:12]


def differences(source: Path, notebook: Path, repository: Repository | None = None) -> list[str]:
    """Returns in words where a stored notebook is not what its source says; empty when they are in step."""
    if not notebook.exists():
        return [f"{notebook.name}: not built yet"]
    wanted = read_lesson(source, repository)
    stored = nbformat.read(notebook, as_version=4)
    found = []
    if len(stored.cells) != len(wanted.cells):
        found.append(f"{notebook.name}: {len(stored.cells)} cells, but the source makes {len(wanted.cells)}")
    for number, (have, want) in enumerate(zip(stored.cells, wanted.cells, strict=False), start=1):
        for field in ("cell_type", "source", "metadata", "id"):
            if have.get(field) != want.get(field):
                line = re.sub(r"\s+", " ", want.source)[:60]
                found.append(f"{notebook.name}: cell {number} ({line!r}): {field} differs")
                break
    if stored.metadata != wanted.metadata:
        found.append(f"{notebook.name}: the notebook's metadata differ")
    return found
