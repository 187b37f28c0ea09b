import json

import pytest

from benchmarks.seeds import EXPERIMENTS
from course_utils.results import cards, tables
from course_utils.results.tables import (
    KERAS_IO,
    PAPERS,
    at_the_same_epoch,
    comparison,
    course_runs,
    mean_and_spread,
    measured,
    reached_after,
    recorded_curves,
    seeds,
)
from course_utils.training.recipes import Recipe


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(tables, "results_folder", lambda: tmp_path)
    return tmp_path


def card(name: str, weights: int, data: str = "shapes", top5: float | None = 0.99, test: bool = True) -> dict:
    kept = cards.recorded("mixer_course_cifar100_long")
    kept["model"] |= {"name": name, "weights": weights}
    kept["dataset"]["name"] = data
    kept["history"] = {key: values[:2] for key, values in kept["history"].items()}
    kept["history"]["cpu_seconds"] = [30.0, 60.0]
    kept["test"] = {"top1": 0.876, "top5": top5, "loss": 1.0} if test else None
    return kept


def write(folder, *cards):
    for k, kept in enumerate(cards):
        (folder / f"card_{k}.json").write_text(json.dumps(kept))


def test_each_card_of_the_paper_is_a_row_and_the_keras_io_lesson_comes_last(folder):
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
        ("the keras.io example", None),
    ]
    assert rows[1]["test top-1"] == "87.6 %"
    assert rows[1]["test top-5"] is None
    assert rows[1]["CPU minutes"] == "1.5"
    assert rows[1]["epochs"] == 2
    assert rows[-1]["test top-1"] == "55.1 %"
    assert [row["weights"] for row in measured("small_data_vit")[:-1]] == [7]


def test_without_cards_only_the_keras_io_lesson_is_left(folder):
    assert [row[""] for row in measured("fnet")] == ["the keras.io example"]
    assert measured("no_mixing") == []


def test_what_nobody_published_is_named(folder):
    with pytest.raises(ValueError, match="measured: paper must be one of mixer, fnet, gmlp, vit, small_data_vit, "):
        measured("resnet")
    with pytest.raises(ValueError, match="comparison: paper must be one of"):
        comparison({"resnet": [card("mixer_course", 1)]})
    with pytest.raises(ValueError, match="at_the_same_epoch: paper must be one of"):
        at_the_same_epoch({"resnet": card("mixer_course", 1)})


def test_the_keras_io_numbers_are_shares_and_end_where_the_test_says():
    assert set(PAPERS) <= set(KERAS_IO)
    for published in KERAS_IO.values():
        curve = published["val_accuracy"]
        assert 0.4 < published["test_top1"] < published["test_top5"] < 0.9
        assert len(curve) == published["epochs"]
        assert all(0.05 < share < 0.6 for share in curve)
        assert curve[0] < 0.16
        assert abs(max(curve) - published["test_top1"]) < 0.02
        assert published["source"].startswith("keras.io")


def test_the_epoch_that_first_reaches_a_share():
    assert reached_after([0.1, 0.3, 0.2, 0.4], 0.3) == 2
    assert reached_after([0.1, 0.3], 0.31) is None


def test_longer_runs_stand_above_their_keras_io_lesson_as_far_as_each_goes():
    cards = {"fnet": [card("fnet_course", 1), card("fnet_course", 1)], "gmlp": [card("gmlp_course", 5)]}
    curve = cards["fnet"][1]["history"]["val_accuracy"] = [0.1, 0.2, 0.3, 0.4]
    cards["fnet"][1]["history"] |= {"loss": [1.0] * 4, "accuracy": [0.1, 0.2, 0.3, 0.456]}
    cards["fnet"][1]["recipe"]["epochs"] = 4
    rows = comparison(cards)
    assert [row["network"] for row in rows] == [
        *["fnet course"] * 2, "its keras.io example", "gmlp course", "its keras.io example",
    ]  # fmt: skip
    heading = "validation top-1 after epochs 1, 2, 4"
    short = cards["fnet"][0]["history"]["val_accuracy"]
    assert rows[0][heading] == f"{100 * short[0]:.1f}, {100 * short[1]:.1f} %"
    assert rows[1][heading] == ", ".join(f"{100 * curve[k]:.1f}" for k in (0, 1, 3)) + " %"
    assert rows[2][heading] == "11.8, 15.4, 23.3 %"
    assert [row["epochs"] for row in rows] == [2, 4, 50, 2, 50]
    assert [row["recipe"] for row in rows[:2]] == ["long", "long"]
    assert rows[1]["training top-1, last epoch"] == "45.6 %"
    assert rows[2]["test top-1"] == "46.6 %"
    assert rows[4]["test top-1"] == "50.6 %"


def test_the_runs_of_a_course_network_are_those_on_cifar100_that_came_to_an_end(folder):
    wanted = card("vit_course", 9, data="cifar100")
    longer = card("vit_course", 9, data="cifar100")
    longer["history"]["loss"] = [1.0] * 3
    mimetic = card("vit_course_mimetic", 10, data="cifar100")
    others = card("vit_course", 9), card("vit_tiny", 5, data="cifar100"), card("small_data_vit_course", 9, "cifar100")
    write(folder, longer, *others, card("vit_course", 9, data="cifar100", test=False), wanted, mimetic)
    assert course_runs("vit") == [wanted, longer, mimetic]


def test_a_run_stands_beside_the_keras_io_curve_at_the_same_epoch():
    ours = card("fnet_course", 9, data="cifar100")
    ours["history"] |= {"val_accuracy": [0.2, 0.3], "cpu_seconds": [60.0, 120.0]}
    (row,) = at_the_same_epoch({"fnet": ours})
    assert row["network"] == "fnet course"
    assert row["CPU minutes"] == "3"
    assert row["validation top-1"] == "30.0 %"
    assert row["published, same epoch"] == "15.4 %"
    assert row["published gets there after"] == "9 epochs"  # 29.96 % after 8, 31.12 % after 9
    assert row["published, at its end"] == "46.6 % (50 epochs)"
    ours["history"]["val_accuracy"] = [0.2, 0.9]
    assert at_the_same_epoch({"fnet": ours})[0]["published gets there after"] == "not in 50 epochs"


def seeds_file(folder, **networks):
    (folder / "seeds").mkdir()
    text = json.dumps({"format": cards.SEEDS_FORMAT, "runs": networks})
    (folder / "seeds" / "trial.json").write_text(text)


def test_runs_with_several_seeds_are_one_table(monkeypatch, tmp_path):
    cards = [card("vit_tiny", 5) | {"seed": seed} for seed in (0, 1)]
    monkeypatch.setattr(cards, "results_folder", lambda: tmp_path)
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


def test_recorded_curves_are_those_on_cifar100_and_the_keras_io_one(folder):
    write(folder, card("fnet_tiny", 5, data="cifar100"), card("fnet_course", 9), card("gmlp_tiny", 5, data="cifar100"))
    found = recorded_curves("fnet")
    assert list(found) == ["fnet tiny, long, 2 epochs", "the keras.io example"]
    assert len(found["fnet tiny, long, 2 epochs"]["val_accuracy"]) == 2
    assert found["the keras.io example"]["val_accuracy"] == KERAS_IO["fnet"]["val_accuracy"]
    with pytest.raises(ValueError, match="recorded_curves: paper must be one of"):
        recorded_curves("resnet")


def test_several_seeds_have_a_mean_and_a_spread(monkeypatch, tmp_path):
    cards = [card("vit_tiny", 5) | {"seed": seed} for seed in range(3)]
    for kept, share in zip(cards, (0.30, 0.32, 0.37), strict=True):
        kept["test"] = {"top1": share, "top5": 0.9, "loss": 1.0}
    monkeypatch.setattr(cards, "results_folder", lambda: tmp_path)
    seeds_file(tmp_path, plain=cards, alone=cards[:1])
    several, one = mean_and_spread("trial")
    assert (several["seed 0"], several["seed 2"]) == ("30.0 %", "37.0 %")
    assert (several["mean"], several["spread"]) == ("33.0 %", "± 3.6")
    assert (one["mean"], one["spread"]) == ("30.0 %", None)


def test_an_experiment_that_is_not_there_or_no_experiment_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(cards, "results_folder", lambda: tmp_path)
    seeds_file(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no experiment 'nothing'; there are trial"):
        seeds("nothing")
    (tmp_path / "seeds" / "trial.json").write_text("[]")
    with pytest.raises(cards.CardError, match="holds no runs with several seeds"):
        seeds("trial")
    (tmp_path / "seeds" / "trial.json").write_text("{")
    with pytest.raises(cards.CardError, match="is not JSON"):
        seeds("trial")


def test_the_recorded_seeds_are_those_of_their_experiments():
    for name, experiment in EXPERIMENTS.items():
        found = cards.read_seeds(name)
        assert list(found) == list(experiment.variants)
        for cards in found.values():
            assert [card["seed"] for card in cards] == list(range(experiment.seeds))
            assert all(Recipe(**card["recipe"]) == experiment.recipe for card in cards)
            assert all(len(card["history"]["loss"]) == experiment.recipe.epochs for card in cards)
