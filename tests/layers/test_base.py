"""What holds for every layer: it is saved with its arguments, names a wrong rank, and is mostly formula."""

import ast
import functools
import inspect

import keras
import numpy as np
import pytest

from course_utils import layers
from course_utils.layers import LocalitySelfAttention, TokenLayer
from tests.layers.support import answer, saved_and_loaded

TOKENS, IMAGES = (9, 6), (12, 18, 2)
MAKERS = {  # each layer that is no block, in every form that its arguments give it
    "Patches": (lambda: layers.Patches(2), IMAGES),
    "PatchEmbedding": (lambda: layers.PatchEmbedding(3, 7), IMAGES),
    "ShiftedPatchTokenization": (lambda: layers.ShiftedPatchTokenization(3, 7, shift=0.4), IMAGES),
    "PositionEmbedding": (layers.PositionEmbedding, TOKENS),
    "ClassToken": (layers.ClassToken, TOKENS),
    "FirstToken": (layers.FirstToken, TOKENS),
    "MLP": (lambda: layers.MLP(9, dropout=0.1, hidden_dropout=False), TOKENS),
    "DropPath": (lambda: layers.DropPath(0.5), TOKENS),
    "FourierMixing": (lambda: layers.FourierMixing(channels=False, norm="ortho"), TOKENS),
    "LinearMixing": (lambda: layers.LinearMixing(learned=False), TOKENS),
    "SpatialGatingUnit": (lambda: layers.SpatialGatingUnit(0.5, weight_std=0.1), TOKENS),
    "SelfAttention": (lambda: layers.SelfAttention(2, 0.1), TOKENS),
    "LSA": (lambda: LocalitySelfAttention(2, 0.1), TOKENS),
    "LSA, no temperature": (lambda: LocalitySelfAttention(2, temperature=False), TOKENS),
    "LSA, no mask": (lambda: LocalitySelfAttention(2, mask_diagonal=False), TOKENS),
    "LSA, neither": (lambda: LocalitySelfAttention(2, temperature=False, mask_diagonal=False), TOKENS),
}


@pytest.mark.one_backend
@pytest.mark.parametrize("name", MAKERS)
def test_layers_survive_saving(name, tmp_path):
    make, shape = MAKERS[name]
    layer = make()
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    model, loaded = saved_and_loaded(layer, shape, tmp_path)
    np.testing.assert_array_equal(answer(model, x), answer(loaded, x))
    assert loaded.layers[-1].get_config() == layer.get_config()


@pytest.mark.one_backend
@pytest.mark.parametrize("name", [name for name in MAKERS if name not in ("MLP", "DropPath")])
def test_a_wrong_rank_is_named(name):
    make, shape = MAKERS[name]
    layer = make()
    axes = {3: r"4 axes \(b, h, w, c\)", 2: r"3 axes \(b, n, d\)"}[len(shape)]
    with pytest.raises(
        ValueError, match=rf"{type(layer).__name__}: the input must have {axes}, but its shape is \(2, 9"
    ):
        layer(np.zeros((2, 9) if len(shape) == 2 else (2, 9, 6), "float32"))


WRONG = [
    *((lambda bad=bad: layers.Patches(bad), "Patches: patch_size should be") for bad in (0, -1, 2.5, "4", None, True)),
    *((lambda bad=bad: layers.MLP(4, hidden_dropout=bad), "MLP: hidden_dropout should") for bad in (None, 0, "True")),
    (lambda: layers.MLP(0), "MLP: hidden_dim should be greater than or equal to 1, but it is 0"),
    (lambda: layers.PatchEmbedding(4, 0.5), "PatchEmbedding: embed_dim should be a valid integer, but it is 0.5"),
    (lambda: layers.ShiftedPatchTokenization(0, 8), "patch_size should be greater than or equal to 1, but it is 0"),
    (lambda: layers.ShiftedPatchTokenization(4, 8, 1.5), "shift should be less than or equal to 1, but it is 1.5"),
    (lambda: layers.ShiftedPatchTokenization(5, 8).build((1, 8, 8, 3)), "patch_size=5 does not divide .* 8 × 8"),
    (lambda: LocalitySelfAttention(2, temperature=1), "temperature should be a valid boolean, but it is 1"),
    (lambda: LocalitySelfAttention(2, mask_diagonal=None), "mask_diagonal should be a valid boolean, but it is None"),
    (lambda: LocalitySelfAttention(4).build((2, 9, 6)), "LocalitySelfAttention: num_heads=4 does not divide .* d=6"),
    (lambda: layers.SelfAttention(0), "SelfAttention: num_heads should be greater than or equal to 1, but it is 0"),
    (lambda: layers.TransformerBlock(2, 8, attention=layers.SelfAttention(3)), "num_heads=2, but attention has 3"),
    (lambda: layers.ConvBlock((3, 3), 7, kernel_size=4), "kernel_size must be odd, to have a middle, but it is 4"),
    (lambda: layers.ConvBlock(4, 8), "ConvBlock: grid should be a valid tuple, but it is 4"),
    (lambda: layers.GMLPBlock(7), "GMLPBlock: mlp_dim must be even, for the gate splits it in two, but it is 7"),
    (lambda: layers.GMLPBlock(4, gate_bias_start=float("nan")), "Unit: bias_start should be a finite number, .* nan"),
    (lambda: layers.SpatialGatingUnit(1, -1), "weight_std should be greater than or equal to 0, but it is -1"),
    (lambda: layers.FNetBlock(4, mixing="fft"), "FNetBlock: mixing should be 'fourier', .* but it is 'fft'"),
    (lambda: layers.FNetBlock(4, fourier_norm=None), "FourierMixing: norm should be 'none' or 'ortho', .* it is None"),
    (lambda: layers.FourierMixing(tokens=1), "FourierMixing: tokens should be a valid boolean, but it is 1"),
    (lambda: layers.LinearMixing("yes"), "LinearMixing: learned should be a valid boolean, but it is 'yes'"),
]


@pytest.mark.one_backend
@pytest.mark.parametrize(("make", "message"), WRONG, ids=map(str, range(len(WRONG))))
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("attention", ["own", keras.layers.MultiHeadAttention(2, 3)])
def test_an_attention_of_another_kind_is_named(attention):
    with pytest.raises(TypeError, match="TransformerBlock: attention must be a SelfAttention, but it is"):
        layers.TransformerBlock(2, 8, attention=attention)


class Shifted(TokenLayer):
    """A student's layer: it needs no more than this."""

    def __init__(self, steps, parts=(1, 2), **kwargs):
        super().__init__(**kwargs)
        self.steps, self.parts = steps, parts

    def call(self, x):
        return keras.ops.roll(x, self.steps, axis=1)


def test_a_layer_of_ones_own_needs_only_a_constructor_and_a_call(tmp_path):
    layer = Shifted(np.int64(2), parts=(np.float32(0.5), 3))
    assert (type(layer.steps), type(layer.parts[0])) == (int, float)
    x = np.random.default_rng(0).normal(size=(2, 9, 6)).astype("float32")
    _, loaded = saved_and_loaded(layer, TOKENS, tmp_path)
    np.testing.assert_array_equal(answer(loaded, x), np.roll(x, 2, axis=1))
    assert tuple(loaded.layers[-1].parts) == (0.5, 3)
    assert str(inspect.signature(Shifted)) == "(steps, parts=(1, 2), **kwargs)"


def test_a_class_of_the_same_name_elsewhere_does_not_take_the_courses_place():
    type("MixerBlock", (TokenLayer,), {"__module__": "__main__"})
    assert keras.saving.get_registered_object("course_utils>MixerBlock") is layers.MixerBlock


def lines_of_code(cls) -> int:
    """Returns how many lines a class has without its docstrings, comments and blank lines."""
    source = inspect.getsource(cls)
    told = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            told |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    rest = [line.strip() for number, line in enumerate(source.splitlines(), 1) if number not in told]
    return sum(bool(line) and not line.startswith("#") for line in rest)


@pytest.mark.parametrize(
    ("names", "most"),
    [
        (["MixerBlock"], 22),
        (["FNetBlock"], 25),
        (["SpatialGatingUnit", "GMLPBlock"], 40),
        (["SelfAttention"], 30),
        (["TransformerBlock"], 25),
        (["LocalitySelfAttention"], 20),
        (["ShiftedPatchTokenization"], 25),
        (["ConvBlock"], 25),
    ],
)
def test_a_class_is_mostly_formula(names, most):
    """Lessons show the whole class: every line must be worth a student's minute."""
    assert sum(lines_of_code(getattr(layers, name)) for name in names) <= most


class Scaled(TokenLayer):
    """Takes a second tensor, and counts how often it is traced."""

    traced = 0

    def call(self, x, scale=None, training=None):
        type(self).traced += 1
        return x if scale is None else x * scale


def test_the_first_call_does_not_trace_again_what_build_has_traced():
    Scaled.traced = 0
    layer, tokens = Scaled(), keras.Input((4, 3))
    assert layer(tokens).shape == (None, 4, 3)
    assert Scaled.traced == 1
    layer(keras.Input((5, 3)))
    assert Scaled.traced == 2, "another shape is traced"


def test_a_second_tensor_is_traced_whatever_build_has_seen():
    layer = Scaled()
    layer.build((None, 4, 3))
    Scaled.traced = 0
    assert layer(keras.Input((4, 3)), scale=keras.Input((4, 3))).shape == (None, 4, 3)
    assert Scaled.traced == 1


def test_a_part_is_traced_with_the_whole_and_not_once_more(monkeypatch):
    """That saves a large part of the time in which a network is built."""
    calls, real = [], layers.MLP.call

    @functools.wraps(real)  # Keras reads its signature
    def counted(self, *args, **how):
        calls.append(self)
        return real(self, *args, **how)

    monkeypatch.setattr(layers.MLP, "call", counted)
    block = layers.TransformerBlock(2, 8)
    block(keras.Input(TOKENS))
    assert calls == [block.mlp]
    assert len(block.weights) == 16


class Zeroed(TokenLayer):
    """A student's layer that needs its part's weights as soon as it is built."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.mlp = layers.MLP(5)

    def build(self, input_shape):
        super().build(input_shape)
        self.mlp.hidden.kernel.assign(keras.ops.zeros(self.mlp.hidden.kernel.shape))

    def call(self, x):
        return self.mlp(x)


class Late(TokenLayer):
    """A student's layer that makes its part in its first call, and does not like seven channels."""

    def call(self, x):
        if x.shape[-1] == 7:
            raise ValueError("seven channels")
        if not hasattr(self, "dense"):
            self.dense = keras.layers.Dense(4)
        return self.dense(x)


class Both(TokenLayer):
    """A student's layer that holds both."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.zeroed, self.late = Zeroed(), Late()

    def call(self, x):
        return self.late(self.zeroed(x))


@pytest.mark.parametrize("kind", [Zeroed, Late, Both])
def test_a_students_own_layers_are_whole_once_they_are_built(kind):
    x = np.ones((2, *TOKENS), "float32")
    called, built = kind(), kind()
    built.build(x.shape)
    assert called(x).shape == (2, 9, 4 if kind is not Zeroed else 6)
    assert len(called.weights) == len(built.weights) == {Zeroed: 4, Late: 2, Both: 6}[kind]


def test_a_wrong_first_input_is_an_error_of_its_own_words_and_no_obstacle_to_a_right_one():
    late, gate = Late(), layers.SpatialGatingUnit()
    with pytest.raises(ValueError, match=r"\Aseven channels\Z"):
        late(np.ones((2, 9, 7), "float32"))
    assert late(np.ones((2, 9, 6), "float32")).shape == (2, 9, 4)
    with pytest.raises(ValueError, match=r"divi(sible|sion)"):
        gate(np.ones((2, 9, 7), "float32"))
    assert gate(np.ones((2, 16, 8), "float32")).shape == (2, 16, 4)


@pytest.mark.parametrize("layer", [layers.Patches(5), layers.PatchEmbedding(5, 8)], ids=lambda layer: layer.name)
def test_what_is_wrong_is_said_without_the_words_of_keras(layer):
    own = r"\APatches: patch_size=5 does not divide an image of 8 × 8 pixels; try one of [^\n]*\Z"
    for x in (np.zeros((1, 8, 8, 3), "float32"), keras.Input((8, 8, 3))):
        with pytest.raises(ValueError, match=own):
            layer(x)
