import keras
import numpy as np
import pytest

from course_utils.layers import PatchEmbedding, Patches, PositionEmbedding
from course_utils.models import macs
from tests.layers import reference
from tests.layers.support import built, randomised

to_numpy = keras.ops.convert_to_numpy


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(3, 12, 8, 5)).astype("float32")


@pytest.mark.parametrize("patch_size", [1, 2, 4])
def test_patches_are_the_images_pixels_row_by_row_and_unpatch_is_the_exact_inverse(images, patch_size):
    layer = Patches(patch_size)
    tokens = to_numpy(layer(images))
    np.testing.assert_array_equal(tokens, [reference.patches(image, patch_size) for image in images])
    np.testing.assert_array_equal(to_numpy(layer.unpatch(tokens, images.shape[1:])), images)
    assert layer(keras.Input((12, 8, 5))).shape[1:] == tokens.shape[1:]


def test_patches_keep_whole_numbers_whole():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype="uint8")
    tokens = to_numpy(Patches(4, dtype="uint8")(pixels))
    assert tokens.dtype == np.uint8
    np.testing.assert_array_equal(tokens[1], reference.patches(pixels[1], 4))


def test_a_patch_size_that_does_not_divide_is_named_with_those_that_do():
    with pytest.raises(ValueError, match=r"patch_size=5 does not divide .* 12 × 8 pixels; try one of \[2, 4\]"):
        Patches(5)(np.zeros((1, 12, 8, 3), "float32"))
    with pytest.raises(ValueError, match="resize the image first"):
        Patches(2)(np.zeros((1, 7, 5, 3), "float32"))


def test_unpatch_names_tokens_that_do_not_fit():
    with pytest.raises(ValueError, match=r"tokens must be \(b, 4, 12\).*\(1, 5, 12\)"):
        Patches(2).unpatch(np.zeros((1, 5, 12), "float32"), (4, 4, 3))


def test_patch_embedding_is_one_matrix_for_every_patch(images):
    layer = built(PatchEmbedding(4, 7), images)
    kernel, bias = (to_numpy(weight).astype("float64") for weight in layer.weights)
    expected = np.stack([reference.patches(image, 4) for image in images]) @ kernel + bias
    np.testing.assert_allclose(to_numpy(layer(images)), expected, atol=1e-5)
    assert layer(keras.Input((12, 8, 5))).shape == (None, 6, 7)
    assert macs(layer) == 6 * 80 * 7


def test_position_embedding_adds_one_vector_to_each_position():
    x = np.random.default_rng(0).normal(size=(2, 9, 4)).astype("float32")
    layer = PositionEmbedding()
    layer.build(x.shape)
    start = to_numpy(layer.positions)
    assert start.shape == (9, 4)
    assert 0.01 < start.std() < 0.03  # 0.02 in the paper
    randomised(layer)
    np.testing.assert_allclose(to_numpy(layer(x)), x + to_numpy(layer.positions), atol=1e-6)
