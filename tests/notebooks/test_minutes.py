"""How long a lesson takes is computed from what a student does in it."""

import json

import nbformat
import pytest

from tools import minutes
from tools.lesson import read_lesson

LESSON = """# %% [markdown]
# # 01 · A small lesson
#
# **9 minutes to show, 9 as a lab.** Six words are read here.

# %% [markdown]
# ## See it · 1 minute
#
# Two words [link](https://example.org/not-read), $a + b$.

# %% [markdown] tags=["teacher"]
# Not for the student.

# %%
predict("Which?", ["a", "b"], answer="b", right=1)

# %%
show.source(Patches)
explore_patches()

# %% [markdown]
# ## Your turn · lab · 12 minutes

# %% exercise="one"
### BEGIN SOLUTION
x = 1
### END SOLUTION
exercises.check_one(x)
"""


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "01_small.py"
    path.write_text(LESSON, encoding="utf-8")
    (tmp_path / "seconds.json").write_text(json.dumps({"01_small": {"See it": 30}}), encoding="utf-8")
    return path


def test_words_are_what_a_student_reads(source):
    cells = minutes.sections(read_lesson(source))
    assert minutes.words(cells["See it"]) == 2 + 1 + 1 + 2 + 2  # the heading, "1 minute", the line, a formula is a word
    assert minutes.words(cells["Your turn"]) == 5  # and no solution


def test_minutes_are_reading_running_and_doing(source):
    taken = minutes.minutes(source)
    assert taken["See it"] == pytest.approx(8 / 200 + 30 / 60 + 2 / 30 + 2.0 + 0.5 + 1.5)
    assert taken["Your turn"] == pytest.approx(5 / 200 + 2 / 30 + 6.0)


def test_they_are_written_where_they_are_off_by_more_than_one(source):
    assert minutes.write(source)
    text = source.read_text(encoding="utf-8")
    assert "# ## See it · 5 minutes\n" in text
    assert "# ## Your turn · lab · 6 minutes\n" in text
    assert "**5 minutes to show, 11 as a lab.**" in text
    assert minutes.promised(text) == ({"See it": 5, "Your turn": 6}, 5, 11)
    assert not minutes.write(source)


def test_a_build_keeps_how_long_each_section_ran(source):
    notebook = read_lesson(source)
    cell = next(cell for cell in notebook.cells if "explore" in cell.source)
    cell.metadata["execution"] = {
        "iopub.status.busy": "2026-01-01T00:00:00Z",
        "iopub.status.idle": "2026-01-01T00:01:01Z",
    }
    minutes.record(source, nbformat.from_dict(notebook))
    known = json.loads((source.parent / "seconds.json").read_text(encoding="utf-8"))
    assert known == {"01_small": {"": 0, "See it": 65, "Your turn": 0}}
