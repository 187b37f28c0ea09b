"""The bug hunt: real defects, each in a small working layer beside the right one.

The two Mixers and the gMLP are those of the keras.io example "Image classification with modern MLP models"
(mlp_image_classification), the temperature and the schedule those of "Train a Vision Transformer on small datasets"
(vit_small_ds). The wrong LayerNorm was Keras' own.

Reading on spoils the hunt: every docstring below says what is wrong. `suspects` gives the makers that the exercises of
lesson 06 are about, without saying it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import keras
from keras import ops

from course_utils.layers import MLP, GMLPBlock, LocalitySelfAttention, MixerBlock, SelfAttention
from course_utils.training.optimizer import optimizer_for
from course_utils.training.recipes import Recipe


class WrongGradientNorm(keras.layers.LayerNormalization):
    """Spoiler: as Keras 3.0.0 to 3.0.2 computed it along the last axis, the output is right, the gradient is not.

    The variance is `E[x²] − E[x]²` with the mean held fixed: `∂variance/∂x` is `2x/d` instead of `2(x − mean)/d`.
    """

    def call(self, x):
        mean = ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(x), axis=-1, keepdims=True) - ops.square(ops.stop_gradient(mean))
        return (x - mean) * ops.rsqrt(variance + self.epsilon) * self.gamma + self.beta


class SharedNormMixerBlock(MixerBlock):
    """Spoiler: one LayerNorm object stands in both places, so that the two have one γ and one β."""

    def build(self, input_shape):
        del self.norm2
        self.norm2 = self.norm1
        super().build(input_shape)


# The lesson shows both before the hunt, under names that give nothing away.
BrokenMixerBlock = SharedNormMixerBlock
LAYER_NORMS = {"version A": keras.layers.LayerNormalization, "version B": WrongGradientNorm}


class BottleneckMixerBlock(MixerBlock):
    """Spoiler: the hidden layer of the channel MLP is as wide as there are tokens, whatever `channels_mlp_dim` says."""

    def build(self, input_shape):
        asked = self.channel_mlp.get_config()
        del self.channel_mlp
        self.channel_mlp = MLP.from_config({**asked, "hidden_dim": input_shape[1]})
        super().build(input_shape)


class NormalisedResidualGMLPBlock(GMLPBlock):
    """Spoiler: the residual adds the normalised input, `LN(x) + V · SGU(GELU(U · LN(x)))`: the raw `x` is lost."""

    def call(self, x, training=None):
        x = self.norm(x)
        z = keras.activations.gelu(self.widen(x), approximate=False)
        z = self.gate(self.drop1(z, training=training))
        z = self.drop2(self.narrow(z), training=training)
        return x + self.drop_path1(z, training=training)


class UntrackedTemperatureAttention(LocalitySelfAttention):
    """Spoiler: the layer does not know that its temperature is a weight.

    It is a variable, it calls itself trainable, and no optimizer ever sees it: what happens to a bare `tf.Variable` in
    a Keras 3 layer.
    """

    def build(self, input_shape):
        start = [math.sqrt(input_shape[-1] / self.num_heads)] * self.num_heads
        variable = keras.Variable(start, dtype="float32", name="temperature")
        object.__setattr__(self, "temperature", variable)  # Keras tracks what is set in the usual way
        SelfAttention.build(self, input_shape)


def forgotten_schedule(recipe: Recipe, steps_per_epoch: int) -> keras.Optimizer:
    """Spoiler: the learning rate is at its peak from the first step to the last.

    (The example makes a schedule, and hands its optimizer the bare rate.)
    """
    return optimizer_for(replace(recipe, schedule="constant", warmup=0.0), steps_per_epoch)


def endless_peak(recipe: Recipe, steps_per_epoch: int) -> keras.Optimizer:
    """Spoiler: the learning rate climbs to its peak and stays there. (Not the example's: half of a mended schedule.)"""
    return optimizer_for(replace(recipe, schedule="constant"), steps_per_epoch)


def _about_to_train(optimizer, steps: int = 100, *, learning_rate: float, warmup: float, name: str):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name=name)
    model.compile(optimizer=optimizer(Recipe(1, learning_rate=learning_rate, warmup=warmup), steps), loss="mse")
    return model


@dataclass(frozen=True)
class Case:
    """One case of the hunt: what is made, in a word; how to make the right one and the broken one; the settings that
    both are made with, by turns; what is `wrong` with the broken one; what a test is told that lets a broken one pass
    (`hint`) or calls the right one broken (`caution`); and how to make one that is broken in another way.
    """

    thing: str
    right: Callable
    broken: Callable
    settings: list[dict]
    wrong: str
    hint: str
    caution: str = ""
    also_broken: Callable | None = None

    def makers(self, make: Callable) -> dict[str, Callable]:
        """Returns {settings in words: maker} for the right thing or for the broken one. Both get the same name."""
        words = [", ".join(f"{key} = {value:g}" for key, value in each.items()) for each in self.settings]
        return {said: partial(make, **each, name=self.thing) for said, each in zip(words, self.settings, strict=True)}


CASES = {
    "norms": Case(
        "block",
        MixerBlock,
        SharedNormMixerBlock,
        [
            {"tokens_mlp_dim": 6, "channels_mlp_dim": 24},
            {"tokens_mlp_dim": 17, "channels_mlp_dim": 10},
            {"tokens_mlp_dim": 8, "channels_mlp_dim": 8, "dropout": 0.1},
        ],
        "one LayerNorm stood in both places, with one γ and one β for two jobs",
        "the same object under two names has one set of weights; count, or compare",
    ),
    "residual": Case(
        "block",
        GMLPBlock,
        NormalisedResidualGMLPBlock,
        [{"mlp_dim": 12}, {"mlp_dim": 32}, {"mlp_dim": 20, "gate_bias_start": 0.0}],
        "the residual added LN(x), so that the block forgot how large x was",
        "LN(10 x) equals LN(x), and 10 x does not equal x; which of the two comes out",
        ": what adds the raw x? And are your numbers equal but for rounding? Compare with atol=1e-3",
    ),
    "temperature": Case(
        "layer",
        LocalitySelfAttention,
        UntrackedTemperatureAttention,
        [{"num_heads": 2}, {"num_heads": 4}, {"num_heads": 1, "dropout": 0.1}],
        "the temperature was a variable that the layer did not know of, so that no optimizer ever moved it",
        "do not ask the temperature what it is; ask the layer what it hands to an optimizer",
    ),
    "schedule": Case(
        "training",
        partial(_about_to_train, optimizer_for),
        partial(_about_to_train, forgotten_schedule),
        [{"learning_rate": 1e-3, "warmup": 0.1}, {"learning_rate": 3e-2, "warmup": 0.25}],
        "the schedule was made and never handed to the optimizer, whose rate stood at its peak",
        "read the rate that the optimizer uses at the first step, on the way, and at the last",
        also_broken=partial(_about_to_train, endless_peak),
    ),
    "width": Case(
        "block",
        partial(MixerBlock, channels_mlp_dim=24),
        partial(BottleneckMixerBlock, channels_mlp_dim=24),
        [{"tokens_mlp_dim": 6}, {"tokens_mlp_dim": 19}, {"tokens_mlp_dim": 8, "dropout": 0.1}],
        "the hidden layer of C was as wide as there were tokens: a bottleneck that nobody had asked for",
        "count real weights, and ask for a width that is not the number of tokens; what a block says of itself may lie",
        ": a Dense layer's kernel is (inputs, units)",
    ),
}


def suspects(case: str) -> tuple[Callable, Callable]:
    """Returns a maker of the right thing and one of the broken thing, to try a test on.

    Args:
        case: "norms", "residual", "temperature", "schedule" or "width".

    Raises:
        ValueError: there is no such case.
    """
    if case not in CASES:
        raise ValueError(f"suspects: case must be one of {', '.join(map(repr, CASES))}, but it is {case!r}")
    found = CASES[case]
    right, broken = (next(iter(found.makers(make).values())) for make in (found.right, found.broken))
    return right, broken
