"""Times the course's networks against plain Keras renderings: `python -m benchmarks.speed [paper …]`.

All run in one process, in turn, so that a machine whose speed drifts drifts for all; what is compared is CPU time (on a
GPU seconds), pair by pair, and the median of the ratios is told. A training step holds what belongs to it on each side:
the plain network enlarges and augments images inside the model, the course's does that on the way to it.

"plain" and "ours" are the keras.io example's architecture, the same in tokens, width, depth, heads and hidden widths.
What differs is what this course does differently: small images cut into as many tokens by smaller patches, patches
without a convolution, shifts padded once, no dropout, and a mean over the tokens instead of flattening them into wide
layers. A paper without a keras.io example has neither.

"course" is the `course` network with AdamW, "muon" the same with Muon, each timed for its training step. From them
follows the CPU time to the same validation accuracy: the keras.io example's curve says after how many epochs it is
there, a recorded run of the course says the same of ours, and each epoch costs what its steps cost here. Beside it
stands what the recorded run itself took until then: seconds where it had a GPU, else CPU minutes.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import keras
import numpy as np

from benchmarks.plain import SIZES, network
from course_utils.figures import show
from course_utils.models import CONFIGS, classifier
from course_utils.papers import PAPERS, WITH_KERAS_IO
from course_utils.results.cards import Speed, write
from course_utils.results.tables import course_runs, keras_io, percent, reached_after
from course_utils.system import accelerators, hardware, versions
from course_utils.training.batches import Batches, resized
from course_utils.training.optimizer import optimizer_for
from course_utils.training.recipes import RECIPES
from course_utils.training.run import Hardware, Run

ROOT = Path(__file__).resolve().parents[1]
TIMED = {"training_step": ("plain", "ours", "course", "muon"), "inference": ("plain", "ours")}
"""What is timed, and on which sides."""


def sides(paper: str, action: str) -> list[str]:
    """Returns the sides of an action: those of the keras.io example's architecture only where there is an example."""
    return [side for side in TIMED[action] if paper in WITH_KERAS_IO or side not in ("plain", "ours")]


def ours(paper: str):
    """Returns the course's network of the keras.io example's architecture: half its side, half its patches."""
    side, patch = SIZES[paper]["side"] // 2, SIZES[paper]["patch"] // 2
    return classifier(CONFIGS[f"{paper}_keras_io"], (side, side, 3), 100, patch_size=patch, dropout=0.0)


def build(side: str, paper: str):
    """Returns the network of a side, for 100 classes."""
    if side in ("plain", "ours"):
        return network(paper) if side == "plain" else ours(paper)
    return classifier(f"{paper}_course", (32, 32, 3), 100)


def actions(side: str, paper: str, batch_size: int) -> tuple[object, dict[str, Callable[[], None]]]:
    """Returns a compiled network and its actions by name: one training step, and telling the classes of one batch."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4 * batch_size, 32, 32, 3), dtype="uint8")
    labels = rng.integers(0, 100, len(images))
    model = build(side, paper)
    how = replace(RECIPES["short"], schedule="constant", warmup=0.0, optimizer="muon" if side == "muon" else "adamw")
    optimizer = optimizer_for(how, steps_per_epoch=1)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(from_logits=True))
    size, augment = model.input_shape[1:3], () if side == "plain" else how.augment
    batches = Batches(images, labels, 100, batch_size=batch_size, size=size, augment=augment)
    count = 0

    def step():
        nonlocal count
        model.train_on_batch(*batches[count % len(batches)])
        count += 1

    def tell():
        model.predict_on_batch(resized(images[:batch_size], size))

    return model, {"training_step": step, "inference": tell}


def compared(paper: str, batch_size: int, rounds: int) -> dict:
    """Returns the seconds of all sides, round by round, and their parameters: CPU time, on a GPU by the clock.

    Each action ends with numbers on the processor's side, so that a GPU's work is over when the clock is read.
    """
    clock = time.perf_counter if accelerators() else time.process_time
    every = {side: actions(side, paper, batch_size) for side in sides(paper, "training_step")}
    found = {"parameters": {side: model.count_params() for side, (model, _) in every.items()}}
    for name in TIMED:
        found[name] = {side: [] for side in sides(paper, name)}
        for number in range(rounds + 2):
            for side, seconds in found[name].items():
                began = clock()
                every[side][1][name]()
                if number >= 2:  # the first builds the graph, the second warms up
                    seconds.append(clock() - began)
    return found


def peak_memory(side: str, paper: str, batch_size: int) -> float | None:
    """Returns the most memory, in MiB, that a process of its own takes for five training steps.

    It is the GPU's memory, where there is one. None where the system does not tell.

    Raises:
        RuntimeError: the process failed; the message says how.
    """
    code = "from benchmarks import speed\n"
    code += f"step = speed.actions({side!r}, {paper!r}, {batch_size})[1]['training_step']\n"
    code += "for _ in range(5): step()\nprint(speed.most_taken())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"peak_memory: {side} {paper} failed:\n{done.stderr}")
    said = done.stdout.strip().splitlines()[-1]
    return None if said == "None" else int(said) / 2**20


def most_taken() -> int | None:
    """Returns the most bytes that this process has taken so far: on a GPU, or else of main memory; None if unknown."""
    if accelerators() and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    if accelerators() and keras.backend.backend() == "jax":
        import jax

        return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    # Not getrusage: there a process inherits the figure of the one that started it.
    status = Path("/proc/self/status")
    return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0]) if status.exists() else None


def ratio(seconds: dict[str, list[float]], side: str = "ours") -> float | None:
    """Returns how many times as long the plain rendering takes as a side: the median over the rounds.

    None if either was not timed.
    """
    if "plain" not in seconds or side not in seconds:
        return None
    return median(a / b for a, b in zip(seconds["plain"], seconds[side], strict=True))


def to_accuracy(card: Speed, run: Run) -> dict | None:
    """Returns what each side spends until both have reached the same validation accuracy on CIFAR-100.

    Every epoch shows 45,000 images on both sides, so that a step's ratio is an epoch's.

    Args:
        card: the timing of the paper's networks.
        run: a run of the paper's `course` network.

    Returns:
        "accuracy" (a share: the best that both reach), the number of epochs of each side, "step" (the ratio of a
        step) and "ratio": how many times as much CPU time the plain network needs. None without a keras.io example,
        and where the run's steps are not those that were timed: its batches have another size, or its optimizer.
    """
    step = ratio(card.training_step, "course" if run.recipe.optimizer == "adamw" else run.recipe.optimizer)
    example = keras_io().get(card.paper)
    if step is None or example is None or run.recipe.batch_size != card.batch:
        return None
    theirs, ours = example.val_accuracy, run.history["val_accuracy"]
    share = min(max(theirs), max(ours))
    epochs = {"plain": reached_after(theirs, share), "course": reached_after(ours, share)}
    return {"accuracy": share, "epochs": epochs, "step": step, "ratio": step * epochs["plain"] / epochs["course"]}


def row(card: Speed) -> dict:
    """Returns a card as a row of the table: ratios above 1 mean that the course needs less."""
    ratios = {name: ratio(getattr(card, name)) for name in TIMED}
    memory, step = card.peak_memory_mib, card.training_step.get("course")
    ratios["peak memory"] = memory["plain"] / memory["ours"] if memory.get("plain") and memory.get("ours") else None
    return {
        "network": PAPERS[card.paper].title,
        **{name.replace("_", " "): found and f"{found:.2f}" for name, found in ratios.items()},
        "parameters, plain": card.parameters.get("plain"),
        "parameters, ours": card.parameters.get("ours"),
        "course, ms a step": step and f"{1000 * median(step):.0f}",
    }


def accuracy_rows(card: Speed) -> list[dict]:
    """Returns a card as rows of the table of times to the same accuracy: one for each run of the `course` network."""
    rows = []
    for run in course_runs(card.paper):
        if found := to_accuracy(card, run):
            rows.append(
                {
                    "network": run.label,
                    "recipe": run.recipe.name or run.recipe.label,
                    "validation top-1": percent(found["accuracy"]),
                    "epochs, keras.io example": found["epochs"]["plain"],
                    "epochs, course": f"{found['epochs']['course']} of {run.epochs}",
                    "a step": f"{found['step']:.2f}",
                    "CPU time": f"{found['ratio']:.1f}",
                    "course, until then": clock(run, found["epochs"]["course"]),
                }
            )
    return rows


def clock(run: Run, epochs: int) -> str:
    """Returns what the first epochs of a recorded run took: seconds on a GPU, or CPU minutes."""
    if found := run.hardware.accelerators:
        seconds = run.history["seconds"]
        return f"{sum(seconds[:epochs]):.0f} s on {' + '.join(found)} ({median(seconds):.1f} s each)"
    return f"{sum(run.history['cpu_seconds'][:epochs]) / 60:.0f} minutes"


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description="Times training and inference.")
    parser.add_argument("papers", nargs="*", metavar="paper", help=f"of {', '.join(PAPERS)}; default: all")
    parser.add_argument("--batch", type=int, default=128, help="images in a step; default: 128")
    parser.add_argument("--rounds", type=int, default=15, help="steps of each side; default: 15")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks/results/speed", help="where the cards go")
    given = parser.parse_args(arguments)
    for paper in given.papers:
        if paper not in PAPERS:
            parser.error(f"unknown paper {paper!r}; choose from {', '.join(PAPERS)}")
    if given.batch < 1 or given.rounds < 1:
        parser.error("--batch and --rounds must be at least 1")
    given.results.mkdir(parents=True, exist_ok=True)
    cards = []
    for paper in given.papers or PAPERS:
        # First: the processes that measure it need a GPU that this one does not hold yet.
        memory = {side: peak_memory(side, paper, given.batch) for side in sides(paper, "inference") or ["course"]}
        machine = {"versions": versions(), "hardware": Hardware(**hardware())}
        found = compared(paper, given.batch, given.rounds)
        cards.append(Speed(paper=paper, batch=given.batch, peak_memory_mib=memory, **found, **machine))
        write(given.results / f"{paper}.json", cards[-1])
        print(row(cards[-1]), flush=True)
    print(show.table([row(card) for card in cards]).data)
    if to_the_same := [found for card in cards for found in accuracy_rows(card)]:
        print(show.table(to_the_same).data)


if __name__ == "__main__":
    main()
