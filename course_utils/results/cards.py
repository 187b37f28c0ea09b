"""The recorded results: one reader for every kind of card, and where they lie."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import TypeAdapter, ValidationError

from course_utils.checked import Count, Share, Text, Whole, checked, in_words
from course_utils.files import write_json
from course_utils.training.run import Hardware, Run

Kind = TypeVar("Kind")


class CardError(ValueError):
    """A file is not a result card, or one of its fields is not what it must be; the message names it."""


@checked
class Seeds:
    """An experiment that was repeated with several seeds: the run of each seed, by the network's name in the table."""

    FORMAT: ClassVar[str] = "course_utils runs with several seeds 2"
    runs: dict[Text, list[Run]]


@checked
class Example:
    """What a keras.io example says it reached on CIFAR-100: shares, `val_accuracy` after each of its epochs."""

    source: Text
    epochs: Count
    batch_size: Count
    test_top1: Share
    test_top5: Share
    val_accuracy: list[Share]


@checked
class Examples:
    """The keras.io examples by paper; "small_data_vit_plain" is the plain ViT beside SPT and LSA."""

    FORMAT: ClassVar[str] = "keras.io examples 1"
    examples: dict[Text, Example]


@checked
class Reported:
    """What a paper reports: test top-1 by the network's name there."""

    FORMAT: ClassVar[str] = "a paper's numbers 1"
    source: Text
    epochs: Count
    test_top1: dict[Text, Share]


@checked
class Speed:
    """Seconds of a training step and of inference, round by round, by side: "plain" Keras, "ours", "course"."""

    FORMAT: ClassVar[str] = "course_utils speed 1"
    paper: Text
    batch: Count
    parameters: dict[Text, Whole]
    training_step: dict[Text, list[float]]
    inference: dict[Text, list[float]]
    peak_memory_mib: dict[Text, float | None]
    versions: dict[Text, Text | None]
    hardware: Hardware


def read(path, kind: type[Kind] = Run) -> Kind:
    """Reads a card.

    Args:
        path: the JSON file.
        kind: what it holds: `Run`, `Seeds`, `Examples`, `Reported` or `Speed`.

    Raises:
        FileNotFoundError: there is no such file.
        CardError: it is not JSON, of another format, or one of its fields is not what it must be.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"there is no result card at {path}")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CardError(f"{path} is not a result card: it is not JSON ({error})") from error
    found = card.pop("format", None) if isinstance(card, dict) else type(card).__name__
    if found != kind.FORMAT:
        raise CardError(f"{path}: format must be {kind.FORMAT!r}, but it is {found!r}")
    try:
        return TypeAdapter(kind).validate_json(json.dumps(card))
    except ValidationError as error:
        raise CardError(in_words(str(path), error)) from None


def write(path, card) -> Path:
    """Writes a card of any kind; an older one there is replaced only once the new one is whole."""
    return write_json(path, card.card() if isinstance(card, Run) else {"format": card.FORMAT, **asdict(card)})


def folder() -> Path:
    """Returns the folder of the recorded cards: in the installed package, or `benchmarks/results` in a checkout."""
    packaged = Path(__file__).resolve().parent / "cards"
    return packaged if packaged.is_dir() else packaged.parents[2] / "benchmarks" / "results"


def recorded(name: str, kind: type[Kind] = Run) -> Kind:
    """Reads the recorded card called `name`, such as "mixer_course_cifar100_short" or "seeds/gate_bias".

    Raises:
        FileNotFoundError: there is no such card; the message lists those there are.
        CardError: the file is not such a card.
    """
    path = folder() / f"{name}.json"
    if not path.is_file():
        known = sorted(found.stem for found in path.parent.glob("*.json"))
        raise FileNotFoundError(f"recorded: there is no result card {name!r}; there are {', '.join(known) or 'none'}")
    return read(path, kind)


def all_runs(part: str = "") -> list[Run]:
    """Reads every finished run that is recorded, sorted by data set, parameters and epochs.

    Args:
        part: a folder beside the usual ones, such as "repeated".
    """
    runs = [read(path) for path in sorted((folder() / part).glob("*.json"))]
    return sorted(
        (run for run in runs if run.test), key=lambda run: (run.dataset.name, run.model.parameters, run.epochs)
    )
