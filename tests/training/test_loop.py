import gc
from pathlib import Path

import keras
import numpy as np
import pytest

from course_utils.data import Dataset
from course_utils.models import classifier
from course_utils.results import cards
from course_utils.training import Recipe, callbacks, evaluate, train
from course_utils.training.progress import MONITORS, SilentMonitor


@pytest.mark.one_backend
def test_a_run_keeps_the_weights_of_its_best_epoch(shapes, small_model, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RUNS", str(tmp_path))
    model = small_model()
    run = train(model, shapes, Recipe(4, 32, 0.01), track_test=True, monitor="lines", card="$RUNS/card.json")
    assert run.epochs == 4
    assert {len(values) for values in run.history.values()} == {4}
    assert run.best_epoch == 1 + int(np.argmax(run.history["val_accuracy"]))
    kept = evaluate(model, shapes.x_validation, shapes.y_validation)
    assert kept["top1"] == pytest.approx(run.history["val_accuracy"][run.best_epoch - 1])
    assert vars(run.test) == evaluate(model, shapes.x_test, shapes.y_test)
    assert run.test.top1 == pytest.approx(run.history["test_accuracy"][run.best_epoch - 1])
    assert cards.read(tmp_path / "card.json") == run
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("epoch  1/4  loss")
    assert f"kept: the weights of epoch {run.best_epoch}" in lines[4]
    assert not run.trained_before

    # Now it is a trained network, and whoever goes on with it is told.
    run = train(model, shapes, Recipe(1), monitor="lines", card=tmp_path / "card.json")
    assert "this network has been trained before: the run goes on from its weights" in capsys.readouterr().out
    assert cards.read(tmp_path / "card.json").trained_before
    assert "trained before" in repr(run)


def test_equal_seeds_give_equal_runs_and_others_do_not(shapes, small_model):
    how = Recipe(2, 32, 0.01, augment=("flip", "crop"))
    runs = [
        train(small_model(dropout=0.1, drop_path=0.1), shapes, how, seed=seed, monitor="none")
        for seed in (0, np.int64(0), 1)
    ]
    assert runs[0].history["loss"] == runs[1].history["loss"]
    assert runs[0].history["loss"] != runs[2].history["loss"]


def test_twenty_steps_reduce_the_loss_on_a_fixed_batch_of_images_that_are_resized(shapes):
    part = shapes.subset(train=32)
    model = classifier("mixer", (48, 48, 3), 16, tokens_mlp_dim=16, embed_dim=16, depth=1, channels_mlp_dim=16)
    run = train(model, part, Recipe(20, 32, 0.01, schedule="constant", warmup=0.0), monitor="none")
    assert run.history["loss"][0] == pytest.approx(np.log(16), abs=1e-3)
    assert run.history["loss"][-1] < 2.0


@pytest.mark.parametrize(
    "images",
    [pytest.param(384, id="in the middle", marks=pytest.mark.one_backend), pytest.param(32, id="in the last step")],
)
def test_a_loss_that_is_not_finite_ends_the_run_and_says_so(images, shapes, small_model):
    """With one step in an epoch the training loss, taken before the step, is still finite."""
    model = small_model()
    how = Recipe(3, 32, 1e30, warmup=0.0, schedule="constant")
    run = train(model, shapes.subset(train=images), how, monitor="none")
    assert run.stopped == "the loss is not finite"
    assert run.epochs < 2
    for values in (*model.get_weights(), *map(keras.ops.convert_to_numpy, model.optimizer.variables)):
        assert np.isfinite(values).all()


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("policy", "rate", "stopped"),
    [
        ("mixed_float16", 3e-3, None),
        ("float16", 3e-3, None),
        ("mixed_float16", 1e30, "the loss is not finite: float16 is too short, take bfloat16 or float32"),
    ],
)
def test_half_precision_ends_in_a_finite_loss_or_a_clear_word(policy, rate, stopped, shapes):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = classifier("fnet", shapes.input_shape, 16, depth=1)
    finally:
        keras.config.set_dtype_policy(before)
    run = train(model, shapes, Recipe(2, 64, rate), monitor="none")
    assert run.stopped == stopped
    assert stopped or np.isfinite(run.history["loss"] + run.history["val_loss"]).all()


@pytest.mark.one_backend
def test_what_a_card_cannot_hold_ends_no_run(shapes, small_model, tmp_path, monkeypatch):
    named = Dataset(Path("mine\x1b") / ("x" * 300), *list(vars(shapes).values())[1:])
    card = tmp_path / "here" / "card.json"
    card.parent.mkdir()

    def remove(epoch):
        if epoch == 1:
            card.unlink()
            card.parent.rmdir()

    with pytest.warns(UserWarning, match=r"could not save card.json.*run.save_card\(path\)"):
        run = train(small_model(), named, Recipe(2, 32), monitor="none", card=card, after_epoch=remove)
    assert run.epochs == 2
    assert run.dataset.name == "mine/" + 195 * "x"
    monkeypatch.setattr(type(run), "card", lambda self: {"a set": {1}})
    with pytest.warns(UserWarning, match="Object of type set is not JSON serializable. The run goes on"):
        assert train(small_model(), shapes, Recipe(1), monitor="none", card=tmp_path / "c").test


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (3, TypeError, "must be a path, but it is 3"),
        (True, TypeError, "must be a path, but it is True"),
        (b"run", TypeError, "must be a path, but it is b'run'"),
        ("", ValueError, "must be a path, but it is ''"),
        ("a\0b", ValueError, r"must be a path, but it is 'a\\x00b'"),
        (".", IsADirectoryError, "no file can be written to '.'"),
        ("/dev/null", OSError, "no file can be written to '/dev/null'"),
        ("/no/such/run.json", FileNotFoundError, "no file can be written to '/no/such/run.json'"),
        ("/proc/run.json", OSError, "no file can be written to '/proc/run.json'"),
        ("x" * 300, OSError, "no file can be written to 'xxx"),
        ("run.json/", IsADirectoryError, "no file can be written to 'run.json/'"),
    ],
)
@pytest.mark.parametrize("argument", ["card", "checkpoint"])
@pytest.mark.one_backend
def test_paths_are_tried_before_the_training(argument, path, error, message, shapes, small_model):
    epochs = []
    with pytest.raises(error, match=f"^train: {argument}:? {message}"):
        train(small_model(), shapes, "quick", after_epoch=epochs.append, **{argument: path})
    assert not epochs


@pytest.mark.one_backend
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's graphs")
def test_a_run_leaves_no_graph_behind(shapes, small_model):
    """Each kept its own, 16 MB, for as long as the kernel lived."""
    from tensorflow.python.framework.func_graph import FuncGraph

    model, counts = small_model(), []
    for _ in range(3):
        train(model, shapes, Recipe(1, 48), monitor="none")
        gc.collect()
        counts.append(sum(isinstance(found, FuncGraph) for found in gc.get_objects()))
    assert counts[0] == counts[1] == counts[2] > 0


@pytest.mark.one_backend
def test_after_epoch_sees_the_weights_before_and_after_every_epoch(shapes, small_model):
    model = small_model()
    first, seen = model.get_weights(), {}
    run = train(
        model, shapes, Recipe(2, 32, 0.01), keep_best=False, monitor="none",
        after_epoch=lambda epoch: seen.update({epoch: model.get_weights()}),
    )  # fmt: skip
    assert list(seen) == [0, 1, 2]
    assert run.best_epoch == 2, "the last weights on request"
    for epoch, weights in ((0, first), (2, model.get_weights())):
        assert all(np.array_equal(a, b) for a, b in zip(seen[epoch], weights, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(seen[1], seen[2], strict=True))


@pytest.mark.one_backend
def test_the_progress_goes_on_only_after_after_epoch(shapes, small_model, monkeypatch):
    happened = []

    class Monitor(SilentMonitor):
        def on_epoch_begin(self, epoch, logs=None):
            happened.append(f"epoch {epoch} starts")

        def on_epoch_end(self, epoch, logs=None):
            happened.append(f"{self.run.epochs} done")

    monkeypatch.setitem(MONITORS, "none", Monitor)
    train(small_model(), shapes, Recipe(2, 64), monitor="none", after_epoch=happened.append)
    assert happened == [0, "epoch 0 starts", "1 done", 1, "epoch 1 starts", "2 done", 2]


OTHERS = ("mixer", None, keras.Sequential([keras.layers.Dense(16)]))
PLAIN = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(16)])
WRONG = [
    *(({"model": other}, TypeError, "model must be a classifier, .* but it is") for other in OTHERS),
    ({"model": PLAIN}, ValueError, "has no layers named block_1, block_2"),
    ({"num_classes": 7}, ValueError, "tells 7 classes apart, but the data set 'shapes: odd_one_out' has 16"),
    ({"input_shape": (32, 32, 1)}, ValueError, "takes 1 channels, but the images of .* have 3"),
    ({"dataset": np.zeros(3)}, ValueError, "dataset should be an instance of Dataset, but it is a ndarray"),
    ({"after_epoch": 3}, ValueError, "after_epoch should be callable, but it is 3"),
    ({"epoch": 3}, ValueError, "there is no 'epoch'"),
    ({"monitor": "loud"}, ValueError, "monitor should be 'live', 'lines' or 'none', but it is 'loud'"),
    *(({"seed": seed}, ValueError, f"seed should be .*, but it is {seed!r}") for seed in (-1, 1.5, "one", True, 2**70)),
    ({"keep_best": "no"}, ValueError, "keep_best should be a valid boolean, but it is 'no'"),
    ({"track_test": 1}, ValueError, "track_test should be a valid boolean, but it is 1"),
    ({"jit_compile": "no"}, ValueError, "jit_compile should be True, False or 'auto', but it is 'no'"),
    ({"devices": 0}, ValueError, "devices should be greater than or equal to 1, but it is 0"),
    ({"devices": 99}, ValueError, "devices must be from 1 to .*, but it is 99"),
    ({"card": "run", "checkpoint": "run"}, ValueError, "card and checkpoint must be two files, but both are 'run'"),
]


@pytest.mark.one_backend
@pytest.mark.parametrize(("given", "error", "message"), WRONG, ids=map(str, range(len(WRONG))))
def test_what_does_not_fit_is_named(given, error, message, shapes, small_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = dict(given)
    shape, classes = given.pop("input_shape", shapes.input_shape), given.pop("num_classes", 16)
    model = classifier("no_mixing", shape, classes, embed_dim=8, depth=1)
    with pytest.raises(error, match=message):
        train(**{"model": model, "dataset": shapes, **given})


@pytest.mark.one_backend
def test_a_dataset_made_by_hand_trains():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (60, 8, 8, 1), dtype="uint8"), np.arange(60) % 3
    own = Dataset("own", x[:40], y[:40], x[40:50], y[40:50], x[50:], y[50:], ("a", "b", "c"))
    run = train(classifier("no_mixing", (8, 8, 1), 3, depth=1), own, Recipe(1, 16), monitor="none")
    assert run.test.top5 is None


@pytest.mark.one_backend
def test_a_run_out_of_patience_stops_and_says_so_and_a_plateau_halves_the_rate(shapes, small_model, monkeypatch):
    """The validation loss is given: the first epoch is the best one."""
    given = iter(range(1, 30))
    monkeypatch.setattr(
        callbacks, "evaluate", lambda *those, **more: evaluate(*those, **more) | {"loss": float(next(given))}
    )
    how = Recipe(20, batch_size=50, learning_rate=0.01, schedule="plateau", patience=8, keep="val_loss")
    run = train(small_model(), shapes.subset(train=100, validation=20, test=20), how, monitor="none")
    assert run.epochs == 9
    assert run.best_epoch == 1
    assert run.stopped == "no lower validation loss for 8 epochs"
    assert run.test is not None
    np.testing.assert_allclose(run.history["learning_rate"], [0.01] * 6 + [0.005] * 3)
