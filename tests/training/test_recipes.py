import keras
import numpy as np
import pytest

from course_utils.training import optimizer_for
from course_utils.training.recipes import RECIPES, Recipe, name_of, out_of_patience, plateau_rate, recipe


def rates(optimizer, steps):
    schedule = optimizer._learning_rate
    return np.array([float(keras.ops.convert_to_numpy(schedule(step))) for step in range(steps)])


def test_cosine_climbs_to_its_peak_and_falls_to_zero():
    curve = rates(optimizer_for(Recipe(10, learning_rate=0.5, warmup=0.2), 10), 101)
    assert curve[0] == 0
    assert np.argmax(curve) == 20
    assert curve[20] == pytest.approx(0.5)
    assert (np.diff(curve[:21]) > 0).all()
    assert (np.diff(curve[20:]) < 0).all()
    assert curve[60] == pytest.approx(0.25)
    assert curve[100] == pytest.approx(0, abs=1e-6)


def test_constant_and_no_warm_up():
    curve = rates(optimizer_for(Recipe(10, learning_rate=0.5, warmup=0.2, schedule="constant"), 10), 100)
    assert curve[10] == pytest.approx(0.25)
    assert (curve[20:] == 0.5).all()
    flat = optimizer_for(Recipe(3, learning_rate=0.5, warmup=0.0, schedule="constant"), 10)
    assert float(keras.ops.convert_to_numpy(flat.learning_rate)) == 0.5
    assert rates(optimizer_for(Recipe(10, learning_rate=0.5, warmup=0.0), 10), 1)[0] == 0.5


def test_the_schedule_really_reaches_the_optimizer():
    """A keras.io example built a schedule and never passed it on."""
    optimizer = optimizer_for(Recipe(2, learning_rate=0.1, warmup=0.5, weight_decay=0.0), 4)
    kernel = keras.Variable(np.ones((2, 2)), name="kernel")
    moved = []
    for _ in range(8):
        before = np.array(keras.ops.convert_to_numpy(kernel))
        optimizer.apply([keras.ops.ones((2, 2))], [kernel])
        moved.append(float(np.abs(keras.ops.convert_to_numpy(kernel) - before).max()))
    assert moved[0] == 0
    np.testing.assert_allclose(moved[1:5], [0.025, 0.05, 0.075, 0.1], rtol=1e-3)
    assert moved[5] > moved[6] > moved[7] > 0


def test_decay_shrinks_kernels_and_leaves_biases_norms_and_positions_alone():
    optimizer = optimizer_for(Recipe(1, learning_rate=0.1, warmup=0.0, weight_decay=0.5, schedule="constant"), 4)
    names = ["kernel", "bias", "gamma", "beta", "positions"]
    variables = [keras.Variable(np.ones((2,)), name=name) for name in names]
    optimizer.apply([keras.ops.zeros((2,)) for _ in variables], variables)
    after = {v.name: float(keras.ops.convert_to_numpy(v)[0]) for v in variables}
    assert after["kernel"] == pytest.approx(1 - 0.1 * 0.5)
    assert all(after[name] == 1 for name in names[1:])


def test_recipes_by_name_with_changes():
    assert recipe("course") == RECIPES["course"]
    assert recipe("quick", epochs=3).epochs == 3
    assert recipe(Recipe(2), batch_size=7) == Recipe(2, batch_size=7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: recipe("slow"), "unknown recipe 'slow'; choose from quick, short, long, course, small_batches"),
        (lambda: recipe("quick", lr=1), "a recipe has no 'lr'; it has epochs"),
        (lambda: Recipe(0), "epochs must be a whole number of at least 1, but it is 0"),
        (lambda: Recipe(1, batch_size=2.5), "batch_size must be a whole number of at least 1, but it is 2.5"),
        (lambda: Recipe(1, learning_rate=0), "learning_rate must be above 0, but it is 0"),
        (lambda: Recipe(1, learning_rate="fast"), "learning_rate must be a number, but it is 'fast'"),
        (lambda: Recipe(1, warmup=None), "warmup must be a number, but it is None"),
        (lambda: Recipe(1, augment="flip"), r"augment must be several names, such as \('flip',\), but it is a text"),
        (lambda: Recipe(1, learning_rate=float("nan")), "learning_rate must be above 0, but it is nan"),
        (lambda: Recipe(1, warmup=1), "warmup must be at least 0 and below 1, but it is 1"),
        (lambda: Recipe(1, label_smoothing=-0.1), "label_smoothing must be at least 0 and below 1, but it is -0.1"),
        (lambda: Recipe(1, last_rate=0.1), "last_rate must be at least 0 and below 0.003, but it is 0.1"),
        (lambda: Recipe(1, patience=0), "patience must be a whole number of at least 1, but it is 0"),
        (lambda: Recipe(1, repeats=1.5), "repeats must be a whole number of at least 1, but it is 1.5"),
        (lambda: Recipe(1, keep="loss"), "keep must be one of val_accuracy, val_loss, but it is 'loss'"),
        (lambda: Recipe(1, schedule="step"), "schedule must be one of cosine, constant, plateau, but it is 'step'"),
        (lambda: Recipe(1, augment=("flip", "spin")), "augment knows flip, crop, zoom, .* but it holds 'spin'"),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_recipe_of_another_type_is_named():
    with pytest.raises(TypeError, match="must be a name or a Recipe, but it is a dict"):
        recipe({"epochs": 3})


def test_cosine_may_end_above_zero():
    curve = rates(optimizer_for(Recipe(10, learning_rate=0.5, warmup=0.0, last_rate=0.1), 10), 101)
    assert curve[100] == pytest.approx(0.1)


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
    assert "last_rate=1e-06, repeats=3" in repr(RECIPES["paper"])


def test_a_recipe_is_found_by_what_it_holds_with_any_number_of_epochs():
    for name, how in RECIPES.items():
        assert name_of(how) == name
    assert name_of(recipe("course", epochs=24)) == "course"
    assert name_of(recipe("keras_io_vit", epochs=50)) == "keras_io_small_data_vit"
    assert name_of(recipe("course", learning_rate=0.1)) is None
