import json

import pytest

from benchmarks import report
from course_utils import runs
from course_utils.recipes import RECIPES, Recipe


def test_the_readme_shows_what_the_cards_hold():
    text = (report.ROOT / "README.md").read_text(encoding="utf-8")
    assert report.readme_with_results(text) == text, "run `python -m benchmarks.report`"
    assert (report.ROOT / report.FIGURE).is_file()


def test_another_card_makes_another_table(monkeypatch, tmp_path):
    card = runs.recorded(report.MIXER)
    card["history"]["val_accuracy"][0] = 0.123
    card["test"]["top1"] = 0.456
    (tmp_path / f"{report.MIXER}.json").write_text(json.dumps(card))
    before = report.results()
    monkeypatch.setattr(runs, "results_folder", lambda: tmp_path)
    after = report.results()
    assert after != before
    assert "| 12.3, " in after
    assert "| 45.6 % |" in after


def test_the_card_was_recorded_with_todays_recipe():
    assert Recipe(**runs.recorded(report.MIXER)["recipe"]) == RECIPES["course"]


def test_a_readme_without_its_markers_is_named():
    with pytest.raises(ValueError, match=r"README.md must hold"):
        report.readme_with_results("# nothing")


def test_the_figure_draws_both_curves():
    lines = report.figure().axes[0].get_lines()
    card = runs.recorded(report.MIXER)
    assert list(lines[0].get_ydata()) == pytest.approx([100 * v for v in card["history"]["val_accuracy"]])
    assert list(lines[1].get_ydata()) == pytest.approx([15.32, 23.34, 25.6, 27.98, 29.04])


def test_the_puzzles_table_holds_every_tiny_network_and_todays_recipe():
    text = report.puzzle()
    for name in report.TINY:
        card = runs.recorded(name)
        assert Recipe(**card["recipe"]) == RECIPES["quick"], f"{name}: record it again"
        assert f"{100 * card['test']['top1']:.1f} %" in text
        reached = card["test"]["top1"]
        assert reached < 0.1 if name.startswith("no_mixing") else reached >= 0.9
    assert len(report.TINY) == 6
