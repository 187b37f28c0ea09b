from dataclasses import asdict

import keras
import numpy as np
import pytest

from course_utils.training.recipes import RECIPES, Recipe, out_of_patience, plateau_rate, recipe


def test_recipes_by_name_with_changes():
    assert recipe("course") == RECIPES["course"]
    assert recipe("quick", epochs=3).epochs == 3
    assert recipe(Recipe(2), batch_size=7) == Recipe(2, batch_size=7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: recipe("slow"), "unknown recipe 'slow'; choose from quick, short, long, course, small_batches"),
        (lambda: recipe("quick", lr=1), "there is no 'lr'; it has epochs, batch_size"),
        (lambda: Recipe(0), "epochs should be greater than or equal to 1, but it is 0"),
        (lambda: Recipe(1, batch_size=2.5), "batch_size should be a valid integer, but it is 2.5"),
        (lambda: Recipe(1, learning_rate=0), "learning_rate should be greater than 0, but it is 0"),
        (lambda: Recipe(1, learning_rate=float("nan")), "learning_rate should be a finite number, but it is nan"),
        (lambda: Recipe(1, warmup=1), "warmup should be less than 1, but it is 1"),
        (lambda: Recipe(1, label_smoothing=-0.1), "label_smoothing should be .* equal to 0, but it is -0.1"),
        (lambda: Recipe(1, last_rate=0.1), "last_rate must be below learning_rate=0.003, but it is 0.1"),
        (lambda: Recipe(1, patience=0), "patience should be greater than or equal to 1, but it is 0"),
        (lambda: Recipe(1, repeats=1.5), "repeats should be a valid integer, but it is 1.5"),
        (lambda: Recipe(1, keep="loss"), "keep should be 'val_accuracy' or 'val_loss', but it is 'loss'"),
        (lambda: Recipe(1, optimizer="sgd"), "optimizer should be 'adamw' or 'muon', but it is 'sgd'"),
        (lambda: Recipe(1, schedule="step"), "schedule should be 'cosine', .*, but it is 'step'"),
        (lambda: Recipe(1, augment="flip"), r"augment should be several names, such as \('flip',\), but it is 'flip'"),
        (lambda: Recipe(1, augment=("flip", "flip")), r"augment should name each once, but it is \('flip', 'flip'\)"),
        (lambda: Recipe(1, schedule="plateau", warmup=0.5), "warmup must be 0 with schedule='plateau', but it is 0.5"),
        (lambda: Recipe(1, augment=("flip", "spin")), "augment.1 should be 'flip', 'crop', .*, but it is 'spin'"),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("other", "shown"), [({"epochs": 3}, "a dict"), (3, "3"), (None, "None")])
def test_a_recipe_of_another_type_is_named(other, shown):
    with pytest.raises(TypeError, match=f"must be a name or a Recipe, but it is {shown}"):
        recipe(other)


class Keras:
    """Keras' own two callbacks, told one validation loss after the other."""

    def __init__(self, how):
        self.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        self.model.compile(keras.optimizers.SGD(how.learning_rate), "mse")
        self.model.stop_training = False
        self.callbacks = [
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=5),
            keras.callbacks.EarlyStopping("val_loss", patience=how.patience),
        ]
        for callback in self.callbacks:
            callback.set_model(self.model)
            callback.on_train_begin()

    def after(self, epoch, loss):
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, {"val_loss": loss})
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)), self.model.stop_training


@pytest.mark.parametrize("seed", range(4))
def test_plateau_and_patience_do_what_keras_callbacks_do(seed):
    """The keras.io examples trained with these; here both follow from the history, so that a run can be resumed."""
    how = Recipe(60, learning_rate=0.8, schedule="plateau", patience=10)
    rng = np.random.default_rng(seed)
    losses = list(2 / np.arange(1, 61) ** 0.3 + rng.normal(0, 0.1, 60))
    keras_says, halved = Keras(how), False
    for epoch in range(60):
        rate, stopped = keras_says.after(epoch, losses[epoch])
        assert plateau_rate(how, losses[: epoch + 1]) == pytest.approx(rate)
        assert out_of_patience(how, losses[: epoch + 1]) == stopped
        halved |= rate < 0.8
        if stopped:
            break
    assert halved


def test_a_recipe_shows_its_rare_settings_only_where_they_matter():
    assert "patience" not in repr(RECIPES["quick"])
    assert "patience=10, keep='val_loss'" in repr(RECIPES["keras_io_mixer"])
    assert "last_rate=1e-06, name" in repr(RECIPES["paper"])
    assert "optimizer='muon'" in repr(RECIPES["muon"])


def test_a_recipe_tells_its_name_whatever_was_changed():
    assert recipe("course", epochs=24).label == "course, 24 epochs"
    assert recipe("course").label == "course"
    assert Recipe(3).label == "a recipe of its own"
    assert recipe("keras_io_vit", epochs=50).same_as(RECIPES["keras_io_small_data_vit"])
    assert not recipe("course", learning_rate=0.1).same_as(RECIPES["course"])


def test_muon_differs_from_its_model_by_optimizer_and_rate_alone():
    for name, before in (("muon_short", "short"), ("muon", "course")):
        ours = RECIPES[name]
        assert ours.optimizer == "muon"
        assert recipe(ours, optimizer="adamw", learning_rate=2e-3).same_as(RECIPES[before])


def test_a_recipe_from_before_muon_is_read_as_adamw():
    recorded = {key: value for key, value in asdict(RECIPES["course"]).items() if key != "optimizer"}
    assert Recipe(**recorded) == RECIPES["course"]
