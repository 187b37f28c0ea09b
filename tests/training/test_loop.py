import os
import signal
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

from course_utils import training
from course_utils.data import Dataset, load_dataset
from course_utils.models import classifier
from course_utils.results.cards import read_card
from course_utils.training import evaluate, train
from course_utils.training.progress import SilentMonitor
from course_utils.training.recipes import Recipe

SMALL = {"embed_dim": 16, "depth": 1, "channels_mlp_dim": 16}


@pytest.fixture(scope="module")
def shapes():
    return load_dataset("shapes", size=480)


def small_model(dataset, **changes):
    """Returns a network whose graph is built soon; what it mixes with is nothing to the training loop."""
    return classifier("no_mixing", dataset.input_shape, dataset.num_classes, **(SMALL | changes))


def test_evaluate_agrees_with_numpy():
    """A network whose logits are known: it copies the first row of pixels."""
    rng = np.random.default_rng(0)
    logits = rng.integers(0, 200, (23, 8)).astype("uint8")
    images = np.repeat(logits[:, None, :, None], 8, axis=1)  # (23, 8, 8, 1)
    pixels = keras.Input((8, 8, 1))
    model = keras.Model(pixels, keras.layers.Rescaling(0.01)(pixels[:, 0, :, 0]))
    labels = rng.integers(0, 8, 23)
    scores = logits / 100
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    order = np.argsort(-scores, axis=1)
    for batch_size in (5, 23, 100):
        got = evaluate(model, images, labels, batch_size=batch_size)
        assert got["loss"] == pytest.approx(-np.log(chances[np.arange(23), labels]).mean(), abs=1e-5)
        # pixels may tie by chance; ties count against the network
        better_or_equal = (scores >= scores[np.arange(23), labels][:, None]).sum(axis=1)
        assert got["top1"] == pytest.approx((better_or_equal <= 1).mean())
        assert got["top5"] == pytest.approx((better_or_equal <= 5).mean())
    assert got["top1"] <= (order[:, 0] == labels).mean()


@pytest.mark.one_backend
def test_a_network_that_says_all_alike_is_never_right(shapes):
    got = evaluate(small_model(shapes), shapes.x_test, shapes.y_test)
    assert got["top1"] == 0
    assert got["loss"] == pytest.approx(np.log(16), abs=1e-5)


def test_a_network_that_says_nan_is_never_right(shapes):
    model = small_model(shapes)
    model.set_weights([np.full_like(values, np.nan) for values in model.get_weights()])
    got = evaluate(model, shapes.x_test, shapes.y_test)
    assert (got["top1"], got["top5"]) == (0, 0)
    assert np.isnan(got["loss"])


@pytest.mark.one_backend
def test_evaluate_names_what_does_not_fit(shapes):
    with pytest.raises(ValueError, match="3 images and 2 labels"):
        evaluate(small_model(shapes), shapes.x_test[:3], shapes.y_test[:2])
    with pytest.raises(ValueError, match="0 images"):
        evaluate(small_model(shapes), shapes.x_test[:0], shapes.y_test[:0])


@pytest.mark.one_backend
def test_a_run_keeps_the_weights_of_its_best_epoch(shapes, tmp_path, capsys):
    model = small_model(shapes)
    run = train(model, shapes, Recipe(4, 32, 0.01), track_test=True, monitor="lines", card=tmp_path / "card.json")
    assert run.epochs == 4
    assert {len(values) for values in run.history.values()} == {4}
    assert run.best_epoch == 1 + int(np.argmax(run.history["val_accuracy"]))
    kept = evaluate(model, shapes.x_validation, shapes.y_validation)
    assert kept["top1"] == pytest.approx(run.history["val_accuracy"][run.best_epoch - 1])
    assert run.test == evaluate(model, shapes.x_test, shapes.y_test)
    assert run.test["top1"] == pytest.approx(run.history["test_accuracy"][run.best_epoch - 1])
    card = read_card(tmp_path / "card.json")
    assert card["history"]["loss"] == pytest.approx(run.history["loss"])
    assert card["test"] == run.test
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("epoch  1/4  loss")
    assert f"kept: the weights of epoch {run.best_epoch}" in lines[4]


@pytest.mark.one_backend
def test_the_last_weights_on_request(shapes):
    model = small_model(shapes)
    run = train(model, shapes, Recipe(3, 32, 0.01), keep_best=False, monitor="none")
    assert run.best_epoch == 3
    assert evaluate(model, shapes.x_validation, shapes.y_validation)["top1"] == run.history["val_accuracy"][-1]


def test_equal_seeds_give_equal_runs_and_others_do_not(shapes):
    runs = [
        train(
            small_model(shapes, dropout=0.1, drop_path=0.1),
            shapes,
            Recipe(2, 32, 0.01, augment=("flip", "crop")),
            seed=seed,
            monitor="none",
        )
        for seed in (0, 0, 1)
    ]
    assert runs[0].history["loss"] == runs[1].history["loss"]
    assert runs[0].history["loss"] != runs[2].history["loss"]


def test_twenty_steps_reduce_the_loss_on_a_fixed_batch(shapes):
    part = shapes.subset(train=32)
    model = classifier("mixer", part.input_shape, part.num_classes, tokens_mlp_dim=16, **SMALL)
    run = train(model, part, Recipe(20, 32, 0.01, schedule="constant", warmup=0.0), monitor="none")
    assert run.history["loss"][0] == pytest.approx(np.log(16), abs=1e-3)
    assert run.history["loss"][-1] < 2.0


def test_images_are_resized_for_a_model_of_another_size(shapes):
    model = classifier("no_mixing", (48, 48, 3), 16, **SMALL)
    run = train(model, shapes, Recipe(1, 32), monitor="none")
    assert np.isfinite(run.history["loss"]).all()


def test_an_interruption_keeps_everything_up_to_the_last_finished_epoch(shapes, monkeypatch):
    model = small_model(shapes, dropout=0.1, drop_path=0.1)
    steps = []

    def stop_in_the_third_epoch(self, batch, logs=None):
        steps.append(batch)
        if len(steps) >= 2 * 12 + 5:  # again at each step: one signal may arrive where Python cannot raise
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(SilentMonitor, "every_step", True)
    monkeypatch.setattr(training._Steps, "on_train_batch_end", stop_in_the_third_epoch)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        run = train(model, shapes, Recipe(5, 32, 0.01), monitor="none")
    finally:
        signal.signal(signal.SIGINT, before)
    assert run.stopped == "interrupted"
    assert run.epochs == 2
    assert {len(values) for values in run.history.values()} == {2}
    kept = evaluate(model, shapes.x_validation, shapes.y_validation)
    assert kept["top1"] == pytest.approx(run.history["val_accuracy"][run.best_epoch - 1])
    monkeypatch.undo()
    assert train(model, shapes, Recipe(1, 32), monitor="none").test, "the model can be used and trained as before"


def test_an_interruption_while_the_test_images_are_measured_loses_no_history(shapes, monkeypatch):
    def stop_at_the_test_images(model, images, labels):
        if images is shapes.x_test:
            raise KeyboardInterrupt
        return evaluate(model, images, labels)

    monkeypatch.setattr(training, "evaluate", stop_at_the_test_images)
    run = train(small_model(shapes), shapes, Recipe(2, 32), monitor="none")
    assert (run.stopped, run.epochs, run.test) == ("interrupted", 2, None)


def test_an_interruption_in_the_first_epoch_leaves_the_weights_as_they_were(shapes, monkeypatch):
    model = small_model(shapes, dropout=0.1)
    before = model.get_weights()

    def stop(self, batch, logs=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(SilentMonitor, "every_step", True)
    monkeypatch.setattr(training._Steps, "on_train_batch_end", stop)
    run = train(model, shapes, Recipe(5, 32, 0.01), monitor="none")
    assert run.epochs == 0
    assert run.stopped == "interrupted"
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_loss_that_is_not_finite_ends_the_run_and_says_so(shapes):
    model = small_model(shapes)
    run = train(model, shapes, Recipe(3, 32, 1e30, warmup=0.0, schedule="constant"), monitor="none")
    assert run.stopped == "the loss is not finite"
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


def test_a_last_step_that_breaks_the_network_is_no_best_epoch(shapes):
    """With one step in an epoch the training loss, taken before the step, is still finite."""
    part = shapes.subset(train=32)
    model = small_model(part)
    run = train(model, part, Recipe(3, 32, 1e30, warmup=0.0, schedule="constant"), monitor="none")
    assert run.stopped == "the loss is not finite"
    assert run.epochs < 2
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


@pytest.mark.one_backend
def test_a_card_that_cannot_be_written_does_not_end_the_run(shapes, tmp_path):
    with pytest.warns(UserWarning, match=r"could not save card.json.*run.save_card\(path\)"):
        run = train(small_model(shapes), shapes, Recipe(2, 32), monitor="none", card=tmp_path / "no" / "card.json")
    assert run.epochs == 2


@pytest.mark.one_backend
def test_a_dry_run_is_one_epoch_on_a_few_images_and_says_so(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DRY_RUN", "1")
    puzzle = load_dataset("shapes", size=1600)
    run = train(small_model(puzzle), puzzle, "quick", track_test=True, monitor="lines")
    assert run.dry_run
    assert (run.epochs, run.recipe.epochs) == (1, 1)
    assert (run.recipe.batch_size, run.recipe.learning_rate) == (128, 3.5e-3)
    assert [run.dataset[part] for part in ("train", "validation", "test")] == [256, 100, 100]
    assert "test_accuracy" in run.history
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("dry run on 256 images, no result: ") for line in lines)


@pytest.mark.one_backend
def test_the_first_dry_run_builds_its_graph_and_later_ones_learn_the_same_without(shapes, monkeypatch):
    monkeypatch.setattr(training, "_dry_run_before", False)
    train(small_model(shapes), shapes, Recipe(1), monitor="none")
    assert training._dry_run_before is False, "a run is no dry run"
    monkeypatch.setenv("COURSE_DRY_RUN", "1")
    models = [small_model(shapes) for _ in range(2)]
    first, second = (train(model, shapes, Recipe(1), monitor="none") for model in models)
    assert [model.run_eagerly for model in models] == [False, True]
    np.testing.assert_allclose(first.history["loss"], second.history["loss"], rtol=1e-5)


@pytest.mark.one_backend
def test_a_dry_run_takes_a_small_data_set_whole(shapes, monkeypatch):
    monkeypatch.setenv("COURSE_DRY_RUN", "1")
    run = train(small_model(shapes), shapes.subset(train=40), Recipe(3, 64), monitor="none")
    assert [run.dataset[part] for part in ("train", "validation", "test")] == [40, 48, 48]


@pytest.mark.one_backend
def test_a_dry_run_moves_every_weight_and_may_do_without_a_graph_from_the_first_on(shapes, monkeypatch):
    monkeypatch.setattr(training, "_dry_run_before", False)
    monkeypatch.setenv("COURSE_DRY_RUN", "eager")
    model = small_model(shapes)
    before = model.get_weights()
    run = train(model, shapes, Recipe(3, 32), monitor="none")
    assert model.run_eagerly
    assert run.dataset["train"] == 64
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_dry_run_refuses_to_write_a_card(shapes, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DRY_RUN", "1")
    model = small_model(shapes)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"COURSE_DRY_RUN is set, and a dry run is no result: it writes no card"):
        train(model, shapes, "quick", card=tmp_path / "card.json")
    assert list(tmp_path.iterdir()) == []
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("value", ["", "0", None])
def test_without_the_variable_a_run_is_no_dry_run(value, monkeypatch):
    monkeypatch.delenv("COURSE_DRY_RUN", raising=False)
    if value is not None:
        monkeypatch.setenv("COURSE_DRY_RUN", value)
    assert not training.dry_running()


@pytest.mark.one_backend
def test_after_epoch_sees_the_weights_before_and_after_every_epoch(shapes):
    model = small_model(shapes)
    first, seen = model.get_weights(), {}
    run = train(
        model, shapes, Recipe(2, 32, 0.01), keep_best=False, monitor="none",
        after_epoch=lambda epoch: seen.update({epoch: model.get_weights()}),
    )  # fmt: skip
    assert list(seen) == [0, 1, 2]
    for epoch, weights in ((0, first), (run.epochs, model.get_weights())):
        assert all(np.array_equal(a, b) for a, b in zip(seen[epoch], weights, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(seen[1], seen[2], strict=True))


@pytest.mark.one_backend
def test_the_progress_goes_on_only_after_after_epoch(shapes, monkeypatch):
    happened = []

    class Monitor(training.make_monitor("none", None, 1).__class__):
        def start_epoch(self, epoch):
            happened.append(f"epoch {epoch} starts")

        def end_epoch(self):
            happened.append(f"{self.run.epochs} done")

    monkeypatch.setattr(training, "make_monitor", lambda kind, run, steps: Monitor(run, steps))
    train(small_model(shapes), shapes, Recipe(2, 64), after_epoch=lambda epoch: happened.append(epoch))
    assert happened == [0, "epoch 0 starts", "1 done", 1, "epoch 1 starts", "2 done", 2]


def test_weight_decay_leaves_biases_norms_positions_and_scales_alone():
    alone = ("bias", "spatial_bias", "gamma", "beta", "positions", "class_token", "temperature")
    variables = [keras.Variable(np.ones(3, "float32"), name=name) for name in ("kernel", *alone)]
    optimizer = training.optimizer_for(Recipe(1, 8, 0.1, schedule="constant", warmup=0.0, weight_decay=0.5), 1)
    optimizer.build(variables)
    optimizer.apply([keras.ops.zeros(3) for _ in variables], variables)
    after = {variable.name: keras.ops.convert_to_numpy(variable) for variable in variables}
    np.testing.assert_allclose(after.pop("kernel"), 1 - 0.1 * 0.5, rtol=1e-6)
    for name, value in after.items():
        np.testing.assert_array_equal(value, 1, err_msg=name)


def test_what_does_not_fit_is_named(shapes):
    with pytest.raises(TypeError, match="after_epoch must be a function of the epoch, but it is a int"):
        train(small_model(shapes), shapes, after_epoch=3)
    with pytest.raises(TypeError, match=r"dataset must be a Dataset.*but it is a ndarray"):
        train(small_model(shapes), shapes.x_train)
    with pytest.raises(ValueError, match="tells 7 classes apart, but the data set 'shapes: odd_one_out' has 16"):
        train(classifier("mixer", (32, 32, 3), 7), shapes)
    with pytest.raises(ValueError, match=r"takes 1 channels, but the images of .* have 3"):
        train(classifier("mixer", (32, 32, 1), 16), shapes)
    with pytest.raises(ValueError, match="a recipe has no 'epoch'"):
        train(small_model(shapes), shapes, "quick", epoch=3)
    with pytest.raises(ValueError, match="monitor must be one of live, lines, none, but it is 'loud'"):
        train(small_model(shapes), shapes, "quick", monitor="loud")
    for seed in (-1, 1.5, "one", True):
        with pytest.raises(ValueError, match=f"train: seed must be a whole number of at least 0, but it is {seed!r}"):
            train(small_model(shapes), shapes, seed=seed)
        with pytest.raises(ValueError, match=f"classifier: seed must be a whole number from 0 .* but it is {seed!r}"):
            classifier("mixer", (32, 32, 3), 16, seed=seed)
    with pytest.raises(ValueError, match="has no layers named block_1, block_2"):
        train(keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(16)]), shapes)


def test_training_needs_no_tensorflow_of_its_own():
    """`layers`, `models`, `training` run on every backend: only Keras may import a framework."""
    code = """
        import sys, keras
        before = {name for name in sys.modules if name.startswith("tensorflow")}
        import course_utils.training, course_utils.layers, course_utils.models
        assert {name for name in sys.modules if name.startswith("tensorflow")} == before
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True)


@pytest.mark.one_backend
def test_a_dataset_made_by_hand_trains():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (60, 8, 8, 1), dtype="uint8"), np.arange(60) % 3
    own = Dataset("own", x[:40], y[:40], x[40:50], y[40:50], x[50:], y[50:], ("a", "b", "c"))
    run = train(classifier("no_mixing", (8, 8, 1), 3, **SMALL), own, Recipe(1, 16), monitor="none")
    assert run.test["top5"] is None


@pytest.mark.one_backend
def test_a_run_out_of_patience_stops_and_says_so_and_a_plateau_halves_the_rate(shapes, monkeypatch):
    """The validation loss is given: the first epoch is the best one."""
    given = iter(range(1, 30))
    real = training.evaluate

    def evaluated(model, images, labels):
        found = real(model, images, labels)
        return found | {"loss": float(next(given))}

    monkeypatch.setattr(training, "evaluate", evaluated)
    model = classifier("no_mixing_tiny", shapes.input_shape, shapes.num_classes, depth=1)
    how = Recipe(20, batch_size=50, learning_rate=0.01, schedule="plateau", patience=8, keep="val_loss")
    run = train(model, shapes.subset(train=100, validation=20, test=20), how, monitor="none")
    assert run.epochs == 9
    assert run.best_epoch == 1
    assert run.stopped == "no lower validation loss for 8 epochs"
    assert run.test is not None
    np.testing.assert_allclose(run.history["learning_rate"], [0.01] * 6 + [0.005] * 3)
