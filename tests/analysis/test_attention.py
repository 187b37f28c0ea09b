import math

import keras
import numpy as np
import pytest

from course_utils import analysis
from course_utils.layers import TransformerBlock
from course_utils.models import classifier
from tests.analysis.support import IMAGES, SMALL, network, to_numpy

NETWORKS = [("vit", "mean"), ("vit", "class_token"), ("small_data_vit", "mean"), ("small_data_vit", "class_token")]


def vit(name="vit", pool="mean", **changes):
    return network(name, pool=pool, num_heads=2, depth=3, **changes)


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# --- attention and products ---


@pytest.mark.parametrize(("name", "pool"), NETWORKS)
def test_attention_is_the_layers_own_in_every_block(name, pool):
    model = vit(name, pool)
    got = analysis.attention(model, IMAGES)
    n = 7 if pool == "class_token" else 6
    assert got.shape == (3, 4, 2, n, n)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got.sum(axis=-1), 1, atol=1e-5)
    for i in range(3):
        block = model.get_layer(f"block_{i + 1}")
        tokens = keras.Model(model.input, block.input)(IMAGES.astype("float32"))
        expected = block.attention(block.norm1(tokens), return_attention=True)[1]
        np.testing.assert_allclose(got[i], to_numpy(expected), atol=1e-6)


def test_of_one_block_too_whatever_its_call_is():
    class PostNorm(TransformerBlock):
        """A student's block: the norm comes after the sum."""

        def call(self, x, training=None, return_attention=False):
            y, attention = self.attention(x, training=training, return_attention=True)
            y = self.norm1(x + y)
            return (y, attention) if return_attention else y

    model = network("vit", num_heads=2, depth=1)
    for images in (IMAGES, IMAGES[:1]):
        assert analysis.attention(model, images).shape == (1, len(images), 2, 6, 6)
        assert analysis.products(model, images).shape == (1, len(images), 2, 6, 6)
        own = analysis.attention(model, images)[0]
        expected = to_numpy(model(images.astype("float32")))
        np.testing.assert_allclose(analysis.logits_with(model, images, 1, own), expected, atol=1e-4)

    other = keras.models.clone_model(
        model, clone_function=lambda layer: PostNorm(2, 4, name=layer.name) if "block" in layer.name else layer
    )
    block = other.get_layer("block_1")
    tokens = keras.Model(other.input, block.input)(IMAGES.astype("float32"))
    np.testing.assert_allclose(
        analysis.attention(other, IMAGES)[0], to_numpy(block.attention(tokens, return_attention=True)[1]), atol=1e-6
    )


@pytest.mark.parametrize(("name", "pool"), NETWORKS)
def test_products_temperature_mask_and_softmax_make_attention(name, pool):
    model = vit(name, pool)
    products = analysis.products(model, IMAGES)
    assert products.dtype == np.float32
    if name == "vit":
        scores = products / np.sqrt(3)  # the width of a head: 6 / 2
    else:
        scores = products / analysis.temperatures(model)[:, None, :, None, None]
        scores[..., np.eye(scores.shape[-1], dtype=bool)] = -np.inf
    np.testing.assert_allclose(softmax(scores), analysis.attention(model, IMAGES), atol=1e-5)


def test_looking_does_not_change_what_the_network_says():
    model = vit()
    before = model.predict(IMAGES.astype("float32"), verbose=0)
    analysis.attention(model, IMAGES)
    analysis.products(model, IMAGES)
    np.testing.assert_array_equal(model.predict(IMAGES.astype("float32"), verbose=0), before)


def test_attention_in_half_precision_can_be_rolled_out():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        attention = analysis.attention(vit("small_data_vit"), IMAGES)
    finally:
        keras.config.set_dtype_policy("float32")
    assert attention.dtype == np.float32
    assert np.abs(attention.sum(axis=-1) - 1).max() > 1e-5  # bfloat16 rounds
    np.testing.assert_allclose(analysis.rollout(attention).sum(axis=-1), 1, atol=1e-9)


# --- rollout ---


def test_rollout_of_two_blocks_of_two_tokens_by_hand():
    first = [[1.0, 0.0], [0.5, 0.5]]
    second = [[0.0, 1.0], [1.0, 0.0]]
    rolled = analysis.rollout(np.array([[first], [second]]))  # (2 blocks, 1 head, 2, 2)
    # (A + 1) / 2: [[1, 0], [0.25, 0.75]] and [[0.5, 0.5], [0.5, 0.5]]; the second times the first
    np.testing.assert_allclose(rolled, [[[1, 0], [0.25, 0.75]], [[0.625, 0.375], [0.625, 0.375]]])


def test_rollout_takes_the_mean_over_the_heads():
    attention = softmax(np.random.default_rng(0).normal(size=(3, 5, 2, 6, 6)))
    rolled = analysis.rollout(attention)
    assert rolled.shape == (3, 5, 6, 6)
    np.testing.assert_allclose(rolled.sum(axis=-1), 1)
    np.testing.assert_allclose(rolled[0], (attention[0].mean(axis=1) + np.eye(6)) / 2)
    np.testing.assert_allclose(analysis.rollout(attention[:, :, ::-1]), rolled)
    np.testing.assert_allclose(analysis.rollout(attention[:, 3]), rolled[:, 3])


# --- entropy ---


def test_entropy_in_bits():
    rows = [[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0], [0.5, 0.25, 0.125, 0.125]]
    found = analysis.entropy(np.array(rows, "float32"))
    np.testing.assert_allclose(found, [0, 2, 1, 1.75])
    assert math.copysign(1, found[0]) == 1  # not −0


def test_entropy_of_each_row_agrees_with_the_sum_over_its_weights():
    rng = np.random.default_rng(0)
    attention = rng.dirichlet(np.ones(5), size=(2, 3, 4))
    found = analysis.entropy(attention)
    assert found.shape == (2, 3, 4)
    assert found[1, 2, 3] == pytest.approx(-sum(a * math.log(a, 2) for a in attention[1, 2, 3]))


# --- mean distance ---


def test_distance_by_hand():
    # on a 2 × 2 grid each token sees itself, two neighbours, and one across the corner
    even = 8 * (0 + 1 + 1 + np.sqrt(2)) / 4
    attention = np.stack([np.full((4, 4), 0.25), np.eye(4)])
    np.testing.assert_allclose(analysis.mean_attention_distance(attention, (2, 2), 8), [even, 0])


def test_distance_knows_rows_from_columns():
    right = np.zeros((6, 6))  # on a grid of 2 × 3, every token sees the one to its right, the last the first of its row
    below = np.zeros((6, 6))  # every token sees the other of its column
    for i in range(6):
        row, column = divmod(i, 3)
        right[i, row * 3 + (column + 1) % 3] = 1
        below[i, (1 - row) * 3 + column] = 1
    assert analysis.mean_attention_distance(right, (2, 3), 4) == pytest.approx(4 * (1 + 1 + 2) / 3)
    assert analysis.mean_attention_distance(below, (2, 3), 4) == pytest.approx(4)


def test_the_class_token_is_left_out_of_the_distance():
    patches = softmax(np.random.default_rng(0).normal(size=(2, 6, 6)))
    with_token = np.zeros((2, 7, 7))
    with_token[:, 0] = 1 / 7
    with_token[:, 1:, 0] = 0.4  # goes to the class token
    with_token[:, 1:, 1:] = 0.6 * patches
    np.testing.assert_allclose(
        analysis.mean_attention_distance(with_token, (2, 3), 4), analysis.mean_attention_distance(patches, (2, 3), 4)
    )


# --- positions and temperatures ---


@pytest.mark.parametrize("pool", ["mean", "class_token"])
def test_position_similarity_is_the_cosine_between_the_places_of_patches(pool):
    model = vit(pool=pool)
    got = analysis.position_similarity(model)
    assert got.shape == (6, 6)
    assert got.dtype == np.float32
    positions = to_numpy(model.get_layer("position_embedding").positions)[-6:]
    for i in range(6):
        for j in range(6):
            a, b = positions[i], positions[j]
            assert got[i, j] == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)), abs=1e-6)


def test_temperatures_are_the_layers_own_and_start_at_the_root_of_the_heads_width():
    fresh = classifier("small_data_vit", (8, 12, 3), 5, **SMALL | {"depth": 3, "num_heads": 2})
    np.testing.assert_allclose(analysis.temperatures(fresh), np.full((3, 2), np.sqrt(3)), rtol=1e-6)
    model = vit("small_data_vit")
    got = analysis.temperatures(model)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got[1], to_numpy(model.get_layer("block_2").attention.temperature))
