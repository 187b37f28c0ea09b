"""The editions: what each holds, that a note for the teacher is nobody else's, and what is said of bad input."""

import io
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from tools import payload
from tools.build_notebooks import store
from tools.editions import EDITIONS, PARTS, UNFOLDS, main, notes, selfstudy
from tools.lesson import NOTEBOOKS, differences, homework, read_lesson, sources, tags
from tools.settings import ROOT

NOTE = """\
# %% [markdown] tags=["teacher"]
# - **Ask:** What is twice nothing?
# - **Students say:** “Two.”
# - **Misconception:** That **twice:** is a square.
#   It is a sum.
# - **If late:** Skip the loop.
"""
LESSON = f"""\
# %% [markdown]
# # 01 · A small lesson

# %%
print("first")

# %% [markdown]
# ## Your turn · 3 minutes
#
# Write the missing line.{UNFOLDS} Then go on.

{NOTE}
# %% exercise="double"
def double(x):
    ### BEGIN SOLUTION
    y = x
    return 2 * y
    ### END SOLUTION


exercises.check_double(double)

# %% [markdown]
# A details element unfolds.
"""


@pytest.fixture(autouse=True)
def _small_package(monkeypatch):
    """A package of one file travels: these tests are not about course_utils."""
    monkeypatch.setattr(payload, "package_files", lambda lesson: {"course_utils/__init__.py": b""})


class Course:
    """A course of small lessons: their sources, what is stored of them, and where an edition goes."""

    def __init__(self, folder: Path):
        self.source, self.stored, self.target = (folder / name for name in ("source", "notebooks", "edition"))
        self.source.mkdir()
        self.stored.mkdir()

    def add(self, name: str, text: str) -> None:
        """Writes a lesson's source, and stores it as if it had been run."""
        source = self.source / f"{name}.py"
        source.write_text(text, encoding="utf-8")
        lesson = read_lesson(source)
        for number, cell in enumerate((cell for cell in lesson.cells if cell.cell_type == "code"), start=1):
            cell.execution_count = number
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=f"said by {number}\n")]
        store(lesson, self.stored / f"{name}.ipynb")

    def make(self, edition: str) -> int:
        """Makes an edition by its command, and returns the exit status."""
        folders = ("--source", str(self.source), "--stored", str(self.stored), "--target", str(self.target))
        return main([edition, *folders])

    def made(self) -> dict[str, bytes]:
        """Returns the files of the edition."""
        files = [file for file in self.target.rglob("*") if file.is_file()]
        return {file.relative_to(self.target).as_posix(): file.read_bytes() for file in files}

    def cells(self, name: str = "01_small.ipynb") -> list[nbformat.NotebookNode]:
        """Returns the cells of a lesson in the edition."""
        return nbformat.reads(self.made()[name].decode(), as_version=4).cells


@pytest.fixture
def course(tmp_path) -> Course:
    """A course of two lessons."""
    found = Course(tmp_path)
    found.add("01_small", LESSON)
    found.add("02_other", LESSON.replace("double", "treble").replace("01 ·", "02 ·"))
    return found


def test_students_get_all_but_outputs_solutions_and_notes(course):
    assert course.make("student") == 0
    assert set(course.made()) == {"01_small.ipynb", "02_other.ipynb"}
    found = course.cells()
    wanted = [cell for cell in read_lesson(course.source / "01_small.py").cells if "solution" not in tags(cell)]
    assert [cell.source for cell in found] == [cell.source.replace(UNFOLDS, "") for cell in wanted]
    assert [dict(cell.metadata) for cell in found] == [dict(cell.metadata) for cell in wanted]
    assert not [cell for cell in found if cell.get("outputs") or cell.get("execution_count")]
    text = course.made()["01_small.ipynb"].decode()
    assert "2 * y" not in text
    assert "twice nothing" not in text
    assert "missing line. Then" in text


ASKED = """\
# %% [markdown]
# # 01 · A small lesson

# %%
print("before")

# %% [markdown]
# Nobody has asked yet.

# %%
predict("How much is it?", ["one", "two"])

# %% [markdown]
# Now run the next cell.

# %%
print(2)

# %% [markdown]
# - It is *two*.
#
# As in $1 + 1$.
#
# ### Another thing
#
# More text.

# %%
print(3)

# %% [markdown]
# Nobody asked about three.
"""


def test_what_was_to_be_predicted_is_folded_for_students(course):
    course.add("01_small", ASKED)
    assert course.make("student") == 0
    have = [cell.source for cell in course.cells()]
    wanted = [cell.source for cell in read_lesson(course.source / "01_small.py").cells]
    folded = (
        "<details>\n<summary><b>What came out</b> (predict and look first)</summary>\n\n"
        "- It is *two*.\n\nAs in $1 + 1$.\n\n</details>\n\n### Another thing\n\nMore text."
    )
    assert [(old, new) for old, new in zip(wanted, have, strict=True) if old != new] == [(wanted[7], folded)]
    assert wanted[7].startswith("- It is *two*.")


@pytest.mark.timing
def test_the_students_edition_of_the_course_takes_seconds_and_each_lesson_runs_alone(tmp_path, measured):
    began = time.perf_counter()
    command = [sys.executable, "-m", "tools.editions", "student", "--target", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    measured(f"student edition of {len(sources())} lessons: {seconds:.1f} s")
    assert seconds <= 20
    for source in sources():
        lesson = nbformat.read(tmp_path / f"{source.stem}.ipynb", as_version=4)
        assert "unfolds below" not in nbformat.writes(lesson)
        # The same code as in the stored lesson, which tests/environments runs alone.
        stored = nbformat.read(NOTEBOOKS / f"{source.stem}.ipynb", as_version=4)
        (package, *code), (_, *known) = (
            [cell.source for cell in each.cells if cell.cell_type == "code"] for each in (lesson, stored)
        )
        assert "course_utils/__init__.py" in payload.carried(package)
        assert code == known


def test_self_study_is_what_is_stored(course):
    assert course.make("selfstudy") == 0
    assert course.made() == {file.name: file.read_bytes() for file in course.stored.iterdir()}


def test_self_study_of_the_course_is_what_is_stored(monkeypatch):
    monkeypatch.undo()  # the whole package
    stored = {file.name: file.read_bytes() for file in NOTEBOOKS.glob("*.ipynb")}
    assert selfstudy(sources() + homework(), NOTEBOOKS) == stored


def test_teachers_get_outputs_open_solutions_and_notes(course):
    stored = nbformat.read(course.stored / "01_small.ipynb", as_version=4).cells
    assert course.make("teacher") == 0
    found = course.cells()
    (place,) = (k for k, cell in enumerate(found) if "teacher" in tags(cell))
    note = found.pop(place)
    assert found[place - 1].source.startswith("## Your turn")
    assert note.source.startswith("> - **Ask:** What is twice nothing?\n> - **Students say:**")
    solutions = [cell for cell in found if "solution" in tags(cell)]
    assert len(solutions) == 1
    for solution in solutions:
        assert solution.source.startswith("<details open>")
        solution.source = solution.source.replace("<details open>", "<details>")
    assert [(cell.source, cell.get("outputs"), cell.get("execution_count")) for cell in found] == [
        (cell.source, cell.get("outputs"), cell.get("execution_count")) for cell in stored
    ]
    page = course.made()["notes.md"].decode()
    assert page.startswith(
        "# Notes for the teacher\n\n## 01 · A small lesson\n\n### Your turn · 3 minutes\n\n- **Ask:** What"
    )
    assert page.count("## 0") == 2


def test_notes_are_in_no_other_edition_and_not_in_the_stored_lesson(course):
    for edition in sorted(set(EDITIONS) - {"teacher"}):
        assert course.make(edition) == 0
    for content in [*course.made().values(), *(file.read_bytes() for file in course.stored.iterdir())]:
        assert b"twice nothing" not in content
    assert differences(course.source / "01_small.py", course.stored / "01_small.ipynb") == []


@pytest.mark.parametrize("part", PARTS)
def test_a_note_without_one_of_its_parts_is_named(course, part, capsys):
    source = course.source / "01_small.py"
    source.write_text(LESSON.replace(f"**{part}:**", "So:"), encoding="utf-8")
    assert course.make("teacher") == 1
    said = capsys.readouterr().err
    assert "01_small.py: the note to 'Your turn · 3 minutes' must be a list of four: " in said
    assert f"`- **{part}:** …`" in said
    assert course.made() == {}


@pytest.mark.parametrize("text", [NOTE + LESSON, LESSON + NOTE, LESSON.replace(NOTE, NOTE + "\n" + NOTE)])
def test_a_note_in_another_place_is_named(course, text):
    source = course.source / "01_small.py"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"01_small\.py: one note stands after the first cell of a section, not:\n- \*\*Ask"
    ):
        notes(source)


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)
def test_every_section_has_a_note(source):
    text = "\n".join(cell.source for cell in read_lesson(source).cells if cell.cell_type == "markdown")
    assert list(notes(source)) == re.findall(r"^## (.+)$", text, re.MULTILINE)


def damage(course: Course, kind: str) -> str:
    """Makes a course wrong in its second lesson, and returns what must be said of it."""
    source, stored = course.source / "02_other.py", course.stored / "02_other.ipynb"
    text = source.read_text(encoding="utf-8")
    if kind == "unclosed":
        source.write_text(text.replace("    ### END SOLUTION\n", ""), encoding="utf-8")
        return "02_other.py, exercise 'treble': line 2 of its cell opens a solution; close it by `### END SOLUTION`"
    if kind == "one name":
        source.write_text(text.replace("treble", "double"), encoding="utf-8")
        return "two exercises are called 'double', in 01_small.py and 02_other.py: rename one of them"
    if kind == "missing":
        stored.unlink()
        return "02_other.ipynb: not built yet: run `make notebooks`"
    notebook = nbformat.read(stored, as_version=4)
    if kind == "older release":
        notebook.cells.pop()
        said = (
            "02_other.ipynb: 6 cells, but the source makes 7: it is of another release, or was edited: run `make note"
        )
    else:
        notebook.cells[2].outputs = [nbformat.v4.new_output("error", ename="KeyError", evalue="'x'", traceback=[])]
        said = "02_other.ipynb: cell 3 raises KeyError: 'x'"
    nbformat.write(notebook, stored)
    return said


SOURCE_IS_WRONG, STORED_IS_WRONG = ("unclosed", "one name"), ("older release", "missing", "saved with an error")


@pytest.mark.parametrize(
    ("edition", "kind"),
    [(edition, kind) for edition in EDITIONS for kind in SOURCE_IS_WRONG]
    + [(edition, kind) for edition in ("selfstudy", "teacher") for kind in STORED_IS_WRONG],
)
def test_bad_input_is_named_and_the_edition_stays_as_it_was(course, edition, kind, capsys):
    assert course.make(edition) == 0
    before = course.made()
    said = damage(course, kind)
    assert course.make(edition) == 1
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.endswith(f"The {edition} edition is not made: nothing was written.\n")
    assert course.made() == before


def test_whoever_has_a_lesson_open_keeps_what_he_reads(course):
    assert course.make("student") == 0
    before = course.made()["01_small.ipynb"]
    with io.FileIO(course.target / "01_small.ipynb") as opened:
        beginning = opened.read(100)
        course.add("01_small", LESSON.replace("first", "changed"))
        assert course.make("student") == 0
        assert beginning + opened.readall() == before
    assert b"changed" in course.made()["01_small.ipynb"]


def test_a_file_that_cannot_be_written_is_named_and_all_others_are_whole(course, capsys):
    (course.target / "02_other.ipynb").mkdir(parents=True)
    assert course.make("student") == 1
    said = capsys.readouterr().err
    assert "The student edition is not complete: " in said
    assert "could not save 02_other.ipynb (it is a folder)" in said
    assert list(course.made()) == ["01_small.ipynb"]
    assert course.cells()


def test_a_lesson_of_another_release_in_the_edition_is_named(course, capsys):
    course.target.mkdir()
    (course.target / "07_old.ipynb").write_text("{}", encoding="utf-8")
    assert course.make("student") == 0
    assert "07_old.ipynb is of another release: remove it." in capsys.readouterr().out


def test_a_folder_without_lessons_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["student", "--source", str(tmp_path)])
    assert f"no lesson in {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize("edition", EDITIONS)
def test_make_knows_each_edition(edition):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{edition}: .*  ## .+\n\t.* -m tools\.editions {edition}$", makefile, re.MULTILINE)
