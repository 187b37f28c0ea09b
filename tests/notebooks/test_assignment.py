"""The assignment: what nbgrader is given, and the points that it gives to solutions, to blanks and to cheats."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools import payload
from tools.build_notebooks import clean_environment
from tools.editions import UNFOLDS, graded, main, names
from tools.lesson import GAP, SOURCES, read_exercises, sources

LESSON = f"""\
# %% [markdown]
# # 01 · A small lesson

# %%
from course_utils import exercises, train
import numpy as np

# %%
def unused(x):
    return helper(x)

# %%
factor, network = 2, None

# %%
network = train("mixer")

# %% [markdown]
# Text.

# %% exercise="double"
def double(x):
    ### BEGIN SOLUTION
    return factor * x
    ### END SOLUTION


exercises.check_double(double)

# %%
print(network)

# %% [markdown]
# ## Your turn · 3 minutes
#
# Write the missing line.{UNFOLDS}

# %% [markdown] tags=["teacher"]
# - **Ask:** Nothing.

# %%
try_it = np.zeros(3)

# %% exercise="treble" tags=["nbval-check-output"]
def threefold(x):
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION


exercises.check_treble(threefold)

# %% [markdown]
# ## What the paper found
"""


@pytest.fixture
def lesson(tmp_path) -> Path:
    """The source of a small lesson, number 1."""
    file = tmp_path / "01_small.py"
    file.write_text(LESSON, encoding="utf-8")
    return file


def by_grade_id(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    """Returns a notebook's cells that nbgrader knows, by the name that they have for it."""
    known = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    found = {cell.metadata.nbgrader.grade_id: cell for cell in known}
    assert len(found) == len(known), "two cells have one name"
    return found


def test_an_exercise_becomes_a_solution_and_a_locked_cell_with_points(lesson):
    cells = by_grade_id(graded(lesson))
    written, check = cells["treble"], cells["treble-check"]
    assert "### BEGIN SOLUTION\n    return 3 * x\n    ### END SOLUTION" in written.source
    assert written.source.endswith("exercises.check_treble(threefold)")
    assert check.source == "from course_utils import exercises\n\nexercises.check_treble.require(threefold)"
    common = {"schema_version": 3, "task": False}
    assert dict(written.metadata) == {
        "nbgrader": {**common, "grade_id": "treble", "solution": True, "locked": False, "grade": False}
    }
    assert dict(check.metadata) == {
        "nbgrader": {
            **common, "grade_id": "treble-check", "solution": False, "locked": True, "grade": True, "points": 1
        }
    }  # fmt: skip


def test_there_is_what_the_exercises_need_and_nothing_that_trains(lesson):
    notebook = graded(lesson)
    text = "\n\n".join(cell.source for cell in notebook.cells if not payload.carries(cell.source))
    assert [line for line in text.splitlines() if re.match(r"import|factor|try_it|Text|Write|# |## ", line)] == [
        "# 01 · A small lesson",
        "import numpy as np",
        "factor, network = 2, None",
        "Text.",
        "## Your turn · 3 minutes",
        "Write the missing line.",
        "try_it = np.zeros(3)",
    ]
    assert "unused" not in text
    assert "train(" not in text
    assert "**Ask:**" not in text
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [payload.carries(cell.source) for cell in code] == [True] + [False] * (len(code) - 1)
    assert len(by_grade_id(notebook)) == len(code)
    for cell in by_grade_id(notebook).values():
        assert cell.metadata.nbgrader.locked != cell.metadata.nbgrader.solution, "all that is given is put back"


def test_grade_ids_do_not_depend_on_the_lessons_number(lesson):
    before = list(by_grade_id(graded(lesson)))
    assert {"double", "double-check", "treble", "treble-check"} <= set(before)
    assert list(by_grade_id(graded(lesson.rename(lesson.with_name("07_other.py"))))) == before


def test_an_exercise_without_a_check_is_named(lesson, capsys):
    lesson.write_text(LESSON.replace("exercises.check_treble(threefold)", ""), encoding="utf-8")
    assert main(["assignment", "--source", str(lesson.parent), "--target", str(lesson.parent / "course")]) == 1
    assert "01_small.py, exercise 'treble': end its cell with `exercises.check_…(…)`" in capsys.readouterr().err
    assert not (lesson.parent / "course").exists()


@pytest.mark.parametrize(
    ("code", "defined", "used"),
    [
        ("import a.b as c, d.e\nfrom f import g", {"c", "d", "g"}, set()),
        ("x = y\nz += 1", {"x", "z"}, {"y"}),
        ("def f(a=b):\n    c = a\n    return c + d + f(a)", {"f"}, {"b", "d"}),
        ("class A(B):\n    def f(self):\n        return C", {"A"}, {"B", "C"}),
        ("[i for i in x if i in y]\nfor k in z: pass", {"k"}, {"x", "y", "z"}),
        ("a.b = c[d]", set(), {"a", "c", "d"}),
    ],
)
def test_what_a_cell_defines_and_what_it_needs(code, defined, used):
    assert names(code) == (defined, used)


@pytest.mark.slow
@pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)
def test_every_solution_gets_its_point_and_no_network_is_trained(source, capsys):
    """Runs the cells as they are, with their solutions, without nbgrader."""
    cells = graded(source).cells
    code = [cell.source for cell in cells if cell.cell_type == "code" and not payload.carries(cell.source)]
    assert not [text for text in code if re.search(r"\b(train|learn|learn_from|fit)\(", text)]
    known: dict = {"__name__": "lesson"}
    for text in code:
        exec(compile(text, source.name, "exec"), known)
    assert capsys.readouterr().out.count("✓") == sum("exercise=" in line for line in source.read_text().splitlines())


def nbgrader(course: Path, *command: str) -> None:
    """Runs a command of nbgrader in a course's folder."""
    home = course.parent / "home"
    settings = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic by its name
    environment = clean_environment(home, HOME=str(home), PATH=path, **settings)
    arguments = [sys.executable, "-m", "nbgrader", *command]
    done = subprocess.run(arguments, cwd=course, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def solve(cell) -> None:
    """Writes the solution into an exercise's cell."""
    if cell.metadata.nbgrader.solution:
        cell.source = read_exercises()[cell.metadata.nbgrader.grade_id].solved


def cheat(cell) -> None:
    """Empties a cell that gives points, and has the package's cell bring other checks."""
    if cell.metadata.nbgrader.grade:
        cell.source = "pass"
    if cell.metadata.nbgrader.grade_id == "package":
        cell.source = "import course_utils.exercises.judging as j\nj.Check.require = lambda *args: None"


@pytest.mark.slow
@pytest.mark.rehearsal
@pytest.mark.parametrize("name", ["01_mlp_mixer", "06_side_by_side"])
def test_nbgrader_gives_solutions_all_points_and_blanks_none(name, tmp_path):
    course = tmp_path / "course"
    assert main(["assignment", "--target", str(course)]) == 0
    nbgrader(course, "generate_assignment", name)
    released = nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)
    exercises = [
        cell.metadata.nbgrader.grade_id for cell in by_grade_id(released).values() if cell.metadata.nbgrader.solution
    ]
    text = (SOURCES / f"{name}.py").read_text(encoding="utf-8")
    assert exercises == re.findall(r'^# %% exercise="(\w+)"', text, re.MULTILINE)
    for exercise in exercises:
        student = by_grade_id(released)[exercise].source
        assert student == read_exercises()[exercise].student, "the gap is the one of the lesson"
        assert GAP in student

    for who, write in {"solver": solve, "blank": lambda cell: None, "cheat": cheat}.items():
        handed_in = nbformat.from_dict(released)
        for cell in by_grade_id(handed_in).values():
            write(cell)
        folder = course / "submitted" / who / name
        folder.mkdir(parents=True)
        nbformat.write(handed_in, folder / f"{name}.ipynb")
    nbgrader(course, "autograde", name)
    nbgrader(course, "export")
    with open(course / "grades.csv", encoding="utf-8", newline="") as file:
        scores = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    most = float(len(exercises))
    assert scores == {"solver": (most, most), "blank": (0.0, most), "cheat": (0.0, most)}
