"""Trains one configuration on one data set and writes its result card.

    COURSE_DATA=folder/with/cifar100.npz python -m benchmarks.accuracy mixer_course cifar100 --epochs 30

The card is `results/<model>_<dataset>_<recipe>.json` unless `--card` says otherwise. It is rewritten after every
epoch; Ctrl-C ends the run after the last finished epoch and keeps what was learned.
"""

import argparse
from pathlib import Path

from course_utils.data import load_dataset
from course_utils.models import classifier
from course_utils.training import train

RESULTS = Path(__file__).resolve().parent / "results"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", help="a configuration, such as mixer_course")
    parser.add_argument("dataset", help="shapes, cifar100, fashion_mnist or a folder of pictures")
    parser.add_argument("--recipe", default="course", help="quick or course")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, default=0, help="of the weights, the order and the augmentation")
    parser.add_argument("--xla", action="store_true", help="compile with XLA on a CPU too")
    parser.add_argument("--card", type=Path, help="where the result card goes")
    given = parser.parse_args()

    dataset = load_dataset(given.dataset)
    model = classifier(given.model, dataset.input_shape, dataset.num_classes, seed=given.seed)
    stem = dataset.name.replace(": ", "_").replace(" ", "_")
    card = given.card or RESULTS / f"{given.model}_{stem}_{given.recipe}.json"
    changes = {"epochs": given.epochs} if given.epochs else {}
    jit = True if given.xla else "auto"
    run = train(model, dataset, given.recipe, seed=given.seed, monitor="lines", card=card, jit_compile=jit, **changes)
    print(run)


if __name__ == "__main__":
    main()
