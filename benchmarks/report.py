"""Turns result cards into the README's tables and figure, and into what `recipes` says of each recipe.

    python -m benchmarks.report

No number in any of them is written by hand: `tests/test_report.py` fails where one shows what no card holds.
"""

import json
import re
from statistics import median

from benchmarks import speed as speeds
from course_utils.figures import show
from course_utils.models import CONFIGS
from course_utils.results.cards import read_card, read_seeds, recorded, results_folder
from course_utils.results.tables import (
    KERAS_IO,
    PAPERS,
    at_the_same_epoch,
    comparison,
    course_runs,
    mean_and_spread,
    minutes_of,
    percents,
)
from course_utils.training.recipes import RECIPES, Recipe, name_of
from tools.settings import ROOT

BEGIN, END = "<!-- results: written by python -m benchmarks.report -->", "<!-- end of results -->"
SHORT = {paper: f"{paper}_course_cifar100_short" for paper in PAPERS}
TINY = [f"{paper}_tiny_shapes_odd_one_out_quick" for paper in (*PAPERS, "no_mixing")]
SEEDS = "spt_and_lsa_cifar100"
FIGURE = "docs/images/cifar100.png"
OURS, THEIRS = "#0b62a8", "#b3470f"
STYLES = {"short": "-", "long": ":", "course": "--", "small_batches": "-."}
LAST_EPOCH = 50


def machine_of(card: dict) -> str:
    """Returns what a card was recorded on, in words; the precision only if it is not float32."""
    machine = card["hardware"]
    cores = f"{machine['cores']} core{'s' if machine['cores'] > 1 else ''}"
    found = ", ".join(machine["accelerators"]) or "no GPU"
    policy = "" if card.get("policy", "float32") == "float32" else f", {card['policy']}"
    keras = f"Keras {card['versions']['keras']} on {machine['backend']}{policy}"
    return f"{cores} of an {machine['processor']}, {found}, {keras}"


def results() -> str:
    """Returns the recorded runs on CIFAR-100 beside the keras.io examples' curves, as Markdown."""
    cards = {paper: recorded(name) for paper, name in SHORT.items()}
    first = next(iter(cards.values()))
    return (
        f"{show.table(at_the_same_epoch(cards)).data}\n\n"
        f"The `course` networks on 32 × 32 pixels, the `short` recipe, seed {first['seed']}, all of CIFAR-100 (45,000 "
        f"images for training, 5,000 for validation), {machine_of(first)}; the clock is the processor's, and other "
        f"work ran beside. The keras.io examples trained on 64 or 72 pixels for 50 or 100 epochs; their curves are "
        f"their authors' (`benchmarks/results/published`). The weights kept are those of the epoch "
        f"that is best on the validation images; the test images choose nothing."
    )


def longer_runs() -> dict[str, list[dict]]:
    """Returns {paper: the cards of its `course` network on CIFAR-100 with more epochs than `short` has}."""
    found = {
        paper: [card for card in course_runs(paper) if _epochs(card) > RECIPES["short"].epochs] for paper in PAPERS
    }
    return {paper: cards for paper, cards in found.items() if cards}


def longer() -> str:
    """Returns the longer runs of the `course` networks beside the keras.io examples, as Markdown."""
    cards = longer_runs()
    machines = {}
    for card in (card for found in cards.values() for card in found):
        run = f"{card['model']['name'].replace('_', ' ')} with `{name_of(Recipe(**card['recipe']))}`"
        machines.setdefault(machine_of(card), []).append(run)
    where = "; ".join(f"{', '.join(runs)}: {machine}" for machine, runs in machines.items())
    return (
        f"The same networks trained for longer:\n\n{show.table(comparison(cards)).data}\n\n"
        "One seed each (0). The weights kept are those of the epoch that is best on the validation images. With "
        "`course` and `small_batches` the training images are mixed, so that the training accuracy is one on harder "
        'images. A "mimetic" network starts as trained attention looks (`course_utils/mimetic.py`). Other '
        f"work ran beside. {where}."
    )


def repeated_cards() -> dict[str, dict]:
    """Returns {paper: the card of its keras.io example repeated, the one with the most epochs}."""
    folder = results_folder() / "repeated"
    found = {paper: folder.glob(f"{paper}_keras_io_cifar100_published*.json") for paper in PAPERS}
    return {paper: max(map(read_card, files), key=_epochs) for paper, files in found.items()}


def _epochs(card: dict) -> int:
    return len(card["history"]["loss"])


def paper_cards() -> list[dict]:
    """Returns the finished runs with the small-data paper's recipe on CIFAR-100, the smallest network first."""
    cards = [read_card(path) for path in sorted(results_folder().glob("small_data_vit_*_cifar100_paper*.json"))]
    return sorted((card for card in cards if card["test"]), key=lambda card: card["model"]["weights"])


def as_the_paper() -> str:
    """Returns the runs with the small-data paper's recipe beside what the paper reports, as Markdown."""
    cards = paper_cards()
    theirs = json.loads((results_folder() / "published" / "small_data_paper.json").read_text(encoding="utf-8"))
    rows = [
        {
            "network": card["model"]["name"].replace("_", " "),
            "weights": card["model"]["weights"],
            "MACs": card["model"]["macs"],
            "epochs": _epochs(card),
            "CPU minutes": f"{minutes_of(card):.0f}",
            "validation top-1": show.percent(card["history"]["val_accuracy"][card["best_epoch"] - 1]),
            "kept": f"epoch {card['best_epoch']}",
            "test top-1": show.percent(card["test"]["top1"]),
        }
        for card in cards
    ]
    rows += [
        {"network": f"the paper's: {name}", "epochs": theirs["epochs"], "test top-1": f"{100 * share:.2f} %"}
        for name, share in theirs["test_top1"].items()
    ]
    return (
        "The small-data paper's recipe, with and without SPT and LSA, beside what the paper reports "
        f"({theirs['source']}). Ours are the `course` networks, of {cards[0]['model']['depth']} blocks where the "
        f"paper's have {CONFIGS['small_data_vit_paper'].depth}, with the cosine cut to the epochs told; seed "
        f"{cards[0]['seed']}, {machine_of(cards[0])}, with other work beside. The paper's script picks the best epoch "
        f"on the test images, ours on the validation images.\n\n{show.table(rows).data}"
    )


def repeated() -> str:
    """Returns the first epochs of the keras.io examples, repeated like for like, beside theirs, as Markdown."""
    cards = repeated_cards()
    first = next(iter(cards.values()))
    rows = [
        {
            "network": card["model"]["name"].replace("_", " "),
            "weights": card["model"]["weights"],
            "MACs": card["model"]["macs"],
            "CPU minutes": f"{minutes_of(card):.0f}",
            "validation top-1 after each epoch": percents(card["history"]["val_accuracy"]),
            "the keras.io example's": percents(KERAS_IO[paper]["val_accuracy"][: _epochs(card)]),
        }
        for paper, card in cards.items()
    ]
    return (
        "The keras.io examples repeated like for like, their first epochs: their sizes (`mixer_keras_io`, …) on "
        "images enlarged as theirs, their recipes (`--recipe published`: these epochs are the same however many are "
        f"asked for), without their defects; seed {first['seed']}, {machine_of(first)}, with other work beside. The "
        "ViTs lag; likely reasons are two of those defects, which ours leave out: heads as wide as the whole token, so "
        "that attention is four times as large, and a flattened head with most of the weights.\n\n"
        f"{show.table(rows).data}"
    )


def seeds() -> str:
    """Returns the 2 × 2 of SPT and LSA with three seeds on CIFAR-100, as Markdown."""
    first = next(iter(read_seeds(SEEDS).values()))[0]
    return (
        f"SPT and LSA, each with and without, on all of CIFAR-100: `{first['model']['name'].replace('_changed', '')}` "
        f"({first['model']['tokens']} tokens), the `short` recipe, test top-1, mean and standard deviation over the "
        f"seeds; {machine_of(first)}.\n\n{show.table(mean_and_spread(SEEDS)).data}"
    )


def puzzle() -> str:
    """Returns the recorded quick runs of all tiny networks on the embedded puzzle, as Markdown."""
    cards = [recorded(name) for name in TINY]
    rows = [
        {
            "network": card["model"]["name"].replace("_", " "),
            "weights": card["model"]["weights"],
            "MACs": card["model"]["macs"],
            "epochs": len(card["history"]["loss"]),
            "seconds per epoch": f"{median(card['history']['seconds']):.1f}",
            "test accuracy": show.percent(card["test"]["top1"]),
        }
        for card in cards
    ]
    return (
        "The quick recipe on the embedded puzzle: which cell is the odd one? (16 classes, chance 6.25 %; "
        f"{machine_of(cards[0])}, with other work beside; seed {cards[0]['seed']}; the seconds are the median over "
        "the epochs.)"
        f"\n\n{show.table(rows).data}"
    )


def speed() -> str:
    """Returns the recorded comparison with plain Keras renderings of the published networks, as Markdown."""
    cards = [json.loads((speeds.RESULTS / f"{paper}.json").read_text(encoding="utf-8")) for paper in PAPERS]
    first, rounds = cards[0], len(cards[0]["training step"]["ours"])
    return (
        "The same architectures, a plain Keras rendering of the keras.io examples' networks against this course's: how "
        "many times as much the plain one needs (above 1: ours needs less). The plain ViTs have heads of the paper's "
        "width, a quarter of the keras.io examples'. Training step and inference are "
        f"{'seconds' if first['hardware']['accelerators'] else 'CPU time'} at batch {first['batch']}, medians of "
        f"{rounds} rounds in turn in one process; {machine_of(first)}.\n\n"
        f"{show.table([speeds.row(card) for card in cards]).data}\n\n"
        "Processor time to the same validation accuracy, the keras.io example's network against the `course` one: a "
        "step's ratio, timed as above, times the ratio of the epochs until the accuracy is reached. The published "
        "network's epochs are read from its authors' curve, ours from every recorded run with one of our recipes and "
        "batches of that size; the accuracy is the best that both reach. The last column is what the recorded run "
        "itself took until then.\n\n"
        f"{show.table([row for card in cards for row in speeds.accuracy_rows(card)]).data}"
    )


PARTS = (results, longer, as_the_paper, repeated, seeds, puzzle, speed)


def figure():
    """Returns the curves of all `course` networks and their keras.io examples as a matplotlib figure."""
    from matplotlib.figure import Figure

    image = Figure(figsize=(10, 3.6), layout="constrained")
    for axes, paper in zip(image.subplots(1, len(PAPERS), sharey=True), PAPERS, strict=True):
        theirs = KERAS_IO[paper]["val_accuracy"][:LAST_EPOCH]
        axes.plot(range(1, len(theirs) + 1), [100 * v for v in theirs], color=THEIRS, label="the keras.io example")
        for card in course_runs(paper):
            ours, name = card["history"]["val_accuracy"], name_of(Recipe(**card["recipe"]))
            start = ", mimetic start" if card["model"]["name"].endswith("_mimetic") else ""
            axes.plot(
                range(1, len(ours) + 1),
                [100 * v for v in ours],
                color=OURS,
                linestyle=STYLES.get(name, (0, (4, 1, 1, 1, 1, 1))),
                label=f"this course: {name}{start}",
            )
        axes.set_title(paper.replace("_", " "), fontsize=10)
        axes.set_xlim(0, LAST_EPOCH)
        axes.set_xticks([1, 10, 20, 30, 40, 50])
        axes.grid(alpha=0.3)
    first = image.axes[0]
    first.set_ylim(0, None)  # for all panels, once every curve is drawn
    first.set_ylabel("validation top-1 (%)")
    labelled = {
        label: line for axes in image.axes for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    image.legend(
        labelled.values(), labelled, loc="outside upper center", ncols=len(labelled), frameon=False, fontsize=9,
        columnspacing=1.2,
    )  # fmt: skip
    image.supxlabel("epoch", fontsize=10)
    return image


def readme_with_results(text: str) -> str:
    """Returns the README's text with today's tables between its two markers.

    Raises:
        ValueError: the markers are missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md must hold {BEGIN!r} and, after it, {END!r}")
    found = "\n\n".join(part() for part in PARTS)
    return f"{before}{BEGIN}\n\n{found}\n\n{END}{after}"


def costs() -> dict[str, list[str]]:
    """Returns {recipe: one line for each recorded run with it: network, data, cost and what it reached}."""
    found = {name: [] for name in RECIPES}
    for path in sorted(results_folder().glob("*.json")):
        card = read_card(path)
        name = name_of(Recipe(**card["recipe"]))
        if card["test"] and name:
            found[name].append(_cost(card, name))
    for paper, card in repeated_cards().items():
        found[f"keras_io_{paper}"].append(_cost(card, f"keras_io_{paper}"))
    return found


def _cost(card: dict, name: str) -> str:
    """Returns what a run with the recipe called `name` has cost and reached."""
    epochs, usual = card["recipe"]["epochs"], RECIPES[name]
    some = "the first" if epochs == 1 else f"the first {epochs}"
    part = f"{epochs} epochs" if usual.schedule == "cosine" else f"{some} of {usual.epochs} epochs"
    on = card["dataset"]["name"] + ("" if epochs == usual.epochs else f", {part}")
    devices = card["hardware"]["accelerators"]
    of = f"on {' + '.join(devices)}" if devices else "of CPU time"
    return (
        f"{card['model']['name'].replace('_', ' ')} on {on}, {minutes_of(card):.1f} minutes {of}: "
        f"test top-1 {show.percent(card['test']['top1'])}"
    )


def recipes_with_costs(text: str) -> str:
    """Returns the text of `course_utils/recipes.py` with today's costs in the docstring of `RECIPES`.

    Raises:
        ValueError: the docstring is not found.
    """
    lines = []
    for name, found in costs().items():
        lines.append(f'- "{name}"{":" if found else ": no recorded run."}')
        lines += [f"    - {line}" for line in found]
    pattern = r'(\n"""The recipes by name\..*?:\n\n)(.*?)(?=""")'
    if not re.search(pattern, text, flags=re.DOTALL):
        raise ValueError("recipes.py must hold a docstring that begins with 'The recipes by name.'")
    return re.sub(pattern, lambda match: match[1] + "\n".join(lines) + "\n", text, count=1, flags=re.DOTALL)


WRITTEN = {"README.md": readme_with_results, "course_utils/recipes.py": recipes_with_costs}


def main():
    for name, rewritten in WRITTEN.items():
        file = ROOT / name
        file.write_text(rewritten(file.read_text(encoding="utf-8")), encoding="utf-8")
    (ROOT / FIGURE).parent.mkdir(parents=True, exist_ok=True)
    figure().savefig(ROOT / FIGURE, dpi=150, metadata={"Software": None})
    print(*(part() for part in PARTS), sep="\n\n")


if __name__ == "__main__":
    main()
