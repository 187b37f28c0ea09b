"""What the lessons claim about training, each claim measured on five seeds: `python -m benchmarks.claims`.

A claim is a function of a seed that trains what the lesson trains, in profile `quick`, and returns numbers. Its
sentence is in the lesson, with its name behind it: `… so it is. <!-- claim: name -->`. The numbers of all seeds are its
card in `benchmarks/results/claims`. The tests ask whether they agree with the sentence, and whether it is still there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from course_utils.checked import Name, Number, Text, checked
from course_utils.results.cards import folder

SEEDS = 5


@checked
class Measured:
    """The numbers of a claim, by seed and by name, and the versions they were measured with."""

    FORMAT: ClassVar[str] = "course_utils claim on several seeds 1"
    lesson: Name
    sentence: Name
    seeds: dict[Name, dict[Name, Number]]
    versions: dict[Text, Text | None]


@dataclass(frozen=True)
class Claim:
    """A sentence of a lesson about training.

    Attributes:
        name: how the lesson and the card call it.
        lesson: such as "01_mlp_mixer".
        sentence: as it stands in the lesson, right before the name; at most 200 characters.
        measure: trains with a seed and returns numbers by name.
        holds: says whether the numbers of one seed agree with the sentence.
    """

    name: str
    lesson: str
    sentence: str
    measure: Callable[[int], dict[str, float]]
    holds: Callable[[Mapping[str, float]], bool]

    @property
    def card(self):
        """Returns the path of its card."""
        return folder() / "claims" / f"{self.name}.json"


CLAIMS: dict[str, Claim] = {}


def claim(lesson: str, sentence: str, holds: Callable[[Mapping[str, float]], bool]):
    """Makes the function below it a claim, which has the function's name."""

    def keep(measure):
        CLAIMS[measure.__name__] = Claim(measure.__name__, lesson, sentence, measure, holds)
        return measure

    return keep


from benchmarks.claims import mixers, pretrained, transformers  # noqa: E402, F401
