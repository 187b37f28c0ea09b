import keras
import numpy as np
import pytest

from course_utils.data import load_dataset
from course_utils.models import CONFIGS, classifier
from course_utils.training import train
from course_utils.training.optimizer import optimizer_for
from course_utils.training.recipes import Recipe

FLAT = Recipe(1, learning_rate=0.01, warmup=0.0, weight_decay=0.5, schedule="constant")
MUON = Recipe(1, learning_rate=0.01, warmup=0.0, weight_decay=0.5, schedule="constant", optimizer="muon")


def rates(optimizer, steps):
    schedule = optimizer._learning_rate
    return np.array([float(keras.ops.convert_to_numpy(schedule(step))) for step in range(steps)])


def value(variable):
    return np.array(keras.ops.convert_to_numpy(variable))


def test_cosine_climbs_to_its_peak_and_falls_to_its_end():
    curve = rates(optimizer_for(Recipe(10, learning_rate=0.5, warmup=0.2), 10), 101)
    assert curve[0] == 0
    assert np.argmax(curve) == 20
    assert curve[20] == pytest.approx(0.5)
    assert (np.diff(curve[:21]) > 0).all()
    assert (np.diff(curve[20:]) < 0).all()
    assert curve[60] == pytest.approx(0.25)
    assert curve[100] == pytest.approx(0, abs=1e-6)
    curve = rates(optimizer_for(Recipe(10, learning_rate=0.5, warmup=0.0, last_rate=0.1), 10), 101)
    assert curve[100] == pytest.approx(0.1)


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
        before = value(kernel)
        optimizer.apply([keras.ops.ones((2, 2))], [kernel])
        moved.append(float(np.abs(value(kernel) - before).max()))
    assert moved[0] == 0
    np.testing.assert_allclose(moved[1:5], [0.025, 0.05, 0.075, 0.1], rtol=1e-3)
    assert moved[5] > moved[6] > moved[7] > 0


@pytest.mark.parametrize("recipe", [FLAT, MUON], ids=["adamw", "muon"])
@pytest.mark.parametrize("name", ["small_data_vit", "gmlp", "conv"])
def test_decay_shrinks_kernels_and_leaves_biases_norms_and_positions_alone(name, recipe):
    model = classifier(name, (16, 16, 3), 5, **({"pool": "class_token"} if "vit" in name else {}))
    for variable in model.trainable_variables:
        variable.assign(np.ones(variable.shape))
    optimizer_for(recipe, 4).apply(
        [keras.ops.zeros(v.shape) for v in model.trainable_variables], model.trainable_variables
    )
    decayed = {v.path for v in model.trainable_variables if value(v).max() < 1}
    assert decayed == {v.path for v in model.trainable_variables if v.name in ("kernel", "spatial_weights")}
    assert value(model.get_layer("head").kernel)[0, 0] == pytest.approx(1 - 0.01 * 0.5)


@pytest.mark.parametrize("name", [name for name in CONFIGS if name.endswith("_tiny")])
def test_muon_takes_the_matrices_of_the_blocks_and_adamw_the_rest(name):
    model = classifier(name, (16, 16, 3), 5)
    optimizer = optimizer_for(MUON, 4)
    optimizer.build(model.trainable_variables)
    by_muon = [
        v.path for v, adam in zip(model.trainable_variables, optimizer.adam_velocities, strict=True) if adam is None
    ]
    matrices = [v for v in model.trainable_variables if len(v.shape) == 2 and v.path.startswith("block_")]
    assert by_muon == [v.path for v in matrices]
    assert {v.name for v in matrices} <= {"kernel", "spatial_weights"}
    assert by_muon


def orthogonalised(g):
    """Five Newton-Schulz steps (Jordan et al. 2024), in float64: singular values end between 0.7 and 1.2."""
    x = g if g.shape[0] <= g.shape[1] else g.T
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x if g.shape[0] <= g.shape[1] else x.T


def test_two_steps_are_muons_for_a_matrix_and_adamws_for_the_rest():
    model = classifier("mixer", (16, 16, 3), 5)
    rng = np.random.default_rng(0)
    paths = [
        "block_1/channel_mlp/hidden/kernel",
        "block_1/channel_mlp/output/kernel",
        "block_1/channel_mlp/output/bias",
        "head/kernel",
    ]
    variables = [next(v for v in model.trainable_variables if v.path == path) for path in paths]
    weights = [value(v).astype(float) for v in variables]
    optimizer = optimizer_for(MUON, 4)
    optimizer.build(variables)
    momenta, squares = [0.0] * 4, [0.0] * 4
    for step in (1, 2):
        gradients = [rng.normal(size=v.shape) for v in variables]
        optimizer.apply([keras.ops.convert_to_tensor(g, "float32") for g in gradients])
        for i, (path, g) in enumerate(zip(paths, gradients, strict=True)):
            weights[i] *= 1 if path.endswith("bias") else 1 - 0.01 * 0.5
            if i < 2:
                momenta[i] = 0.95 * momenta[i] + g
                move = 0.2 * np.sqrt(max(g.shape)) * orthogonalised(g + 0.95 * momenta[i])
            else:
                momenta[i], squares[i] = 0.9 * momenta[i] + 0.1 * g, 0.999 * squares[i] + 0.001 * g**2
                move = momenta[i] / (1 - 0.9**step) * np.sqrt(1 - 0.999**step) / (np.sqrt(squares[i]) + 1e-7)
            weights[i] -= 0.01 * move
    for path, variable, expected in zip(paths, variables, weights, strict=True):
        np.testing.assert_allclose(value(variable), expected, atol=1e-6, err_msg=path)


def test_a_run_with_muon_in_mixed_precision_goes_on_from_its_checkpoint(tmp_path):
    data = load_dataset("shapes").subset(train=100, validation=20, test=20)

    def trained(name, until=None):
        def end(epoch):
            if epoch == until:
                raise KeyboardInterrupt

        model = classifier("mixer", (32, 32, 3), 16, seed=0, depth=1)
        recipe = Recipe(2, batch_size=50, optimizer="muon")
        run = train(model, data, recipe, monitor="none", checkpoint=tmp_path / name, keep_best=False, after_epoch=end)
        return run, model.get_weights()

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        _, whole = trained("whole")
        stopped, _ = trained("in two parts", until=1)
        resumed, again = trained("in two parts")
    finally:
        keras.config.set_dtype_policy(before)
    assert (stopped.epochs, resumed.epochs) == (1, 2)
    for left, right in zip(whole, again, strict=True):
        assert left.dtype == np.float32
        np.testing.assert_array_equal(left, right)


def test_muon_is_missing_from_an_older_keras(monkeypatch):
    monkeypatch.delattr(keras.optimizers, "Muon")
    with pytest.raises(ValueError, match=r"optimizer 'muon' needs a newer Keras than .*, or choose optimizer='adamw'"):
        optimizer_for(MUON, 4)
