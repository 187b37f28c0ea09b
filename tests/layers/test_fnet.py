import keras
import numpy as np
import pytest

from course_utils.layers import FNetBlock, FourierMixing, LinearMixing
from course_utils.models import macs
from tests.layers import reference
from tests.layers.contract import BlockContract
from tests.layers.support import randomised, weights_by_path

to_numpy = keras.ops.convert_to_numpy
MLP_WEIGHTS = 6 * 13 * 2 + 13 + 6
AXES = [(True, True), (True, False), (False, True), (False, False)]


class FNetContract(BlockContract):
    parameters = 2 * 2 * 6 + MLP_WEIGHTS
    macs = 2 * 9 * 6 * 13
    mixing = "fourier"

    def make(self, **kwargs):
        return FNetBlock(13, mixing=self.mixing, **kwargs)

    def without_branches(self, x, w):
        """A post-norm block still normalises, twice."""
        y = reference.layer_norm(x, w["norm1/gamma"], w["norm1/beta"])
        return reference.layer_norm(y, w["norm2/gamma"], w["norm2/beta"])


class TestFNetBlock(FNetContract):
    def formula(self, x, w):
        return reference.fnet_block(x, w, reference.fourier_mixing(x))


class TestFNetBlockWithLearnedMatrices(FNetContract):
    parameters = 2 * 2 * 6 + MLP_WEIGHTS + 9 * 9 + 6 * 6
    macs = 2 * 9 * 6 * 13 + 9 * 9 * 6 + 9 * 6 * 6
    mixing = "linear"

    def formula(self, x, w):
        return reference.fnet_block(x, w, reference.linear_mixing(x, w))


def test_random_matrices_mix_as_learned_ones_do_but_are_never_trained(x):
    block = FNetBlock(13, mixing="random")
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, block(inputs))
    w = weights_by_path(randomised(block))
    expected = [reference.fnet_block(image, w, reference.linear_mixing(image, w)) for image in x]
    np.testing.assert_allclose(to_numpy(block(x)), expected, atol=1e-5)
    assert [weight.path.split("/", 1)[1] for weight in block.non_trainable_weights] == [
        "mixer/token_matrix",
        "mixer/channel_matrix",
    ]
    model.compile("adamw", loss="mse")
    model.optimizer.build(model.trainable_variables)  # else TensorFlow builds its graph twice
    model.fit(x, np.zeros_like(x), epochs=2, verbose=0)
    after = weights_by_path(block)
    for path, value in w.items():
        assert np.array_equal(after[path], value) == path.startswith("mixer/"), path


def test_dropout_follows_the_mlps_output_alone():
    mlp = FNetBlock(13, dropout=0.1).mlp
    assert (mlp.drop1.rate, mlp.drop2.rate) == (0, 0.1)


def test_learned_matrices_are_trained(x):
    learned, fixed = LinearMixing(), LinearMixing(learned=False)
    for layer in (learned, fixed):
        layer.build(x.shape)
    assert len(learned.trainable_weights) == len(fixed.non_trainable_weights) == 2
    assert fixed.trainable_weights == learned.non_trainable_weights == []


def test_matrices_start_at_a_size_that_keeps_the_size_of_the_values():
    x = np.random.default_rng(0).normal(size=(4, 64, 128)).astype("float32")
    assert 0.8 < to_numpy(LinearMixing()(x)).std() < 1.25


def test_without_mixing_tokens_stay_apart_and_only_the_mlp_is_left(x):
    block = FNetBlock(13, mixing="none")
    block.build(x.shape)
    w = weights_by_path(randomised(block))
    expected = [reference.fnet_block(image, w, 0) for image in x.astype("float64")]
    np.testing.assert_allclose(to_numpy(block(x)), expected, atol=1e-5)
    assert block.count_params() == 2 * 2 * 6 + MLP_WEIGHTS
    assert macs(block) == 2 * 9 * 6 * 13
    assert moved_by_token_4(block, x).tolist() == [i == 4 for i in range(9)]


@pytest.mark.parametrize("mixing", ["fourier", "linear", "random"])
def test_every_mixing_lets_every_token_meet_every_other(mixing, x):
    block = FNetBlock(13, mixing=mixing)
    block.build(x.shape)
    assert moved_by_token_4(randomised(block), x).all()


def moved_by_token_4(block, x):
    changed = x.copy()
    changed[:, 4] *= -1
    return np.abs(to_numpy(block(changed)) - to_numpy(block(x))).max(axis=(0, 2)) > 1e-6


@pytest.mark.parametrize(("tokens", "channels"), AXES)
def test_the_transform_is_the_product_with_explicit_dft_matrices(tokens, channels, x):
    got = to_numpy(FourierMixing(tokens, channels)(x))
    expected = [reference.fourier_mixing(image, tokens, channels) for image in x.astype("float64")]
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize(("tokens", "channels"), AXES)
def test_ortho_divides_by_the_root_of_the_number_of_values_summed(tokens, channels, x):
    plain, ortho = (to_numpy(FourierMixing(tokens, channels, norm)(x)) for norm in ("none", "ortho"))
    summed = (9 if tokens else 1) * (6 if channels else 1)
    np.testing.assert_allclose(ortho, plain / np.sqrt(summed), atol=1e-6)


def test_the_real_part_is_taken_once_at_the_end(x):
    """Re(F_n · x · F_d) is not Re(F_n · Re(x · F_d)): the imaginary parts meet and count."""
    twice = to_numpy(FourierMixing(channels=False)(FourierMixing(tokens=False)(x)))
    once = to_numpy(FourierMixing()(x))
    assert np.abs(once - twice).max() > 1
    n, d = reference.dft(9), reference.dft(6)
    np.testing.assert_allclose(once, twice - n.imag @ x @ d.imag, atol=1e-5)


def test_the_transform_is_linear_and_has_no_weights(x):
    layer = FourierMixing()
    y = x[::-1].copy()
    np.testing.assert_allclose(
        to_numpy(layer(2 * x - 3 * y)), 2 * to_numpy(layer(x)) - 3 * to_numpy(layer(y)), atol=1e-4
    )
    assert layer.weights == []
    assert macs(layer) == 0


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(("tokens", "channels"), AXES[:3])
def test_the_transform_works_in_half_precision(tokens, channels, policy, x):
    layer = FourierMixing(tokens, channels, dtype=policy)
    got = layer(x)
    assert keras.backend.standardize_dtype(got.dtype) == policy.removeprefix("mixed_")
    expected = [reference.fourier_mixing(image, tokens, channels) for image in x]
    np.testing.assert_allclose(to_numpy(keras.ops.cast(got, "float32")), expected, atol=0.1, rtol=0.02)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FNetBlock(4, mixing="fft"), "FNetBlock: mixing must be one of 'fourier', .* but it is 'fft'"),
        (lambda: FNetBlock(4, fourier_norm=None), "FourierMixing: norm must be one of 'none', .* it is None"),
        (lambda: FourierMixing(norm="forward"), "FourierMixing: norm must be one of 'none', 'ortho', but it is 'forw"),
        (lambda: FourierMixing(tokens=1), "FourierMixing: tokens must be True or False, but it is 1"),
        (lambda: FourierMixing(channels=None), "FourierMixing: channels must be True or False, but it is None"),
        (lambda: LinearMixing("yes"), "LinearMixing: learned must be True or False, but it is 'yes'"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
