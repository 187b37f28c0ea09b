"""What the course is measured against, and its own recorded runs: rows for the tables of lessons and README.

The published numbers are top-1 and top-5 shares on CIFAR-100, between 0 and 1. Each is of a lesson that was published
before this course, with 45,000 images for training and 5,000 for validation; `KERAS_IO` names its page.
"""

import json
from statistics import mean, stdev

from course_utils.results.cards import read_card, read_seeds, results_folder
from course_utils.training.recipes import Recipe, name_of

PAPERS = ("mixer", "fnet", "gmlp", "vit", "small_data_vit")

KERAS_IO = json.loads((results_folder() / "published" / "cifar100.json").read_text(encoding="utf-8"))
"""{paper: what the keras.io example on it says it reached}: "source", "epochs", "batch_size", "test_top1",
"test_top5", and "val_accuracy" after each epoch. "small_data_vit_plain" is the plain ViT beside SPT and LSA."""

CHOSEN_EPOCHS = (1, 2, 4, 8, 16, 24, 30, 50)
"""After which epochs `comparison` tells the validation accuracy, as far as a run goes."""


def reached_after(curve: list[float], share: float) -> int | None:
    """Returns the first epoch, from 1, after which a curve is at least at `share`; None if it never is."""
    return next((epoch for epoch, value in enumerate(curve, 1) if value >= share), None)


def percents(curve: list[float]) -> str:
    """Returns shares between 0 and 1 as text for a table, such as "13.7, 23.7 %"."""
    return ", ".join(f"{100 * share:.1f}" for share in curve) + " %"


def minutes_of(card: dict) -> float:
    """Returns for how many minutes a run kept processors busy, or, with an accelerator, how many went by."""
    clock = "seconds" if card["hardware"]["accelerators"] else "cpu_seconds"
    return sum(card["history"][clock]) / 60


def _minutes(card: dict, digits: int = 0) -> str:
    """Returns `minutes_of` for a table's column of CPU minutes."""
    found = card["hardware"]["accelerators"]
    return f"{minutes_of(card):.{digits}f}" + (f" on {' + '.join(found)}" if found else "")


def _name(card: dict) -> str:
    """Returns what a card's network is called in a table."""
    return card["model"]["name"].replace("_", " ") + (f", seed {card['seed']}" if card["seed"] else "")


def comparison(cards: dict[str, list[dict]]) -> list[dict]:
    """Returns recorded runs, each paper's followed by its keras.io example, as rows of one table.

    Args:
        cards: {paper, a key of `KERAS_IO`: result cards, from `runs.recorded`}.

    Raises:
        ValueError: nothing is published for one of the papers.
    """
    longest = max(len(card["history"]["loss"]) for found in cards.values() for card in found)
    shown = [epoch for epoch in CHOSEN_EPOCHS if epoch <= longest]
    heading = f"validation top-1 after epochs {', '.join(map(str, shown))}"

    def told(curve: list[float], test: dict) -> dict:
        return {
            heading: percents([curve[epoch - 1] for epoch in shown if epoch <= len(curve)]),
            "test top-1": f"{100 * test['top1']:.1f} %",
            "test top-5": f"{100 * test['top5']:.1f} %",
        }

    rows = []
    for paper, found in cards.items():
        published = _published("comparison", paper)
        for card in found:
            history = card["history"]
            rows.append(
                {
                    "network": _name(card),
                    "recipe": name_of(Recipe(**card["recipe"])),
                    "weights": card["model"]["weights"],
                    "MACs": card["model"]["macs"],
                    "epochs": len(history["loss"]),
                    "CPU minutes": _minutes(card),
                    **told(history["val_accuracy"], card["test"]),
                    "kept": f"epoch {card['best_epoch']}",
                    "training top-1, last epoch": f"{100 * history['accuracy'][-1]:.1f} %",
                }
            )
        test = {"top1": published["test_top1"], "top5": published["test_top5"]}
        row = {"network": "its keras.io example", "epochs": published["epochs"]}
        rows.append(row | told(published["val_accuracy"], test))
    return rows


def at_the_same_epoch(cards: dict[str, dict]) -> list[dict]:
    """Returns recorded runs beside the keras.io examples' validation curves, one row for each paper.

    Args:
        cards: {paper: result card}.

    Raises:
        ValueError: nothing is published for one of the papers.
    """
    rows = []
    for paper, card in cards.items():
        published = _published("at_the_same_epoch", paper)
        ours, theirs = card["history"]["val_accuracy"], published["val_accuracy"]
        after = reached_after(theirs, max(ours))
        rows.append(
            {
                "network": _name(card),
                "weights": card["model"]["weights"],
                "MACs": card["model"]["macs"],
                "epochs": len(ours),
                "CPU minutes": _minutes(card),
                "validation top-1": f"{100 * ours[-1]:.1f} %",
                "published, same epoch": f"{100 * theirs[len(ours) - 1]:.1f} %",
                "published gets there after": f"{after} epochs" if after else f"not in {published['epochs']} epochs",
                "test top-1": f"{100 * card['test']['top1']:.1f} %",
                "published, at its end": f"{100 * published['test_top1']:.1f} % ({published['epochs']} epochs)",
            }
        )
    return rows


def course_runs(paper: str) -> list[dict]:
    """Returns the cards of every finished run of a paper's `course` network on CIFAR-100, the shortest first.

    With those of the same network with a mimetic start; without those with the recipe "paper": its augmentation makes
    a step cost more, and an epoch shows fewer images.
    """
    return [
        card
        for card in _cards(paper)
        if card["model"]["name"] in (f"{paper}_course", f"{paper}_course_mimetic")
        and card["dataset"]["name"] == "cifar100"
        and name_of(Recipe(**card["recipe"])) != "paper"
    ]


def measured(paper: str) -> list[dict]:
    """Returns every recorded run of a paper's networks, and the keras.io example, as rows of one table.

    Args:
        paper: a key of `KERAS_IO`, or "no_mixing", the baseline without a keras.io example.

    Returns:
        One row for each result card, sorted by data set and number of weights, then the keras.io example's. A card
        that was stopped early has no test accuracy and no row.

    Raises:
        ValueError: there is no such paper.
    """
    if paper != "no_mixing":
        published = _published("measured", paper)
    rows = [_row(card) for card in _cards(paper)]
    if paper != "no_mixing":
        rows.append(
            {
                "": "the keras.io example",
                "data": "cifar100",
                "epochs": published["epochs"],
                "test top-1": f"{100 * published['test_top1']:.1f} %",
                "test top-5": f"{100 * published['test_top5']:.1f} %",
            }
        )
    return rows


def recorded_curves(paper: str) -> dict[str, dict]:
    """Returns the recorded histories of a paper's networks on CIFAR-100, and the keras.io example's.

    Args:
        paper: a key of `KERAS_IO`.

    Returns:
        {name for a legend: history}, as `figures.training_curves` takes it; the keras.io example's holds
        "val_accuracy".

    Raises:
        ValueError: there is no such paper.
    """
    published = _published("recorded_curves", paper)
    found = {}
    for card in _cards(paper):
        if card["dataset"]["name"] == "cifar100":
            name = name_of(Recipe(**card["recipe"])) or "a recipe of its own"
            found[f"{_name(card)}, {name}, {len(card['history']['loss'])} epochs"] = card["history"]
    return found | {"the keras.io example": {"val_accuracy": published["val_accuracy"]}}


def mean_and_spread(experiment: str) -> list[dict]:
    """Returns an experiment that was repeated with several seeds: test accuracy, its mean and its spread.

    Args:
        experiment: such as "spt_and_lsa_cifar100"; `benchmarks.seeds` holds them all.

    Returns:
        One row for each network: its name, weights, epochs, an accuracy for each seed, their mean and their standard
        deviation (of a sample, in percentage points).

    Raises:
        FileNotFoundError: there is no such experiment.
    """
    rows = []
    for name, cards in read_seeds(experiment).items():
        reached = [100 * card["test"]["top1"] for card in cards]
        rows.append(
            {
                "network": name,
                "weights": cards[0]["model"]["weights"],
                "epochs": len(cards[0]["history"]["loss"]),
                **{f"seed {card['seed']}": f"{share:.1f} %" for card, share in zip(cards, reached, strict=True)},
                "mean": f"{mean(reached):.1f} %",
                "spread": f"± {stdev(reached):.1f}" if len(reached) > 1 else None,
            }
        )
    return rows


def seeds(experiment: str, epoch: int | None = None) -> list[dict]:
    """Returns the recorded runs of an experiment that was repeated with several seeds, as rows of one table.

    Args:
        experiment: such as "spt_and_lsa"; `benchmarks.seeds` holds them all.
        epoch: None for the accuracy on the test images at the end, or the number of the epoch, from 1, after which
            the accuracy on the validation images is told.

    Returns:
        One row for each network: its name and an accuracy for each seed.

    Raises:
        FileNotFoundError: there is no such experiment.
        ValueError: the runs have no such epoch.
    """
    rows = []
    for name, cards in read_seeds(experiment).items():
        row = {"network": name}
        for card in cards:
            curve = card["history"]["val_accuracy"]
            if epoch is not None and not 1 <= epoch <= len(curve):
                raise ValueError(f"seeds: epoch must be from 1 to {len(curve)}, but it is {epoch!r}")
            share = card["test"]["top1"] if epoch is None else curve[epoch - 1]
            row[f"seed {card['seed']}"] = f"{100 * share:.0f} %"
        rows.append(row)
    return rows


def _published(owner: str, paper: str) -> dict:
    if paper not in KERAS_IO:
        raise ValueError(f"{owner}: paper must be one of {', '.join(KERAS_IO)}, but it is {paper!r}")
    return KERAS_IO[paper]


def _cards(paper: str) -> list[dict]:
    """Returns the cards of a paper's finished runs, sorted by data set, weights and epochs."""
    cards = [read_card(path) for path in sorted(results_folder().glob("*.json"))]
    cards = [card for card in cards if card["test"] and card["model"]["name"].startswith(f"{paper}_")]
    return sorted(
        cards, key=lambda card: (card["dataset"]["name"], card["model"]["weights"], len(card["history"]["loss"]))
    )


def _row(card: dict) -> dict:
    top5 = card["test"]["top5"]
    return {
        "": f"this course, {_name(card)}",
        "data": card["dataset"]["name"],
        "weights": card["model"]["weights"],
        "MACs": card["model"]["macs"],
        "recipe": name_of(Recipe(**card["recipe"])),
        "epochs": len(card["history"]["loss"]),
        "CPU minutes": _minutes(card, 1),
        "test top-1": f"{100 * card['test']['top1']:.1f} %",
        "test top-5": None if top5 is None else f"{100 * top5:.1f} %",
    }
