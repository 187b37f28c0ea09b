"""What pre-training is worth with few images: `python -m benchmarks.transfer`.

A `vit_course` is trained on 90 classes of CIFAR-100. The other ten it then learns from 5, 20 and 100 images a class, in
three ways: a new head alone (a linear probe), the whole network (fine-tuning), and a fresh network from scratch. Every
number is a mean over five seeds, each with images of its own, all measured on the thousand test images of the ten
classes. All become one card in `benchmarks/results/seeds`; the same command goes on where it was stopped.
"""

import argparse
from dataclasses import replace

import keras
import numpy as np

from benchmarks.accuracy import add_common, complete, set_precision
from course_utils.data import Dataset, load_dataset
from course_utils.models import adapt, classifier
from course_utils.results.cards import Seeds, folder, read, write
from course_utils.training import train
from course_utils.training.recipes import Recipe, recipe
from course_utils.training.run import Run

NETWORK, PRE_TRAINING = "vit_course", "muon_short"
HELD_OUT = range(0, 100, 10)
IMAGES, SEEDS = (5, 20, 100), 5
# As many steps with few images as with many: in an epoch few are shown several times.
ADAPTING = Recipe(epochs=20, batch_size=50, learning_rate=1e-3, weight_decay=0.05, augment=("flip", "crop"))
RATES = {"linear probe": 1e-2, "fine-tuned": 1e-3, "from scratch": 1e-3}


def only(dataset: Dataset, classes, name: str, per_class: int | None = None, seed: int = 0) -> Dataset:
    """Returns some of a data set's classes, numbered anew, with so many training images of each, drawn by `seed`."""
    classes = list(classes)
    parts, random = {}, np.random.default_rng(seed)
    for part in ("train", "validation", "test"):
        x, y = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
        kept = np.flatnonzero(np.isin(y, classes))
        if part == "train" and per_class:
            kept = np.sort(np.concatenate([random.permutation(kept[y[kept] == c])[:per_class] for c in classes]))
        parts |= {f"x_{part}": x[kept], f"y_{part}": np.searchsorted(classes, y[kept])}
    return Dataset(name=name, class_names=[dataset.class_names[c] for c in classes], **parts)


def start(way: str, network, num_classes: int, seed: int):
    """Returns the network that one way begins with."""
    if way == "from scratch":
        return classifier(network.configuration, network.input_shape[1:], num_classes, seed=seed)
    return adapt(network, num_classes, freeze=way == "linear probe", seed=seed)


def adapted(network, few: Dataset, way: str, seed: int, rate: float | None = None) -> Run:
    """Trains one way. The last weights are kept: validation images choose nothing, and a few are enough."""
    times = max(IMAGES) * few.num_classes // len(few.x_train)
    few = replace(few, x_train=np.tile(few.x_train, (times, 1, 1, 1)), y_train=np.tile(few.y_train, times))
    few = few.subset(validation=50)
    how = replace(ADAPTING, learning_rate=rate or RATES[way])
    return train(start(way, network, few.num_classes, seed), few, how, seed=seed, keep_best=False, monitor="none")


def pre_trained(dataset: Dataset, given):
    """Returns the network that was trained on the other classes, and its run; trains it if need be."""
    others = only(dataset, [c for c in range(100) if c not in HELD_OUT], "cifar100: 90 classes")
    network = classifier(NETWORK, others.input_shape, others.num_classes)
    given.runs.mkdir(parents=True, exist_ok=True)
    run = train(
        network, others, recipe(PRE_TRAINING), monitor="lines", checkpoint=given.runs / "transfer_pre_training.npz"
    )
    if not complete(run):
        raise KeyboardInterrupt
    return network, run


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfer", description="Measures pre-training's worth.")
    add_common(parser)
    given = parser.parse_args(arguments)
    set_precision(given.precision)
    dataset = load_dataset("cifar100")
    path = folder() / "seeds" / "transfer.json"
    network, run = pre_trained(dataset, given)
    runs = {} if given.again or not path.exists() else dict(read(path, Seeds).runs)
    runs["pre-training"] = [run]
    for seed in range(SEEDS):
        for images in IMAGES:
            few = only(dataset, HELD_OUT, f"cifar100: 10 classes, {images} images each", images, seed)
            for way in RATES:
                title = f"{way}, {images} images a class"
                known = {run.seed: run for run in runs.get(title, ())}
                if seed in known:
                    continue
                known[seed] = adapted(network, few, way, seed)
                if not complete(known[seed]):
                    parser.exit(130, "Interrupted. The same command goes on where it was stopped.\n")
                runs[title] = [known[seed] for seed in sorted(known)]
                write(path, Seeds(runs))
                print(f"{title}, seed {seed}: {known[seed].test.top1:.3f}", flush=True)
                keras.utils.clear_session()


if __name__ == "__main__":
    main()
