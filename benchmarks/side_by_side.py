"""Really trains a keras.io example's network beside ours, in one process: `python -m benchmarks.side_by_side [paper]`.

It checks what `benchmarks.speed` works out from single steps. After each of our epochs theirs trains for some of its
own, so that a machine whose speed drifts drifts for both. CPU time counts, training and validation; the card goes to
`benchmarks/results/side_by_side`.
"""

import argparse
import time
from pathlib import Path

import keras

from benchmarks import plain
from benchmarks.accuracy import recipe_for
from course_utils.data import load_dataset
from course_utils.models import CONFIGS, classifier
from course_utils.papers import WITH_KERAS_IO
from course_utils.results.cards import SideBySide, folder, write
from course_utils.training import evaluate, train
from course_utils.training.batches import Batches, for_fit
from course_utils.training.optimizer import optimizer_for
from course_utils.training.recipes import recipe


def compared(paper: str, dataset, epochs: int, turns: int) -> SideBySide:
    """Trains both and returns what each took and reached.

    Args:
        paper: one with a keras.io example.
        dataset: what to train on.
        epochs: of ours, with the recipe `muon_short`.
        turns: how many epochs theirs trains after each of ours, as its example does.
    """
    config = CONFIGS[f"{paper}_course"]
    theirs = plain.network(paper, dataset.num_classes, dataset.input_shape[0])
    as_theirs = recipe_for("keras_io", config)
    batch_size = min(as_theirs.batch_size, len(dataset.x_train))
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    theirs.compile(optimizer_for(as_theirs, len(dataset.x_train) // batch_size), loss)
    seconds, accuracy = [], []

    def turn(epoch: int) -> None:
        for _ in range(turns if epoch else 0):
            began = time.process_time()
            batches = Batches(
                dataset.x_train, dataset.y_train, dataset.num_classes, batch_size=batch_size,
                size=theirs.input_shape[1:3], epoch=len(seconds),
            )  # fmt: skip
            theirs.fit(for_fit(batches), shuffle=False, verbose=0)
            reached = evaluate(theirs, dataset.x_validation, dataset.y_validation, progress=False)
            seconds.append(time.process_time() - began)
            accuracy.append(reached["top1"])
            print(f"keras.io, epoch {len(seconds)}: {100 * accuracy[-1]:.1f} %, {seconds[-1]:.0f} s", flush=True)

    ours = classifier(config, dataset.input_shape, dataset.num_classes, seed=0)
    run = train(ours, dataset, recipe("muon_short", epochs=epochs), monitor="lines", after_epoch=turn)
    return SideBySide(paper=paper, ours=run, plain_cpu_seconds=seconds, plain_val_accuracy=accuracy)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.side_by_side", description="Trains both, in turn.")
    parser.add_argument("paper", nargs="?", default="mixer", choices=WITH_KERAS_IO, help="default: mixer")
    parser.add_argument("--epochs", type=int, default=3, help="of ours; default: 3")
    parser.add_argument("--turns", type=int, default=2, help="epochs of theirs after each of ours; default: 2")
    parser.add_argument("--results", type=Path, default=folder() / "side_by_side", help="where the card goes")
    given = parser.parse_args(arguments)
    if given.epochs < 1 or given.turns < 1:
        parser.error("--epochs and --turns must be at least 1")
    given.results.mkdir(parents=True, exist_ok=True)
    card = compared(given.paper, load_dataset("cifar100"), given.epochs, given.turns)
    if card.ours.stopped:
        parser.exit(130, "Interrupted: nothing was recorded.\n")
    write(given.results / f"{given.paper}.json", card)


if __name__ == "__main__":
    main()
