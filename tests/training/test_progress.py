import xml.etree.ElementTree as ET

import pytest

from course_utils.models import Network, named_config
from course_utils.training import Recipe, Run, progress
from course_utils.training.run import Data, Measured

pytestmark = pytest.mark.one_backend


@pytest.fixture
def run():
    history = {
        "loss": [2.0, 1.0],
        "accuracy": [0.25, 0.5],
        "val_loss": [1.5, 1.25],
        "val_accuracy": [0.3, 0.75],
        "seconds": [3.0, 5.0],
    }
    network = Network(named_config("mixer"), (32, 32, 3), 16, 1, 1)
    data = Data("a <b> & c", 16, 640, 10, 10)
    return Run(network, Recipe(4), data, 0, "float32", history=history, best_epoch=2)


@pytest.fixture
def drawn(monkeypatch):
    """What a notebook was asked to show, one after the other."""
    found = []

    class Handle:
        def update(self, bundle, raw):
            found.append(bundle)

    def display(bundle, raw, display_id):
        found.append(bundle)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return found


def points(svg, colour):
    root = ET.fromstring(svg)
    lines = [e for e in root.iter("{http://www.w3.org/2000/svg}polyline") if e.get("stroke") == colour]
    return [[tuple(map(float, pair.split(","))) for pair in line.get("points").split()] for line in lines]


def test_the_image_is_valid_svg_with_the_curves_in_their_places(run):
    svg = progress.progress_svg(run, "half <done>", 0.5)
    loss, accuracy = points(svg, progress._VALIDATION)
    assert [x for x, _ in accuracy] == pytest.approx([412, 412 + 278 / 3], abs=0.1)
    assert [y for _, y in accuracy] == pytest.approx([230 - 126 * 0.3, 230 - 126 * 0.75], abs=0.1)
    assert [y for _, y in loss] == pytest.approx([230 - 126 * 1.5 / 2.1, 230 - 126 * 1.25 / 2.1], abs=0.1)
    assert 'width="344.0"' in svg  # half of the bar's 688 pixels
    assert "half &lt;done&gt;" in svg
    assert "mixer tiny on a &lt;b&gt; &amp; c</text>" in svg
    assert 'style="max-width: 100%; height: auto"' in svg, "cut where it is given less than its 720 pixels"


def test_the_image_can_be_drawn_before_the_first_epoch_and_for_one_epoch(run):
    run.history = {}
    assert points(progress.progress_svg(run, "", 0.0), progress._TRAIN) == []
    run.recipe = Recipe(1)
    run.history = {"loss": [0.0], "accuracy": [0.5], "val_loss": [0.0], "val_accuracy": [0.5]}
    assert progress.progress_svg(run, "", 1.0).count("<circle") == 4


def test_lines_say_epoch_loss_accuracy_and_time(run, capsys):
    lines = progress.MONITORS["lines"](run, 10)
    lines.on_epoch_begin(1)
    lines.on_train_batch_end(9, {"loss": 1.0})
    lines.on_epoch_end(1)
    run.test = Measured(1.0, 0.5, None)
    lines.on_train_end()
    epoch, end = capsys.readouterr().out.splitlines()
    assert epoch == "epoch  2/4  loss 1.000  training accuracy 50.0 %  validation accuracy 75.0 %  5.0 s"
    assert end == "kept: the weights of epoch 2; test accuracy 50.0 %"


def test_an_early_end_is_said(run):
    run.stopped = "interrupted"
    assert progress.closing_line(run) == "interrupted; kept: the weights of epoch 2"
    run.history = {}
    assert progress.closing_line(run) == "interrupted before the first epoch was finished: the weights are as they were"


def test_the_live_view_redraws_one_display_with_epoch_step_and_time_left(run, drawn, monkeypatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    run.history, run.trained_before = {}, True
    live = progress.MONITORS["live"](run, 10)
    assert "c, trained before</text>" in drawn[-1]["image/svg+xml"]
    live.on_epoch_begin(1)
    live.on_train_batch_end(4, {"loss": 1.5, "accuracy": 0.4})
    assert drawn[-1]["text/plain"].startswith("epoch 2/4, step 5/10, ")
    assert drawn[-1]["text/plain"].endswith(" left, loss 1.500")
    assert drawn[-1]["image/svg+xml"].startswith("<svg")
    live.on_epoch_end(1)
    live.on_train_end()
    assert drawn[-1]["text/plain"].startswith("stopped before the first epoch")


def test_the_time_left_of_a_resumed_run_counts_only_the_epochs_since(run, drawn, monkeypatch):
    """It said "2 s" for 2 h 46 min: 40 epochs done before in no time."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    run.recipe, run.history = Recipe(50), {key: values * 20 for key, values in run.history.items()}
    live = progress.MONITORS["live"](run, 100)
    assert live.status() == "epoch 41/50, step 0/100"
    now[0] = 10.0
    live.on_epoch_begin(40)
    live.on_train_batch_end(0, {})
    assert drawn[-1]["text/plain"] == "epoch 41/50, step 1/100, 2 h 46 min left"
    assert 'width="550.5"' in drawn[-1]["image/svg+xml"], "the bar knows of the epochs before"


def test_every_line_of_a_dry_run_says_that_it_is_no_result(run, drawn, capsys):
    run.dry_run = True
    lines = progress.MONITORS["lines"](run, 10)
    lines.on_epoch_end(1)
    lines.on_train_end()
    shown = capsys.readouterr().out.splitlines()
    progress.MONITORS["live"](run, 10).on_train_end()
    shown += [bundle["text/plain"] for bundle in drawn]
    assert len(shown) == 4
    assert all(line.startswith("dry run on 640 images, no result: ") for line in shown)
    assert all("dry run on 640 images, no result: " in bundle["image/svg+xml"] for bundle in drawn)


def test_the_live_view_does_not_redraw_at_every_step(run, drawn, monkeypatch):
    monkeypatch.setattr(progress.time, "perf_counter", lambda: 1000.0)
    live = progress.MONITORS["live"](run, 10)
    for step in range(10):
        live.on_train_batch_end(step, {"loss": 1.0})
    assert len(drawn) == 1


def test_outside_a_notebook_lines_are_chosen_and_a_variable_overrules(monkeypatch):
    monkeypatch.delenv("COURSE_MONITOR", raising=False)
    assert progress.monitor_kind(None) == "lines"
    monkeypatch.setenv("COURSE_MONITOR", "none")
    assert (progress.monitor_kind(None), progress.monitor_kind("live")) == ("none", "live")
    monkeypatch.setenv("COURSE_MONITOR", "loud")
    with pytest.raises(ValueError, match="COURSE_MONITOR should be 'live', 'lines' or 'none', but it is 'loud'"):
        progress.monitor_kind(None)


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (185, "3 min 5 s"), (3725, "1 h 2 min")])
def test_durations_are_for_people(seconds, text):
    assert progress.duration(seconds) == text
