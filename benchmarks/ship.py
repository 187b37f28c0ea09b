"""Puts a recorded network into the package: `python -m benchmarks.ship NAME CARD WEIGHTS …`.

CARD is the result card of a run on CIFAR-100, in `benchmarks/results`; WEIGHTS are the files that `benchmarks.accuracy
--weights` left: the network's weights after some of its epochs, in full precision. They are packed, put into
`course_utils/models/weights`, and measured as they are shipped.
"""

import argparse
import hashlib
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from course_utils.data import load_dataset
from course_utils.files import write_json, write_whole
from course_utils.models import classifier
from course_utils.models.pretrained import FOLDER, LEVELS, Choice, Snapshot, Trained, pack, unpack, weights_file
from course_utils.results.cards import read
from course_utils.training import evaluate

TRIED = (127, 31, 15)
"""Numbers of levels that are measured, to choose `LEVELS`."""


def ship(name: str, card: Path, weights: list[Path], levels: int = LEVELS) -> Trained:
    """Writes a network's weights and what is known of them into the package, under a name.

    The weights that the run kept have so many levels; those of other epochs have `LEVELS`.
    """
    run = read(card)
    dataset = load_dataset(run.dataset.name)
    model = classifier(run.model.config, run.model.input_shape, run.model.num_classes)
    shapes = [tuple(weight.shape) for weight in model.weights]
    arrays = {}
    for path in weights:
        with np.load(path, allow_pickle=False) as file:
            arrays[int(path.stem.rpartition("_")[2])] = [file[f"arr_{i}"] for i in range(len(shapes))]

    def top1(values) -> float:
        model.set_weights(values)
        return evaluate(model, dataset.x_test, dataset.y_test)["top1"]

    snapshots = {}
    for epoch, values in sorted(arrays.items()):
        packed = pack(values, levels if epoch == run.best_epoch else LEVELS)
        write_whole(weights_file(name, epoch), packed, "the weights")
        snapshots[str(epoch)] = Snapshot(
            sha256=hashlib.sha256(packed).hexdigest(), test_top1=top1(values), shipped_top1=top1(unpack(packed, shapes))
        )
    kept = arrays[run.best_epoch]
    tried = {}
    for some in TRIED:
        packed = pack(kept, some)
        tried[str(some)] = Choice(bytes=len(packed), test_top1=top1(unpack(packed, shapes)))
    found = Trained(
        model=run.model, dataset=run.dataset.name, class_names=list(dataset.class_names), recipe=run.recipe.label,
        seed=run.seed, kept=run.best_epoch, snapshots=snapshots, levels=levels, tried=tried,
    )  # fmt: skip
    write_json(FOLDER / f"{name}.json", {"format": Trained.FORMAT, **asdict(found)})
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ship", description="Puts a network into the package.")
    parser.add_argument("name", help="what load_trained calls it, such as vit_course")
    parser.add_argument("card", type=Path, help="the result card of its run")
    parser.add_argument("weights", type=Path, nargs="+", help="its weights, npz files called …_EPOCH.npz")
    parser.add_argument("--levels", type=int, choices=TRIED, default=LEVELS, help="of the kept weights")
    given = parser.parse_args(arguments)
    keras.config.set_dtype_policy("float32")
    for epoch, snapshot in ship(given.name, given.card, given.weights, given.levels).snapshots.items():
        print(f"after epoch {epoch}: {snapshot.test_top1:.4f}, as shipped {snapshot.shipped_top1:.4f}")


if __name__ == "__main__":
    main()
