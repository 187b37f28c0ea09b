import keras
import numpy as np
import pytest

from course_utils.layers import ClassToken, FirstToken, LocalitySelfAttention, SelfAttention, TransformerBlock
from tests.layers import reference
from tests.layers.contract import BlockContract
from tests.layers.support import answer, built, drops_inside_and_after, randomised, saved_and_loaded, weights_by_path

to_numpy = keras.ops.convert_to_numpy
ATTENTIONS = [SelfAttention, LocalitySelfAttention]


class TestTransformerBlock(BlockContract):
    parameters = 2 * 2 * 6 + 4 * (6 * 6 + 6) + (6 * 13 * 2 + 13 + 6)
    macs = 4 * 9 * 6 * 6 + 2 * 9 * 9 * 6 + 2 * 9 * 6 * 13

    def make(self, **kwargs):
        return TransformerBlock(3, 13, **kwargs)

    def formula(self, x, w):
        return reference.transformer_block(x, w, num_heads=3)


class TestTransformerBlockWithLocalityAttention(BlockContract):
    parameters = TestTransformerBlock.parameters + 2
    macs = TestTransformerBlock.macs

    def make(self, **kwargs):
        own = {name: value for name, value in kwargs.items() if name in ("dropout", "dtype")}
        attention = LocalitySelfAttention(2, name="attention", **own)
        return TransformerBlock(2, 13, attention=attention, **kwargs)

    def formula(self, x, w):
        return reference.transformer_block(x, w, num_heads=2, mask_diagonal=True)


@pytest.fixture(params=ATTENTIONS, ids=lambda kind: kind.__name__)
def attention(request, x):
    """Either attention with random weights, for the tokens of `x`."""
    return built(request.param(3), x)


@pytest.mark.parametrize("num_heads", [1, 2, 3, 6])
def test_attention_agrees_with_the_papers_formula(num_heads, x):
    layer = built(SelfAttention(num_heads), x)
    w = weights_by_path(layer)
    y, table = layer(x, return_attention=True)
    exact = x.astype("float64")
    np.testing.assert_allclose(to_numpy(y), [reference.self_attention(one, w, num_heads) for one in exact], atol=1e-5)
    expected = [reference.attention_table(one, w, num_heads) for one in exact]
    np.testing.assert_allclose(to_numpy(table), expected, atol=1e-6)
    assert layer.head_dim == 6 // num_heads


def test_asking_for_the_attention_does_not_change_the_output(attention, x):
    y, _ = attention(x, return_attention=True)
    np.testing.assert_array_equal(to_numpy(y), to_numpy(attention(x)))
    block = TransformerBlock(3, 13, attention=attention)
    z, table = block(x, return_attention=True)
    np.testing.assert_array_equal(to_numpy(z), to_numpy(block(x)))
    np.testing.assert_array_equal(
        to_numpy(table), to_numpy(attention(block.norm1(x), return_attention=True)[1])
    )  # the block's is the layer's own, of the normalised tokens


def test_attention_does_not_mind_the_order_of_the_tokens(attention, x):
    order = np.random.default_rng(3).permutation(9)
    y, table = attention(x, return_attention=True)
    moved_y, moved_table = attention(x[:, order], return_attention=True)
    np.testing.assert_allclose(to_numpy(moved_y), to_numpy(y)[:, order], atol=1e-5)
    np.testing.assert_allclose(to_numpy(moved_table), to_numpy(table)[:, :, order][..., order], atol=1e-6)


def test_attention_weights_are_given_before_dropout(attention, x):
    dropping = built(type(attention)(3, dropout=0.5), x)
    _, table = dropping(x, training=True, return_attention=True)
    np.testing.assert_array_equal(to_numpy(table), to_numpy(attention(x, return_attention=True)[1]))
    assert drops_inside_and_after(dropping, attention, x) == (True, True)


@pytest.mark.parametrize("kind", ATTENTIONS)
@pytest.mark.parametrize("wrapped", [False, True], ids=["layer", "block"])
def test_a_model_that_gives_the_attention_survives_saving(kind, wrapped, x, tmp_path):
    layer = TransformerBlock(3, 13, attention=kind(3)) if wrapped else kind(3)
    inputs = keras.Input((9, 6))
    outputs = layer(inputs, return_attention=True)
    assert [tuple(part.shape) for part in outputs] == [(None, 9, 6), (None, 3, 9, 9)]
    model = keras.Model(inputs, outputs)
    randomised(layer)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_config() == layer.get_config()
    for got, expected in zip(answer(loaded, x), answer(model, x), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_symbols_and_numbers_agree_on_shapes_and_types(policy, attention, x):
    layer = type(attention)(3, dtype=policy)
    symbols, numbers = (layer(given, return_attention=True) for given in (keras.Input((9, 6)), x))
    for symbol, number in zip(symbols, numbers, strict=True):
        assert symbol.shape[1:] == number.shape[1:]
        assert keras.backend.standardize_dtype(number.dtype) == symbol.dtype == policy.removeprefix("mixed_")
    sums = to_numpy(keras.ops.cast(numbers[1], "float32")).sum(axis=-1)
    np.testing.assert_allclose(sums, 1, atol=1e-2)


def test_a_block_saves_the_attention_it_was_given(x, tmp_path):
    attention = LocalitySelfAttention(3, 0.2, temperature=False, name="own")
    block = TransformerBlock(3, 13, attention=attention)
    fresh = block.get_config()
    model, loaded = saved_and_loaded(block, x.shape[1:], tmp_path)
    again = loaded.layers[-1]
    assert type(again.attention) is LocalitySelfAttention
    assert again.attention.get_config() == attention.get_config()
    assert again.get_config() == block.get_config() == fresh
    np.testing.assert_array_equal(answer(model, x), answer(loaded, x))


def test_a_block_takes_an_attention_layer_that_was_used_before(attention, x):
    kept = [to_numpy(weight) for weight in attention.weights]
    block = TransformerBlock(3, 13, attention=attention)
    block(x)
    assert block.attention is attention
    for weight, before in zip(attention.weights, kept, strict=True):
        np.testing.assert_array_equal(to_numpy(weight), before)


def test_the_class_token_comes_first_starts_at_zero_and_is_trained(x):
    inputs, token = keras.Input((9, 6)), ClassToken()
    model = keras.Model(inputs, FirstToken()(token(inputs)))
    np.testing.assert_array_equal(to_numpy(token(x)), np.concatenate([np.zeros((3, 1, 6)), x], axis=1))
    np.testing.assert_array_equal(to_numpy(FirstToken()(x)), x[:, 0])
    model.compile("sgd", loss="mse", run_eagerly=keras.backend.backend() == "tensorflow")
    model.train_on_batch(x, np.ones((3, 6)))
    assert (to_numpy(token.class_token) > 0).all()
    np.testing.assert_array_equal(to_numpy(token(x))[:, 0], np.repeat(to_numpy(token.class_token)[None], 3, axis=0))
    assert [weight.shape for weight in token.trainable_weights] == [(6,)]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_the_class_token_works_in_half_precision(policy, x):
    layer = ClassToken(dtype=policy)
    assert keras.backend.standardize_dtype(layer(x).dtype) == policy.removeprefix("mixed_")
    assert layer.class_token.dtype == "float32"
