"""Small MLP-Mixers on Fashion-MNIST, beside a student report's 89.17 %: `python -m benchmarks.fashion_mnist`.

The homework notebook tells of the first, which overfits, and of the one that the validation images chose.
"""

import argparse

from benchmarks.accuracy import add_common, job, set_precision
from course_utils.data import load_dataset
from course_utils.results.cards import every, folder

SMALL = "mixer_course,embed_dim=64,channels_mlp_dim=256"
TRIED = (
    (SMALL, "muon_short", {"augment": ("flip",)}),  # the clothes lie in the middle of all images
    (SMALL, "muon", {"epochs": 30, "augment": ("flip", "crop", "erase", "cutmix")}),
    ("mixer_course", "muon_short", {"epochs": 24, "augment": ("flip", "crop")}),
    ("mixer_course", "muon_short", {"epochs": 24, "augment": ("flip", "cutmix")}),
    ("mixer_course,depth=8", "muon_short", {"epochs": 24, "augment": ("flip", "crop", "erase")}),
)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fashion_mnist", description="Trains and records it.")
    add_common(parser)
    given = parser.parse_args(arguments)
    set_precision(given.precision)
    clothes = load_dataset("fashion_mnist")
    try:
        for network, recipe, changes in TRIED:
            task = job(network, clothes, recipe, **changes)
            known = [path for path, run in every(inside=folder()).items() if task.is_done_by(run)]
            if known and not given.again:
                print(f"{task.name}: recorded already ({known[0].name}); --again repeats the run", flush=True)
                continue
            name = "_".join((task.name, *task.recipe.augment))
            path = known[0] if known else folder() / f"{name}.json"
            task.run(given.runs, lambda run, path=path: run.save_card(path))
    except KeyboardInterrupt:
        parser.exit(130, "Interrupted. The same command goes on where it was stopped.\n")


if __name__ == "__main__":
    main()
