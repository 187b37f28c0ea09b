import keras
import numpy as np
import pytest

from course_utils.layers import FNetBlock, FourierMixing, LinearMixing
from course_utils.models import macs
from tests.layers import reference
from tests.layers.contract import BlockContract
from tests.layers.support import built, moved_by, weights_by_path

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


@pytest.mark.parametrize(("mixing", "fixed"), [("random", ["token_matrix", "channel_matrix"]), ("none", [])])
def test_the_other_ablations_agree_with_the_papers_formula(mixing, fixed, x):
    block = built(FNetBlock(13, mixing=mixing), x)
    w = weights_by_path(block)
    mixed = [reference.linear_mixing(image, w) if fixed else 0 for image in x]
    expected = [reference.fnet_block(image, w, y) for image, y in zip(x.astype("float64"), mixed, strict=True)]
    np.testing.assert_allclose(to_numpy(block(x)), expected, atol=1e-5)
    assert [weight.name for weight in block.non_trainable_weights] == fixed, "random matrices are never trained"
    if not fixed:
        assert block.count_params() == 2 * 2 * 6 + MLP_WEIGHTS
        assert macs(block) == 2 * 9 * 6 * 13


@pytest.mark.parametrize("mixing", ["fourier", "linear", "random", "none"])
def test_every_mixing_lets_every_token_meet_every_other(mixing, x):
    moved = moved_by(built(FNetBlock(13, mixing=mixing), x), x)
    assert moved.tolist() == [mixing != "none" or i == 4 for i in range(9)]


def test_dropout_follows_the_mlps_output_alone():
    mlp = FNetBlock(13, dropout=0.1).mlp
    assert (mlp.drop1.rate, mlp.drop2.rate) == (0, 0.1)


def test_matrices_start_at_a_size_that_keeps_the_size_of_the_values():
    x = np.random.default_rng(0).normal(size=(4, 64, 128)).astype("float32")
    assert 0.8 < to_numpy(LinearMixing()(x)).std() < 1.25


@pytest.mark.parametrize(("tokens", "channels"), AXES)
def test_the_transform_is_the_product_with_explicit_dft_matrices(tokens, channels, x):
    """And "ortho" divides it by the root of the number of values summed."""
    plain, ortho = (FourierMixing(tokens, channels, norm) for norm in ("none", "ortho"))
    expected = np.stack([reference.fourier_mixing(image, tokens, channels) for image in x.astype("float64")])
    np.testing.assert_allclose(to_numpy(plain(x)), expected, atol=1e-5)
    summed = (9 if tokens else 1) * (6 if channels else 1)
    np.testing.assert_allclose(to_numpy(ortho(x)), expected / np.sqrt(summed), atol=1e-5)
    assert plain.weights == []
    assert macs(plain) == 0


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(("tokens", "channels"), AXES[:3])
def test_the_transform_works_in_half_precision(tokens, channels, policy, x):
    got = FourierMixing(tokens, channels, dtype=policy)(x)
    assert keras.backend.standardize_dtype(got.dtype) == policy.removeprefix("mixed_")
    expected = [reference.fourier_mixing(image, tokens, channels) for image in x]
    np.testing.assert_allclose(to_numpy(keras.ops.cast(got, "float32")), expected, atol=0.1, rtol=0.02)
