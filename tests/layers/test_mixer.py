import keras
import numpy as np
import pytest

from course_utils.layers import MixerBlock, NoMixingBlock
from tests.layers import reference
from tests.layers.support import randomised, saved_and_loaded, weights_by_path

to_numpy = keras.ops.convert_to_numpy
BLOCKS = [
    (lambda **kwargs: MixerBlock(11, 13, **kwargs), reference.mixer_block),
    (lambda **kwargs: NoMixingBlock(13, **kwargs), reference.no_mixing_block),
]
BLOCK_IDS = ["mixer", "no_mixing"]


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(3, 9, 6)).astype("float32")


@pytest.mark.parametrize(("make", "formula"), BLOCKS, ids=BLOCK_IDS)
def test_block_agrees_with_the_papers_formula(make, formula, x):
    block = make()
    block.build(x.shape)
    w = weights_by_path(randomised(block))
    expected = np.stack([formula(picture, w) for picture in x.astype("float64")])
    np.testing.assert_allclose(to_numpy(block(x)), expected, atol=1e-5)


@pytest.mark.parametrize(("make", "formula"), BLOCKS, ids=BLOCK_IDS)
def test_one_step_of_adamw_agrees_with_numpy(make, formula, x):
    """Finite differences of the NumPy formula give the gradient; AdamW's first step is worked out by hand."""
    x = x[:1]
    block = make()
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, block(inputs))
    w = weights_by_path(randomised(block))
    target = np.random.default_rng(1).normal(size=x.shape)
    rate, decay, epsilon = 1e-2, 0.1, 1e-7
    model.compile(keras.optimizers.AdamW(rate, weight_decay=decay, epsilon=epsilon), loss="mse")
    model.train_on_batch(x, target.astype("float32"))

    def loss(weights):
        return ((formula(x[0].astype("float64"), weights) - target[0]) ** 2).mean()

    after = weights_by_path(block)
    rng = np.random.default_rng(2)
    checked = 0
    for path, value in w.items():
        for flat in rng.choice(value.size, min(value.size, 5), replace=False):
            place = np.unravel_index(flat, value.shape)
            high, low = dict(w), dict(w)
            high[path], low[path] = value.copy(), value.copy()
            high[path][place] += 1e-5
            low[path][place] -= 1e-5
            gradient = (loss(high) - loss(low)) / 2e-5
            if abs(gradient) < 1e-4:  # the sign of a vanishing gradient is float32 noise
                continue
            decayed = value[place] * (1 - rate * decay)
            # At step 1, m / sqrt(v) is g / |g|; Keras adds epsilon to sqrt(v) before v is corrected for its start at 0.
            step = rate * gradient / (abs(gradient) + epsilon / np.sqrt(1 - 0.999))
            assert after[path][place] == pytest.approx(decayed - step, abs=2e-5), path
            checked += 1
    assert checked > 20


def test_layer_norms_gradient_agrees_with_finite_differences():
    """Keras 3.0.0 to 3.0.2 got this one wrong, and every published number with it."""
    rng = np.random.default_rng(0)
    x, direction = rng.normal(size=(2, 1, 8))
    layer = keras.layers.LayerNormalization(epsilon=1e-6)
    inputs = keras.Input((8,))
    # x enters as a weight: so training itself gives its gradient
    weigh = keras.layers.Dense(8, use_bias=False, kernel_initializer="zeros")
    model = keras.Model(inputs, layer(weigh(inputs)))
    weigh.kernel.assign(np.concatenate([x, np.zeros((7, 8))]))
    one = np.eye(1, 8)
    start = to_numpy(weigh.kernel)[0].astype("float64")
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, z: keras.ops.sum(y * z))
    model.train_on_batch(one, direction)
    gradient = start - to_numpy(weigh.kernel)[0]

    def value(v):
        return (reference.layer_norm(v, 1.0, 0.0) * direction[0]).sum()

    expected = [(value(start + 1e-6 * e) - value(start - 1e-6 * e)) / 2e-6 for e in np.eye(8)]
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_only_the_mixer_lets_tokens_meet(x):
    changed = x.copy()
    changed[:, 4] *= -1  # adding a constant would do nothing: LayerNorm takes it out
    for make, mixes in ((BLOCKS[0][0], True), (BLOCKS[1][0], False)):
        block = make()
        block.build(x.shape)
        randomised(block)
        moved = np.abs(to_numpy(block(changed)) - to_numpy(block(x))).max(axis=(0, 2)) > 1e-6  # (n,)
        assert moved[4]
        assert moved.all() == mixes
        assert moved.sum() == (9 if mixes else 1)


def test_no_mixing_does_not_mind_the_order_and_the_mixer_does(x):
    order = np.random.default_rng(3).permutation(9)
    plain, mixer = NoMixingBlock(13), MixerBlock(11, 13)
    for block in (plain, mixer):
        block.build(x.shape)
        randomised(block)
    np.testing.assert_allclose(to_numpy(plain(x[:, order])), to_numpy(plain(x))[:, order], atol=1e-6)
    assert np.abs(to_numpy(mixer(x[:, order])) - to_numpy(mixer(x))[:, order]).max() > 0.1


def test_the_two_layer_norms_are_separate(x):
    block = MixerBlock(11, 13)
    block.build(x.shape)
    assert block.norm1.gamma is not block.norm2.gamma
    assert sum("gamma" in weight.path for weight in block.weights) == 2


def test_widths_are_free_of_each_other_and_the_weights_are_the_papers():
    n, d, tokens, channels = 9, 6, 11, 13
    block = MixerBlock(tokens, channels)
    block.build((None, n, d))
    assert block.count_params() == 2 * 2 * d + (n * tokens * 2 + tokens + n) + (d * channels * 2 + channels + d)
    assert block.multiply_adds((None, n, d)) == 2 * n * d * (tokens + channels)
    assert block.compute_output_shape((None, n, d)) == (None, n, d)


@pytest.mark.parametrize(("make", "formula"), BLOCKS, ids=BLOCK_IDS)
def test_drop_path_leaves_a_dropped_picture_as_it_is(make, formula, x):
    many = np.repeat(x[:1], 400, axis=0)
    block = make(drop_path=0.5)
    block.build(many.shape)
    randomised(block)
    same = (to_numpy(block(many, training=True)) == many).all(axis=(1, 2)).mean()
    branches = 2 if make is BLOCKS[0][0] else 1
    assert abs(same - 0.5**branches) < 0.08


@pytest.mark.parametrize(("make", "formula"), BLOCKS, ids=BLOCK_IDS)
def test_block_survives_saving(make, formula, x, tmp_path):
    block = make(dropout=0.1, drop_path=0.2)
    model, loaded = saved_and_loaded(block, x.shape[1:], tmp_path)
    np.testing.assert_array_equal(model.predict(x, verbose=0), loaded.predict(x, verbose=0))
    assert loaded.layers[-1].get_config() == block.get_config()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(("make", "formula"), BLOCKS, ids=BLOCK_IDS)
def test_block_trains_under_mixed_precision(make, formula, policy, x):
    exact = make()
    exact.build(x.shape)
    randomised(exact)
    block = make(dtype=policy)
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, block(inputs))
    block.set_weights(exact.get_weights())
    assert all(weight.dtype == "float32" for weight in block.weights)
    half = model.predict(x, verbose=0)
    assert half.dtype != np.float32
    np.testing.assert_allclose(half.astype("float32"), to_numpy(exact(x)), atol=0.15, rtol=0.05)
    model.compile("adamw", loss="mse")
    losses = model.fit(x, np.zeros_like(x), epochs=3, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(("make", "formula"), BLOCKS, ids=BLOCK_IDS)
def test_block_compiles_with_xla(make, formula, x):
    for rates in ({}, {"dropout": 0.1, "drop_path": 0.1}):
        inputs = keras.Input(x.shape[1:])
        model = keras.Model(inputs, make(**rates)(inputs))
        model.compile("adamw", loss="mse", jit_compile=True)
        losses = model.fit(x, np.zeros_like(x), epochs=5, verbose=0).history["loss"]
        assert np.isfinite(losses).all()
        if not rates:  # with dropout, chance may undo five small steps
            assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MixerBlock(0, 4), "MixerBlock: tokens_mlp_dim must be a whole number"),
        (lambda: MixerBlock(4, 2.5), "MixerBlock: channels_mlp_dim must be a whole number"),
        (lambda: MixerBlock(4, 4, dropout=1.0), "MixerBlock: dropout must be at least 0 and below 1, but it is 1.0"),
        (lambda: MixerBlock(4, 4, drop_path=-1), "MixerBlock: drop_path must be at least 0 and below 1, but it is -1"),
        (lambda: NoMixingBlock("4"), "NoMixingBlock: channels_mlp_dim must be a whole number"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("make", "formula"), BLOCKS, ids=BLOCK_IDS)
def test_a_wrong_rank_is_named(make, formula):
    with pytest.raises(ValueError, match=r"3 axes \(b, n, d\), but its shape is \(2, 9\)"):
        make()(np.zeros((2, 9), "float32"))
