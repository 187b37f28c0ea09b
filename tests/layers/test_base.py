"""What holds for every layer: it is saved with its arguments, names a wrong rank, and is mostly formula."""

import ast
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


@pytest.mark.parametrize("name", MAKERS)
def test_layers_survive_saving(name, tmp_path):
    make, shape = MAKERS[name]
    layer = make()
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    model, loaded = saved_and_loaded(layer, shape, tmp_path)
    np.testing.assert_array_equal(answer(model, x), answer(loaded, x))
    assert loaded.layers[-1].get_config() == layer.get_config()


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in ("MLP", "DropPath")])
def test_a_wrong_rank_is_named(name):
    make, shape = MAKERS[name]
    layer = make()
    axes = {3: r"4 axes \(b, h, w, c\)", 2: r"3 axes \(b, n, d\)"}[len(shape)]
    with pytest.raises(
        ValueError, match=rf"{type(layer).__name__}: the input must have {axes}, but its shape is \(2, 9"
    ):
        layer(np.zeros((2, 9) if len(shape) == 2 else (2, 9, 6), "float32"))


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
