"""The page of results: benchmarks.report, docs/results.md and what the README quotes of it."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks import report
from course_utils.models import CONFIGS
from course_utils.papers import PAPERS, WITH_KERAS_IO, WITH_LESSON
from course_utils.results import cards, tables
from course_utils.results.cards import Examples, Seeds, Speed, all_runs, every, recorded, write
from course_utils.training.recipes import RECIPES


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder of recorded cards of its own: the short runs, and one card of every other kind."""
    for path, run in every().items():
        if run.recipe.name == "short":
            write(tmp_path / path.name, run)
    for name, kind in {"reported/keras_io": Examples, "seeds/gate_bias": Seeds, "speed/vit": Speed}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / f"{name}.json", recorded(name, kind))
    monkeypatch.setattr(cards, "folder", lambda: tmp_path)
    return tmp_path


def rows_of(text: str) -> list[list[str]]:
    """Returns the cells of a Markdown table's rows."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and "| ---" not in line]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]


def test_the_page_is_in_step_with_the_cards_and_links_the_keras_io_examples():
    text = (report.ROOT / report.PAGE).read_text(encoding="utf-8")
    assert report.page() == text, "run `python -m benchmarks.report --write`"
    assert (report.ROOT / report.FIGURE).is_file()
    for key in WITH_KERAS_IO:
        assert f"]({PAPERS[key].keras_io_page})" in text


def test_the_readme_quotes_no_accuracy_that_is_not_on_the_page():
    readme, page = ((report.ROOT / name).read_text(encoding="utf-8") for name in ("README.md", report.PAGE))
    quoted = set(re.findall(r"(\d+(?:\.\d+)?) ?%", readme))
    assert quoted
    assert quoted <= set(re.findall(r"\d+(?:\.\d+)?(?= %)", page))


COMMANDS = ("accuracy", "claims.__main__", "report", "seeds", "ship", "speed", "transfer")
HELP = f"""
import importlib
for name in {COMMANDS}:
    try:
        importlib.import_module("benchmarks." + name).main(["--help"])
    except SystemExit as stopped:
        print(name, "ended with", stopped.code)
"""


@pytest.mark.rehearsal
def test_every_command_has_a_help_that_does_nothing_else():
    def files():
        return [path for path in sorted(report.ROOT.glob("benchmarks/**/*")) if "__pycache__" not in path.parts]

    before = files()
    run = [sys.executable, "-OO", "-c", HELP]  # without docstrings
    done = subprocess.run(run, cwd=report.ROOT, capture_output=True, text=True)
    for name in COMMANDS:
        assert f"usage: python -m benchmarks.{name.removesuffix('.__main__')}" in done.stdout, done.stderr
        assert f"{name} ended with 0" in done.stdout
    assert files() == before


def test_the_report_writes_only_when_it_is_told(folder, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(report, "ROOT", tmp_path / "project")
    (tmp_path / "project" / "docs").mkdir(parents=True)
    report.main([])
    assert capsys.readouterr().out == report.page()
    assert not list((tmp_path / "project" / "docs").iterdir())
    report.main(["--write"])
    assert (tmp_path / "project" / report.PAGE).read_text(encoding="utf-8") == report.page()
    assert (tmp_path / "project" / report.FIGURE).stat().st_size > 10_000


def test_a_broken_card_is_named_and_left_out_and_no_text_of_a_card_becomes_code(folder):
    run = recorded("vit_course_cifar100_short")
    evil = "<img src=x onerror=alert(1)>|`$\\frac{1}$"
    named = replace(run, recipe=replace(run.recipe, name=evil), hardware=replace(run.hardware, processor=evil))
    write(folder / "evil.json", named)
    for name in ("broken.json", "seeds/broken.json", "speed/broken.json", "repeated/broken.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    with pytest.warns(UserWarning, match=r"broken.json: format must be .* left out") as told:
        page = report.page()
    assert len({str(warning.message) for warning in told}) == 4
    (folder / "broken.json").unlink()
    report.figure().canvas.draw()  # no mathtext either
    assert "<img" not in page
    assert "| fnet course |" in page


def test_nothing_recorded_leaves_a_page_without_tables(monkeypatch, tmp_path):
    monkeypatch.setattr(cards, "folder", lambda: tmp_path)
    assert rows_of(report.page()) == []


def test_a_paper_without_a_keras_io_example_stands_beside_the_others(folder):
    run, timing = recorded("vit_course_cifar100_short"), recorded("speed/vit", Speed)
    write(folder / "conv.json", replace(run, model=replace(run.model, config=CONFIGS["conv_course"])))
    only = {"parameters": {"course": 1}, "training_step": {"course": [0.5]}, "peak_memory_mib": {"course": 1.0}}
    write(folder / "speed/conv.json", replace(timing, paper="conv", inference={}, **only))
    (row,) = (cells for cells in rows_of(report.eight_epochs()) if cells[0] == "conv course")
    assert row[-3:] == ["–", "–", "–"]
    (row,) = (cells for cells in rows_of(report.speed()) if cells[0] == PAPERS["conv"].title)
    assert row[1:] == ["–"] * 5 + ["500"]
    last = report.figure().axes[-1]
    assert (last.get_title(), [line.get_label() for line in last.lines]) == ("CNN", ["this course: short"])


def test_the_course_networks_were_recorded_with_todays_recipes():
    rows = rows_of(report.longer())
    for run in [run for paper in WITH_LESSON for run in tables.course_runs(paper)]:
        assert run.seed == 0, "the text says so"
        assert run.recipe.same_as(replace(RECIPES[run.recipe.name], epochs=run.epochs)), run
        if run.epochs > RECIPES["short"].epochs:
            told = [cells[-4] for cells in rows if cells[:2] == [tables.name(run), run.recipe.name]]
            assert told == [tables.percent(run.test.top1)]


AIMS = {"mixer": 0.58, "fnet": 0.55, "gmlp": 0.62, "vit": 0.63, "small_data_vit": 0.67}


def test_the_best_of_each_is_chosen_on_validation_images_and_reaches_what_was_aimed_at():
    rows = {cells[0]: cells for cells in rows_of(report.best())[1:]}
    for paper in (*WITH_LESSON, "conv"):
        run = tables.best_run(paper)
        others = tables.course_runs(paper, any_depth=True)
        assert max(run.history["val_accuracy"]) == max(max(other.history["val_accuracy"]) for other in others)
        assert (run.epochs <= 50, run.model.macs <= 60e6, run.seed) == (True, True, 0)
        assert run.test.top1 >= AIMS.get(paper, 0)
        assert tables.percent(run.test.top1) in rows.pop(tables.name(run))
    assert not rows
    text = report.FELL_SHORT.read_text(encoding="utf-8")
    for aim in AIMS.values():
        assert f"{100 * aim:.0f} %" in text
    assert round(100 * (tables.best_run("gmlp").test.top1 - AIMS["gmlp"]), 1) == 0.3, "the text says so"


def test_the_runs_as_the_paper_says_differ_in_spt_and_lsa_alone_and_stand_beside_the_papers_own():
    plain, both = (run for run in all_runs() if run.recipe.name == "paper")
    off = {"shifted_patches": False, "temperature": False, "mask_diagonal": False}
    assert plain.model.config == replace(both.model.config, **off)
    assert (plain.recipe, plain.seed) == (both.recipe, both.seed)
    assert report.machine_of(plain) == report.machine_of(both), "the text names one machine"
    rows = rows_of(report.as_the_paper())[1:]
    assert [cells[-1] for cells in rows] == ["30.4 %", "30.7 %", "73.81 %", "76.92 %"]
    assert [cells[0] for cells in rows[2:]] == ["the paper's: plain ViT", "the paper's: SPT and LSA"]


def test_the_repeated_keras_io_examples_were_trained_as_theirs_and_as_far_as_told():
    rows, examples = {cells[1]: cells for cells in rows_of(report.repeated())[1:]}, tables.keras_io()
    for run in all_runs("repeated/*"):
        paper = run.model.config.mixing
        known = RECIPES[f"keras_io_{paper}"]
        assert run.model.config == CONFIGS[f"{paper}_keras_io"]
        assert run.recipe.same_as(replace(known, epochs=run.epochs))
        assert known.schedule != "cosine", "its first epochs would depend on their number"
        ours, theirs = run.history["val_accuracy"], examples[paper].val_accuracy[: run.epochs]
        assert rows.pop(known.name)[-2:] == [tables.percents(ours), tables.percents(theirs)]
        assert "vit" not in paper or ours[-1] < theirs[-1], "the text says that they lag"
    assert not rows


def test_each_recipe_tells_what_it_cost_and_reached_or_that_nobody_ran_it():
    rows, text = rows_of(report.costs())[1:], report.costs()
    assert len(rows) == len(all_runs()) + len(all_runs("repeated/*"))
    assert ["course, 24 epochs", "gmlp course", "cifar100", "104.7", "55.0 %"] in rows
    used = {cells[0].split(",")[0] for cells in rows}
    assert {*re.findall(r"`(\w+)`", text.rpartition("No recorded run: ")[2])} == set(RECIPES) - used


def test_the_figure_draws_every_run_and_the_keras_io_curve_of_every_paper():
    image, examples = report.figure(), tables.keras_io()
    image.canvas.draw()
    (legend,) = image.legends
    assert image.bbox.x0 <= legend.get_window_extent().x0 < legend.get_window_extent().x1 <= image.bbox.x1
    panels = {axes.get_title(): axes for axes in image.axes}
    for paper in WITH_KERAS_IO:
        axes, curves = panels[PAPERS[paper].title], [examples[paper].val_accuracy[: report.LAST_EPOCH]]
        curves += [run.history["val_accuracy"] for run in tables.course_runs(paper, any_depth=True)]
        for line, curve in zip(axes.lines, curves, strict=True):
            assert list(line.get_ydata()) == pytest.approx([100 * v for v in curve])
            assert axes.get_ylim()[1] > max(line.get_ydata()), "a curve is cut off"
            assert axes.get_xlim()[1] >= max(line.get_xdata()), "a curve is cut off"


def test_the_puzzles_table_holds_every_tiny_network_and_todays_recipe():
    rows = {cells[0]: cells[-1] for cells in rows_of(report.puzzle())[1:]}
    for paper in (*WITH_LESSON, "no_mixing"):
        run = recorded(f"{paper}_tiny_shapes_odd_one_out_quick")
        assert run.recipe.same_as(RECIPES["quick"]), f"{paper}: record it again"
        assert rows[run.label] == tables.percent(run.test.top1)
        assert run.test.top1 < 0.1 if paper == "no_mixing" else run.test.top1 >= 0.9
