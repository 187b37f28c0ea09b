import errno
import json
import os

import pytest

from course_utils.results import cards
from course_utils.results.cards import CardError, read_card, recorded
from course_utils.training.recipes import Recipe
from course_utils.training.run import Run


@pytest.fixture
def run():
    history = {
        "loss": [2.0, float("nan")],
        "accuracy": [0.1, 0.2],
        "val_accuracy": [0.15, 0.25],
        "seconds": [3.0, 5.0],
    }
    return Run(
        model={"name": "mixer_tiny"},
        recipe=Recipe(2, augment=("flip",)),
        dataset={"name": "shapes"},
        seed=7,
        policy="float32",
        history=history,
        best_epoch=2,
        test={"loss": 1.0, "top1": 0.3, "top5": None},
    )


def test_a_card_can_be_read_back(run, tmp_path):
    path = run.save_card(tmp_path / "card.json")
    card = read_card(path)
    assert card["recipe"]["augment"] == ["flip"]
    assert card["seed"] == 7
    assert card["seconds_per_epoch"] == 4.0
    assert card["history"]["loss"] == [2.0, None]  # NaN is no JSON
    assert card["versions"]["keras"]
    assert card["hardware"]["cores"] >= 1
    assert [file.name for file in tmp_path.iterdir()] == ["card.json"]


def test_a_run_says_what_came_of_it(run):
    assert repr(run) == "Run(mixer tiny on shapes: 2 epochs, best 2, validation 25.0 %, test 30.0 %)"
    empty = Run({"name": "mixer_tiny"}, Recipe(1), {"name": "shapes"}, 0, "float32", stopped="interrupted")
    assert repr(empty) == "Run(mixer tiny: no finished epoch, interrupted)"


def test_a_dry_run_says_so_and_is_never_a_card(run, tmp_path):
    run.dry_run = True
    assert repr(run).startswith("Run(dry run, no result: mixer tiny on shapes")
    with pytest.raises(ValueError, match=r"save_card: this run is a dry run.*no results"):
        run.save_card(tmp_path / "card.json")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_older_card_whole(run, tmp_path, monkeypatch):
    path = run.save_card(tmp_path / "card.json")
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cards.os, "fsync", full)
    run.seed = 8
    with pytest.raises(OSError, match=r"could not save card.json \(No space left.*one before it is untouched"):
        run.save_card(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["card.json"]


def test_a_folder_that_is_not_there_is_named(run, tmp_path):
    with pytest.raises(OSError, match=r"could not save card.json .*give another folder.*missing"):
        run.save_card(tmp_path / "missing" / "card.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "is not a result card: it is not JSON"),
        ("[1]", "'format' must be .* it is 'list'"),
        ('{"format": "other"}', "it is 'other'"),
        (json.dumps({"format": cards.CARD_FORMAT, "model": {}}), "is incomplete: it has no recipe, dataset, seed"),
        ("", "it is not JSON"),
    ],
)
def test_a_file_that_is_no_card_is_refused(tmp_path, text, message):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(CardError, match=message):
        read_card(tmp_path / "card.json")


def test_a_binary_file_is_refused(tmp_path):
    (tmp_path / "card.json").write_bytes(bytes(range(256)))
    with pytest.raises(CardError, match="it is not JSON"):
        read_card(tmp_path / "card.json")


def test_a_missing_card_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no result card at"):
        read_card(tmp_path / "card.json")
    with pytest.raises(FileNotFoundError, match="there is no result card 'nothing'; there are"):
        recorded("nothing")


def test_every_recorded_card_is_whole():
    cards = sorted(cards.results_folder().glob("*.json"))
    assert cards
    for path in cards:
        card = recorded(path.stem)
        epochs = len(card["history"]["loss"])
        assert all(len(values) == epochs for values in card["history"].values()), path.name
        assert 1 <= card["best_epoch"] <= epochs
        best = card["history"]["val_accuracy"][card["best_epoch"] - 1]
        assert best == max(card["history"]["val_accuracy"])  # chosen on validation, never on test
        assert card["test"]["top1"] <= card["test"]["top5"]
