import os
import signal
import threading
import time

import numpy as np
import pytest

from course_utils.training import Recipe, callbacks, evaluate, train
from course_utils.training.interrupts import Stop, held, stopped
from course_utils.training.progress import SilentMonitor


@pytest.fixture(autouse=True)
def _ctrl_c():
    """A shell's background jobs ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def at_each_step(monkeypatch, do):
    """Lets a silent monitor hear of every step."""
    monkeypatch.setattr(SilentMonitor, "every_step", True)
    monkeypatch.setattr(SilentMonitor, "on_train_batch_end", lambda self, batch, logs=None: do())


@pytest.mark.one_backend
def test_an_interruption_keeps_everything_up_to_the_last_finished_epoch(shapes, small_model, monkeypatch):
    model = small_model(dropout=0.1, drop_path=0.1)
    steps = []

    def stop_in_the_third_epoch():
        steps.append(1)
        if len(steps) >= 2 * 12 + 5:  # again at each step: one signal may arrive where Python cannot raise
            os.kill(os.getpid(), signal.SIGINT)

    at_each_step(monkeypatch, stop_in_the_third_epoch)
    run = train(model, shapes, Recipe(5, 32, 0.01), monitor="none")
    assert run.stopped == "interrupted"
    assert run.epochs == 2
    assert {len(values) for values in run.history.values()} == {2}
    kept = evaluate(model, shapes.x_validation, shapes.y_validation)
    assert kept["top1"] == pytest.approx(run.history["val_accuracy"][run.best_epoch - 1])
    monkeypatch.undo()
    assert train(model, shapes, Recipe(1, 32), monitor="none").test, "the model can be used and trained as before"


def test_a_hail_of_interruptions_ends_a_run_and_the_run_comes_back(shapes, small_model, tmp_path):
    """From the first epoch on, every 5 ms, while state is put back and the end is recorded too."""
    over = threading.Event()

    def hail(epoch):
        def fall():
            while not over.is_set():
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.005)

        if epoch == 1:
            threading.Thread(target=fall, daemon=True).start()

    with held():  # what still falls when the run is back
        run = train(small_model(), shapes, Recipe(9, 32), monitor="none", card=tmp_path / "card", after_epoch=hail)
        over.set()
        time.sleep(0.05)
    assert (run.stopped, run.test) == ("interrupted", None)
    assert run.epochs == 1
    assert "interrupted" in (tmp_path / "card").read_text()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.one_backend
def test_an_interruption_while_the_test_images_are_measured_loses_no_history(shapes, small_model, monkeypatch):
    def stop_at_the_test_images(model, images, labels, progress):
        if images is shapes.x_test:
            raise KeyboardInterrupt
        return evaluate(model, images, labels)

    monkeypatch.setattr(callbacks, "evaluate", stop_at_the_test_images)
    run = train(small_model(), shapes, Recipe(2, 32), monitor="none")
    assert (run.stopped, run.epochs, run.test) == ("interrupted", 2, None)


def test_an_interruption_in_the_first_epoch_leaves_the_weights_as_they_were(shapes, small_model, monkeypatch):
    model = small_model(dropout=0.1)
    before = model.get_weights()
    at_each_step(monkeypatch, lambda: signal.raise_signal(signal.SIGINT))
    run = train(model, shapes, Recipe(5, 32, 0.01), monitor="none")
    assert run.epochs == 0
    assert run.stopped == "interrupted"
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.one_backend
def test_ctrl_c_ends_what_may_be_ended_and_nothing_else():
    def ends(reason):
        raise reason

    done = []
    with held():
        signal.raise_signal(signal.SIGINT)
        done.append("held")
        assert stopped(lambda: signal.raise_signal(signal.SIGINT)) == "interrupted"
        assert stopped(lambda: ends(Stop("too hot"))) == "too hot"
        assert stopped(lambda: done.append("worked")) is None
    assert done == ["held", "worked"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(ValueError, match="mine"):
        stopped(lambda: ends(ValueError("mine")))


@pytest.mark.one_backend
def test_a_run_in_another_thread_needs_no_handler(shapes, small_model):
    found = []
    thread = threading.Thread(target=lambda: found.append(train(small_model(), shapes, Recipe(1), monitor="none")))
    thread.start()
    thread.join()
    assert found[0].epochs == 1
