"""The recorded results: one reader for every kind of card, and where they lie."""

import json
import warnings
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, ValidationError

from course_utils.checked import Accuracy, Count, Name, Number, Text, Whole, adapter, arguments, checked, in_words
from course_utils.files import user_path, write_json
from course_utils.training.run import Hardware, Run, as_card

Rounds = Annotated[list[Annotated[Number, Field(gt=0)]], Field(min_length=1)]

MOST_BYTES = 10_000_000
"""Of a card: the largest have a tenth of a megabyte. More takes long to read, and much memory."""
CURVES = ("loss", "accuracy", "val_accuracy", "seconds", "cpu_seconds")
"""What the history of a finished run holds for each epoch: the tables are made from them."""


class CardError(ValueError):
    """A file is not a result card, or one of its fields is not what it must be; the message names it."""


@checked
class Seeds:
    """An experiment that was repeated with several seeds: the run of each seed, by the network's name in the table."""

    FORMAT: ClassVar[str] = "course_utils runs with several seeds 2"
    runs: dict[Name, list[Run]]


@checked
class Example:
    """What a keras.io example says it reached on CIFAR-100, `val_accuracy` after each of its epochs."""

    source: Text
    epochs: Count
    batch_size: Count
    test_top1: Accuracy
    test_top5: Accuracy
    val_accuracy: Annotated[list[Accuracy], Field(min_length=1)]


@checked
class Examples:
    """The keras.io examples by paper; "small_data_vit_plain" is the plain ViT beside SPT and LSA."""

    FORMAT: ClassVar[str] = "keras.io examples 1"
    examples: dict[Name, Example]


@checked
class Reported:
    """What a paper reports: test top-1 by the network's name there."""

    FORMAT: ClassVar[str] = "a paper's numbers 1"
    source: Text
    epochs: Count
    test_top1: dict[Name, Accuracy]


@checked
class Speed:
    """Seconds of a training step and of inference, round by round, by side; `benchmarks.speed` names the sides."""

    FORMAT: ClassVar[str] = "course_utils speed 1"
    paper: Text
    batch: Count
    parameters: dict[Text, Whole]
    training_step: dict[Text, Rounds]
    inference: dict[Text, Rounds]
    peak_memory_mib: dict[Text, Number | None]
    versions: dict[Text, Text | None]
    hardware: Hardware

    def __post_init__(self):
        for timed in (self.training_step, self.inference):
            if len({len(seconds) for seconds in timed.values()}) > 1:
                raise ValueError("Speed: every side must have as many rounds")


@checked
class SideBySide:
    """A keras.io example's network and ours, trained in turn in one process; `benchmarks.side_by_side` tells how.

    CPU seconds are those of training and validation, one number for each epoch, ours in the history of the run.
    """

    FORMAT: ClassVar[str] = "course_utils side by side 1"
    paper: Text
    ours: Run
    plain_cpu_seconds: Rounds
    plain_val_accuracy: Annotated[list[Accuracy], Field(min_length=1)]

    def __post_init__(self):
        if len(self.plain_cpu_seconds) != len(self.plain_val_accuracy):
            raise ValueError("SideBySide: plain_cpu_seconds must have as many numbers as plain_val_accuracy")


def _kind(kind: Any) -> Any:
    if not hasattr(kind, "FORMAT"):
        raise ValueError("should be a kind of card, such as Run")
    return kind


Kind = Annotated[Any, AfterValidator(_kind)]


@arguments
def read(path, kind: Kind = Run) -> Any:
    """Reads a card, a JSON file, as its kind: `Run`, `Seeds`, `Examples`, `Reported`, `Speed`, `SideBySide` or another.

    FileNotFoundError if it is not there, CardError if it is too large, not JSON, or no such card.
    """
    path = user_path(path, "read: path")
    if not path.is_file():
        raise FileNotFoundError(f"there is no result card at {path}")
    if path.stat().st_size > MOST_BYTES:
        raise CardError(f"{path} is no result card: it has more than {MOST_BYTES / 1e6:.0f} MB")
    try:
        card = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors put a mark before the text
        said = card.pop("format", None) if isinstance(card, dict) else type(card).__name__
        text = json.dumps(card, ensure_ascii=False).encode()  # half a character is no text
    except (ValueError, RecursionError) as error:
        raise CardError(f"{path} is not a result card: it is not JSON ({error})") from error
    if said != kind.FORMAT:
        raise CardError(f"{path}: format must be {kind.FORMAT!r}, but it is {said!r:.100}")
    try:
        found = adapter(kind).validate_json(text)  # JSON: there a list is a tuple, too
    except ValidationError as error:
        raise CardError(in_words(str(path), error)) from None
    runs = [found] if kind is Run else [run for some in found.runs.values() for run in some] if kind is Seeds else []
    runs += [found.ours] if kind is SideBySide else []
    for run in runs:
        if run.dry_run:
            raise CardError(f"{path}: dry_run should be False: the figures of a dry run are no results")
        for name in CURVES if run.test else ():
            if any(value is None or value < 0 for value in run.history.get(name) or [None]):
                raise CardError(
                    f"{path}: history.{name} should be a number for each epoch of a finished run, 0 or more"
                )
    return found


def write(path, card) -> Path:
    """Writes a card of any kind; an older one there is replaced only once the new one is whole."""
    return write_json(path, as_card(card))


def folder() -> Path:
    """Returns the folder of the recorded cards: in the installed package, or `benchmarks/results` in a checkout."""
    packaged = Path(__file__).resolve().parent / "cards"
    return packaged if packaged.is_dir() else packaged.parents[2] / "benchmarks" / "results"


@arguments
def recorded(name: Text, kind: Kind = Run) -> Any:
    """Reads the recorded card called `name`, such as "seeds/gate_bias", as `read` does."""
    path = folder() / f"{name}.json"
    if not path.is_file():
        known = sorted(found.stem for found in path.parent.glob("*.json"))
        raise FileNotFoundError(f"recorded: there is no result card {name!r}; there are {', '.join(known) or 'none'}")
    return read(path, kind)


@arguments
def every(pattern: Text = "*", kind: Kind = Run, inside: Path | None = None) -> dict[Path, Any]:
    """Reads all cards of one kind inside a folder, that of the recorded ones if not given; "*" are the runs.

    A card that cannot be read is named in a warning and left out. ValueError if the pattern, such as "speed/*", leads
    out of the folder.
    """
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise ValueError(f"every: pattern must be of files inside the folder, such as 'speed/*', but it is {pattern!r}")
    found = {}
    for path in sorted((inside or folder()).glob(f"{pattern}.json")):
        try:
            found[path] = read(path, kind)
        except CardError as error:
            warnings.warn(f"{error}. This card is left out", stacklevel=2)
    return found


def all_runs(pattern: str = "*") -> list[Run]:
    """Returns the recorded runs that came to their end, sorted by data set, parameters and epochs."""
    runs = [run for run in every(pattern).values() if run.test]
    return sorted(runs, key=lambda run: (run.dataset.name, run.model.parameters, run.epochs))
