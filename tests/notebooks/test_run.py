"""Each lesson run from top to bottom: within a minute on the embedded data, and on real data where there is some."""

import os

import pytest

from tools.build_notebooks import clean_environment, complaints, execute
from tools.lesson import NOTEBOOKS, read_lesson, sources

# The promise is for two cores of today. A slower machine may say so: COURSE_LESSON_SECONDS=180 make test.
MOST_SECONDS = float(os.environ.get("COURSE_LESSON_SECONDS", "60"))

pytestmark = pytest.mark.parametrize("source", sources(), ids=lambda source: source.stem)


@pytest.mark.slow
@pytest.mark.real_data
def test_the_lesson_runs_on_real_data(source, tmp_path, measured):
    lesson = read_lesson(source)
    environment = clean_environment(tmp_path, COURSE_DATA=os.environ["COURSE_DATA"])
    seconds = execute(lesson, NOTEBOOKS, environment, seconds=600)
    assert complaints(lesson) == []
    text = "".join(str(output) for cell in lesson.cells for output in cell.get("outputs", []))
    assert "cifar100" in text, "the lesson does not say that it trained on CIFAR-100"
    measured(f"{source.stem} on CIFAR-100: {seconds:.1f} s (other tests run beside it)")


@pytest.mark.slow
@pytest.mark.timing
def test_the_quick_lesson_takes_a_minute_at_most(source, tmp_path, measured):
    taken = []
    while len(taken) < 2 and min(taken, default=MOST_SECONDS + 1) > MOST_SECONDS:
        lesson = read_lesson(source)  # other work on the machine can only slow a run down: a slow one gets a second try
        taken.append(execute(lesson, NOTEBOOKS, clean_environment(tmp_path)))
    each = ", ".join(f"{seconds:.1f} s" for seconds in taken)
    measured(f"{source.stem}, top to bottom, profile quick: {each} on {os.cpu_count()} cores")
    assert complaints(lesson) == []
    assert min(taken) <= MOST_SECONDS
