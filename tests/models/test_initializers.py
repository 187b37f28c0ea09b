import keras
import numpy as np
import pytest

from course_utils.models import blocks, classifier
from course_utils.models.initializers import sines_and_cosines

pytestmark = pytest.mark.one_backend  # drawn by NumPy
to_numpy = keras.ops.convert_to_numpy
SHAPE = (16, 16, 3)


def mimetic(config="vit", shape=SHAPE, seed=0, **changes):
    return classifier(config, shape, 7, seed=seed, attention_start="mimetic", **changes)


def kernels(attention):
    layers = (attention.query, attention.key, attention.value, attention.output_layer)
    return [to_numpy(layer.kernel) for layer in layers]


def test_the_products_are_noise_and_the_identity():
    """Drawn a second time: for each block the heads' noise, then that of values and outputs."""
    model = mimetic(num_heads=1, depth=2, seed=5)
    rng, d = np.random.default_rng(5), 64
    for block in blocks(model):
        query, key, value, output = kernels(block.attention)
        expected = 0.7 * rng.normal(size=(d, d)) / 8 + 0.7 * np.eye(d)
        np.testing.assert_allclose(query @ key.T, expected, atol=1e-5)
        expected = 0.4 * rng.normal(size=(d, d)) / 8 - 0.4 * np.eye(d)
        np.testing.assert_allclose(value @ output, expected, atol=1e-5)


def test_each_head_keeps_the_strongest_directions_of_a_product_of_its_own():
    attention = blocks(mimetic(seed=5))[0].attention
    query, key, _, _ = kernels(attention)
    rng, d, k = np.random.default_rng(5), 64, 16
    for head in range(attention.num_heads):
        columns = slice(head * k, (head + 1) * k)
        whole = 0.7 * rng.normal(size=(d, d)) / 8 + 0.7 * np.eye(d)
        strengths = np.linalg.svd(whole, compute_uv=False)
        kept, lost = query[:, columns] @ key[:, columns].T, strengths[k:]
        np.testing.assert_allclose(np.linalg.svd(kept, compute_uv=False)[:k], strengths[:k], atol=1e-5)
        # Eckart and Young: no product of k directions is nearer
        np.testing.assert_allclose(np.linalg.norm(whole - kept), np.linalg.norm(lost), rtol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(query[:, columns]), np.linalg.norm(key[:, columns]), rtol=1e-5)


def test_positions_are_as_alike_as_they_are_near():
    positions = sines_and_cosines(3, 5, 64)
    assert positions.shape == (15, 64)
    alike = positions @ positions.T
    np.testing.assert_allclose(np.diag(alike), 32)
    np.testing.assert_allclose(alike[0, 6], alike[7, 13])  # one row and one column on, from two positions
    assert alike[0, 0] > alike[0, 1] > alike[0, 2]
    assert alike[0, 0] > alike[0, 5] > alike[0, 10]
    np.testing.assert_allclose(positions[1, [0, 16, 32, 48]], [np.sin(1), np.cos(1), 0, 1])
    np.testing.assert_allclose(positions[5, [0, 16, 32, 48]], [0, 1, np.sin(1), np.cos(1)])


def test_the_network_starts_with_them_and_a_class_token_without():
    waves = sines_and_cosines(2, 2, 64)
    np.testing.assert_allclose(mimetic().get_layer("position_embedding").get_weights()[0], waves, atol=1e-6)
    with_token = mimetic(pool="class_token").get_layer("position_embedding").get_weights()[0]
    np.testing.assert_allclose(with_token, np.vstack([np.zeros(64), waves]), atol=1e-6)
    assert not any(layer.name == "position_embedding" for layer in mimetic(position_embedding=False).layers)


def test_tokens_look_near_by_before_any_training():
    """Mean distance that attention reaches on a grid of 8 × 8 tokens, from pixels of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype("float32")
    row, column = np.divmod(np.arange(64), 8)
    away = np.hypot(row[:, None] - row, column[:, None] - column)

    def reach(start):
        model = classifier("vit", (64, 64, 3), 7, attention_start=start)
        block = blocks(model)[0]
        _, attention = block(keras.Model(model.input, block.input)(pixels), return_attention=True)
        return (to_numpy(attention) * away).sum(axis=-1).mean()

    assert reach("mimetic") < reach("glorot") - 0.2


def test_nothing_else_changes_and_seeds_decide():
    usual, one, two, other = classifier("vit", SHAPE, 7), mimetic(), mimetic(), mimetic(seed=1)
    pixels = np.zeros((2, *SHAPE), "float32")
    np.testing.assert_array_equal(to_numpy(one(pixels)), 0)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(*(model.get_layer("block_1").attention.query.get_weights()[0] for model in (one, other)))
    changed = [
        variable.path
        for variable, before in zip(one.weights, usual.weights, strict=True)
        if not np.array_equal(to_numpy(variable), to_numpy(before))
    ]
    assert len(changed) == 1 + 2 * 4
    assert all("attention" in path or "position" in path for path in changed)
