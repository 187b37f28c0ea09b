import keras
import numpy as np

from course_utils.layers import MixerBlock, NoMixingBlock
from tests.layers import reference
from tests.layers.contract import BlockContract
from tests.layers.support import built, moved_by

to_numpy = keras.ops.convert_to_numpy


class TestMixerBlock(BlockContract):
    parameters = 2 * 2 * 6 + (9 * 11 * 2 + 11 + 9) + (6 * 13 * 2 + 13 + 6)
    macs = 2 * 9 * 6 * (11 + 13)
    formula = staticmethod(reference.mixer_block)

    def make(self, **kwargs):
        return MixerBlock(11, 13, **kwargs)


class TestNoMixingBlock(BlockContract):
    branches = 1
    parameters = 2 * 6 + (6 * 13 * 2 + 13 + 6)
    macs = 2 * 9 * 6 * 13
    formula = staticmethod(reference.no_mixing_block)

    def make(self, **kwargs):
        return NoMixingBlock(13, **kwargs)


def test_only_the_mixer_lets_tokens_meet_and_minds_their_order(x):
    order = np.random.default_rng(3).permutation(9)
    for block, mixes in ((MixerBlock(11, 13), True), (NoMixingBlock(13), False)):
        built(block, x)
        assert moved_by(block, x).tolist() == [mixes or i == 4 for i in range(9)]
        turned = np.abs(to_numpy(block(x[:, order])) - to_numpy(block(x))[:, order]).max()
        assert turned > 0.1 if mixes else turned < 1e-6
