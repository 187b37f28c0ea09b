import xml.etree.ElementTree as ET

import pytest

from course_utils.training import progress
from course_utils.training.recipes import Recipe
from course_utils.training.run import Run


@pytest.fixture
def run():
    history = {
        "loss": [2.0, 1.0],
        "accuracy": [0.25, 0.5],
        "val_loss": [1.5, 1.25],
        "val_accuracy": [0.3, 0.75],
        "seconds": [3.0, 5.0],
    }
    return Run({"name": "mixer_tiny"}, Recipe(4), {"name": "a <b> & c"}, 0, "float32", history=history, best_epoch=2)


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


def test_the_image_can_be_drawn_before_the_first_epoch_and_for_one_epoch(run):
    run.history = {}
    assert points(progress.progress_svg(run, "", 0.0), progress._TRAIN) == []
    run.recipe = Recipe(1)
    run.history = {"loss": [0.0], "accuracy": [0.5], "val_loss": [0.0], "val_accuracy": [0.5]}
    assert progress.progress_svg(run, "", 1.0).count("<circle") == 4


def test_lines_say_epoch_loss_accuracy_and_time(run, capsys):
    lines = progress.make_monitor("lines", run, 10)
    lines.start_epoch(1)
    lines.step(10, {"loss": 1.0})
    lines.end_epoch()
    run.test = {"top1": 0.5, "top5": None, "loss": 1.0}
    lines.close()
    epoch, end = capsys.readouterr().out.splitlines()
    assert epoch == "epoch  2/4  loss 1.000  training accuracy 50.0 %  validation accuracy 75.0 %  5.0 s"
    assert end == "kept: the weights of epoch 2; test accuracy 50.0 %"


def test_an_early_end_is_said(run):
    run.stopped = "interrupted"
    assert progress.closing_line(run) == "interrupted; kept: the weights of epoch 2"
    run.history = {}
    assert progress.closing_line(run) == "interrupted before the first epoch was finished: the weights are as they were"


def test_the_live_view_redraws_one_display_with_epoch_step_and_time_left(run, monkeypatch):
    drawn = []

    class Handle:
        def update(self, bundle, raw):
            drawn.append(bundle)

    def display(bundle, raw, display_id):
        drawn.append(bundle)
        return Handle()

    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    live = progress.make_monitor("live", run, 10)
    live.start_epoch(1)
    live.step(5, {"loss": 1.5, "accuracy": 0.4})
    assert drawn[-1]["text/plain"].startswith("epoch 2/4, step 5/10, ")
    assert drawn[-1]["text/plain"].endswith(" left, loss 1.500")
    assert drawn[-1]["image/svg+xml"].startswith("<svg")
    live.end_epoch()
    live.close()
    assert drawn[-1]["text/plain"].startswith("kept: the weights of epoch 2")


def test_every_line_of_a_dry_run_says_that_it_is_no_result(run, monkeypatch, capsys):
    run.dry_run, run.dataset = True, {"name": "shapes", "train": 640}
    lines = progress.make_monitor("lines", run, 10)
    lines.end_epoch()
    lines.close()
    shown = capsys.readouterr().out.splitlines()
    drawn = []

    def display(bundle, raw, display_id):
        drawn.append(bundle)
        return type("Handle", (), {"update": lambda self, bundle, raw: drawn.append(bundle)})()

    monkeypatch.setattr("IPython.display.display", display)
    live = progress.make_monitor("live", run, 10)
    live.close()
    shown += [bundle["text/plain"] for bundle in drawn]
    assert len(shown) == 4
    assert all(line.startswith("dry run on 640 images, no result: ") for line in shown)
    assert all("dry run on 640 images, no result: " in bundle["image/svg+xml"] for bundle in drawn)


def test_the_live_view_does_not_redraw_at_every_step(run, monkeypatch):
    drawn = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: type("H", (), {"update": drawn.append})())
    monkeypatch.setattr(progress.time, "perf_counter", lambda: 1000.0)
    live = progress.make_monitor("live", run, 10)
    for step in range(1, 11):
        live.step(step, {"loss": 1.0})
    assert drawn == []


def test_outside_a_notebook_lines_are_chosen_and_a_variable_overrules(run, monkeypatch):
    monkeypatch.delenv("COURSE_MONITOR", raising=False)
    assert type(progress.make_monitor(None, run, 1)) is progress.LinesMonitor
    monkeypatch.setenv("COURSE_MONITOR", "none")
    assert type(progress.make_monitor(None, run, 1)) is progress.SilentMonitor
    with pytest.raises(ValueError, match="monitor must be one of live, lines, none, but it is 'loud'"):
        progress.make_monitor("loud", run, 1)


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (185, "3 min 5 s"), (3725, "1 h 2 min")])
def test_durations_are_for_people(seconds, text):
    assert progress.duration(seconds) == text
