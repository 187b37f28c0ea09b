"""The recorded runs beside what the keras.io examples say they reached: rows for the tables of lessons and report."""

from dataclasses import replace
from statistics import mean, stdev
from typing import Annotated, Literal

from pydantic import Field

from course_utils.checked import Count, check
from course_utils.models import CONFIGS
from course_utils.papers import PAPERS
from course_utils.results.cards import Example, Examples, Seeds, all_runs, every, recorded
from course_utils.training.recipes import RECIPES
from course_utils.training.run import Run

CHOSEN_EPOCHS = (1, 2, 4, 8, 16, 24, 30, 50)
"""After which epochs `comparison` tells the validation accuracy, as far as a run goes."""


def keras_io() -> dict[str, Example]:
    """Returns what each keras.io example says it reached, by paper.

    All on CIFAR-100, 45,000 images to train on, 5,000 to validate.
    """
    return next((card.examples for card in every("reported/keras_io", Examples).values()), {})


def runs_of(paper: str) -> list[Run]:
    """Returns the finished runs of a paper's networks, as `all_runs` sorts them; ValueError if there is no such."""
    check("results", "paper", Literal[tuple(PAPERS)], paper)
    return [run for run in all_runs() if run.model.config and run.model.config.mixing == paper]


def course_runs(paper: str, *, any_depth: bool = False) -> list[Run]:
    """Returns the finished runs of a paper's `course` network on CIFAR-100, however its attention starts.

    Without those with the recipe "paper": its augmentation makes a step cost more. With `any_depth` also those of
    networks that differ in the number of blocks alone.
    """
    found = [run for run in runs_of(paper) if run.dataset.name == "cifar100" and run.recipe.name != "paper"]
    course = CONFIGS.get(f"{paper}_course")

    def alike(config):
        return replace(config, attention_start="glorot", depth=course.depth if any_depth else config.depth) == course

    return [run for run in found if alike(run.model.config)]


def best_run(paper: str) -> Run | None:
    """Returns the run of a paper's `course` network, of any depth, that is best on CIFAR-100's validation images."""
    return max(course_runs(paper, any_depth=True), key=lambda run: run.val_top1, default=None)


def reached_after(curve: list[float], share: float) -> int | None:
    """Returns the first epoch, from 1, after which a curve is at least at `share`; None if it never is."""
    return next((epoch for epoch, value in enumerate(curve, 1) if value >= share), None)


def percent(share: float | None) -> str | None:
    """Returns a share between 0 and 1 as text for a table, such as "47.6 %"."""
    return None if share is None else f"{100 * share:.1f} %"


def percents(curve: list[float]) -> str:
    """Returns shares between 0 and 1 as text for a table, such as "13.7, 23.7 %"."""
    return ", ".join(f"{100 * share:.1f}" for share in curve) + " %"


def tested(top1: float, top5: float | None) -> dict:
    """Returns the columns of what was reached on the test images."""
    return {"test top-1": percent(top1), "test top-5": percent(top5)}


def minutes(run: Run, digits: int = 0) -> str:
    """Returns what a run took, for a column of CPU minutes."""
    found = run.hardware.accelerators
    return f"{run.minutes:.{digits}f}" + (f" on {' + '.join(found)}" if found else "")


def name(run: Run) -> str:
    """Returns what a run's network is called in a table."""
    return run.label + (f", seed {run.seed}" if run.seed else "")


def size(run: Run) -> dict:
    """Returns the columns that tell a run's network, its recipe and what they cost."""
    return {
        "network": name(run),
        "recipe": run.recipe.name or run.recipe.label,
        "parameters": run.model.parameters,
        "MACs": run.model.macs,
        "epochs": run.epochs,
        "CPU minutes": minutes(run),
    }


def comparison(papers: dict[str, list[Run]]) -> list[dict]:
    """Returns the rows of a table of `{paper: its runs}`, each paper's followed by its keras.io example, if any."""
    examples = keras_io()
    longest = max((run.epochs for found in papers.values() for run in found), default=1)
    shown = [epoch for epoch in CHOSEN_EPOCHS if epoch <= longest]
    heading = f"validation top-1 after epochs {', '.join(map(str, shown))}"

    def told(curve, top1, top5):
        reached = percents([curve[epoch - 1] for epoch in shown if epoch <= len(curve)])
        return {heading: reached} | tested(top1, top5)

    rows = []
    for paper, found in papers.items():
        for run in found:
            ends = {"kept": f"epoch {run.best_epoch}"}
            ends |= {"training top-1, last epoch": percent(run.history["accuracy"][-1])}
            rows.append(size(run) | told(run.history["val_accuracy"], run.test.top1, run.test.top5) | ends)
        if theirs := examples.get(paper):
            row = {"network": "its keras.io example", "epochs": theirs.epochs}
            rows.append(row | told(theirs.val_accuracy, theirs.test_top1, theirs.test_top5))
    return rows


def best() -> list[dict]:
    """Returns the rows of a table of each paper's `best_run` beside its keras.io example (None without one)."""
    examples, rows = keras_io(), []
    for paper in PAPERS:
        if run := best_run(paper):
            theirs = examples.get(paper)
            rows.append(
                size(run)
                | {"validation top-1": percent(run.val_top1)}
                | {"test top-1": percent(run.test.top1)}
                | {"its keras.io example's": theirs and f"{percent(theirs.test_top1)} ({theirs.epochs} epochs)"}
            )
    return rows


def at_the_same_epoch(*recipes: str) -> list[dict]:
    """Returns the rows of a table of the `course` runs on CIFAR-100, beside the keras.io examples' curves.

    Told are runs with one of the `recipes`, keys of `RECIPES`, of as many epochs as it has. What belongs to the
    keras.io example is None for a paper without one.
    """
    for recipe in recipes:
        check("at_the_same_epoch", "recipe", Literal[tuple(RECIPES)], recipe)
    examples, rows = keras_io(), []
    for paper in PAPERS:
        theirs = examples.get(paper)
        for run in course_runs(paper):
            if run.recipe.label not in recipes:
                continue
            ours = run.history["val_accuracy"]
            row = size(run) | {"validation top-1": percent(ours[-1]), "test top-1": percent(run.test.top1)}
            row |= dict.fromkeys(("keras.io example, same epoch", "it gets there after", "its test top-1"))
            if theirs:
                after = reached_after(theirs.val_accuracy, max(ours))
                row["keras.io example, same epoch"] = percent(next(iter(theirs.val_accuracy[run.epochs - 1 :]), None))
                row["it gets there after"] = f"{after} epochs" if after else f"not in {theirs.epochs} epochs"
                row["its test top-1"] = f"{percent(theirs.test_top1)} ({theirs.epochs} epochs)"
            rows.append(row)
    return rows


def measured(paper: str) -> list[dict]:
    """Returns the rows of a table of a paper's runs, as `runs_of` sorts them, then its keras.io example, if any."""
    rows = []
    for run in runs_of(paper):
        about = size(run) | {"CPU minutes": minutes(run, 1)}
        row = {"": f"this course, {about.pop('network')}", "data": run.dataset.name}
        rows.append(row | about | tested(run.test.top1, run.test.top5))
    if theirs := keras_io().get(paper):
        row = {"": "the keras.io example", "data": "cifar100", "epochs": theirs.epochs}
        rows.append(row | tested(theirs.test_top1, theirs.test_top5))
    return rows


def _experiment(name: str) -> dict[str, list[Run]]:
    """Returns an experiment's finished runs, by the network's name there."""
    runs = recorded(f"seeds/{name}", Seeds).runs
    finished = {network: [run for run in found if run.test] for network, found in runs.items()}
    return {network: found for network, found in finished.items() if found}


def mean_and_deviation(experiment: str) -> list[dict]:
    """Returns the rows of a table of an experiment with several seeds: what each network reaches on the test images.

    The standard deviation is a sample's, in percentage points. `benchmarks.seeds` holds all experiments;
    FileNotFoundError if this one is not among them.
    """
    rows = []
    for network, runs in _experiment(experiment).items():
        about, reached = size(runs[0]), [run.test.top1 for run in runs]
        rows.append(
            {"network": network}
            | {key: about[key] for key in ("parameters", "MACs", "epochs")}
            | {"mean": percent(mean(reached))}
            | {"standard deviation": f"{100 * stdev(reached):.1f}" if len(reached) > 1 else None}
            | {f"seed {run.seed}": percent(run.test.top1) for run in runs}
        )
    return rows


def seeds(experiment: str, epoch: int | None = None) -> list[dict]:
    """Returns the rows of a table of an experiment with several seeds: each network's accuracy with each seed.

    Without an `epoch` it is the accuracy on the test images; with one, counted from 1, that on the validation images
    after it. FileNotFoundError if there is no such experiment, ValueError if there is no such epoch.
    """

    def reached(run):
        if epoch is None:
            return run.test.top1
        check("seeds", "epoch", Annotated[Count, Field(le=run.epochs)], epoch)
        return run.history["val_accuracy"][epoch - 1]

    return [
        {"network": network} | {f"seed {run.seed}": f"{100 * reached(run):.0f} %" for run in runs}
        for network, runs in _experiment(experiment).items()
    ]
