"""The recorded networks: trained on photographs, inside the package, ready offline.

A matrix is kept as whole numbers, one scale for each output: `weight ≈ scale · code`, `code` in −`LEVELS` … `LEVELS`; a
vector in half precision. Huffman coding makes use of there being so few codes. What that costs in accuracy is measured
and stands on the network's card.
"""

import hashlib
import json
import math
import zlib
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, ValidationError

from course_utils.checked import Accuracy, Count, Text, Whole, adapter, checked, in_words
from course_utils.models.network import Classifier, Network, classifier

FOLDER = Path(__file__).resolve().parent / "weights"
LEVELS = 31  # 63 codes

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class WeightsError(ValueError):
    """A file of weights is missing or damaged, was changed, or belongs to another network."""


@checked
class Snapshot:
    """The weights after one epoch of a recorded run: test top-1 as trained, and of what `load_trained` gives."""

    sha256: Sha256
    test_top1: Accuracy
    shipped_top1: Accuracy


@checked
class Choice:
    """What another number of levels would come to: bytes of the kept weights' file, and test top-1 with them."""

    bytes: Count
    test_top1: Accuracy


@checked
class Trained:
    """A recorded network: the run it comes from, and what is shipped of it."""

    FORMAT: ClassVar[str] = "course_utils trained network 1"
    model: Network
    dataset: Text
    class_names: list[Text]  # in the order of its logits
    recipe: Text
    seed: Whole
    kept: Count  # the epoch, from 1, whose weights are the network's; its run chose it on the validation images
    snapshots: dict[str, Snapshot]  # what is shipped, by epoch
    levels: Count  # of the codes that the kept weights are packed in
    tried: dict[str, Choice]  # what was measured to choose them, by number of levels

    def __post_init__(self):
        if len(self.class_names) != self.model.num_classes:
            raise ValueError(f"Trained: class_names must be {self.model.num_classes}, but they are {self.class_names}")
        if str(self.kept) not in self.snapshots:
            raise ValueError(f"Trained: snapshots must hold epoch {self.kept}, but they hold {[*self.snapshots]}")


def trained_names() -> list[str]:
    """Returns the names of the recorded networks, such as "vit_course"."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def trained(name: str) -> Trained:
    """Returns what is known of a recorded network; ValueError if there is none, WeightsError if its card is damaged."""
    if name not in trained_names():
        raise ValueError(f"load_trained: unknown network {name!r}; choose from {', '.join(trained_names()) or 'none'}")
    path = FOLDER / f"{name}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        if card.pop("format") != Trained.FORMAT:
            raise ValueError("it is of another release")
        return adapter(Trained).validate_json(json.dumps(card))
    except ValidationError as error:
        raise WeightsError(in_words(path.name, error)) from None
    except Exception as error:  # whatever a damaged file makes of the code that reads it
        raise WeightsError(f"{path} is damaged ({error}): install the course again") from None


def load_trained(name: str, epoch: int | None = None) -> Classifier:
    """Returns a network that was trained on photographs, with the weights of its recorded run.

    It is as `classifier` builds it, and nothing is downloaded. `trained(name)` tells what it was trained with and what
    it reaches. An `epoch`, one of its `snapshots`, gives the weights after it, None those that the run kept.

    Raises:
        ValueError: there is no such network, or no weights of that epoch.
        WeightsError: the file of weights is missing or damaged, or is not the one that was recorded.
    """
    card = trained(name)
    asked = str(card.kept if epoch is None else epoch)
    if asked not in card.snapshots:
        raise ValueError(f"load_trained: epoch must be one of {', '.join(card.snapshots)} or None, but it is {epoch!r}")
    path = weights_file(name, int(asked))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"the weights {path} cannot be read ({error.strerror}): install the course again") from None
    if hashlib.sha256(data).hexdigest() != card.snapshots[asked].sha256:
        raise WeightsError(f"the weights {path} are not those that were recorded: install the course again")
    model = classifier(card.model.config, card.model.input_shape, card.model.num_classes, seed=None)
    model.set_weights(unpack(data, [tuple(weight.shape) for weight in model.weights]))
    return model


def weights_file(name: str, epoch: int) -> Path:
    """Returns where the weights after an epoch lie."""
    return FOLDER / f"{name}_{epoch}.weights"


def pack(weights: list[np.ndarray], levels: int = LEVELS) -> bytes:
    """Returns a network's weights in few bytes: first the codes of all matrices, then all scales and vectors.

    Of a matrix `(…, in, out)` each output has a scale; `levels`, up to 127, is the largest code.
    """
    codes, halves = [], []
    for weight in weights:
        if weight.ndim > 1:
            largest = np.abs(weight).max(axis=tuple(range(weight.ndim - 1)))
            scale = np.where(largest > 0, largest / levels, 1).astype("float16")
            codes.append(np.rint(weight / scale.astype("float32")).clip(-levels, levels).astype("int8"))
            weight = scale
        halves.append(weight.astype("<f2"))
    coder = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)  # noise repeats nothing
    return coder.compress(b"".join(array.tobytes() for array in codes + halves)) + coder.flush()


def unpack(data: bytes, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """Returns the weights, float32 of the given shapes, that `pack` made bytes of; WeightsError if they are none."""
    sizes = [math.prod(shape) for shape in shapes if len(shape) > 1]
    halves = [shape[-1] for shape in shapes]
    try:
        raw = zlib.decompress(data)
    except zlib.error:
        raise WeightsError("the weights are damaged") from None
    if len(raw) != sum(sizes) + 2 * sum(halves):
        raise WeightsError("the weights are those of another network")
    codes = iter(np.split(np.frombuffer(raw, "int8", sum(sizes)), np.cumsum(sizes)[:-1]))
    vectors = np.split(np.frombuffer(raw, "<f2", offset=sum(sizes)).astype("float32"), np.cumsum(halves)[:-1])
    return [
        next(codes).reshape(shape) * vector if len(shape) > 1 else vector
        for shape, vector in zip(shapes, vectors, strict=True)
    ]
