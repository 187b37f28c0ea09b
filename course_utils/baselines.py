"""Published numbers that the course is measured against: top-1 shares on CIFAR-100, between 0 and 1.

Each is of a lesson that was published before this course, with 45,000 pictures for training and 5,000 for validation.
"""

PUBLISHED = {
    "mixer": {
        "epochs": 50,
        "test_top1": 0.4758,
        "test_top5": 0.7718,
        "val_accuracy": [0.1532, 0.2334, 0.2560, 0.2798, 0.2904],  # after epochs 1 to 5
    },
}


def comparison(card: dict, paper: str) -> list[dict]:
    """Returns a recorded run and the published lesson as two rows of one table.

    Args:
        card: a result card, from `runs.recorded`.
        paper: a key of `PUBLISHED`.

    Raises:
        ValueError: nothing is published for that paper.
    """
    if paper not in PUBLISHED:
        raise ValueError(f"comparison: paper must be one of {', '.join(PUBLISHED)}, but it is {paper!r}")
    published = PUBLISHED[paper]
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
