import keras
import numpy as np
import pytest

from course_utils import probes
from course_utils.models import classifier

SMALL = {"patch_size": 4, "embed_dim": 3, "depth": 2, "tokens_mlp_dim": 5, "channels_mlp_dim": 6}
to_numpy = keras.ops.convert_to_numpy


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (8, 12, 3)).astype("uint8")


def mixer(**changes):
    model = classifier("mixer", (8, 12, 3), 5, **(SMALL | changes))
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0, 0.5, variable.shape) + ("gamma" in variable.path))
    return model


@pytest.mark.parametrize("depth", [1, 2])
def test_influence_agrees_with_finite_differences(image, depth):
    model = mixer()
    x = to_numpy(model.get_layer("patch_embedding")(model.get_layer("scale")(image[None].astype("float32"))))

    def through(tokens):
        for i in range(depth):
            tokens = model.get_layer(f"block_{i + 1}")(tokens)
        return to_numpy(tokens)[0].astype("float64")

    n, d = x.shape[1:]
    squares = np.zeros((n, n))
    for j in range(n):
        for k in range(d):
            high, low = x.copy(), x.copy()
            high[0, j, k] += 1e-2
            low[0, j, k] -= 1e-2
            squares[:, j] += (((through(high) - through(low)) / 2e-2) ** 2).sum(axis=-1)
    got = probes.influence(model, image, depth)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.sqrt(squares), rtol=0.02, atol=0.02)


def test_influence_does_not_depend_on_the_batch_size(image):
    model = mixer()
    whole = probes.influence(model, image, 2)
    np.testing.assert_allclose(probes.influence(model, image, 2, batch_size=4), whole, rtol=1e-4)


def test_without_mixing_a_token_is_moved_by_itself_alone(image):
    model = classifier("no_mixing", (8, 12, 3), 5, patch_size=4, embed_dim=3)
    got = probes.influence(model, image, 2)
    assert (np.diag(got) > 0).all()
    assert (got[~np.eye(6, dtype=bool)] == 0).all()


def test_with_mixing_every_token_is_moved_by_every_token(image):
    assert (probes.influence(mixer(), image, 1) > 0).all()


def test_token_grid_counts_rows_and_columns():
    assert probes.token_grid(mixer()) == (2, 3)


def test_token_mixing_weights_are_the_layers_own():
    model = mixer()
    weights = probes.token_mixing_weights(model)
    assert [(w_in.shape, w_out.shape) for w_in, w_out in weights] == [((6, 5), (5, 6))] * 2
    block = model.get_layer("block_2")
    np.testing.assert_array_equal(weights[1][0], to_numpy(block.token_mlp.hidden.kernel))
    np.testing.assert_array_equal(weights[1][1], to_numpy(block.token_mlp.output_layer.kernel))


def test_bad_questions_are_named(image):
    model = mixer()
    with pytest.raises(ValueError, match=r"image must be \(8, 12, 3\), but its shape is \(8, 8, 3\)"):
        probes.influence(model, image[:, :8], 1)
    for depth in (0, 3, 1.5, True):
        with pytest.raises(ValueError, match="depth must be a block from 1 to 2, but it is"):
            probes.influence(model, image, depth)
    with pytest.raises(ValueError, match="needs Mixer blocks, but 'no_mixing_tiny' is made of NoMixingBlock"):
        probes.token_mixing_weights(classifier("no_mixing", (32, 32, 3), 5))
