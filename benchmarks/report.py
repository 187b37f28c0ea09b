"""Makes docs/results.md and its figure from the result cards.

    python -m benchmarks.report            print the page
    python -m benchmarks.report --write    write the page and the figure

No number in a table is written by hand: `tests/benchmarks/test_report.py` fails where the page is not in step.
"""

import argparse
from pathlib import Path
from statistics import median

from benchmarks import seeds
from benchmarks import speed as speeds
from course_utils.figures import show
from course_utils.files import write_whole
from course_utils.models import CONFIGS
from course_utils.papers import PAPERS, WITH_KERAS_IO
from course_utils.results import tables
from course_utils.results.cards import Reported, Seeds, SideBySide, Speed, all_runs, every
from course_utils.training.recipes import RECIPES
from course_utils.training.run import Run

ROOT = Path(__file__).resolve().parents[1]
PAGE, FIGURE = "docs/results.md", "docs/images/cifar100.png"
FELL_SHORT = ROOT / "benchmarks/fell_short.md"  # the page's one section by hand
OURS, THEIRS = "#0b62a8", "#b3470f"
LINES = ("-", ":", "--", "-.", (0, (4, 1, 1, 1, 1, 1)), (0, (1, 3)))
LAST_EPOCH = 50


def machine_of(card: Run | Speed) -> str:
    """Returns what a card was recorded on, in words; the precision only if it is not float32."""
    machine = card.hardware
    cores = f"{machine.cores} core{'s' if machine.cores != 1 else ''}"
    policy = f", {card.policy}" if getattr(card, "policy", "float32") != "float32" else ""
    keras = f"Keras {card.versions.get('keras')} on {machine.backend}{policy}"
    return show.escaped(f"{machine.processor}, {cores}, {', '.join(machine.accelerators) or 'no GPU'}, {keras}")


def machines(runs: list[Run]) -> str:
    """Returns what runs were recorded on, in words; who was where, if they were not all on one machine."""
    found = {}
    for run in runs:
        who = show.escaped(f"{tables.name(run)} ({run.recipe.label})")
        found.setdefault(machine_of(run), []).append(who)
    if len(found) == 1:
        return f"{next(iter(found))}, with other work beside."
    return "; ".join(f"{', '.join(who)}: {machine}" for machine, who in found.items()) + "; with other work beside."


def section(title: str, rows: list[dict], *text: str) -> str:
    """Returns a section of the page: title, table and text. Nothing without rows."""
    if not rows:
        return ""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return "\n\n".join([f"## {title}", show.table(rows, columns).data, *text])


def introduction() -> str:
    """Returns the page's head, with the keras.io examples named and linked."""
    pages = {}
    for key in WITH_KERAS_IO:
        pages.setdefault(PAPERS[key].keras_io_page, []).append(PAPERS[key].title)
    links = "; ".join(f"[{', '.join(titles)}]({page})" for page, titles in pages.items())
    return (
        "# Results\n\n"
        "Written by `python -m benchmarks.report --write` from the result cards in `benchmarks/results`: one for each "
        "run, with the whole configuration, the recipe, the history and the machine. The weights kept are those of the "
        "epoch that is best on the validation images; the test images choose nothing. CPU minutes are those that a run "
        "kept processors busy.\n\n"
        f"Beside ours stand the keras.io examples ({links}), as far as there is one. They trained on images enlarged "
        "to 64 or 72 pixels for 50 or 100 epochs; their numbers and curves are their authors' "
        "(`benchmarks/results/reported`).\n\n"
        f"![Validation accuracy on CIFAR-100 after each epoch, beside the keras.io examples]({FIGURE[5:]})"
    )


def best() -> str:
    """Returns the best run of each paper, as the validation images say."""
    runs = [run for paper in PAPERS if (run := tables.best_run(paper))]
    return section(
        "CIFAR-100, the best of each",
        tables.best(),
        f"Of all recorded runs of the `course` networks, of any depth and at most {max(run.epochs for run in runs)} "
        "epochs, the one that is best on the validation images. The test images chose nothing."
        if runs
        else "",
    )


def eight_epochs() -> str:
    """Returns the `course` networks with the recipes of 8 epochs."""
    recipes = ("muon_short", "short")
    runs = [run for paper in PAPERS for run in tables.course_runs(paper) if run.recipe.label in recipes]
    return section(
        "CIFAR-100 in 8 epochs",
        tables.at_the_same_epoch(*recipes),
        "The `course` networks on 32 × 32 pixels, seed 0, all of CIFAR-100 (45,000 images for training, 5,000 for "
        "validation), with Muon for the matrices in the blocks (`muon_short`) and with AdamW alone (`short`). "
        f"{machines(runs)}",
        "Again: `python -m benchmarks.accuracy --recipe short --again`, and `--recipe muon_short --precision "
        "mixed_bfloat16 --again`",
    )


def longer() -> str:
    """Returns the runs of the `course` networks with more epochs than `short` has, beside the keras.io examples."""
    papers = {
        paper: [run for run in tables.course_runs(paper, any_depth=True) if run.epochs > RECIPES["short"].epochs]
        for paper in PAPERS
    }
    papers = {paper: runs for paper, runs in papers.items() if runs}
    return section(
        "CIFAR-100, longer runs",
        tables.comparison(papers) if papers else [],
        "One seed each (0). With `course`, `small_batches` and `muon` the training images are mixed, so that the "
        "training accuracy is one on harder images; up to course_utils 0.1.0 (a card says which) CutMix's labels were "
        "off by a point and a third of the mixed images hardly mixed. A mimetic start looks as trained attention does "
        "(`course_utils/models/initializers.py`). Nine to twelve trainings at a time shared the GPU, so that its "
        "minutes are not those of one alone. The run of 44 epochs had half the peak rate of `muon`. "
        + machines([run for runs in papers.values() for run in runs]),
        "Again: `python -m benchmarks.accuracy mixer_course … --recipe course --again` (gMLP and ViT with `--epochs` "
        "24 and 45, the small-data ViT with `--precision mixed_bfloat16`), the Mixer with `--recipe long`, and "
        "`vit_course,attention_start=mimetic` with `--recipe small_batches --precision mixed_bfloat16`; with Muon "
        "`python -m benchmarks.accuracy mixer_course fnet_course gmlp_course conv_course "
        "vit_course,depth=6,attention_start=mimetic small_data_vit_course,depth=6,attention_start=mimetic --recipe "
        "muon --precision mixed_bfloat16 --again`",
    )


def as_the_paper() -> str:
    """Returns the runs with the small-data paper's recipe beside what the paper reports."""
    runs = [run for run in all_runs() if run.recipe.name == "paper"]
    rows = [
        tables.size(run)
        | {
            "validation top-1": tables.percent(run.history["val_accuracy"][run.best_epoch - 1]),
            "kept": f"epoch {run.best_epoch}",
            "test top-1": tables.percent(run.test.top1),
        }
        for run in runs
    ]
    for theirs in every("reported/small_data_paper", Reported).values():
        rows += [
            {"network": f"the paper's: {key}", "epochs": theirs.epochs, "test top-1": f"{100 * share:.2f} %"}
            for key, share in theirs.test_top1.items()
        ]
    return section(
        "As the small-data paper trains",
        rows,
        f"The recipe of arXiv {PAPERS['small_data_vit'].arxiv}, with and without SPT and LSA, beside what the paper "
        f"reports. Ours are the `course` networks, of {CONFIGS['small_data_vit_course'].depth} blocks where the "
        f"paper's have {CONFIGS['small_data_vit_paper'].depth}, with the cosine cut to the epochs told; an epoch shows "
        "a third of the images, three times each (`repeats` on the card). The paper's script picks the best epoch on "
        f"the test images, ours on the validation images. {machines(runs)}",
        "Again: `python -m benchmarks.accuracy small_data_vit_course "
        "small_data_vit_course,shifted_patches=false,temperature=false,mask_diagonal=false --recipe paper --epochs 18 "
        "--again`",
    )


def repeated() -> str:
    """Returns the first epochs of the keras.io examples, repeated like for like, beside theirs."""
    runs, examples, rows = all_runs("repeated/*"), tables.keras_io(), []
    for run in runs:
        example = run.model.config and examples.get(run.model.config.mixing)
        theirs = tables.percents(example.val_accuracy[: run.epochs]) if example else None
        ours = {"validation top-1 after each epoch": tables.percents(run.history["val_accuracy"])}
        rows.append(tables.size(run) | ours | {"the keras.io example's": theirs})
    return section(
        "The keras.io examples repeated",
        rows,
        "Their first epochs, like for like: their sizes (`mixer_keras_io`, …) on images enlarged as theirs, and their "
        "recipes (these epochs are the same however many are asked for), without their defects. The ViTs lag; likely "
        "reasons are two of those defects, which ours leave out: heads as wide as the whole token, so that attention "
        f"is four times as large, and a flattened head with most of the parameters. Seed 0. {machines(runs)}",
        "Again: `python -m benchmarks.accuracy mixer_keras_io … --recipe keras_io --epochs N --again --results "
        "benchmarks/results/repeated`",
    )


def several_seeds() -> str:
    """Returns every experiment that was repeated with several seeds."""
    parts = []
    for path, card in every("seeds/*", Seeds).items():
        runs = [run for found in card.runs.values() for run in found if run.test]
        command = f"seeds {path.stem}" if path.stem in seeds.EXPERIMENTS else path.stem
        about = {show.escaped(f"{run.dataset.name}, {run.dataset.train:,} images to train on") for run in runs}
        about |= {f"{run.model.tokens} tokens" for run in runs if run.model.config}
        parts.append(
            section(
                f"Several seeds: `{path.stem}`",
                tables.mean_and_deviation(path.stem) if runs else [],
                f"Test top-1, mean and standard deviation over the seeds; {', '.join(sorted(about))}; "
                + "; ".join(sorted({machine_of(run) for run in runs})),
                f"Again: `python -m benchmarks.{command} --again`",
            )
        )
    return "\n\n".join(filter(None, parts))


def puzzle() -> str:
    """Returns the `tiny` networks with the quick recipe on the embedded puzzle."""
    runs = [
        run
        for paper in PAPERS
        for run in tables.runs_of(paper)
        if run.model.config == CONFIGS.get(f"{paper}_tiny") and run.recipe.name == "quick"
    ]
    rows = [
        {key: value for key, value in tables.size(run).items() if key not in ("recipe", "CPU minutes")}
        | {"seconds per epoch": f"{median(run.history['seconds']):.1f}", "test top-1": tables.percent(run.test.top1)}
        for run in runs
    ]
    return section(
        "The embedded puzzle",
        rows,
        "Which cell is the odd one? 16 classes, chance 6.25 %; the `quick` recipe, seed 0; the seconds are the median "
        f"over the epochs. {machines(runs)}",
        "Again: `python -m benchmarks.accuracy mixer_tiny … --recipe quick --data shapes --again`",
    )


def speed() -> str:
    """Returns the recorded comparison with plain Keras renderings of the keras.io examples' networks."""
    cards = [card for card in every("speed/*", Speed).values() if card.paper in PAPERS]
    cards.sort(key=lambda card: list(PAPERS).index(card.paper))
    if not cards:
        return ""
    clock = "Seconds" if cards[0].hardware.accelerators else "CPU time"
    architectures = section(
        "Speed: the same architecture",
        [speeds.row(card) for card in cards],
        "A plain Keras rendering of the keras.io examples' networks against this course's: how many times as much the "
        "plain one needs (above 1: ours needs less). The plain ViTs have heads of the paper's width, a quarter of the "
        f"keras.io example's. {clock} at batch {cards[0].batch}, medians of "
        f"{len(next(iter(cards[0].training_step.values())))} rounds in turn in one process; {machine_of(cards[0])}. "
        "The last column is a step of the `course` network.",
        "Again, with the next table: `python -m benchmarks.speed`",
    )
    same_accuracy = section(
        "Speed: to the same validation accuracy",
        [row for card in cards for row in speeds.accuracy_rows(card)],
        f"{clock}, the keras.io example's network against the `course` one: a step's ratio, timed as above, times the "
        "ratio of the epochs until the accuracy is reached. The example's epochs are read from its authors' curve, "
        "ours from every recorded run with batches and an optimizer that were timed; the accuracy is the best that "
        "both reach. The last column is what the recorded run itself took until then.",
    )
    return f"{architectures}\n\n{same_accuracy}"


def side_by_side() -> str:
    """Returns the runs of a keras.io example's network and ours, trained in turn in one process."""
    parts = []
    for path, card in every("side_by_side/*", SideBySide).items():
        title, ours = PAPERS[card.paper].title, card.ours.history
        both = {
            f"{title}, the keras.io example's network": (card.plain_cpu_seconds, card.plain_val_accuracy),
            f"{title}, {card.ours.label} ({card.ours.recipe.name})": (ours["cpu_seconds"], ours["val_accuracy"]),
        }
        share = min(max(accuracy) for _, accuracy in both.values())
        after = {name: tables.reached_after(accuracy, share) for name, (_, accuracy) in both.items()}
        theirs, mine = (sum(both[name][0][:epochs]) for name, epochs in after.items())
        rows = [
            {
                "network": name,
                "CPU minutes of each epoch": ", ".join(f"{spent / 60:.1f}" for spent in seconds),
                "validation top-1 after each epoch": tables.percents(accuracy),
                f"epochs to {tables.percent(share)}": after[name],
            }
            for name, (seconds, accuracy) in both.items()
        ]
        parts.append(
            section(
                f"Speed: really run, {title}",
                rows,
                "Trained in turn in one process, training and validation counted. An epoch of theirs takes "
                f"{median(card.plain_cpu_seconds) / median(ours['cpu_seconds']):.2f} times the CPU time of one of "
                f"ours, and to the best accuracy that both reach ours needs {theirs / mine:.1f} times less. With so "
                "few epochs that is far below what either can reach; the table above says what it comes to there. "
                f"{machines([card.ours])}",
                f"Again: `python -m benchmarks.side_by_side {path.stem}`",
            )
        )
    return "\n\n".join(parts)


def costs() -> str:
    """Returns what each recipe has cost and reached: one row for each recorded run."""
    runs = all_runs() + all_runs("repeated/*")
    known = list(RECIPES)
    runs.sort(key=lambda run: known.index(run.recipe.name) if run.recipe.name in known else len(known))
    rows = [
        {
            "recipe": run.recipe.label,
            "network": tables.name(run),
            "data": run.dataset.name,
            "CPU minutes": tables.minutes(run, 1),
            "test top-1": tables.percent(run.test.top1),
        }
        for run in runs
    ]
    unused = [f"`{recipe}`" for recipe in RECIPES if recipe not in {run.recipe.name for run in runs}]
    return section("What each recipe cost", rows, f"No recorded run: {', '.join(unused) or 'none'}.")


PARTS = (
    introduction, best, eight_epochs, longer, as_the_paper, repeated, several_seeds, puzzle, speed, side_by_side, costs
)  # fmt: skip


def page() -> str:
    """Returns docs/results.md as it should be today."""
    written = [*filter(None, (part() for part in PARTS)), FELL_SHORT.read_text(encoding="utf-8")]
    return "\n\n".join(written)


def figure():
    """Returns the curves of all `course` networks and their keras.io examples as a matplotlib figure."""
    from matplotlib.figure import Figure

    examples, runs = tables.keras_io(), {paper: tables.course_runs(paper, any_depth=True) for paper in PAPERS}
    papers = [paper for paper in PAPERS if paper in examples or runs[paper]]
    used = [run.recipe.name for found in runs.values() for run in found]
    recipes = [*(name for name in reversed(RECIPES) if name in used), *dict.fromkeys(used)]  # the newest is a full line
    image = Figure(figsize=(2 * len(papers), 3.6), layout="constrained")
    for axes, paper in zip(image.subplots(1, len(papers), sharey=True, squeeze=False)[0], papers, strict=True):
        lines = []
        if paper in examples:
            lines.append((examples[paper].val_accuracy[:LAST_EPOCH], THEIRS, "-", "the keras.io example"))
        for run in runs[paper]:
            line = LINES[recipes.index(run.recipe.name) % len(LINES)]
            lines.append((run.history["val_accuracy"], OURS, line, f"this course: {run.recipe.name}"))
        for curve, colour, line, label in lines:
            epochs = range(1, len(curve) + 1)
            axes.plot(epochs, [100 * share for share in curve], color=colour, linestyle=line, label=label)
        axes.set_title(PAPERS[paper].title, fontsize=10)
        axes.set_xlim(0, LAST_EPOCH)
        axes.set_xticks([1, 10, 20, 30, 40, 50])
        axes.grid(alpha=0.3)
    first = image.axes[0]
    first.set_ylim(0, None)  # for all panels, once every curve is drawn
    first.set_ylabel("validation top-1 (%)")
    pairs = [pair for axes in image.axes for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    labelled = {label: line for line, label in pairs}
    legend = image.legend(
        labelled.values(), labelled, loc="outside upper center", ncols=min(len(labelled), 3), frameon=False, fontsize=9,
        columnspacing=1.2,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)  # a recipe's name comes from a card
    image.supxlabel("epoch", fontsize=10)
    return image


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=f"Makes {PAGE} from the cards.")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE} and {FIGURE}, not only print the page")
    given = parser.parse_args(arguments)
    text = page()
    if given.write:
        write_whole(ROOT / PAGE, text.encode(), PAGE)
        (ROOT / FIGURE).parent.mkdir(parents=True, exist_ok=True)
        figure().savefig(ROOT / FIGURE, dpi=150, metadata={"Software": None})
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
