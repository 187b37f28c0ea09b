"""A question that is answered before one looks: the explanation unfolds under the choice that was made.

It is HTML alone: each choice is a `<details>`, of which the browser keeps one open. So it works without a kernel and
without a script, in a saved notebook, on a page, and where a viewer strips styles; nothing is sent anywhere.
"""

import html
import re
from dataclasses import dataclass
from typing import Annotated
from zlib import crc32

from pydantic import AfterValidator, Field

from course_utils.checked import Whole, arguments

COMPARE = "Keep your choice in mind, run on, and compare."

# Colours are the host's own: so it is light where the page is light, and dark where it is dark.
_STYLE = """<style>
.course-predict { margin: 4px 0; padding: 8px 14px; max-width: 46em; border: 1px solid; border-radius: 8px;
  font: 14px/1.5 system-ui, sans-serif; }
.course-predict legend { float: left; width: 100%; margin: 0 0 4px; padding: 0; border: 0; color: inherit;
  font: inherit; font-weight: 600; }
.course-predict details { clear: both; margin: 2px 0; }
.course-predict summary { padding: 4px 8px; border-radius: 6px; cursor: pointer; list-style: none; }
.course-predict summary::-webkit-details-marker { display: none; }
.course-predict summary::before { content: "○\\a0\\a0" / ""; }
.course-predict [open] > summary::before { content: "●\\a0\\a0" / ""; }
.course-predict [open] > summary { font-weight: 600; }
.course-predict summary:hover { text-decoration: underline; }
.course-predict summary:focus-visible { outline: 3px solid; }
.course-predict details > div { padding: 0 8px 4px 28px; }
.course-predict p { margin: 4px 0; }
</style>"""

_MARKS = re.compile(r"`([^`]+)`|\*\*(?=\S)(.+?)\*\*|\*(?=\S)([^*]+?)\*")


def _words(text: str) -> str:
    if not text.strip():
        raise ValueError("should be words")
    if formula := re.search(r"\$[^$]+\$", text):
        raise ValueError(
            f"should hold no formula ({formula[0]}): Colab and VS Code show it raw; write *W* = 0, √*m*, *z*₁"
        )
    return text


def _different(choices: list[str]) -> list[str]:
    twice = [choice for k, choice in enumerate(choices) if choice in choices[:k]]
    if twice:
        raise ValueError(f"should differ ({twice[0]!r} is there twice)")
    return choices


Words = Annotated[str, AfterValidator(_words)]
Choices = Annotated[list[Words], Field(min_length=2), AfterValidator(_different)]


def _marked(text: str) -> str:
    """Text as HTML: escaped, with `code`, **strong** and *emphasis*."""

    def mark(found) -> str:
        tag = zip(("code", "strong", "em"), found.groups(), strict=True)
        return next(f"<{name}>{inside}</{name}>" for name, inside in tag if inside)

    return _MARKS.sub(mark, html.escape(text))


@dataclass(frozen=True)
class Prediction:
    """What `predict` shows."""

    question: str
    choices: list[str]
    answer: str
    right: int | None

    def _unfolded(self, k: int) -> str:
        verdict = ""
        if self.right is not None:
            verdict = "**Right.** " if k == self.right else f"**Not quite:** {self.choices[self.right]}.\n\n"
        return "".join(f"<p>{_marked(part)}</p>" for part in re.split(r"\n\s*\n", verdict + self.answer))

    def _repr_html_(self) -> str:
        group = f"predict-{crc32(repr(self).encode()):08x}"  # the same at each run: an output that never changes
        choices = "".join(
            f'<details name="{group}"><summary>{_marked(choice)}</summary><div>{self._unfolded(k)}</div></details>'
            for k, choice in enumerate(self.choices)
        )
        legend = f"<legend>Predict first: {_marked(self.question)}</legend>"
        # The attribute keeps JupyterLab from taking Enter and Space as commands of its own.
        return (
            f'{_STYLE}<fieldset class="course-predict" data-lm-suppress-shortcuts="true">{legend}{choices}</fieldset>'
        )

    def __repr__(self):
        return f"Predict first: {self.question} ({' / '.join(self.choices)})"


@arguments
def predict(question: Words, choices: Choices, answer: Words = COMPARE, right: Whole | None = None) -> Prediction:
    """Asks a question; the answer unfolds once a choice is made. Nothing is graded, and nothing leaves the page.

    Args:
        question: words; as in all of them, `code`, *emphasis* and **strong** may be in it.
        choices: at least two, all different.
        answer: what unfolds; a blank line begins a new paragraph. Without it: run on and compare.
        right: index of the right choice, if there is one: then the answer begins with "Right" or with that choice.

    Raises:
        ValueError: no words, a formula between $ (not every notebook sets it in an output), fewer than two choices, one
            choice twice, or no choice of the index `right`.
    """
    if right is not None and not 0 <= right < len(choices):
        raise ValueError(f"predict: right should be an index from 0 to {len(choices) - 1}, or None, but it is {right}")
    return Prediction(question, choices, answer, right)
