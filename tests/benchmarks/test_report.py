import json
from dataclasses import replace

import pytest

from benchmarks import report
from course_utils.results import cards
from course_utils.results.tables import KERAS_IO, PAPERS
from course_utils.training.recipes import RECIPES, Recipe


@pytest.mark.parametrize("name", report.WRITTEN)
def test_the_written_files_show_what_the_cards_hold(name):
    text = (report.ROOT / name).read_text(encoding="utf-8")
    assert report.WRITTEN[name](text) == text, "run `python -m benchmarks.report`"
    assert (report.ROOT / report.FIGURE).is_file()


def test_another_card_makes_another_table(monkeypatch, tmp_path):
    before = report.results()
    for stem in report.SHORT.values():
        card = cards.recorded(stem)
        if stem == report.SHORT["fnet"]:
            card["history"]["val_accuracy"][-1] = 0.123
            card["test"]["top1"] = 0.456
        (tmp_path / f"{stem}.json").write_text(json.dumps(card))
    monkeypatch.setattr(cards, "results_folder", lambda: tmp_path)
    after = report.results()
    assert after != before
    (row,) = (line for line in after.splitlines() if line.startswith("| fnet course"))
    assert "| 12.3 % |" in row
    assert "| 45.6 % |" in row


def test_the_cards_were_recorded_with_todays_recipe():
    for stem in report.SHORT.values():
        assert Recipe(**cards.recorded(stem)["recipe"]) == RECIPES["short"], stem


def test_the_longer_runs_were_recorded_with_todays_recipes_and_stand_beside_the_keras_io_ones():
    text, cards = report.longer(), report.longer_runs()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + sum(len(found) + 1 for found in cards.values())
    assert {card["seed"] for found in cards.values() for card in found} == {0}, "the text says so"
    for paper, found in cards.items():
        for card in found:
            name = report.name_of(Recipe(**card["recipe"]))
            assert name in ("long", "course", "small_batches"), "the recipe has changed since"
            network = card["model"]["name"].replace("_", " ")
            told = f"| {network} | {name} | "
            (row,) = (row for row in rows if row.startswith(told))
            assert f"| {len(card['history']['loss'])} |" in row
            assert f"| {100 * card['test']['top1']:.1f} % |" in row
            assert f"{network} with `{name}`" in text
        assert f"{100 * KERAS_IO[paper]['test_top1']:.1f} % |" in text


def test_only_runs_longer_than_the_short_recipe_are_longer_runs(monkeypatch):
    short, long = cards.recorded(report.SHORT["vit"]), cards.recorded("mixer_course_cifar100_long")
    monkeypatch.setattr(report, "course_runs", lambda paper: {"vit": [short, long], "fnet": [short]}.get(paper, []))
    assert report.longer_runs() == {"vit": [long]}


def test_the_runs_as_the_paper_says_differ_in_spt_and_lsa_alone_and_stand_beside_the_papers_own():
    plain, both = report.paper_cards()
    assert plain["model"]["name"] == f"{both['model']['name']}_plain"
    assert plain["recipe"] == both["recipe"]
    assert plain["seed"] == both["seed"]
    for card in (plain, both):
        assert Recipe(**card["recipe"]) == replace(RECIPES["paper"], epochs=len(card["history"]["loss"]))
        assert report.machine_of(card) == report.machine_of(plain), "the text names one machine"
    text = report.as_the_paper()
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if line[:2] == "| "]
    assert [row[0] for row in rows[1:]] == [
        "small data vit course plain",
        "small data vit course",
        "the paper's: plain ViT",
        "the paper's: SPT and LSA",
    ]
    for row, card in zip(rows[1:3], (plain, both), strict=True):
        assert row[-1] == f"{100 * card['test']['top1']:.1f} %"
        assert row[-3] == f"{100 * max(card['history']['val_accuracy']):.1f} %"
    assert [row[-1] for row in rows[3:]] == ["73.81 %", "76.92 %"]
    assert both not in report.course_runs("small_data_vit"), "no step was timed with its augmentation"


def test_what_a_recipe_cost_says_where_a_run_had_another_number_of_epochs():
    card = cards.recorded("mixer_course_cifar100_course")
    assert report._cost(card, "course").startswith("mixer course on cifar100, 98.8 minutes")
    card["recipe"]["epochs"] = 24
    assert report._cost(card, "course").startswith("mixer course on cifar100, 24 epochs, 98.8 minutes")
    assert report._cost(card, "keras_io_mixer").startswith("mixer course on cifar100, the first 24 of 50 epochs, ")


def test_the_repeated_lessons_were_trained_as_keras_io_and_as_far_as_told():
    text = report.repeated()
    for paper, card in report.repeated_cards().items():
        epochs = len(card["history"]["loss"])
        assert Recipe(**card["recipe"]) == replace(RECIPES[f"keras_io_{paper}"], epochs=epochs), paper
        assert RECIPES[f"keras_io_{paper}"].schedule != "cosine", "its first epochs would depend on their number"
        (row,) = (line for line in text.splitlines() if line.startswith(f"| {paper.replace('_', ' ')} published |"))
        ours, theirs = (cell.strip() for cell in row.split("|")[-3:-1])
        assert ours == ", ".join(f"{100 * v:.1f}" for v in card["history"]["val_accuracy"]) + " %"
        assert theirs == ", ".join(f"{100 * v:.1f}" for v in KERAS_IO[paper]["val_accuracy"][:epochs]) + " %"
        if "vit" in paper:
            last = card["history"]["val_accuracy"][-1]
            assert last < KERAS_IO[paper]["val_accuracy"][epochs - 1], "the text says that they lag"
        (line,) = report.costs()[f"keras_io_{paper}"]
        told = "the first of " if epochs == 1 else f"the first {epochs} of "
        assert line.startswith(f"{paper.replace('_', ' ')} published on cifar100, {told}")


def test_each_recipe_tells_what_it_reached_or_that_nobody_ran_it(monkeypatch):
    found = report.costs()
    assert set(found) == set(RECIPES)
    assert len(found["short"]) == len(report.SHORT)
    assert len(found["quick"]) == len(report.TINY)
    monkeypatch.setattr(report, "costs", lambda: found | {"paper": []})
    text = report.recipes_with_costs('X = {}\n"""The recipes by name. Whatever:\n\nold\n"""\nrest')
    assert text.startswith('X = {}\n"""The recipes by name. Whatever:\n\n- "quick":\n    - fnet tiny on shapes')
    assert '- "paper": no recorded run.\n"""\nrest' in text
    assert "old" not in text
    with pytest.raises(ValueError, match="must hold a docstring"):
        report.recipes_with_costs("RECIPES = {}")


def test_a_readme_without_its_markers_is_named():
    with pytest.raises(ValueError, match=r"README.md must hold"):
        report.readme_with_results("# nothing")


def test_the_figure_draws_every_run_and_the_keras_io_curve_of_every_paper():
    image = report.figure()
    panels = image.axes
    image.canvas.draw()
    (legend,) = image.legends
    assert image.bbox.x0 <= legend.get_window_extent().x0 < legend.get_window_extent().x1 <= image.bbox.x1
    assert len(panels) == len(PAPERS)
    for axes, paper in zip(panels, PAPERS, strict=True):
        theirs, *ours = axes.get_lines()
        assert len(ours) == len(report.course_runs(paper))
        for line, card in zip(ours, report.course_runs(paper), strict=True):
            assert list(line.get_ydata()) == pytest.approx([100 * v for v in card["history"]["val_accuracy"]])
            name = report.name_of(Recipe(**card["recipe"]))
            mimetic = card["model"]["name"] == f"{paper}_course_mimetic"
            assert line.get_label() == f"this course: {name}{', mimetic start' if mimetic else ''}"
        assert list(theirs.get_ydata()) == pytest.approx([100 * v for v in KERAS_IO[paper]["val_accuracy"][:50]])
        for line in axes.get_lines():
            assert axes.get_ylim()[1] > max(line.get_ydata()), "a curve is cut off"
            assert axes.get_xlim()[1] >= max(line.get_xdata()), "a curve is cut off"


def test_the_puzzles_table_holds_every_tiny_network_and_todays_recipe():
    text = report.puzzle()
    for name in report.TINY:
        card = cards.recorded(name)
        assert Recipe(**card["recipe"]) == RECIPES["quick"], f"{name}: record it again"
        assert f"{100 * card['test']['top1']:.1f} %" in text
        reached = card["test"]["top1"]
        assert reached < 0.1 if name.startswith("no_mixing") else reached >= 0.9
    assert len(report.TINY) == 6
