"""A prediction in JupyterLab: its keys are its own, and a notebook that is not trusted hides the answers as well."""

import nbformat
import pytest

from course_utils.explorers import predict
from tests.browser.lab import Lesson, jupyterlab
from tools.lesson import KERNEL

QUESTION = ("How many?", ["one", "two", "three"], "There are *two*.", 1)
SOURCE = f"from course_utils.explorers import predict\npredict(*{QUESTION})"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Two notebooks in JupyterLab: one to run, and one that came with its output from elsewhere."""
    notebooks = [tmp_path_factory.mktemp("notebooks") / name for name in ("to_run.ipynb", "stored.ipynb")]
    asked = predict(*QUESTION)
    shown = nbformat.v4.new_output("execute_result", {"text/html": asked._repr_html_(), "text/plain": repr(asked)})
    for notebook, outputs in zip(notebooks, ([], [shown]), strict=True):
        cell = nbformat.v4.new_code_cell(SOURCE, outputs=outputs)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": KERNEL}), notebook)
    with jupyterlab(tmp_path_factory.mktemp("jupyterlab"), notebooks) as of:
        yield of


@pytest.fixture
def opened(browser, address):
    """A function that opens one of the notebooks."""
    lessons = []

    def open_it(name):
        lessons.append(Lesson(browser.new_context().new_page(), name))
        lessons[-1].open(address(name))
        return lessons[-1]

    yield open_it
    for lesson in lessons:
        lesson.shut_down()
        lesson.page.context.close()


def answers(page):
    return [answer.is_visible() for answer in page.locator("fieldset.course-predict details > div").all()]


def test_enter_and_space_choose(opened):
    lesson = opened("to_run.ipynb")
    lesson.run_all()
    lesson.page.locator(".course-predict summary").nth(0).focus()
    assert answers(lesson.page) == [False, False, False]
    lesson.page.keyboard.press("Enter")
    assert answers(lesson.page) == [True, False, False]
    lesson.page.keyboard.press("Tab")
    lesson.page.keyboard.press("Space")
    assert answers(lesson.page) == [False, True, False]
    assert lesson.page.evaluate("window.jupyterapp.shell.currentWidget.content.mode") == "command"


def test_a_stored_prediction_that_is_not_trusted_unfolds_as_well(opened):
    page = opened("stored.ipynb").page
    page.locator(".course-predict summary").nth(1).wait_for()
    assert page.locator(".jp-OutputArea style").count() == 0  # what JupyterLab strips where it does not trust
    assert answers(page) == [False, False, False]
    page.locator(".course-predict summary").nth(1).click()
    assert answers(page) == [False, True, False]
