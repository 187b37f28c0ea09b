"""A prediction: what it holds, what it refuses, and in a browser that nothing is seen before a choice is made."""

import re

import pytest

from course_utils.explorers import predict

QUESTION = "What happens to *n*, the number of tokens?"
CHOICES = ["it doubles", "it halves", "it falls to a quarter"]
ANSWER = "Twice the side is *four* times the area: `n = (h/p) * (w/p)`.\n\nTheir product stays."


def asked(**changes):
    return predict(**{"question": QUESTION, "choices": CHOICES, "answer": ANSWER, "right": 2, **changes})


# ---- what it holds ----------------------------------------------------------------------------------------------


def test_each_choice_unfolds_into_its_verdict_and_the_answer():
    text = asked()._repr_html_()
    first, second, third = re.findall(r"<details.*?</details>", text, re.DOTALL)
    assert "<strong>Right.</strong> Twice the side is <em>four</em> times" in third
    for wrong in (first, second):
        assert "<p><strong>Not quite:</strong> it falls to a quarter.</p><p>Twice the side" in wrong
    for choice, shown in zip(CHOICES, (first, second, third), strict=True):
        assert f"<summary>{choice}</summary>" in shown
        assert "<code>n = (h/p) * (w/p)</code>.</p><p>Their product stays.</p>" in shown
    assert "<legend>Predict first: What happens to <em>n</em>, the number of tokens?</legend>" in text
    assert " open" not in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL)


def test_without_a_right_choice_there_is_no_verdict_and_without_an_answer_one_compares():
    text = asked(right=None)._repr_html_()
    assert "Right." not in text
    assert "Not quite" not in text
    assert predict(QUESTION, CHOICES)._repr_html_().count("<p>Keep your choice in mind, run on, and compare.</p>") == 3


def test_text_from_data_is_escaped():
    evil = "<script>alert(1)</script> & <b>"
    text = predict(evil, [evil, "no"], evil)._repr_html_()
    assert "<script>" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;") == 4  # question, choice, answer twice


@pytest.mark.parametrize("text", ["2 * 3 * 4", "a * b", "$5"])
def test_what_is_no_mark_stays(text):
    assert f"<p>{text}</p>" in asked(answer=text, right=None)._repr_html_()


@pytest.mark.parametrize("words", [("Is $W = 0$?",), ("Which?", ["$a$", "$b$"]), ("Which?", ["a", "b"], "It is $b$.")])
def test_a_formula_that_some_notebooks_would_show_raw_is_refused(words):
    with pytest.raises(
        ValueError, match=r"should hold no formula \(\$.+\$\): Colab and VS Code show it raw; write \*W\*"
    ):
        predict(*(words if len(words) > 1 else (*words, CHOICES)))


def test_the_output_is_the_same_at_each_run_and_another_question_is_another_group():
    assert asked()._repr_html_() == asked()._repr_html_()
    assert repr(asked()) == f"Predict first: {QUESTION} (it doubles / it halves / it falls to a quarter)"
    groups = [re.findall('details name="(.*?)"', text._repr_html_()) for text in (asked(), asked(question="Why?"))]
    assert [len(set(group)) for group in groups] == [1, 1]
    assert groups[0] != groups[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": " "}, "predict: question should be words, but it is ' '"),
        ({"question": 3}, "predict: question should be a valid string, but it is 3"),
        ({"choices": []}, "predict: choices should have at least 2 items"),
        ({"choices": ["a"]}, "predict: choices should have at least 2 items"),
        ({"choices": ["a", "b", "a"]}, r"predict: choices should differ \('a' is there twice\), but it is a list"),
        ({"choices": ["a", ""]}, "predict: choices.1 should be words, but it is ''"),
        ({"choices": ["a", 7]}, "predict: choices.1 should be a valid string, but it is 7"),
        ({"choices": "ab"}, "predict: choices should be a valid list, but it is 'ab'"),
        ({"answer": None}, "predict: answer should be a valid string, but it is None"),
        ({"right": 3}, "predict: right should be an index from 0 to 2, or None, but it is 3"),
        ({"right": -1}, "predict: right should be an index from 0 to 2, or None, but it is -1"),
        ({"right": "it halves"}, "predict: right should be a valid integer, but it is 'it halves'"),
    ],
)
def test_what_is_wrong_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        asked(**changes)


# ---- in a browser -----------------------------------------------------------------------------------------------


@pytest.fixture
def shown(browser):
    """A function that opens pages of predictions."""
    contexts = []

    def opened(*predictions, style=True, **context):
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        text = "".join(prediction._repr_html_() for prediction in predictions)
        text = text if style else re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
        page.set_content(f"<!doctype html><html lang=en><title>A lesson</title><main>{text}</main></html>")
        return page

    yield opened
    for context in contexts:
        context.close()


def answers(page):
    return page.locator(".course-predict details > div")


def visible(page):
    return [answer.is_visible() for answer in answers(page).all()]


@pytest.mark.browser
@pytest.mark.parametrize("how", [{}, {"style": False}, {"java_script_enabled": False}], ids=str)
def test_a_click_unfolds_the_answer_under_the_choice_and_another_click_changes_it(shown, how):
    page = shown(asked(), **how)
    assert visible(page) == [False, False, False]
    page.get_by_text("it halves", exact=True).click()
    assert visible(page) == [False, True, False]
    assert "Not quite: it falls to a quarter" in answers(page).nth(1).inner_text()
    page.locator("summary").nth(2).click()
    assert visible(page) == [False, False, True]
    assert "Their product stays." in answers(page).nth(2).inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_it_answers_to_the_keyboard(shown, key):
    page = shown(asked())
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    focused = "document.activeElement.textContent"
    assert page.evaluate(focused) == "it halves"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press(key)
    assert visible(page) == [False, True, False]


@pytest.mark.browser
def test_two_predictions_do_not_close_each_other(shown):
    page = shown(asked(), asked(question="And the length of one?"))
    page.locator("summary").nth(0).click()
    page.locator("summary").nth(4).click()
    assert visible(page) == [True, False, False, False, True, False]


@pytest.mark.browser
def test_a_screen_reader_finds_a_named_group_and_what_is_open(shown):
    page = shown(asked())
    group = page.get_by_role("group", name="Predict first: What happens to n, the number of tokens?")
    assert group.count() == 1
    page.locator("summary").nth(1).click()
    tree = group.aria_snapshot()
    assert "it doubles" in tree
    assert "Their product stays." in tree
    assert tree.count("Their product stays.") == 1
    assert "○" not in tree
    assert "●" not in tree
