import json

import pytest

from benchmarks.seeds import EXPERIMENTS
from course_utils import baselines, runs
from course_utils.baselines import PUBLISHED, comparison, measured, seeds
from course_utils.recipes import Recipe


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(baselines, "results_folder", lambda: tmp_path)
    return tmp_path


def card(name: str, weights: int, data: str = "shapes", top5: float | None = 0.99, test: bool = True) -> dict:
    kept = runs.recorded("mixer_course_cifar100_course")
    kept["model"] |= {"name": name, "weights": weights}
    kept["dataset"]["name"] = data
    kept["history"] = {key: values[:2] for key, values in kept["history"].items()}
    kept["history"]["seconds"] = [30.0, 60.0]
    kept["test"] = {"top1": 0.876, "top5": top5, "loss": 1.0} if test else None
    return kept


def write(folder, *cards):
    for k, kept in enumerate(cards):
        (folder / f"card_{k}.json").write_text(json.dumps(kept))


def test_each_card_of_the_paper_is_a_row_and_the_published_lesson_comes_last(folder):
    write(
        folder,
        card("vit_course", 9),
        card("vit_tiny", 5, top5=None),
        card("small_data_vit_tiny", 7),
        card("vit_tiny_changed", 6, data="cifar100"),
        card("vit_tiny", 1, test=False),
    )
    rows = measured("vit")
    assert [(row[""], row.get("weights")) for row in rows] == [
        ("this course, vit tiny changed", 6),
        ("this course, vit tiny", 5),
        ("this course, vit course", 9),
        ("the published lesson", None),
    ]
    assert rows[1]["test top-1"] == "87.6 %"
    assert rows[1]["test top-5"] is None
    assert rows[1]["minutes"] == "1.5"
    assert rows[1]["epochs"] == 2
    assert rows[-1]["test top-1"] == "55.1 %"
    assert [row["weights"] for row in measured("small_data_vit")[:-1]] == [7]


def test_without_cards_only_the_published_lesson_is_left(folder):
    assert [row[""] for row in measured("fnet")] == ["the published lesson"]
    assert measured("no_mixing") == []


def test_what_nobody_published_is_named(folder):
    with pytest.raises(ValueError, match="measured: paper must be one of mixer, fnet, gmlp, vit, small_data_vit, but"):
        measured("resnet")
    with pytest.raises(ValueError, match="comparison: paper must be one of"):
        comparison(card("mixer_course", 1), "resnet")
    with pytest.raises(ValueError, match="the published lesson of 'fnet' has no validation curve; use measured"):
        comparison(card("fnet_course", 1), "fnet")


def test_the_published_numbers_are_shares():
    for published in PUBLISHED.values():
        assert 0.4 < published["test_top1"] < published["test_top5"] < 0.9


def seeds_file(folder, **networks):
    (folder / "seeds").mkdir()
    text = json.dumps({"format": runs.SEEDS_FORMAT, "runs": networks})
    (folder / "seeds" / "trial.json").write_text(text)


def test_runs_with_several_seeds_are_one_table(monkeypatch, tmp_path):
    cards = [card("vit_tiny", 5) | {"seed": seed} for seed in (0, 1)]
    monkeypatch.setattr(runs, "results_folder", lambda: tmp_path)
    cards[1]["history"]["val_accuracy"] = [0.25, 0.5]
    cards[1]["test"]["top1"] = 0.444
    seeds_file(tmp_path, plain=cards, changed=cards[:1])
    assert seeds("trial") == [
        {"network": "plain", "seed 0": "88 %", "seed 1": "44 %"},
        {"network": "changed", "seed 0": "88 %"},
    ]
    assert seeds("trial", epoch=2)[0]["seed 1"] == "50 %"
    with pytest.raises(ValueError, match="epoch must be from 1 to 2, but it is 3"):
        seeds("trial", epoch=3)


def test_an_experiment_that_is_not_there_or_no_experiment_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(runs, "results_folder", lambda: tmp_path)
    seeds_file(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no experiment 'nothing'; there are trial"):
        seeds("nothing")
    (tmp_path / "seeds" / "trial.json").write_text("[]")
    with pytest.raises(runs.CardError, match="holds no runs with several seeds"):
        seeds("trial")
    (tmp_path / "seeds" / "trial.json").write_text("{")
    with pytest.raises(runs.CardError, match="is not JSON"):
        seeds("trial")


def test_the_recorded_seeds_are_those_of_their_experiments():
    for name, experiment in EXPERIMENTS.items():
        found = runs.read_seeds(name)
        assert list(found) == list(experiment.variants)
        for cards in found.values():
            assert [card["seed"] for card in cards] == list(range(experiment.seeds))
            assert all(Recipe(**card["recipe"]) == experiment.recipe for card in cards)
            assert all(len(card["history"]["loss"]) == experiment.recipe.epochs for card in cards)
