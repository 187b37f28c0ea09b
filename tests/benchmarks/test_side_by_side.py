"""The command that really trains both: benchmarks.side_by_side."""

from dataclasses import replace

import pytest

from benchmarks import plain, report, side_by_side
from course_utils.data import load_dataset
from course_utils.results import cards
from course_utils.results.cards import CardError, SideBySide, read, recorded, write
from course_utils.results.tables import percents

MIXER = recorded("side_by_side/mixer", SideBySide)


@pytest.mark.slow
@pytest.mark.rehearsal
@pytest.mark.one_backend
def test_both_train_in_turn_theirs_as_its_example_and_ours_with_muon(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(plain.SIZES, "mixer", plain.SIZES["mixer"] | {"depth": 1})
    puzzle = load_dataset("shapes").subset(train=256, validation=64, test=64)
    monkeypatch.setattr(side_by_side, "load_dataset", lambda name: puzzle)
    side_by_side.main(["mixer", "--epochs", "2", "--turns", "1", "--results", str(tmp_path)])
    card = read(tmp_path / "mixer.json", SideBySide)
    assert card.ours.recipe == replace(MIXER.ours.recipe, epochs=2)
    assert len(card.plain_cpu_seconds) == len(card.plain_val_accuracy) == card.ours.epochs == 2
    told = [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("keras.io")]
    assert told == ["keras.io, epoch 1", "keras.io, epoch 2"]


def test_the_recorded_one_took_most_of_half_an_hour_and_stands_on_the_page(monkeypatch, tmp_path):
    spent = sum(MIXER.plain_cpu_seconds) + sum(MIXER.ours.history["cpu_seconds"])
    assert 20 * 60 < spent < 40 * 60
    written = report.side_by_side()
    for accuracy in (MIXER.plain_val_accuracy, MIXER.ours.history["val_accuracy"]):
        assert f"| {percents(accuracy)} |" in written
    monkeypatch.setattr(cards, "folder", lambda: tmp_path)
    history = MIXER.ours.history | {"val_accuracy": [0.1, 0.4, 0.5], "cpu_seconds": [60.0, 30.0, 1.0]}
    theirs = {"plain_cpu_seconds": [120.0, 240.0], "plain_val_accuracy": [0.2, 0.3]}
    (tmp_path / "side_by_side").mkdir()
    write(tmp_path / "side_by_side/mixer.json", replace(MIXER, ours=replace(MIXER.ours, history=history), **theirs))
    assert "ours needs 4.0 times less" in report.side_by_side()  # 30 %: 360 seconds and 90
    assert "takes 6.00 times" in report.side_by_side()  # 180 seconds, the median, and 30


def test_a_card_with_an_epoch_too_few_is_refused(tmp_path):
    path = write(tmp_path / "card.json", MIXER)
    path.write_text(path.read_text().replace('"plain_val_accuracy": [', '"plain_val_accuracy": [0.1, ', 1))
    with pytest.raises(CardError, match="plain_cpu_seconds must have as many numbers"):
        read(path, SideBySide)


def test_no_epochs_are_refused(capsys):
    with pytest.raises(SystemExit):
        side_by_side.main(["--epochs", "0"])
    assert "--epochs and --turns must be at least 1" in capsys.readouterr().err
