"""The command that times: benchmarks.speed."""

from dataclasses import replace

import pytest

from benchmarks import plain, speed
from course_utils.figures import show
from course_utils.models import classifier
from course_utils.papers import PAPERS, WITH_KERAS_IO
from course_utils.results.cards import Speed, read, recorded

CARD = recorded("speed/mixer", Speed)
RUN = recorded("mixer_course_cifar100_short")


def timed(**seconds):
    return replace(CARD, training_step=seconds)


def test_every_keras_io_example_and_no_other_has_a_plain_rendering_and_all_a_recorded_timing():
    assert set(plain.SIZES) == set(plain.BLOCKS) == set(WITH_KERAS_IO)
    for paper in WITH_KERAS_IO:
        assert {"plain", "ours", "course", "muon"} <= set(recorded(f"speed/{paper}", Speed).training_step)


@pytest.mark.parametrize("paper", WITH_KERAS_IO)
def test_both_sides_have_the_same_architecture(paper):
    theirs, ours = plain.SIZES[paper], speed.ours(paper)
    config, side = ours.configuration, ours.input_shape[1]
    n, d, depth = (side // config.patch_size) ** 2, config.embed_dim, config.depth
    assert n == (theirs["side"] // theirs["patch"]) ** 2
    assert (d, depth) == (theirs["width"], theirs["depth"])
    network = speed.build("plain", paper)
    assert network.output_shape == ours.output_shape == (None, 100)
    # One block's parameters, from the shapes alone; a plain block may have a bias or a norm where ours has none.
    in_blocks = sum(layer.count_params() for layer in ours.layers if layer.name.startswith("block_"))
    outside = ours.count_params() - in_blocks
    theirs_outside = network.count_params() - in_blocks
    if "vit" in paper:  # the ViTs' flattened head is most of the plain network
        assert theirs_outside > 2048 * n * d
    else:
        assert theirs_outside > 0
        assert abs(theirs_outside - outside) < 0.25 * in_blocks


def test_a_ratio_is_the_median_of_the_rounds_pair_by_pair_and_none_without_a_side():
    assert speed.ratio({"plain": [2.0, 3.0, 10.0], "ours": [1.0, 2.0, 1.0]}) == 2.0
    assert speed.ratio({"course": [1.0]}) is None
    assert speed.ratio({"plain": [1.0]}, "muon") is None


def test_the_time_to_an_accuracy_is_a_steps_ratio_times_that_of_the_epochs():
    card = timed(plain=[3.0, 6.0], ours=[1.0, 1.0], course=[1.0, 2.0], muon=[1.5, 3.0])
    run = replace(RUN, history=RUN.history | {"val_accuracy": [0.2, 0.34, *[0.33] * 6]})
    # The Mixer of keras.io: 33.28 % after 7 epochs, 34.60 % after 8.
    wanted = {"accuracy": 0.34, "epochs": {"plain": 8, "course": 2}, "step": 3.0, "ratio": 12.0}
    assert speed.to_accuracy(card, run) == wanted
    muon = replace(run, recipe=replace(run.recipe, optimizer="muon"))
    assert speed.to_accuracy(card, muon) == wanted | {"step": 2.0, "ratio": 8.0}
    beyond = speed.to_accuracy(card, replace(run, history=run.history | {"val_accuracy": [0.9] * 8}))
    assert beyond["accuracy"] == max(speed.keras_io()["mixer"].val_accuracy)
    assert beyond["epochs"] == {"plain": 47, "course": 1}


def test_what_was_not_timed_tells_no_time_to_an_accuracy():
    card = timed(plain=[3.0], ours=[1.0], course=[1.0])
    assert speed.to_accuracy(card, RUN)
    for recipe in (replace(RUN.recipe, batch_size=64), replace(RUN.recipe, optimizer="muon")):
        assert speed.to_accuracy(card, replace(RUN, recipe=recipe)) is None
    assert speed.to_accuracy(replace(timed(course=[1.0]), paper="conv"), RUN) is None


@pytest.mark.parametrize("paper", WITH_KERAS_IO)
def test_ours_needs_an_eighth_of_the_cpu_time_to_the_best_accuracy_that_both_reach(paper):
    card = recorded(f"speed/{paper}", Speed)
    found = [speed.to_accuracy(card, run) for run in speed.course_runs(paper)]
    assert max(told["ratio"] for told in found if told) >= 8


def test_the_clock_of_a_run_is_the_processors_or_the_gpus():
    seconds = {"seconds": [9.0, 4.0, 5.0, 3.0], "cpu_seconds": [60.0, 30.0, 90.0, 600.0]}
    run = replace(RUN, history=seconds, best_epoch=0, test=None)
    assert speed.clock(run, 3) == "3 minutes"
    on_gpu = replace(run, hardware=replace(run.hardware, accelerators=["NVIDIA H200"]))
    assert speed.clock(on_gpu, 2) == "13 s on NVIDIA H200 (4.5 s each)"


@pytest.mark.slow
@pytest.mark.rehearsal
@pytest.mark.parametrize("paper", ["fnet", "conv"])
def test_the_command_writes_what_it_measured(paper, tmp_path, capsys, monkeypatch):
    """With one block of each side; the memory is measured for one side, in a process of its own."""
    one_block = classifier("fnet_keras_io", (32, 32, 3), 100, patch_size=4, depth=1)
    monkeypatch.setattr(speed, "ours", lambda paper: one_block)
    monkeypatch.setitem(plain.SIZES, "fnet", plain.SIZES["fnet"] | {"depth": 1})
    real, measured = speed.peak_memory, []

    def memory(*what):
        measured.append(measured[0] + 1 if measured else real(*what))
        return measured[-1]

    monkeypatch.setattr(speed, "peak_memory", memory)
    speed.main([paper, "--rounds", "2", "--batch", "4", "--results", str(tmp_path)])
    card = read(tmp_path / f"{paper}.json", Speed)
    row, told = speed.row(card), capsys.readouterr().out
    for name in speed.TIMED:
        found = getattr(card, name)
        assert list(found) == speed.sides(paper, name)
        assert all(len(seconds) == 2 and min(seconds) > 0 for seconds in found.values())
    assert all(100 < memory < 20_000 for memory in card.peak_memory_mib.values())
    assert set(card.parameters) == set(card.training_step)
    assert f"| {PAPERS[paper].title} | {row['training step'] or '–'} | {row['inference'] or '–'} |" in told
    if paper == "conv":
        assert row["training step"] is row["peak memory"] is row["parameters, plain"] is None
        assert float(row["course, ms a step"]) > 0
        return
    assert len(measured) == 2
    assert row["training step"] == f"{speed.ratio(card.training_step):.2f}"
    assert not speed.accuracy_rows(card), "no run had batches of 4"
    rows = speed.accuracy_rows(replace(card, batch=128))
    assert len(rows) == len(speed.course_runs(paper)) >= 1
    (short,) = [row for row in rows if row["recipe"] == "short"]
    assert f"| fnet course | short | {short['validation top-1']} | " in show.table(rows).data


def test_an_unknown_paper_is_named(capsys):
    with pytest.raises(SystemExit):
        speed.main(["bert"])
    assert "unknown paper 'bert'; choose from mixer, fnet" in capsys.readouterr().err
