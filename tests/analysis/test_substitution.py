import keras
import numpy as np
import pytest

from course_utils import analysis
from tests.analysis.support import IMAGES, network, to_numpy

images = IMAGES[:3]


def vit(**changes):
    return network("vit", **{"embed_dim": 8, "num_heads": 4, **changes})


def logits(model, images):
    return to_numpy(model(images.astype("float32")))


@pytest.mark.parametrize("changes", [{}, {"pool": "class_token"}])
@pytest.mark.parametrize("block", [1, 2])
def test_a_network_with_its_own_attention_says_what_it_says(block, changes):
    model = vit(**changes)
    own = analysis.attention(model, images)[block - 1]
    np.testing.assert_allclose(analysis.logits_with(model, images, block, own), logits(model, images), atol=1e-5)


@pytest.mark.parametrize("block", [1, 2])
def test_attention_times_values_is_what_the_heads_hand_on(block):
    model = vit()
    v = analysis.values(model, images, block)
    assert v.shape == (3, 4, 6, 2)
    layer = model.get_layer(f"block_{block}")
    x = keras.Model(model.input, layer.input)(images.astype("float32"))
    mixed = analysis.attention(model, images)[block - 1] @ v  # (b, heads, n, head_dim)
    joined = mixed.transpose(0, 2, 1, 3).reshape(3, 6, 8)
    expected = to_numpy(layer.attention(layer.norm1(x)))
    np.testing.assert_allclose(to_numpy(layer.attention.output_layer(joined)), expected, rtol=1e-5, atol=1e-5)


def test_another_attention_is_really_used():
    model = vit()
    own = analysis.attention(model, images)[0]
    even = analysis.logits_with(model, images, 1, np.full_like(own, 1 / 6))
    assert np.abs(even - logits(model, images)).max() > 1e-3


@pytest.mark.parametrize("token", [0, 4])
def test_other_attention_changes_nothing_behind_it(token):
    model = vit()
    own, v = analysis.attention(model, images)[1], analysis.values(model, images, 2)
    other = analysis.other_attention(own, v, token)
    assert other.shape == own.shape
    assert other.min() >= 0
    np.testing.assert_allclose(other.sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(other @ v, own @ v, atol=1e-5)
    np.testing.assert_allclose(analysis.logits_with(model, images, 2, other), logits(model, images), atol=1e-5)
    assert (other[..., token] >= own[..., token] - 1e-6).all()
    assert other[..., token].mean() > 1.2 * own[..., token].mean()


def test_where_all_values_are_equal_one_token_can_take_all():
    rng = np.random.default_rng(0)
    own = rng.dirichlet(np.ones(5), size=5)
    other = analysis.other_attention(own, np.ones((5, 3)), 2)
    np.testing.assert_allclose(other, np.eye(5)[[2] * 5], atol=1e-9)


def test_tokens_with_equal_values_may_trade_their_weights():
    rng = np.random.default_rng(0)
    v = rng.normal(size=(4, 6))
    v[3] = v[1]  # two cells that look the same
    own = rng.dirichlet(np.ones(4), size=4)
    expected = own.copy()
    expected[:, 1] += expected[:, 3]
    expected[:, 3] = 0
    np.testing.assert_allclose(analysis.other_attention(own, v, 1), expected, atol=1e-9)


def test_with_as_many_numbers_as_tokens_a_row_is_decided():
    rng = np.random.default_rng(0)
    own = rng.dirichlet(np.ones(5), size=(2, 5))
    np.testing.assert_allclose(analysis.other_attention(own, rng.normal(size=(2, 5, 4)), 3), own, atol=1e-9)
