from importlib import import_module

import numpy as np
import pytest

from course_utils import analysis
from tests.analysis.support import IMAGES, network, to_numpy

module = import_module("course_utils.analysis.occlusion")  # the package's name for it is the function


def probability(model, image, k):
    """The definition, for one image: softmax by hand."""
    powers = np.exp(to_numpy(model(image[None].astype("float32")))[0].astype("float64"))
    return powers[k] / powers.sum()


@pytest.mark.parametrize("at_a_time", [1, 4, 32])
@pytest.mark.parametrize(
    ("name", "changes"),
    [("vit", {"pool": "class_token", "num_heads": 2}), ("mixer", {}), ("small_data_vit", {"num_heads": 2})],
)
def test_each_patch_is_covered_once_and_alone(name, changes, at_a_time, monkeypatch):
    monkeypatch.setattr(module, "AT_A_TIME", at_a_time)
    model, image, k = network(name, **changes), IMAGES[0], 3
    expected = np.zeros((2, 3))
    for row in range(2):
        for column in range(3):
            copy = image.astype("float32")
            for channel in range(3):
                copy[4 * row : 4 * row + 4, 4 * column : 4 * column + 4, channel] = image[..., channel].mean()
            expected[row, column] = probability(model, image, k) - probability(model, copy, k)
    found = analysis.occlusion(model, image, k)
    assert found.dtype == "float32"
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_losses_of_all_classes_cancel():
    model = network("gmlp")
    np.testing.assert_allclose(sum(analysis.occlusion(model, IMAGES[1], k) for k in range(5)), 0, atol=1e-6)


def test_an_image_of_one_colour_loses_nothing_and_stays_as_it_was():
    image = np.full((8, 12, 3), 90, "uint8")  # each patch has the mean colour already
    np.testing.assert_allclose(analysis.occlusion(network("mixer"), image, 0), np.zeros((2, 3)), atol=1e-6)
    assert (image == 90).all()
