import keras
import numpy as np
import pytest

from course_utils.layers import ConvBlock
from tests.layers import reference
from tests.layers.contract import BlockContract
from tests.layers.support import built, weights_by_path

to_numpy = keras.ops.convert_to_numpy


class TestConvBlock(BlockContract):
    parameters = 2 * 2 * 6 + (3 * 3 * 6 + 6) + (6 * 13 * 2 + 13 + 6)
    macs = 9 * 6 * 3 * 3 + 2 * 9 * 6 * 13

    def make(self, **kwargs):
        return ConvBlock((3, 3), 13, **kwargs)

    def formula(self, x, w):
        return reference.conv_block(x, w, (3, 3))


def test_rows_are_not_columns_and_the_window_may_be_larger_than_the_grid():
    x = np.random.default_rng(0).normal(size=(2, 8, 5)).astype("float32")
    block = built(ConvBlock((2, 4), 7, kernel_size=5), x)
    expected = [reference.conv_block(image, weights_by_path(block), (2, 4)) for image in x.astype("float64")]
    np.testing.assert_allclose(to_numpy(block(x)), expected, atol=1e-5)


def test_a_block_sees_the_neighbours_and_two_see_theirs():
    before = np.random.default_rng(0).normal(size=(1, 25, 6)).astype("float32")
    after = before.copy()
    after[:, 12] *= -1  # in the middle of 5 × 5
    for seen in (9, 25):
        block = built(ConvBlock((5, 5), 7), before)
        before, after = (to_numpy(block(given)) for given in (before, after))
        assert (np.abs(after - before).max(axis=(0, 2)) > 1e-6).sum() == seen


@pytest.mark.parametrize("tokens", [8, 10, 18])
def test_tokens_that_are_not_the_grids_are_named(tokens):
    """Twice as many would otherwise be taken for two images."""
    with pytest.raises(ValueError, match=f"ConvBlock: a grid of 3 × 3 does not hold {tokens} tokens"):
        ConvBlock((3, 3), 7)(np.zeros((2, tokens, 6), "float32"))
