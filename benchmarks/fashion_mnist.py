"""A small MLP-Mixer on Fashion-MNIST, beside a student report's 89.17 %: `python -m benchmarks.fashion_mnist`.

The homework notebook shows its card.
"""

import argparse

from benchmarks.accuracy import add_common, job, set_precision
from course_utils.data import load_dataset
from course_utils.results.cards import every, folder

NETWORK = "mixer_course,embed_dim=64,channels_mlp_dim=256"
CHANGES = {"augment": ("flip",)}  # the clothes lie in the middle of all images


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fashion_mnist", description="Trains and records it.")
    add_common(parser)
    given = parser.parse_args(arguments)
    set_precision(given.precision)
    task = job(NETWORK, load_dataset("fashion_mnist"), "muon_short", **CHANGES)
    if not given.again and any(task.is_done_by(run) for run in every(inside=folder()).values()):
        print("Recorded already; --again repeats the run.")
        return
    try:
        task.run(given.runs, lambda run: run.save_card(folder() / f"{task.name}.json"))
    except KeyboardInterrupt:
        parser.exit(130, "Interrupted. The same command goes on where it was stopped.\n")


if __name__ == "__main__":
    main()
