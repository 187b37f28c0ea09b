"""The command that times: benchmarks.speed."""

import json

import pytest

from benchmarks import plain, speed
from course_utils.figures import show
from course_utils.models import describe


@pytest.mark.parametrize("paper", speed.PAPERS)
def test_both_sides_have_the_same_architecture(paper):
    theirs, ours = plain.SIZES[paper], speed.ours(paper)
    about = describe(ours)
    assert about["tokens"] == (theirs["side"] // theirs["patch"]) ** 2
    assert (about["embed_dim"], about["depth"]) == (theirs["width"], theirs["depth"])
    network = speed.plain(paper)
    assert network.output_shape == ours.output_shape == (None, 100)
    n, d, depth = about["tokens"], about["embed_dim"], about["depth"]
    # One block's weights, from the shapes alone; a plain block may have a bias or a norm where ours has none.
    in_blocks = sum(layer.count_params() for layer in ours.layers if layer.name.startswith("block_"))
    outside = ours.count_params() - in_blocks
    theirs_outside = network.count_params() - depth * (in_blocks // depth)
    assert theirs_outside > 0
    if "vit" not in paper:  # the ViTs' flattened head is most of the plain network
        assert abs(theirs_outside - outside) < 0.25 * in_blocks
    else:
        assert theirs_outside > 2048 * n * d


def test_a_ratio_is_the_median_of_the_rounds_pair_by_pair():
    assert speed.ratio({"plain": [2.0, 3.0, 10.0], "ours": [1.0, 2.0, 1.0]}) == 2.0


def test_the_time_to_an_accuracy_is_a_steps_ratio_times_that_of_the_epochs():
    card = {"paper": "mixer", "training step": {"plain": [3.0, 6.0], "ours": [1.0, 1.0], "course": [1.0, 2.0]}}
    run = {"history": {"val_accuracy": [0.2, 0.34, 0.33]}}
    found = speed.to_accuracy(card, run)
    # The published Mixer: 33.28 % after 7 epochs, 34.60 % after 8.
    assert found == {"accuracy": 0.34, "epochs": {"plain": 8, "course": 2}, "ratio": 12.0}
    beyond = speed.to_accuracy(card, {"history": {"val_accuracy": [0.9]}})
    assert beyond["accuracy"] == max(speed.KERAS_IO["mixer"]["val_accuracy"])
    assert beyond["epochs"] == {"plain": 47, "course": 1}


def test_the_clock_of_a_run_is_the_processors_or_the_gpus():
    run = {
        "history": {"seconds": [9.0, 4.0, 5.0, 3.0], "cpu_seconds": [60.0, 30.0, 90.0, 600.0]},
        "hardware": {"accelerators": []},
    }
    assert speed.clock(run, 3) == "3 minutes"
    run["hardware"]["accelerators"] = ["NVIDIA H200"]
    assert speed.clock(run, 2) == "13 s on NVIDIA H200 (4.5 s each)"


@pytest.mark.slow
def test_the_command_writes_what_it_measured(tmp_path, capsys):
    speed.main(["fnet", "--rounds", "2", "--batch", "4", "--results", str(tmp_path)])
    card = json.loads((tmp_path / "fnet.json").read_text())
    assert card["batch"] == 4
    for name in ("training step", "inference"):
        for side in speed.SIDES[name]:
            assert len(card[name][side]) == 2
            assert min(card[name][side]) > 0
    memory = card["peak memory (MiB)"]
    assert 100 < memory["ours"] < 20_000
    assert memory["ours"] != memory["plain"]
    row = speed.row(card)
    assert row["training step"] == f"{speed.ratio(card['training step']):.2f}"
    told = capsys.readouterr().out
    assert f"| fnet | {row['training step']} |" in told
    assert not speed.accuracy_rows(card), "no run had batches of 4"
    rows = speed.accuracy_rows(card | {"batch": 128})
    assert len(rows) == len(speed.course_runs("fnet")) >= 1
    told = show.table(rows).data
    for row in rows:
        assert f"| fnet | {row['recipe']} | {row['validation top-1']} | {row['epochs, published']} | " in told


def test_an_unknown_paper_is_named(capsys):
    with pytest.raises(SystemExit):
        speed.main(["bert"])
    assert "unknown paper 'bert'; choose from mixer, fnet" in capsys.readouterr().err


def test_every_recorded_card_holds_both_sides():
    for paper in speed.PAPERS:
        card = json.loads((speed.RESULTS / f"{paper}.json").read_text(encoding="utf-8"))
        assert card["paper"] == paper
        assert {side: len(seconds) for side, seconds in card["training step"].items()} == dict.fromkeys(
            ("plain", "ours", "course"), 15
        )
