"""From a trained network to new classes and to another image size: `adapt`."""

import keras
import numpy as np
import pytest

from course_utils.models import adapt, blocks, classifier
from course_utils.models.adapt import interpolated


def trained_network(name="vit_tiny", **changes):
    """A network with other weights than fresh ones, its head's included."""
    model = classifier(name, (16, 16, 3), 6, **changes)
    random = np.random.default_rng(0)
    model.set_weights([w + random.normal(size=w.shape, scale=0.1) for w in model.get_weights()])
    return model


IMAGES = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3)).astype("float32")


def features(model, images=IMAGES):
    """What the head is given."""
    return np.asarray(keras.Model(model.input, model.layers[-1].input)(images))


@pytest.mark.parametrize(
    "name", ["mixer_tiny", "fnet_tiny", "gmlp_tiny", "vit_tiny", "small_data_vit_tiny", "conv_tiny"]
)
def test_all_but_the_head_is_taken_over(name):
    old = trained_network(name)
    before = old.get_weights()
    new = adapt(old, 3)
    assert new.output_shape == (None, 3)
    assert np.allclose(features(new), features(old), atol=1e-6)
    assert not np.asarray(new(IMAGES)).any()  # the head begins at zero
    assert type(new) is type(old)
    assert new.configuration == old.configuration
    new.set_weights([w + 1 for w in new.get_weights()])
    assert all(np.array_equal(a, b) for a, b in zip(before, old.get_weights(), strict=True))  # a copy


def test_a_frozen_network_trains_its_head_alone():
    new = adapt(trained_network(), 3, freeze=True)
    assert [w.path for w in new.trainable_weights] == [w.path for w in new.layers[-1].weights]
    assert len(adapt(trained_network(), 3).trainable_weights) == len(trained_network().trainable_weights)


def test_the_head_is_found_by_what_it_is():
    pixels = keras.Input((16, 16, 3))
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(pixels))
    old = keras.Model(pixels, keras.layers.Dense(6, name="predictions")(x))
    new = adapt(old, 3)
    assert np.allclose(features(new), features(old), atol=1e-5)
    assert new.layers[-1].name == "predictions"
    assert new.output_shape == (None, 3)


def between(values, size):
    """Rows of values at `size` places, linear between the old ones, on half-pixel centres, in float64."""
    at = ((np.arange(size) + 0.5) * len(values) / size - 0.5).clip(0, len(values) - 1)
    return np.stack([np.interp(at, np.arange(len(values)), column) for column in values.T], axis=1)


@pytest.mark.parametrize("first", [0, 1])
def test_positions_are_interpolated_in_two_dimensions_and_a_class_token_stays(first):
    positions = np.random.default_rng(0).normal(size=(first + 16, 5)).astype("float32")
    found = interpolated(positions, (4, 4), (6, 6))
    grid = positions[first:].reshape(4, 4, 5).astype("float64")
    rows = between(grid.reshape(4, -1), 6).reshape(6, 4, 5)
    expected = between(rows.swapaxes(0, 1).reshape(4, -1), 6).reshape(6, 6, 5).swapaxes(0, 1)
    assert np.array_equal(found[:first], positions[:first])
    assert np.allclose(found[first:], expected.reshape(36, 5), atol=1e-5)


@pytest.mark.parametrize("pool", ["mean", "class_token"])
def test_a_vit_takes_larger_images(pool):
    old = trained_network(pool=pool)
    new = adapt(old, 3, image_size=24)
    assert new.input_shape == (None, 24, 24, 3)
    assert new(np.zeros((2, 24, 24, 3), "float32")).shape == (2, 3)
    for a, b in zip(blocks(old), blocks(new), strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))
    assert np.allclose(features(adapt(old, 3, image_size=16)), features(old), atol=1e-6)


@pytest.mark.parametrize("name", ["fnet_tiny", "small_data_vit_tiny", "conv_tiny"])
def test_networks_whose_weights_know_no_number_of_tokens_take_larger_images(name):
    assert adapt(trained_network(name), 3, image_size=24)(np.zeros((2, 24, 24, 3), "float32")).shape == (2, 3)


@pytest.mark.parametrize(("name", "weight"), [("mixer_tiny", "token_mlp"), ("gmlp_tiny", "gate")])
def test_networks_that_cannot_follow_say_which_weight_holds_them(name, weight):
    with pytest.raises(ValueError, match=f"image_size must be 16 for {name}: its weight .*{weight}.* that many tokens"):
        adapt(trained_network(name), 3, image_size=24)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "num_classes .*2.*but it is 1"),
        ({"num_classes": "many"}, "num_classes .*but it is 'many'"),
        ({"freeze": "no"}, "freeze .*but it is 'no'"),
        ({"image_size": 0}, "image_size"),
        ({"image_size": 20}, "20"),
        ({"seed": -1}, "seed .*but it is -1"),
    ],
)
def test_a_bad_argument_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        adapt(trained_network(), **{"num_classes": 3} | arguments)


def test_what_is_no_classifier_is_refused():
    with pytest.raises(TypeError, match="adapt: model must be a classifier"):
        adapt("vit_course", 3)
    pixels = keras.Input((16, 16, 3))
    with pytest.raises(ValueError, match="last layer must be dense"):
        adapt(keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(pixels)), 3)
    own = keras.Model(pixels, keras.layers.Dense(6)(keras.layers.Flatten()(pixels)))
    with pytest.raises(ValueError, match="image_size is for networks of classifier"):
        adapt(own, 3, image_size=32)
