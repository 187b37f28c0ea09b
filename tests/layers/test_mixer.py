import keras
import numpy as np

from course_utils.layers import MixerBlock, NoMixingBlock
from tests.layers import reference
from tests.layers.contract import BlockContract
from tests.layers.support import randomised

to_numpy = keras.ops.convert_to_numpy


class TestMixerBlock(BlockContract):
    parameters = 2 * 2 * 6 + (9 * 11 * 2 + 11 + 9) + (6 * 13 * 2 + 13 + 6)
    macs = 2 * 9 * 6 * (11 + 13)

    def make(self, **kwargs):
        return MixerBlock(11, 13, **kwargs)

    def formula(self, x, w):
        return reference.mixer_block(x, w)


class TestNoMixingBlock(BlockContract):
    branches = 1
    parameters = 2 * 6 + (6 * 13 * 2 + 13 + 6)
    macs = 2 * 9 * 6 * 13

    def make(self, **kwargs):
        return NoMixingBlock(13, **kwargs)

    def formula(self, x, w):
        return reference.no_mixing_block(x, w)


def test_only_the_mixer_lets_tokens_meet(x):
    changed = x.copy()
    changed[:, 4] *= -1  # adding a constant would do nothing: LayerNorm takes it out
    for block, mixes in ((MixerBlock(11, 13), True), (NoMixingBlock(13), False)):
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
