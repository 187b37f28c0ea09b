"""What the lessons claim about training: the sentence is there, and the numbers of five seeds agree with it."""

import re

import pytest

from benchmarks.claims import CLAIMS, SEEDS, Measured
from benchmarks.claims.__main__ import main
from course_utils.results.cards import read
from tools.lesson import SOURCES, sources

pytestmark = pytest.mark.one_backend
TAG = re.compile(r" <!-- claim: (\w+) -->")


def text_of(lesson: str) -> str:
    """Returns a lesson's text in one line."""
    return " ".join((SOURCES / f"{lesson}.py").read_text(encoding="utf-8").replace("\n# ", " ").split())


@pytest.mark.parametrize("name", CLAIMS)
def test_the_sentence_stands_in_the_lesson(name):
    claim = CLAIMS[name]
    assert f"{claim.sentence} <!-- claim: {name} -->" in text_of(claim.lesson)
    assert read(claim.card, Measured).sentence == claim.sentence, "measured for another sentence: look at it again"


def test_every_sentence_that_says_so_is_a_claim():
    named = {name for source in sources() for name in TAG.findall(text_of(source.stem))}
    assert named == set(CLAIMS)


@pytest.mark.parametrize("name", CLAIMS)
def test_it_holds_with_every_seed(name):
    found = read(CLAIMS[name].card, Measured).seeds
    assert list(found) == [str(seed) for seed in range(SEEDS)]
    assert {seed: numbers for seed, numbers in found.items() if not CLAIMS[name].holds(numbers)} == {}


def test_an_unknown_claim_is_named(capsys):
    with pytest.raises(SystemExit):
        main(["no_such_claim"])
    assert "no claim no_such_claim; there are: " in capsys.readouterr().err
