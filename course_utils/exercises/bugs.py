"""The bug hunt: real defects of keras.io examples, each in a small working layer beside the right one.

Reading on spoils the hunt: every docstring below says what is wrong. `suspects` gives the makers that the exercises of
lesson 06 are about, without saying it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
from keras import ops

from course_utils.layers import MLP, GMLPBlock, LocalitySelfAttention, MixerBlock, SelfAttention
from course_utils.layers.base import EPSILON
from course_utils.training import optimizer_for
from course_utils.training.recipes import Recipe


class WrongGradientNorm(keras.layers.Layer):
    """A LayerNorm along the last axis, as Keras 3.0.0 to 3.0.2 computed it.

    Spoiler: its output is right and its gradient is not. The variance is `E[x²] − E[x]²` with the mean held fixed, so
    that `∂variance/∂x` is `2x/d` instead of `2(x − mean)/d`.

    Args:
        epsilon: added to the variance.

    Input shape: `(…, d)`. Output shape: the same.
    """

    def __init__(self, epsilon: float = EPSILON, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="beta")
        self.built = True

    def call(self, x):
        mean = ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(x), axis=-1, keepdims=True) - ops.square(ops.stop_gradient(mean))
        return (x - mean) * ops.rsqrt(variance + self.epsilon) * self.gamma + self.beta

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


class SharedNormMixerBlock(MixerBlock):
    """A Mixer block with the arguments and shapes of `MixerBlock`.

    Spoiler: one LayerNorm object stands in both places, so that the two have one γ and one β.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.norm2
        self.norm2 = self.norm1

    def build(self, input_shape):
        b, n, d = input_shape
        self.norm1.build(input_shape)
        self.token_mlp.build((b, d, n))
        self.channel_mlp.build(input_shape)
        self.built = True


class NormalisedResidualGMLPBlock(GMLPBlock):
    """A gMLP block with the arguments and shapes of `GMLPBlock`.

    Spoiler: the residual adds the normalised input, `LN(x) + V · SGU(GELU(U · LN(x)))`, so that the raw `x` is lost.
    """

    def call(self, x, training=None):
        x = self.norm(x)
        z = keras.activations.gelu(self.widen(x), approximate=False)
        z = self.gate(self.drop1(z, training=training))
        z = self.drop2(self.narrow(z), training=training)
        return x + self.drop_path1(z, training=training)


class _Hidden:
    """Holds a variable where Keras does not look for it."""

    def __init__(self, variable):
        self.variable = variable


class UntrackedTemperatureAttention(LocalitySelfAttention):
    """LSA with the arguments and shapes of `LocalitySelfAttention`.

    Spoiler: the layer does not know that its temperature is a weight. It is a variable, it calls itself trainable, and
    no optimizer ever sees it: what happens to a bare `tf.Variable` in a Keras 3 layer.
    """

    def build(self, input_shape):
        start = [(input_shape[-1] / self.num_heads) ** 0.5] * self.num_heads
        self._hidden = _Hidden(keras.Variable(start, trainable=True, dtype="float32", name="temperature"))
        SelfAttention.build(self, input_shape)

    @property
    def temperature(self):  # type: ignore[override]
        """The temperature of each head, float32 `(num_heads,)`."""
        return self._hidden.variable


class BottleneckMixerBlock(MixerBlock):
    """A Mixer block with the arguments and shapes of `MixerBlock`.

    Spoiler: the hidden layer of the channel MLP is as wide as there are tokens, whatever `channels_mlp_dim` says.
    """

    def build(self, input_shape):
        dropout = self.channel_mlp.drop2.rate
        del self.channel_mlp
        self.channel_mlp = MLP(input_shape[1], dropout, name="channel_mlp", dtype=self.dtype_policy)
        super().build(input_shape)


def forgotten_schedule(recipe: Recipe, steps_per_epoch: int) -> keras.Optimizer:
    """Returns AdamW for a recipe, with the arguments of `training.optimizer_for`.

    Spoiler: a schedule is made and then forgotten: the learning rate is at its peak from the first step to the last.
    """
    steps = recipe.epochs * steps_per_epoch
    warmup = round(recipe.warmup * steps)
    schedule = keras.optimizers.schedules.CosineDecay(  # noqa: F841  the defect itself, and a linter finds it
        0.0, steps - warmup, warmup_target=recipe.learning_rate, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay)


def _mixer(kind, channels_mlp_dim: int = 24, *, tokens_mlp_dim: int, dropout: float = 0.0):
    return kind(tokens_mlp_dim, channels_mlp_dim, dropout, name="block")


def _gmlp(kind, *, mlp_dim: int, gate_bias_start: float = 1.0):
    return kind(mlp_dim, gate_bias_start=gate_bias_start, name="block")


def _attention(kind, *, num_heads: int, dropout: float = 0.0):
    return kind(num_heads, dropout, name="attention")


def _about_to_train(optimizer, steps: int = 100, *, learning_rate: float, warmup: float):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile(optimizer=optimizer(Recipe(1, learning_rate=learning_rate, warmup=warmup), steps), loss="mse")
    return model


@dataclass(frozen=True)
class Case:
    """One case of the hunt: the same makers, of the right thing and of the broken one.

    Attributes:
        thing: what a maker makes, in a word.
        right, broken: {how it differs from the others: maker}. The makers of a case take the same arguments.
        wrong: what is wrong with the broken ones, in words.
    """

    thing: str
    right: dict[str, Callable]
    broken: dict[str, Callable]
    wrong: str


def _case(thing: str, wrong: str, make: Callable, right, broken, *settings: dict) -> Case:
    """Returns a case with one right and one broken maker for each of `settings`."""

    def makers(kind):
        return {
            ", ".join(f"{key} = {value:g}" for key, value in each.items()): partial(make, kind, **each)
            for each in settings
        }

    return Case(thing, makers(right), makers(broken), wrong)


CASES = {
    "norms": _case(
        "block",
        "one LayerNorm stood in both places, with one γ and one β for two jobs",
        _mixer,
        MixerBlock,
        SharedNormMixerBlock,
        {"tokens_mlp_dim": 6, "channels_mlp_dim": 24},
        {"tokens_mlp_dim": 17, "channels_mlp_dim": 10},
        {"tokens_mlp_dim": 8, "channels_mlp_dim": 8, "dropout": 0.1},
    ),
    "residual": _case(
        "block",
        "the residual added LN(x), so that the block forgot how large x was",
        _gmlp,
        GMLPBlock,
        NormalisedResidualGMLPBlock,
        {"mlp_dim": 12},
        {"mlp_dim": 32},
        {"mlp_dim": 20, "gate_bias_start": 0.0},
    ),
    "temperature": _case(
        "layer",
        "the temperature was a variable that the layer did not know of, so that no optimizer ever moved it",
        _attention,
        LocalitySelfAttention,
        UntrackedTemperatureAttention,
        {"num_heads": 2},
        {"num_heads": 4},
        {"num_heads": 1, "dropout": 0.1},
    ),
    "schedule": _case(
        "training",
        "the schedule was made and never handed to the optimizer, whose rate stood at its peak",
        _about_to_train,
        optimizer_for,
        forgotten_schedule,
        {"learning_rate": 1e-3, "warmup": 0.1},
        {"learning_rate": 3e-2, "warmup": 0.25},
    ),
    "width": _case(
        "block",
        "the hidden layer of C was as wide as there were tokens: a bottleneck that nobody had asked for",
        _mixer,
        MixerBlock,
        BottleneckMixerBlock,
        {"tokens_mlp_dim": 6},
        {"tokens_mlp_dim": 19},
        {"tokens_mlp_dim": 8, "dropout": 0.1},
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
    return next(iter(found.right.values())), next(iter(found.broken.values()))
