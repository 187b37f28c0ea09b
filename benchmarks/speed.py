"""Times the course's networks against plain Keras renderings: `python -m benchmarks.speed [paper …]`.

Both run in one process, in turn, so that a machine whose speed drifts drifts for both; what is compared is processor
time (on a GPU seconds), pair by pair, and the median of the ratios is told. A training step holds what belongs to it on
each side: the plain network enlarges and augments images inside the model, the course's does that on the way to it.

The architecture is the same in tokens, width, depth, heads and hidden widths. What differs is what this course does
differently: small images cut into as many tokens by smaller patches, patches without a convolution, shifts padded
once, no dropout, and a mean over the tokens instead of flattening them into wide layers.

A third side, "course", is the `course` network, which is timed in turn with the other two for its training step. From
it follows the CPU time to the same validation accuracy: the keras.io example's curve says after how many epochs
it is there, a recorded run of the course says the same of ours, and each epoch costs what its steps cost here. Beside
it stands what the recorded run itself took until then: seconds where it had a GPU, else CPU minutes.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from course_utils.files import write_json
from course_utils.results.tables import KERAS_IO, PAPERS, course_runs, reached_after
from course_utils.system import accelerators, hardware, versions
from course_utils.training.recipes import Recipe, name_of

RESULTS = Path(__file__).resolve().parent / "results" / "speed"
# What is timed, and on which sides.
SIDES = {"training step": ("plain", "ours", "course"), "inference": ("plain", "ours")}
# side and patch of the images that the course cuts into as many tokens as the keras.io example does
SMALL = {"vit": (36, 3), "small_data_vit": (36, 3)}


def ours(paper: str):
    """Returns the course's network of the published architecture, for 100 classes."""
    from course_utils.models import CONFIGS, classifier

    side, patch = SMALL.get(paper, (32, 4))
    return classifier(CONFIGS[f"{paper}_keras_io"], (side, side, 3), 100, patch_size=patch, dropout=0.0)


def course(paper: str):
    """Returns the course's own network, of which there is a recorded run."""
    from course_utils.models import classifier

    return classifier(f"{paper}_course", (32, 32, 3), 100)


def plain(paper: str):
    """Returns the plain rendering of the published network."""
    from benchmarks.plain import network

    return network(paper)


def actions(side: str, paper: str, batch_size: int) -> tuple[object, dict[str, Callable[[], None]]]:
    """Returns a compiled network and its actions by name: one training step, and telling the classes of one batch."""
    import keras
    import numpy as np

    from course_utils.training.augmentation import Augmentation
    from course_utils.training.batches import Batches, resized

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4 * batch_size, 32, 32, 3), dtype="uint8")
    labels = rng.integers(0, 100, len(images))
    model = {"plain": plain, "ours": ours, "course": course}[side](paper)
    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=1e-4)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True))
    names = () if side == "plain" else ("flip", "crop")
    size = model.input_shape[1:3]
    batches = Batches(
        images, labels, 100, batch_size=batch_size, size=size, augmentation=Augmentation(names), seed=0, epoch=0
    )
    count = 0

    def step():
        nonlocal count
        model.train_on_batch(*batches[count % len(batches)])
        count += 1

    def tell():
        model.predict_on_batch(resized(images[:batch_size], size))

    return model, {"training step": step, "inference": tell}


def compared(paper: str, batch_size: int, rounds: int) -> dict:
    """Returns the seconds of all sides, round by round, and their weights: of the processor, on a GPU by the clock.

    Each action ends with numbers on the processor's side, so that a GPU's work is over when the clock is read.
    """
    clock = time.perf_counter if accelerators() else time.process_time
    every = {side: actions(side, paper, batch_size) for side in SIDES["training step"]}
    found = {"weights": {side: model.count_params() for side, (model, _) in every.items()}}
    for name, sides in SIDES.items():
        seconds = {side: [] for side in sides}
        for number in range(rounds + 2):
            for side in sides:
                began = clock()
                every[side][1][name]()
                if number >= 2:  # the first builds the graph, the second warms up
                    seconds[side].append(clock() - began)
        found[name] = seconds
    return found


def peak_memory(side: str, paper: str, batch_size: int) -> float | None:
    """Returns the most memory, in MiB, that a process of its own takes for five training steps.

    It is the GPU's memory, where there is one. None where the system does not tell.

    Raises:
        RuntimeError: the process failed; the message says how.
    """
    code = "from benchmarks import speed\n"
    code += f"step = speed.actions({side!r}, {paper!r}, {batch_size})[1]['training step']\n"
    code += "for _ in range(5): step()\nprint(speed.most_taken())"
    done = subprocess.run([sys.executable, "-c", code], cwd=RESULTS.parents[2], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"peak_memory: {side} {paper} failed:\n{done.stderr}")
    said = done.stdout.strip().splitlines()[-1]
    return None if said == "None" else int(said) / 2**20


def most_taken() -> int | None:
    """Returns the most bytes that this process has taken so far: on a GPU, or else of main memory; None if unknown."""
    import keras

    if accelerators() and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    if accelerators() and keras.backend.backend() == "jax":
        import jax

        return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    # Not getrusage: there a process inherits the figure of the one that started it.
    status = Path("/proc/self/status")
    return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0]) if status.exists() else None


def ratio(seconds: dict[str, list[float]], side: str = "ours") -> float:
    """Returns how many times as long the plain rendering takes as a side: the median over the rounds."""
    return median(a / b for a, b in zip(seconds["plain"], seconds[side], strict=True))


def to_accuracy(card: dict, run: dict) -> dict:
    """Returns what each side spends until both have reached the same validation accuracy on CIFAR-100.

    Every epoch shows 45,000 images on both sides, so that a step's ratio is an epoch's.

    Args:
        card: one of this module's.
        run: the result card of the paper's `course` network.

    Returns:
        "accuracy" (a share: the best that both reach), the number of epochs of each side, and "ratio": how many times
        as much CPU time the plain network needs.
    """
    theirs, ours = KERAS_IO[card["paper"]]["val_accuracy"], run["history"]["val_accuracy"]
    share = min(max(theirs), max(ours))
    epochs = {"plain": reached_after(theirs, share), "course": reached_after(ours, share)}
    times = ratio(card["training step"], "course") * epochs["plain"] / epochs["course"]
    return {"accuracy": share, "epochs": epochs, "ratio": times}


def row(card: dict) -> dict:
    """Returns a card as a row of the table: ratios above 1 mean that the course needs less."""
    weights, memory = card["weights"], card["peak memory (MiB)"]
    return {
        "network": card["paper"].replace("_", " "),
        "training step": f"{ratio(card['training step']):.2f}",
        "inference": f"{ratio(card['inference']):.2f}",
        "peak memory": f"{memory['plain'] / memory['ours']:.2f}" if memory["ours"] else None,
        "weights, plain": weights["plain"],
        "weights, ours": weights["ours"],
    }


def accuracy_rows(card: dict) -> list[dict]:
    """Returns a card as rows of the table of times to the same accuracy: one for each run of the `course` network.

    Runs with batches of another size than the steps that are timed are left out.
    """
    rows = []
    for run in course_runs(card["paper"]):
        if run["recipe"]["batch_size"] != card["batch"]:
            continue
        found = to_accuracy(card, run)
        rows.append(
            {
                "network": card["paper"].replace("_", " "),
                "recipe": name_of(Recipe(**run["recipe"])),
                "validation top-1": f"{100 * found['accuracy']:.1f} %",
                "epochs, published": f"{found['epochs']['plain']} of {KERAS_IO[card['paper']]['epochs']}",
                "epochs, course": f"{found['epochs']['course']} of {len(run['history']['loss'])}",
                "a step": f"{ratio(card['training step'], 'course'):.2f}",
                "CPU time": f"{found['ratio']:.1f}",
                "course, until then": clock(run, found["epochs"]["course"]),
            }
        )
    return rows


def clock(run: dict, epochs: int) -> str:
    """Returns what the first epochs of a recorded run took: seconds on a GPU, or CPU minutes."""
    history, found = run["history"], run["hardware"]["accelerators"]
    if found:
        each = f"{median(history['seconds']):.1f} s each"
        return f"{sum(history['seconds'][:epochs]):.0f} s on {' + '.join(found)} ({each})"
    return f"{sum(history['cpu_seconds'][:epochs]) / 60:.0f} minutes"


def main(arguments=None):
    from course_utils.figures import show

    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.split("\n\n")[0])
    parser.add_argument("papers", nargs="*", metavar="paper", help=f"of {', '.join(PAPERS)}; default: all")
    parser.add_argument("--batch", type=int, default=128, help="images in a step; default: 128")
    parser.add_argument("--rounds", type=int, default=15, help="steps of each side; default: 15")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the cards go")
    given = parser.parse_args(arguments)
    for paper in given.papers:
        if paper not in PAPERS:
            parser.error(f"unknown paper {paper!r}; choose from {', '.join(PAPERS)}")
    if given.batch < 1 or given.rounds < 1:
        parser.error("--batch and --rounds must be at least 1")
    given.results.mkdir(parents=True, exist_ok=True)
    rows, cards = [], []
    for paper in given.papers or PAPERS:
        # First: the processes that measure it need a GPU that this one does not hold yet.
        memory = {side: peak_memory(side, paper, given.batch) for side in ("plain", "ours")}
        card = {"paper": paper, "batch": given.batch, **compared(paper, given.batch, given.rounds)}
        card |= {"peak memory (MiB)": memory, "versions": versions(), "hardware": hardware()}
        write_json(given.results / f"{paper}.json", card)
        cards.append(card)
        rows.append(row(card))
        print(rows[-1], flush=True)
    print(show.table(rows).data)
    if to_the_same := [row for card in cards for row in accuracy_rows(card)]:
        print(show.table(to_the_same).data)


if __name__ == "__main__":
    main()
