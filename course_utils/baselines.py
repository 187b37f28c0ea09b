"""What the course is measured against, and its own recorded runs: rows for the tables of lessons and README.

The published numbers are top-1 and top-5 shares on CIFAR-100, between 0 and 1. Each is of a lesson that was published
before this course, with 45,000 pictures for training and 5,000 for validation.
"""

from course_utils.runs import read_card, read_seeds, results_folder

PUBLISHED = {
    "mixer": {
        "epochs": 50,
        "test_top1": 0.4758,
        "test_top5": 0.7718,
        "val_accuracy": [0.1532, 0.2334, 0.2560, 0.2798, 0.2904],  # after epochs 1 to 5
    },
    "fnet": {"epochs": 50, "test_top1": 0.4663, "test_top5": 0.7647},
    "gmlp": {"epochs": 50, "test_top1": 0.5064, "test_top5": 0.7828},
    "vit": {"epochs": 100, "test_top1": 0.5514, "test_top5": 0.8186},
    "small_data_vit": {"epochs": 50, "test_top1": 0.5611, "test_top5": 0.8227},
}


def comparison(card: dict, paper: str) -> list[dict]:
    """Returns a recorded run and the published lesson as two rows of one table.

    Args:
        card: a result card, from `runs.recorded`.
        paper: a key of `PUBLISHED`.

    Raises:
        ValueError: nothing is published for that paper, or no validation curve.
    """
    published = _published("comparison", paper)
    if "val_accuracy" not in published:
        raise ValueError(f"comparison: the published lesson of {paper!r} has no validation curve; use measured")
    ours = {
        "": "this course, " + card["model"]["name"].replace("_", " "),
        "weights": card["model"]["weights"],
        "multiply-adds": card["model"]["multiply_adds"],
        "epochs": len(card["history"]["loss"]),
    }
    theirs = {"": "the published lesson", "weights": None, "multiply-adds": None, "epochs": published["epochs"]}
    rows = []
    for row, curve, test in (
        (ours, card["history"]["val_accuracy"], card["test"]),
        (theirs, published["val_accuracy"], {"top1": published["test_top1"], "top5": published["test_top5"]}),
    ):
        row["validation top-1 after epochs 1 to 5"] = ", ".join(f"{100 * value:.1f}" for value in curve[:5]) + " %"
        row["test top-1"] = f"{100 * test['top1']:.1f} %"
        row["test top-5"] = f"{100 * test['top5']:.1f} %"
        rows.append(row)
    return rows


def measured(paper: str) -> list[dict]:
    """Returns every recorded run of a paper's networks, and the published lesson, as rows of one table.

    Args:
        paper: a key of `PUBLISHED`, or "no_mixing", the baseline without a published lesson.

    Returns:
        One row for each result card, sorted by data set and number of weights, then the published lesson's. A card
        that was stopped early has no test accuracy and no row.

    Raises:
        ValueError: there is no such paper.
    """
    if paper != "no_mixing":
        published = _published("measured", paper)
    cards = [read_card(path) for path in sorted(results_folder().glob("*.json"))]
    cards = [card for card in cards if card["test"] and card["model"]["name"].startswith(f"{paper}_")]
    cards.sort(key=lambda card: (card["dataset"]["name"], card["model"]["weights"]))
    rows = [_row(card) for card in cards]
    if paper != "no_mixing":
        rows.append(
            {
                "": "the published lesson",
                "data": "cifar100",
                "epochs": published["epochs"],
                "test top-1": f"{100 * published['test_top1']:.1f} %",
                "test top-5": f"{100 * published['test_top5']:.1f} %",
            }
        )
    return rows


def seeds(experiment: str, epoch: int | None = None) -> list[dict]:
    """Returns the recorded runs of an experiment that was repeated with several seeds, as rows of one table.

    Args:
        experiment: such as "spt_and_lsa"; `benchmarks.seeds` holds them all.
        epoch: None for the accuracy on the test pictures at the end, or the number of the epoch, from 1, after which
            the accuracy on the validation pictures is told.

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
    if paper not in PUBLISHED:
        raise ValueError(f"{owner}: paper must be one of {', '.join(PUBLISHED)}, but it is {paper!r}")
    return PUBLISHED[paper]


def _row(card: dict) -> dict:
    top5 = card["test"]["top5"]
    return {
        "": "this course, " + card["model"]["name"].replace("_", " "),
        "data": card["dataset"]["name"],
        "weights": card["model"]["weights"],
        "multiply-adds": card["model"]["multiply_adds"],
        "epochs": len(card["history"]["loss"]),
        "minutes": f"{sum(card['history']['seconds']) / 60:.1f}",
        "test top-1": f"{100 * card['test']['top1']:.1f} %",
        "test top-5": None if top5 is None else f"{100 * top5:.1f} %",
    }
