import keras
import numpy as np
import pytest

from course_utils import analysis
from course_utils.models import classifier
from tests.probes.support import randomised

SMALL = {"patch_size": 4, "embed_dim": 3, "depth": 2, "tokens_mlp_dim": 5, "channels_mlp_dim": 6}
to_numpy = keras.ops.convert_to_numpy


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (8, 12, 3)).astype("uint8")


def network(name="mixer", **changes):
    return randomised(classifier(name, (8, 12, 3), 5, **(SMALL | changes)))


@pytest.mark.parametrize("depth", [1, pytest.param(2, marks=pytest.mark.one_backend)])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param("mixer", {}, marks=pytest.mark.one_backend),
        ("fnet", {}),
        ("gmlp", {}),
        ("vit", {"num_heads": 3}),
        pytest.param("small_data_vit", {"num_heads": 3, "pool": "class_token"}, marks=pytest.mark.one_backend),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_influence_agrees_with_finite_differences(name, changes, depth, image):
    model = network(name, **changes)
    x = to_numpy(model.get_layer("patch_embedding")(model.get_layer("scale")(image[None].astype("float32"))))
    before = [layer for layer in model.layers if layer.name in ("class_token", "position_embedding")]
    first = 1 if "pool" in changes else 0  # a class token is no part of the image

    def through(tokens):
        for layer in [*before, *(model.get_layer(f"block_{i + 1}") for i in range(depth))]:
            tokens = layer(tokens)
        return to_numpy(tokens)[:, first:].astype("float64")

    n, d = x.shape[1:]
    steps = 1e-2 * np.eye(n * d, dtype="float32").reshape(n * d, n, d)  # one value of one token after the other
    slopes = (through(x + steps) - through(x - steps)) / 2e-2  # (n * d values changed, n tokens out, d)
    squares = (slopes**2).sum(axis=-1).reshape(n, d, n).sum(axis=1).T
    got = analysis.influence(model, image, depth)
    assert got.dtype == np.float32
    assert got.shape == (6, 6)
    np.testing.assert_allclose(got, np.sqrt(squares), rtol=0.02, atol=0.02)


@pytest.mark.one_backend
def test_influence_does_not_depend_on_the_batch_size(image):
    model = network()
    whole = analysis.influence(model, image, 2)
    np.testing.assert_allclose(analysis.influence(model, image, 2, batch_size=4), whole, rtol=1e-4)


def test_without_mixing_a_token_is_moved_by_itself_alone(image):
    model = classifier("no_mixing", (8, 12, 3), 5, patch_size=4, embed_dim=3)
    got = analysis.influence(model, image, 2)
    assert (np.diag(got) > 0).all()
    assert (got[~np.eye(6, dtype=bool)] == 0).all()


def test_with_mixing_every_token_is_moved_by_every_token(image):
    assert (analysis.influence(network(), image, 1) > 0).all()


def test_token_grid_counts_rows_and_columns():
    assert analysis.token_grid(network()) == (2, 3)


def test_bad_questions_are_named(image):
    model = network()
    with pytest.raises(ValueError, match=r"image must be \(8, 12, 3\), but its shape is \(8, 8, 3\)"):
        analysis.influence(model, image[:, :8], 1)
    for depth in (0, 3, 1.5, True):
        with pytest.raises(ValueError, match="depth must be a block from 1 to 2, but it is"):
            analysis.influence(model, image, depth)
