import keras
import numpy as np
import pytest

from course_utils.layers import LocalitySelfAttention, SelfAttention, ShiftedPatchTokenization
from course_utils.models import macs
from tests.layers import reference
from tests.layers.support import answer, built, randomised, weights_by_path

to_numpy = keras.ops.convert_to_numpy
SWITCHES = [(True, True), (True, False), (False, True), (False, False)]  # (temperature, mask_diagonal)


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(3, 12, 18, 2)).astype("float32")


# --- shifted patch tokenization ---


def test_the_image_comes_first_then_its_copies_moved_left_up_right_up_left_down_right_down():
    """One bright pixel shows where each copy moved: half a patch of 4 is 2 pixels."""
    image = np.zeros((1, 12, 12, 1), "float32")
    image[0, 5, 6, 0] = 1
    stacked = to_numpy(ShiftedPatchTokenization(4, 8).stacked(image))
    assert stacked.shape == (1, 12, 12, 5)
    bright = [np.argwhere(stacked[0, :, :, i]).tolist() for i in range(5)]
    assert bright == [[[5, 6]], [[3, 4]], [[3, 8]], [[7, 4]], [[7, 8]]]


@pytest.mark.parametrize(
    ("patch_size", "shift", "pixels"),
    [(2, 0.5, 1), (6, 0.5, 3), (3, 0.5, 1), (1, 0.5, 0), (6, 1.0, 6), (6, 0.25, 1), (3, 1 / 3, 1), (6, 0, 0)],
)
def test_tokens_agree_with_the_papers_formula(patch_size, shift, pixels, images):
    layer = built(ShiftedPatchTokenization(patch_size, 7, shift=shift), images)
    assert layer.shift_pixels == pixels
    w = weights_by_path(layer)
    patches = np.stack([reference.shifted_patches(image, patch_size, pixels) for image in images.astype("float64")])
    np.testing.assert_array_equal(to_numpy(layer.patches(layer.stacked(images))), patches)
    normed = reference.layer_norm(patches, w["norm/gamma"], w["norm/beta"])
    expected = normed @ w["projection/kernel"] + w["projection/bias"]
    np.testing.assert_allclose(to_numpy(layer(images)), expected, atol=1e-4)


def test_a_fraction_of_the_patch_is_whole_pixels_where_it_can_be():
    """15/22 of 22 pixels are 15, though floats say 14.999…"""
    for p in (4, 5, 22, 26):
        assert [ShiftedPatchTokenization(p, 1, k / p).shift_pixels for k in range(p + 1)] == list(range(p + 1))


def test_a_token_sees_half_a_patch_of_each_neighbour_and_not_more():
    """A changed pixel moves the token of its patch, and those that it reaches diagonally over half a patch."""
    image = np.random.default_rng(0).normal(size=(1, 12, 12, 1)).astype("float32")
    layer = ShiftedPatchTokenization(4, 8)
    before = to_numpy(layer(image)).reshape(3, 3, 8)
    for pixel, tokens in (
        ((4, 4), {(1, 1), (0, 0), (0, 1), (1, 0)}),  # upper left corner of the middle patch
        ((6, 6), {(1, 1), (1, 2), (2, 1), (2, 2)}),  # lower right half
        ((0, 0), {(0, 0)}),
        ((3, 5), {(0, 1), (1, 0), (1, 1), (0, 0)}),
    ):
        changed = image.copy()
        changed[0, *pixel, 0] += 1
        moved = np.abs(to_numpy(layer(changed)).reshape(3, 3, 8) - before).max(axis=-1) > 1e-6
        assert {tuple(index) for index in np.argwhere(moved).tolist()} == tokens, pixel


def test_spt_says_its_shape_parameters_and_cost():
    layer = ShiftedPatchTokenization(6, 7)
    assert layer(keras.Input((12, 18, 2))).shape == (None, 6, 7)
    values = 5 * 6 * 6 * 2
    assert layer.count_params() == 2 * values + values * 7 + 7
    assert macs(layer) == 6 * values * 7


@pytest.mark.parametrize(
    ("policy", "jit_compile"), [("mixed_bfloat16", False), ("mixed_float16", False), ("float32", True)]
)
def test_spt_trains_in_half_precision_and_with_xla(policy, jit_compile, images):
    layer, exact = ShiftedPatchTokenization(6, 7, dtype=policy), ShiftedPatchTokenization(6, 7)
    inputs = keras.Input(images.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    assert all(weight.dtype == "float32" for weight in layer.weights)
    exact.build(images.shape)
    exact.set_weights(layer.get_weights())
    assert keras.backend.standardize_dtype(model(images).dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(answer(model, images).astype("float32"), to_numpy(exact(images)), atol=0.1)
    model.compile("adamw", loss="mse", jit_compile=jit_compile)
    model.optimizer.build(model.trainable_variables)  # else TensorFlow builds its graph twice
    losses = model.fit(images, np.zeros((3, 6, 7)), epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


# --- locality self-attention ---


@pytest.mark.parametrize(("temperature", "mask_diagonal"), SWITCHES)
def test_attention_agrees_with_the_papers_formula(temperature, mask_diagonal, x):
    layer = built(LocalitySelfAttention(2, temperature=temperature, mask_diagonal=mask_diagonal), x)
    w = weights_by_path(layer)
    assert ("temperature" in w) == temperature
    assert layer.count_params() == 4 * (6 * 6 + 6) + 2 * temperature, "the mask is no weight"
    y, table = layer(x, return_attention=True)
    exact = x.astype("float64")
    expected = [reference.attention_table(image, w, 2, mask_diagonal) for image in exact]
    np.testing.assert_allclose(to_numpy(table), expected, atol=1e-6)
    expected = [reference.self_attention(image, w, 2, mask_diagonal) for image in exact]
    np.testing.assert_allclose(to_numpy(y), expected, atol=1e-5)
    assert (np.diagonal(to_numpy(table), axis1=-2, axis2=-1) == 0).all() == mask_diagonal


def test_with_both_switched_off_it_is_self_attention(x):
    off = built(LocalitySelfAttention(2, temperature=False, mask_diagonal=False), x)
    plain = built(SelfAttention(2), x)
    for got, expected in zip(off(x, return_attention=True), plain(x, return_attention=True), strict=True):
        np.testing.assert_array_equal(to_numpy(got), to_numpy(expected))
    assert len(off.weights) == len(plain.weights)


def test_the_temperature_starts_where_self_attention_stands(x):
    plain, hot = SelfAttention(2), LocalitySelfAttention(2, mask_diagonal=False)
    for layer in (plain, hot):
        layer.build(x.shape)
    np.testing.assert_allclose(to_numpy(hot.temperature), np.sqrt([3, 3]), rtol=1e-6)
    hot.set_weights([to_numpy(hot.temperature), *plain.get_weights()])
    np.testing.assert_allclose(to_numpy(hot(x)), to_numpy(plain(x)), atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_rows_sum_to_one_with_an_exactly_zero_diagonal(dtype, x):
    layer = built(LocalitySelfAttention(3, dtype=dtype), x)
    for scale in (1, 30):  # with 30, softmax is nearly one-hot
        table = to_numpy(keras.ops.cast(layer(scale * x, return_attention=True)[1], "float32"))
        np.testing.assert_array_equal(np.diagonal(table, axis1=-2, axis2=-1), 0)
        np.testing.assert_allclose(table.sum(axis=-1), 1, atol=1e-5 if dtype == "float32" else 1e-2)


@pytest.mark.parametrize("mask_diagonal", [True, False])
def test_the_temperature_is_trained_with_dropout_too(mask_diagonal, x):
    """Fused attention kernels and untracked variables leave it where it was; without dropout, see the gradient."""
    layer = LocalitySelfAttention(2, 0.3, mask_diagonal=mask_diagonal)
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    start = to_numpy(layer.temperature)
    model.compile(keras.optimizers.SGD(10.0), loss="mse", run_eagerly=keras.backend.backend() == "tensorflow")
    model.train_on_batch(x, np.random.default_rng(1).normal(size=x.shape))
    assert (np.abs(to_numpy(layer.temperature) - start) > 1e-5).all()
    assert all(np.isfinite(weight).all() for weight in layer.get_weights())


def test_the_temperatures_gradient_agrees_with_finite_differences(x):
    layer = LocalitySelfAttention(2)
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    w = weights_by_path(randomised(layer))
    target = np.random.default_rng(1).normal(size=x.shape)
    model.compile(keras.optimizers.SGD(1.0), loss="mse")
    model.train_on_batch(x, target)

    def loss(temperature):
        got = [reference.self_attention(one, {**w, "temperature": temperature}, 2, True) for one in x.astype("float64")]
        return ((np.array(got) - target) ** 2).mean()

    start, step = w["temperature"], 1e-5 * np.eye(2)
    expected = [(loss(start + one) - loss(start - one)) / 2e-5 for one in step]
    assert np.abs(expected).min() > 1e-4
    np.testing.assert_allclose(start - to_numpy(layer.temperature), expected, atol=1e-6)


def test_each_head_has_its_own_temperature_and_a_hotter_one_is_more_even(x):
    layer = built(LocalitySelfAttention(2), x)
    layer.temperature.assign([0.01, 1000.0])
    sharp, even = to_numpy(layer(x, return_attention=True)[1]).swapaxes(0, 1)
    np.testing.assert_allclose(even + np.eye(9) / 8, 1 / 8, atol=0.01)
    assert sharp.max(axis=-1).mean() > 0.9


def test_of_two_tokens_each_sees_the_other(x):
    _, table = LocalitySelfAttention(2)(x[:, :2], return_attention=True)
    np.testing.assert_array_equal(to_numpy(table), np.broadcast_to([[0, 1], [1, 0]], (3, 2, 2, 2)))


def test_one_token_alone_has_nobody_to_attend_to(x):
    with pytest.raises(ValueError, match="LocalitySelfAttention: with a masked diagonal one token alone has nobody"):
        LocalitySelfAttention(2)(x[:, :1])
    with pytest.warns(UserWarning, match="softmax over axis -1 .* has size 1"):  # Keras' own word for it
        LocalitySelfAttention(2, mask_diagonal=False)(x[:, :1])
