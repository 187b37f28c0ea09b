import keras
import numpy as np
import pytest

from course_utils.models import CONFIGS, Config, blocks, classifier, describe, multiply_adds, named_config

# configuration: (input shape, classes, weights, multiply-adds for one picture)
# The papers' own sizes at 224 pixels and 1000 classes; arXiv 2105.01601, table 1 gives 18.5 M and 59.9 M weights.
EXPECTED = {
    "mixer_tiny": ((32, 32, 3), 16, 51_440, 984_064),
    "mixer_course": ((32, 32, 3), 100, 318_436, 21_377_536),
    "mixer_s16": ((224, 224, 3), 1000, 18_528_264, 3_776_958_464),
    "mixer_b16": ((224, 224, 3), 1000, 59_880_472, 12_601_767_936),
    "no_mixing_tiny": ((32, 32, 3), 16, 46_928, 721_920),
    "no_mixing_course": ((32, 32, 3), 100, 284_132, 17_183_232),
}


def test_every_configuration_has_a_row_in_the_table():
    assert set(EXPECTED) == set(CONFIGS)


@pytest.mark.parametrize("name", EXPECTED)
def test_weights_and_multiply_adds(name):
    shape, classes, weights, products = EXPECTED[name]
    model = classifier(name, shape, classes)
    assert model.count_params() == weights
    assert multiply_adds(model) == products
    about = describe(model)
    assert (about["weights"], about["multiply_adds"]) == (weights, products)
    assert about["tokens"] == (shape[0] // about["patch_size"]) ** 2


def test_course_spends_about_what_the_published_lesson_spends():
    """Published: 64 tokens of 8 × 8 × 3, width 256, 4 blocks, both MLPs with 64 hidden units."""
    tokens, width, hidden = 64, 256, 64
    published = tokens * 192 * width + 4 * (2 * tokens * tokens * width + 2 * tokens * width * hidden) + width * 100
    assert abs(EXPECTED["mixer_course"][3] / published - 1) < 0.1


@pytest.mark.parametrize("name", ["mixer", "no_mixing"])
def test_an_untrained_network_says_all_classes_alike(name):
    model = classifier(name, (32, 32, 3), 7)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("float32")
    logits = model.predict(pixels, verbose=0)
    assert logits.shape == (3, 7)
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits, 0)


def test_logits_are_float32_whatever_the_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = classifier("mixer", (16, 16, 3), 7)
        assert model.predict(np.zeros((1, 16, 16, 3), "float32"), verbose=0).dtype == np.float32
        assert blocks(model)[0].compute_dtype == "bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")


def test_equal_seeds_give_equal_weights_and_others_do_not():
    one, two, other = (classifier("mixer", (16, 16, 3), 5, seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_names_changes_and_configs_all_build():
    assert named_config("mixer") == CONFIGS["mixer_tiny"]
    deep = classifier("mixer", (16, 16, 3), 5, depth=3, drop_path=0.2)
    assert [block.name for block in blocks(deep)] == ["block_1", "block_2", "block_3"]
    assert [block.drop_path for block in blocks(deep)] == [0.0, 0.1, 0.2]
    own = classifier(Config("mixer", 4, 8, 1, channels_mlp_dim=8, tokens_mlp_dim=8), (28, 28, 1), 10)
    assert describe(own)["tokens"] == 49


def test_a_model_survives_saving(tmp_path):
    model = classifier("mixer", (16, 16, 3), 5, dropout=0.1, drop_path=0.1)
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(0).normal(0, 0.2, variable.shape))
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model.predict(pixels, verbose=0), loaded.predict(pixels, verbose=0))
    assert describe(loaded) == describe(model)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mixr", (32, 32, 3), 10), "unknown configuration 'mixr'.*did you mean 'mixer'"),
        (("resnet", (32, 32, 3), 10), "unknown configuration 'resnet'; choose from mixer_tiny"),
        (("mixer", (32, 32), 10), r"input_shape must be \(height, width, channels\), but it is \(32, 32\)"),
        (("mixer", (32, 32, 3), 1), "num_classes must be a whole number of at least 2, but it is 1"),
        (("mixer", (30, 30, 3), 10), r"patch_size=8 does not divide a picture of 30 × 30 pixels; try one of \[2, 3, 5"),
        ((Config("magic", 8, 8, 1, 8), (32, 32, 3), 10), "mixing must be 'mixer' or 'no_mixing', but it is 'magic'"),
        ((Config("mixer", 8, 8, 0, 8, 8), (32, 32, 3), 10), "depth must be a whole number of at least 1, but it is 0"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        classifier(*arguments)


def test_an_unknown_change_and_a_wrong_type_are_named():
    with pytest.raises(ValueError, match="a configuration has no 'width'; it has mixing, patch_size"):
        classifier("mixer", (32, 32, 3), 10, width=3)
    with pytest.raises(TypeError, match="config must be a name or a Config, but it is a int"):
        classifier(3, (32, 32, 3), 10)


def test_blocks_asks_for_a_classifier():
    inputs = keras.Input((3,))
    with pytest.raises(ValueError, match="has no layers named block_1"):
        blocks(keras.Model(inputs, keras.layers.Dense(2)(inputs)))
