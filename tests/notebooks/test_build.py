"""The notebook builder: the same notebook every time, exercises cut in two, nothing stored that should not be."""

import ast
from pathlib import Path

import nbformat
import pytest

from tools import build_notebooks
from tools.build_notebooks import LessonError, build, clean, complaints
from tools.lesson import GAP, differences, read_lesson, split_exercise
from tools.settings import Repository

LESSON = '''\
# %% [markdown]
# # A small lesson
#
# Three minutes.

# %%
import os
print("profile", os.environ["COURSE_PROFILE"], os.environ.get("COURSE_DATA"))
print("second line")

# %%
1 + 1

# %% [markdown]
# Same words.

# %% [markdown]
# Same words.

# %% tags=["exercise", "nbval-check-output"]
def double(x):
    """Twice x."""
    if x:
        ### BEGIN SOLUTION
        y = x
        return 2 * y
        ### END SOLUTION

print(double(2))
'''


@pytest.fixture
def source(tmp_path) -> Path:
    file = tmp_path / "source" / "01_small.py"
    file.parent.mkdir()
    file.write_text(LESSON, encoding="utf-8")
    return file


def code_cell(source, **metadata):
    return nbformat.v4.new_code_cell(source=source, metadata=metadata)


def test_a_lesson_is_read_the_same_every_time(source):
    first, second = read_lesson(source), read_lesson(source)
    assert first == second
    ids = [cell["id"] for cell in first.cells]
    assert len(set(ids)) == len(ids), "equal cells need different ids"
    nbformat.validate(first)


def test_editing_one_cell_leaves_the_other_ids(source):
    before = [cell["id"] for cell in read_lesson(source).cells]
    source.write_text(LESSON.replace("1 + 1", "1 + 2"), encoding="utf-8")
    after = [cell["id"] for cell in read_lesson(source).cells]
    assert [old == new for old, new in zip(before, after, strict=True)].count(False) == 1


def test_an_exercise_becomes_two_cells(source):
    student, solution = read_lesson(source).cells[-2:]
    assert f"    if x:\n        {GAP}\n\nprint" in student.source
    assert "return" not in student.source
    assert student.metadata.tags == ["exercise", "nbval-check-output"]
    assert student.metadata.nbgrader == {
        "grade": False,
        "grade_id": "01_small-exercise-1",
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }
    assert solution.source.startswith("# @title Solution\ndef double(x):")
    assert "return 2 * y" in solution.source
    assert "###" not in solution.source
    assert solution.metadata.jupyter.source_hidden
    assert solution.metadata.cellView == "form"
    assert solution.metadata.tags[:2] == ["solution", "hide-input"]
    ast.parse(student.source)
    ast.parse(solution.source)


@pytest.mark.parametrize(
    "text",
    ["x = 1", "### BEGIN SOLUTION\nx = 1", "x = 1\n### END SOLUTION", "### END SOLUTION\n### BEGIN SOLUTION"],
)
def test_solutions_that_are_not_marked_are_refused(text):
    with pytest.raises(ValueError, match=r"07-exercise-3.*(SOLUTION)"):
        split_exercise(code_cell(text, tags=["exercise"]), "07-exercise-3")


def test_a_solution_outside_an_exercise_is_refused(source):
    source.write_text(LESSON.replace('"exercise", ', ""), encoding="utf-8")
    with pytest.raises(ValueError, match="no tag `exercise`"):
        read_lesson(source)


def test_a_lesson_needs_a_title(source):
    source.write_text("# %%\n1 + 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="start with the title"):
        read_lesson(source)


def test_the_badge_needs_a_configured_repository(source):
    assert "colab.research" not in nbformat.writes(read_lesson(source))
    lesson = read_lesson(source, Repository("someone/somewhere", "v1"))
    title, install = lesson.cells[:2]
    assert title.source.startswith("# A small lesson\n\n[![Open in Colab](")
    assert "/github/someone/somewhere/blob/v1/notebooks/01_small.ipynb)" in title.source
    assert title.source.endswith("\n\nThree minutes.")
    assert '%pip install -q --no-deps "git+https://github.com/someone/somewhere@v1"' in install.source
    assert install.metadata.jupyter.source_hidden


def test_clean_keeps_images_and_drops_what_is_alive():
    widget = {build_notebooks.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "an explorer", "image/png": "iVBORw0KGgo="}
    bare = {build_notebooks.WIDGET_VIEW: {"model_id": "2"}}
    cell = code_cell("1", execution={"iopub.status.busy": "now"})
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="a\n"),
        nbformat.v4.new_output("stream", name="stdout", text="b\n"),
        nbformat.v4.new_output("display_data", data=widget),
        nbformat.v4.new_output("display_data", data=bare),
        nbformat.v4.new_output("stream", name="stdout", text="c\n"),
    ]
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {"state": {}}})
    clean(notebook)
    assert "widgets" not in notebook.metadata
    assert notebook.metadata.language_info.get("version") is None
    assert dict(cell.metadata) == {}
    assert [output.get("text") for output in cell.outputs] == ["a\nb\n", None, "c\n"]
    assert sorted(cell.outputs[1].data) == ["image/png", "text/plain"]


def test_errors_and_warnings_are_complained_about():
    cell = code_cell("1")
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="a warning"),
        nbformat.v4.new_output("stream", name="stdout", text="WARNING:tensorflow: a log line"),
        nbformat.v4.new_output("error", ename="KeyError", evalue="'x'", traceback=[]),
    ]
    text = "\n".join(complaints(nbformat.v4.new_notebook(cells=[cell])))
    assert "cell 1 warns:\na warning\ncell 1 warns:\nWARNING:tensorflow" in text
    assert "cell 1 raises KeyError: 'x'" in text


def test_a_built_lesson_is_in_step_and_a_rebuild_is_no_change(source, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "/nowhere")
    target = tmp_path / "01_small.ipynb"
    assert differences(source, target) == ["01_small.ipynb: not built yet"]
    build(source, target)
    first = target.read_bytes()
    assert differences(source, target) == []
    build(source, target)
    assert target.read_bytes() == first
    cells = nbformat.reads(first.decode(), as_version=4).cells
    assert cells[1].outputs[0].text == "profile quick None\nsecond line\n"
    assert [cells[-2].outputs[0].text, cells[-1].outputs[0].text] == ["None\n", "4\n"]

    source.write_text(LESSON.replace("second line", "another line"), encoding="utf-8")
    (found,) = differences(source, target)
    assert "cell 2" in found
    assert "source differs" in found


def test_a_lesson_that_raises_is_not_stored(source, tmp_path):
    source.write_text(LESSON.replace("1 + 1", "1 / 0"), encoding="utf-8")
    target = tmp_path / "01_small.ipynb"
    with pytest.raises(LessonError, match="ZeroDivisionError"):
        build(source, target)
    assert not target.exists()
