"""The notebook builder: the same notebook every time, exercises cut in two, nothing stored that should not be."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools import build_notebooks, payload
from tools.build_notebooks import LessonError, build, clean, complaints, renew
from tools.lesson import GAP, differences, read_exercise, read_exercises, read_lesson
from tools.settings import ROOT, checked_repository

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
import types
exercises = types.SimpleNamespace(check_double=print)
1 + 1

# %% [markdown]
# Same words.

# %% [markdown]
# Same words.

# %% exercise="double" tags=["nbval-check-output"]
def double(x):
    """Twice x."""
    if x:
        ### BEGIN SOLUTION
        y = x
        return 2 * y
        ### END SOLUTION

exercises.check_double(double(2))
'''


@pytest.fixture
def source(tmp_path) -> Path:
    file = tmp_path / "source" / "01_small.py"
    file.parent.mkdir()
    file.write_text(LESSON, encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def _small_package(monkeypatch):
    """A package of one file travels: these tests are not about course_utils."""
    monkeypatch.setattr(
        payload, "package_files", lambda lesson: {"course_utils/__init__.py": b"# " + lesson[:9].encode()}
    )


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


def test_an_exercise_becomes_the_students_cell_and_a_solution_that_does_not_run(source):
    student, solution = read_lesson(source).cells[-2:]
    assert f"    if x:\n        {GAP}\n\nexercises" in student.source
    assert "return" not in student.source
    assert dict(student.metadata) == {"exercise": "double", "tags": ["exercise", "nbval-check-output"]}
    ast.parse(student.source)
    assert solution.cell_type == "markdown"
    assert solution.metadata.tags == ["solution"]
    before, code, after = solution.source.split("```")
    assert before.startswith("<details>\n<summary>")
    assert "open" not in before, "it is folded"
    assert after == "\n\n</details>"
    assert code.startswith("python\ndef double(x):")
    assert "return 2 * y" in code
    assert "check_double" not in code
    assert "###" not in code


def test_the_solved_exercise_keeps_its_check(source):
    solved = read_exercises(source.parent)["double"].solved
    assert "return 2 * y\n\nexercises" in solved
    assert solved.endswith("exercises.check_double(double(2))")


def exercise(text, name="double"):
    return code_cell(text, exercise=name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "has no solution"),
        ("y = 2\n### BEGIN SOLUTION\nx = 1", "line 2 of its cell opens a solution; close it by `### END SOLUTION`"),
        ("x = 1\n### END SOLUTION", "line 2 of its cell must be `### BEGIN SOLUTION`"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION", "line 2 of its cell must be `### END SOLUTION`"),
        ("### begin solution\nx = 1\n### END SOLUTION", "line 1 of its cell must be `### BEGIN SOLUTION`"),
        ("###BEGIN SOLUTION\nx = 1\n### END SOLUTION", "line 1 of its cell must be `### BEGIN SOLUTION`"),
        ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION.", "line 3 of its cell must be `### END SOLUTION`"),
    ],
)
def test_solutions_that_are_not_marked_are_named(text, said):
    with pytest.raises(ValueError, match=r"07_x\.py, exercise 'double'") as error:
        read_exercise(exercise(text), "07_x.py")
    assert said in str(error.value)


@pytest.mark.parametrize("name", ["", "Double", "two words", "3d", 3])
def test_a_name_that_cannot_be_kept_is_refused(name):
    with pytest.raises(ValueError, match="lower-case letters"):
        read_exercise(exercise("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", name), "07_x.py")


@pytest.mark.parametrize("instead", ["# %%", '# %% tags=["exercise"]'])
def test_an_exercise_without_a_name_is_refused(source, instead):
    source.write_text(LESSON.replace('# %% exercise="double" tags=["nbval-check-output"]', instead), encoding="utf-8")
    with pytest.raises(ValueError, match="give this exercise a name"):
        read_lesson(source)


def test_two_exercises_with_one_name_are_named(source, capsys):
    source.with_name("02_other.py").write_text(LESSON, encoding="utf-8")
    with pytest.raises(ValueError, match=r"called 'double', in 01_small\.py and 02_other\.py: rename one"):
        read_exercises(source.parent)
    assert build_notebooks.main(["--check", "--source", str(source.parent), "--target", str(source.parent)]) == 1
    assert "rename one of them" in capsys.readouterr().err
    source.write_text(LESSON + LESSON[LESSON.index("# %% exercise") :], encoding="utf-8")
    with pytest.raises(ValueError, match=r"in 01_small\.py and 01_small\.py"):
        read_lesson(source)


def test_a_lesson_needs_a_title(source):
    source.write_text("# %%\n1 + 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="start with the title"):
        read_lesson(source)


def test_the_package_travels_before_the_first_code_cell(source):
    lesson = read_lesson(source)
    first = next(cell for cell in lesson.cells if cell.cell_type == "code")
    assert payload.carries(first.source)
    assert first.metadata.jupyter.source_hidden
    assert first.metadata.cellView == "form"
    assert payload.carried(first.source) == payload.package_files(LESSON)


def test_the_badge_needs_a_repository(source):
    text = nbformat.writes(read_lesson(source))
    assert "colab.research" not in text
    title = read_lesson(source, "someone/somewhere").cells[0]
    assert title.source.startswith("# A small lesson\n\n[![Open in Colab](")
    assert "/github/someone/somewhere/blob/main/notebooks/01_small.ipynb)" in title.source
    assert title.source.endswith("\n\nThree minutes.")


@pytest.mark.parametrize("name", ["name", "https://github.com/a/b", "a/b/c", "a b/c", "a/b "])
def test_a_repository_that_cannot_be_is_refused(name):
    with pytest.raises(ValueError, match="owner/name"):
        checked_repository(name)


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


def test_what_was_saved_from_a_dry_run_is_complained_about():
    cell = code_cell("1")
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="profile: quick\ndry run: one short epoch\n")]
    (found,) = complaints(nbformat.v4.new_notebook(cells=[cell]))
    assert "cell 1 was saved from a dry run" in found


def test_a_built_lesson_is_in_step_and_a_rebuild_is_no_change(source, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "/nowhere")
    target = tmp_path / "01_small.ipynb"
    assert differences(source, target) == ["01_small.ipynb: not built yet: run `make notebooks`"]
    build(source, target)
    first = target.read_bytes()
    assert differences(source, target) == []
    build(source, target)
    assert target.read_bytes() == first
    cells = nbformat.reads(first.decode(), as_version=4).cells
    assert cells[1].outputs == []
    assert cells[2].outputs[0].text == "profile quick None\nsecond line\n"
    assert cells[-2].outputs[0].text == "None\n"

    source.write_text(LESSON.replace("second line", "another line"), encoding="utf-8")
    (found,) = differences(source, target)
    assert "cell 3" in found
    assert "run `make notebooks`" in found


def test_a_lesson_that_raises_is_not_stored(source, tmp_path):
    source.write_text(LESSON.replace("1 + 1", "1 / 0"), encoding="utf-8")
    target = tmp_path / "01_small.ipynb"
    with pytest.raises(LessonError, match="ZeroDivisionError"):
        build(source, target)
    assert not target.exists()


@pytest.fixture
def built(source, tmp_path) -> Path:
    """The small lesson, stored."""
    target = tmp_path / "01_small.ipynb"
    build(source, target)
    return target


def edit(target: Path, change) -> None:
    """Changes a stored notebook."""
    notebook = nbformat.read(target, as_version=4)
    change(notebook)
    nbformat.write(notebook, target)


def opened_in_jupyterlab(notebook):
    notebook.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata["language_info"]["version"] = "3.12.1"
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    for cell in notebook.cells:
        cell.metadata |= {"trusted": True, "editable": True, "slideshow": {"slide_type": ""}}
    notebook.cells[1].metadata["scrolled"] = True
    notebook.cells[1].metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}


def opened_in_vs_code(notebook):
    notebook.metadata["kernelspec"] = {"display_name": ".venv", "language": "python", "name": "python3"}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{number:08x}"
        cell.metadata["vscode"] = {"languageId": "python"}
        cell.source += "\n"


def opened_in_colab(notebook):
    notebook.nbformat_minor = 0
    notebook.metadata = {"kernelspec": {"name": "python3"}, "colab": {"provenance": [], "collapsed_sections": ["x"]}}
    for number, cell in enumerate(notebook.cells):
        del cell["id"]
        cell.metadata |= {"id": f"colab{number}", "colab": {"base_uri": "https://localhost:8080/"}, "outputId": "1"}


@pytest.mark.parametrize("opened", [opened_in_jupyterlab, opened_in_vs_code, opened_in_colab])
def test_opening_and_saving_is_no_difference(source, built, opened):
    edit(built, opened)
    assert differences(source, built) == []
    renew(source, built)
    assert differences(source, built) == []


def test_a_change_that_counts_is_a_difference_and_names_the_command(source, built):
    def tag(notebook):
        notebook.cells[2].metadata["tags"] = ["new"]

    def other_package(notebook):
        notebook.cells[1].source = payload.cell_source({"course_utils/__init__.py": b""})

    edit(built, tag)
    (found,) = differences(source, built)
    assert "cell 3" in found
    edit(built, lambda notebook: notebook.cells[2].metadata.pop("tags"))
    edit(built, other_package)
    (found,) = differences(source, built)
    assert found == "01_small.ipynb: the copy of course_utils in cell 2 is old: run `make payload`"


def test_what_needs_no_run_is_renewed_without_one(source, built, monkeypatch):
    def outputs():
        return [cell.get("outputs") for cell in nbformat.read(built, as_version=4).cells]

    before = outputs()
    assert renew(source, built) == "01_small.ipynb: in step"
    edit(built, lambda notebook: notebook.cells[1].update(source=payload.cell_source({"course_utils/x.py": b""})))
    source.write_text(LESSON.replace("Three minutes", "Four minutes"), encoding="utf-8")
    assert len(differences(source, built)) == 2
    monkeypatch.setattr(build_notebooks, "execute", None)
    assert "renewed" in renew(source, built)
    assert differences(source, built) == []
    assert outputs() == before


def test_another_code_is_not_renewed_without_a_run(source, built):
    source.write_text(LESSON.replace("1 + 1", "1 + 2"), encoding="utf-8")
    before = built.read_bytes()
    with pytest.raises(LessonError, match="run `make notebooks`"):
        renew(source, built)
    assert built.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{}", b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5}', b"\xff"])
def test_a_damaged_notebook_is_named(source, tmp_path, content):
    target = tmp_path / "01_small.ipynb"
    target.write_bytes(content)
    (found,) = differences(source, target)
    assert "01_small.ipynb is damaged" in found
    assert "make notebooks" in found
    with pytest.raises(LessonError, match="is damaged"):
        renew(source, target)


def test_a_notebook_of_another_release_is_named(source, built):
    edit(built, lambda notebook: notebook.cells.pop(1))
    (found,) = differences(source, built)
    assert "of another release" in found
    with pytest.raises(LessonError, match="of another release"):
        renew(source, built)


@pytest.mark.slow
@pytest.mark.rehearsal
def test_publishing_writes_badges_and_takes_them_back(tmp_path):
    for name in ("tools", "course_utils", "notebooks", "benchmarks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)

    def publish(name: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "tools.publish", name]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    def written() -> list[bytes]:
        stored = sorted((tmp_path / "notebooks").glob("*.ipynb"))
        return [file.read_bytes() for file in (tmp_path / "pyproject.toml", tmp_path / "README.md", *stored)]

    before = written()
    refused = publish("https://github.com/a/b")
    assert refused.returncode == 1
    assert "owner/name" in refused.stderr
    assert written() == before
    done = publish("someone/some-where")
    assert done.returncode == 0, done.stderr
    assert "commit and push: pyproject.toml README.md notebooks/*.ipynb" in done.stdout
    for content in written()[1:]:
        assert b"/github/someone/some-where/blob/main/notebooks/" in content
    assert publish("").returncode == 0
    assert written() == before
