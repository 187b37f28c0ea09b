"""What every stored lesson must have, and what it must not."""

import re
from pathlib import Path

import nbformat
import pytest

from course_utils.papers import PAPERS
from tools import minutes, payload
from tools.build_notebooks import MOST_BYTES, WIDGET_VIEW, complaints
from tools.lesson import CHECK, GAP, NOTEBOOKS, differences, read_exercises, sources, tags
from tools.settings import read_repository

LESSONS = [NOTEBOOKS / f"{source.stem}.ipynb" for source in sources()]
SKELETON = ("see it", "build it", "train it", "look inside", "take it apart", "your turn", "what the paper")

pytestmark = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)


def read(lesson: Path) -> nbformat.NotebookNode:
    """Returns a stored lesson."""
    return nbformat.read(lesson, as_version=4)


def code_cells(lesson: Path) -> list[nbformat.NotebookNode]:
    """Returns the lesson's code cells."""
    return [cell for cell in read(lesson).cells if cell.cell_type == "code"]


def prose(lesson: Path) -> str:
    """Returns the lesson's Markdown."""
    return "\n".join(cell.source for cell in read(lesson).cells if cell.cell_type == "markdown")


def headings(lesson: Path) -> list[str]:
    """Returns the lesson's section headings."""
    return re.findall(r"^## (.+)$", prose(lesson), flags=re.MULTILINE)


def test_in_step_with_its_source(lesson):
    source = NOTEBOOKS / "source" / f"{lesson.stem}.py"
    assert differences(source, lesson, read_repository()) == []


def test_papers_and_keras_io_examples_are_linked_where_they_are_first_named(lesson):
    papers = [paper for paper in PAPERS.values() if lesson.stem in (paper.lesson, "06_side_by_side")]
    text = prose(lesson)
    assert [paper.key for paper in papers if paper.arxiv and f"https://arxiv.org/abs/{paper.arxiv}" not in text] == []
    assert [paper.key for paper in papers if paper.keras_io and paper.keras_io_page not in text] == []
    named = text.index("keras.io example")
    assert 0 < text.index("https://keras.io/examples/") - named < 80, text[named : named + 80]


def test_a_layer_is_shown_whole(lesson):
    shown = [output.get("data", {}).get("text/markdown", "") for cell in code_cells(lesson) for output in cell.outputs]
    assert any(re.match(r"```python\nclass \w+\(", text) for text in shown)


def test_every_section_is_there(lesson):
    found = headings(lesson)
    places = [next((k for k, line in enumerate(found) if part in line.lower()), None) for part in SKELETON]
    assert None not in places, dict(zip(SKELETON, places, strict=True))
    assert places == sorted(places), "the sections come in the same order in every lesson"


def test_its_minutes_are_those_that_it_takes(lesson):
    source = NOTEBOOKS / "source" / f"{lesson.stem}.py"
    told, shown, lab = minutes.promised(source.read_text(encoding="utf-8"))
    taken = minutes.minutes(source)
    assert list(told) == [name for name in taken if name], "a heading is `## Name · 5 minutes`"
    off = {name: (told[name], taken[name]) for name in told if abs(told[name] - taken[name]) > 1}
    assert off == {}, "run `python -m tools.minutes`"
    assert minutes.TITLE.search(read(lesson).cells[0].source).groups() == (str(shown), str(lab))
    assert shown <= minutes.SHOWN
    assert lab <= minutes.LAB


def test_it_is_read_in_ten_minutes(lesson):
    assert minutes.words(read(lesson).cells) <= 2000


def test_the_first_code_cell_carries_the_package_and_is_folded(lesson):
    first, *others = code_cells(lesson)
    assert payload.carries(first.source)
    assert first.metadata.cellView == "form"
    assert first.metadata.jupyter.source_hidden
    assert first.outputs == []
    assert not [cell for cell in others if payload.carries(cell.source)]


def test_a_prediction_does_not_show_its_answer(lesson):
    cells = [cell for cell in code_cells(lesson) if "\npredict(" in f"\n{cell.source}"]
    assert len(cells) >= 6
    for cell in cells:
        assert cell.source.startswith("# @title Predict first\npredict(")
        assert cell.metadata["cellView"] == "form"
        assert cell.metadata["jupyter"] == {"source_hidden": True}
        assert "remove-input" in tags(cell)
        assert "<details" in cell.outputs[0].data["text/html"]


def test_an_exercise_has_a_check_and_a_solution_that_unfolds(lesson):
    cells = read(lesson).cells
    places = [k for k, cell in enumerate(cells) if "exercise" in tags(cell)]
    assert len(places) >= 4
    for place in places:
        student, solution = cells[place], cells[place + 1]
        exercise = read_exercises()[student.metadata.exercise]
        assert GAP in student.source
        assert len(CHECK.findall(student.source)) == 1
        assert solution.cell_type == "markdown"
        assert solution.source == exercise.solution()


def test_no_cell_that_runs_defines_what_a_student_writes(lesson):
    code = code_cells(lesson)
    written = [
        name for cell in code if "exercise" in tags(cell) for name in re.findall(r"^def (\w+)", cell.source, re.M)
    ]
    assert len(written) >= 4
    for name in written:
        assert sum(bool(re.search(rf"^(def {name}\(|{name} =)", cell.source, re.M)) for cell in code) == 1, name


def test_an_exercise_that_is_not_answered_says_so(lesson):
    for cell in code_cells(lesson):
        if "exercise" in tags(cell):
            said = "".join(output.text for output in cell.outputs)
            assert len(said.splitlines()) == 1, cell.source
            assert "✓" not in said, cell.source


def test_outputs_that_are_compared_exist(lesson):
    compared = [cell for cell in code_cells(lesson) if "nbval-check-output" in tags(cell)]
    assert compared, "tag small deterministic cells with nbval-check-output"
    for cell in compared:
        assert cell.execution_count, cell.source
        assert cell.outputs, f"a cell without output compares nothing:\n{cell.source}"


def test_every_cell_was_run_in_order(lesson):
    counts = [cell.execution_count for cell in code_cells(lesson) if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))


def test_nothing_is_stored_that_lives_only_with_a_kernel(lesson):
    notebook = read(lesson)
    assert "widgets" not in notebook.metadata
    text = lesson.read_text(encoding="utf-8")
    assert WIDGET_VIEW not in text
    assert "iopub.status" not in text
    assert lesson.stat().st_size < MOST_BYTES


def test_nothing_complains(lesson):
    assert complaints(read(lesson)) == []


def test_no_design_that_leaks_or_lags(lesson):
    forbidden = r"\binteract(ive|_manual|ive_output)?\(|\bOutput\(|raises-exception|^\s*!|verbose=1"
    for cell in code_cells(lesson):
        assert not re.search(forbidden, cell.source, flags=re.MULTILINE), cell.source
        assert "raises-exception" not in tags(cell)


def test_links_and_paths_are_nobodys_own(lesson):
    text = lesson.read_text(encoding="utf-8")
    assert not re.search(r"(/home/|/Users/|C:\\\\|/tmp/)", text)
