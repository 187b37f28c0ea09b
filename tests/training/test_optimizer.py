from dataclasses import replace

import keras
import numpy as np
import pytest

from course_utils.models import CONFIGS, classifier
from course_utils.training.optimizer import optimizer_for
from course_utils.training.recipes import Recipe

FLAT = Recipe(1, learning_rate=0.01, warmup=0.0, weight_decay=0.5, schedule="constant")
MUON = replace(FLAT, optimizer="muon")


def value(variable):
    return np.array(keras.ops.convert_to_numpy(variable))


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"warmup": 0.2}, {0: 0, 10: 0.25, 20: 0.5, 60: 0.25, 100: 0}),
        ({"warmup": 0.0, "last_rate": 0.1}, {0: 0.5, 100: 0.1}),
        ({"warmup": 0.2, "schedule": "constant"}, {0: 0, 10: 0.25, 20: 0.5, 60: 0.5, 99: 0.5}),
    ],
)
def test_the_rate_climbs_to_its_peak_and_falls_to_its_end(changes, expected):
    optimizer = optimizer_for(Recipe(10, learning_rate=0.5, **changes), 10)
    curve = np.array([value(optimizer._learning_rate(step)) for step in range(101)])
    np.testing.assert_allclose(curve[list(expected)], list(expected.values()), atol=1e-6)
    peak = round(100 * changes["warmup"])
    assert (np.diff(curve[: peak + 1]) > 0).all()
    assert (np.diff(curve[peak:]) < 0).all() or changes.get("schedule") == "constant"


def test_without_warm_up_a_constant_rate_is_no_schedule():
    assert value(optimizer_for(replace(FLAT, learning_rate=0.5), 10).learning_rate) == 0.5


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


@pytest.mark.one_backend
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


def test_muon_is_missing_from_an_older_keras(monkeypatch):
    monkeypatch.delattr(keras.optimizers, "Muon")
    with pytest.raises(ValueError, match=r"optimizer 'muon' needs a newer Keras than .*, or choose optimizer='adamw'"):
        optimizer_for(MUON, 4)
