"""Each lesson from top to bottom, as a student's first run: what it says, how long it takes, what it learns."""

import json
import os
import re

import nbformat
import pytest

from course_utils.papers import PAPERS
from tools.build_notebooks import clean, clean_environment, complaints, execute
from tools.lesson import NOTEBOOKS, sources, tags

# Seconds for a lesson, profile quick, on two cores of today. A slower machine may say so for all of them:
# COURSE_LESSON_SECONDS=180 make test.
MOST_SECONDS = {"01_mlp_mixer": 60, "06_side_by_side": 150}
OTHERS = 90
# How much more CPU time a lesson takes while another one works, too: 4 to 7 % were measured with lesson 03.
BESIDE_OTHERS = 1.07
# Asked of the lesson's own kernel, in a cell behind its last one.
WITNESS = """
import json, time
learned = {run.model.config.mixing: run.test.top1 for run in runs.values()} if "06" in LESSON else {}
print(json.dumps({"busy": time.process_time(), "learned": learned}))
"""
# Test accuracies on the puzzle. FNet has no weights between its tokens and learns last. Without mixing it is chance,
# and so it is for the convolution so far: the lesson shows a longer run.
LEAST = {"fnet": 0.8}
AT_CHANCE, CHANCE, NEAR_CHANCE = ("conv", "no_mixing"), 1 / 16, 0.03


def said(cell) -> list[tuple[str, str]]:
    """Returns a cell's outputs without images, and without what differs from run to run: where an object lies."""
    parts = []
    for output in cell.outputs:
        texts = output.get("data") or {output.get("name"): output.get("text")}
        parts += [(kind, text) for kind, text in texts.items() if not kind.startswith(("image/", "application/"))]
    return [(kind, re.sub(r"0x[0-9a-f]{6,16}", "ADDRESS", "".join(text))) for kind, text in parts]


@pytest.mark.slow
@pytest.mark.parametrize("lesson", [source.stem for source in sources()])
def test_a_lesson_runs_says_the_same_again_and_is_fast_enough(lesson, tmp_path, measured):
    stored = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)
    ran = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)
    ran.cells.append(nbformat.v4.new_code_cell(f"LESSON = {lesson!r}\n{WITNESS}"))
    wall = execute(ran, NOTEBOOKS, clean_environment(tmp_path))  # without COURSE_DATA: the times are for the puzzle
    clean(ran)
    assert complaints(ran) == []
    for old, new in zip(stored.cells, ran.cells, strict=False):
        if "nbval-check-output" in tags(old):
            assert said(new) == said(old), f"{old.source}\nsays something else than the stored lesson: `make notebooks`"

    witness = json.loads(ran.cells[-1].outputs[-1].text)
    busy = witness["busy"]
    took = f"{lesson}, top to bottom, profile quick: {wall:.1f} s beside other tests, {busy:.1f} s of CPU time"
    measured(took)
    most = float(os.environ.get("COURSE_LESSON_SECONDS") or MOST_SECONDS.get(lesson, OTHERS))
    assert min(wall, busy) <= most * BESIDE_OTHERS, f"{took}. It may take {most:.0f} s on its own"

    learned = witness["learned"]
    if learned:
        measured(f"{lesson}, test accuracy: " + ", ".join(f"{key} {100 * top1:.1f} %" for key, top1 in learned.items()))
        assert set(learned) == set(PAPERS)
        assert [key for key in AT_CHANCE if abs(learned.pop(key) - CHANCE) > NEAR_CHANCE] == []
        assert [key for key, top1 in learned.items() if top1 < LEAST.get(key, 0.9)] == []


def test_what_a_cell_says_is_compared_without_images_and_addresses():
    cell = nbformat.v4.new_code_cell("x")
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="a\n"),
        nbformat.v4.new_output("display_data", data={"image/png": "iVBORw0KGgo=", "text/plain": "<X at 0x7f0012>"}),
    ]
    assert said(cell) == [("stdout", "a\n"), ("text/plain", "<X at ADDRESS>")]
