"""Turns result cards into the README's table and figure: `python -m benchmarks.report`.

Nothing in either is written by hand. `tests/test_report.py` fails when the README shows a number that no card holds.
"""

import json
from pathlib import Path
from statistics import median

from benchmarks import speed as speeds
from course_utils import show
from course_utils.baselines import PUBLISHED, comparison
from course_utils.runs import recorded

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- results: written by python -m benchmarks.report -->", "<!-- end of results -->"
MIXER = "mixer_course_cifar100_course"
TINY = [f"{paper}_tiny_shapes_odd_one_out_quick" for paper in (*PUBLISHED, "no_mixing")]
FIGURE = "docs/images/mixer_cifar100.png"


def results() -> str:
    """Returns the Mixer's recorded run beside the published lesson's, and what it cost, as Markdown."""
    card = recorded(MIXER)
    history, machine = card["history"], card["hardware"]
    minutes, cpu = (sum(history[key]) / 60 for key in ("seconds", "cpu_seconds"))
    best = history["val_accuracy"][card["best_epoch"] - 1]
    return (
        f"{show.table(comparison(card, 'mixer')).data}\n\n"
        f"{len(history['loss'])} epochs in {minutes:.0f} minutes on {machine['cores']} cores that had other work too; "
        f"{cpu:.0f} minutes of processor time, all cores together ({machine['processor']}, no GPU; Keras "
        f"{card['versions']['keras']} on {machine['backend']}). Seed {card['seed']}. The weights kept are those of "
        f"epoch {card['best_epoch']}, chosen on the validation pictures ({100 * best:.1f} % there). "
        f"Card: `benchmarks/results/{MIXER}.json`."
    )


def puzzle() -> str:
    """Returns the recorded quick runs of all tiny networks on the embedded puzzle, as Markdown."""
    cards = [recorded(name) for name in TINY]
    rows = [
        {
            "network": card["model"]["name"].replace("_", " "),
            "weights": card["model"]["weights"],
            "multiply-adds": card["model"]["multiply_adds"],
            "epochs": len(card["history"]["loss"]),
            "seconds per epoch": f"{median(card['history']['seconds']):.1f}",
            "test accuracy": show.percent(card["test"]["top1"]),
        }
        for card in cards
    ]
    machine = cards[0]["hardware"]
    return (
        "The quick recipe on the embedded puzzle: which cell is the odd one? (16 classes, chance 6.25 %; "
        f"{machine['cores']} cores that had other work too, no GPU, Keras {cards[0]['versions']['keras']} on "
        f"{machine['backend']}, seed {cards[0]['seed']}; the seconds are the median over the epochs.)"
        f"\n\n{show.table(rows).data}"
    )


def speed() -> str:
    """Returns the recorded comparison with plain Keras renderings of the published networks, as Markdown."""
    cards = [json.loads((speeds.RESULTS / f"{paper}.json").read_text(encoding="utf-8")) for paper in speeds.PAPERS]
    first = cards[0]
    machine, rounds = first["hardware"], len(first["training step"]["ours"])
    return (
        "The same architectures, a plain Keras rendering of the published lessons' networks against this course's: how "
        "many times as much the plain one needs (above 1: ours needs less). Training step and inference are processor "
        f"time at batch {first['batch']}, medians of {rounds} rounds in turn in one process; {machine['cores']} cores, "
        f"no GPU, Keras {first['versions']['keras']} on {machine['backend']}.\n\n"
        f"{show.table([speeds.row(card) for card in cards]).data}"
    )


def figure():
    """Returns the curves of the table as a matplotlib figure."""
    from matplotlib.figure import Figure

    ours, theirs = recorded(MIXER)["history"]["val_accuracy"], PUBLISHED["mixer"]
    picture = Figure(figsize=(7, 3.6), layout="constrained")
    axes = picture.add_subplot()
    axes.plot(range(1, len(ours) + 1), [100 * v for v in ours], color="#0b62a8", linewidth=2.2, label="this project")
    axes.plot(
        range(1, 6),
        [100 * v for v in theirs["val_accuracy"]],
        color="#b3470f",
        linewidth=2.2,
        marker="o",
        markersize=4,
        label="the published lesson, epochs 1 to 5",
    )
    axes.axhline(100 * theirs["test_top1"], color="#b3470f", linestyle="--", linewidth=1.2)
    axes.annotate(
        f"the published lesson on the test pictures, after 50 epochs: {100 * theirs['test_top1']:.2f} %",
        (1, 100 * theirs["test_top1"]),
        xytext=(0, 20),
        textcoords="offset points",
        color="#8a3409",
        fontsize=9,
    )
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation top-1 accuracy (%)")
    axes.set_ylim(0, 10 * (max(100 * max(ours), 50) // 10 + 1))
    axes.set_xlim(0.5, len(ours) + 0.5)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    return picture


def readme_with_results(text: str) -> str:
    """Returns the README's text with today's table between its two markers.

    Raises:
        ValueError: the markers are missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md must hold {BEGIN!r} and, after it, {END!r}")
    return f"{before}{BEGIN}\n\n{results()}\n\n{puzzle()}\n\n{speed()}\n\n{END}{after}"


def main():
    readme = ROOT / "README.md"
    readme.write_text(readme_with_results(readme.read_text(encoding="utf-8")), encoding="utf-8")
    (ROOT / FIGURE).parent.mkdir(parents=True, exist_ok=True)
    figure().savefig(ROOT / FIGURE, dpi=150, metadata={"Software": None})
    print(results(), puzzle(), speed(), sep="\n\n")


if __name__ == "__main__":
    main()
