from dataclasses import replace

import keras
import numpy as np
import pytest

from course_utils.models import CONFIGS, Config, blocks, classifier, describe, macs, named_config
from tests.layers.support import answer

to_numpy = keras.ops.convert_to_numpy
PAPERS = ["mixer", "fnet", "gmlp", "vit", "small_data_vit", "no_mixing"]
SIDE_64, SIDE_72 = ((64, 64, 3), 100), ((72, 72, 3), 100)
TINY, COURSE, IMAGENET = ((32, 32, 3), 16), ((32, 32, 3), 100), ((224, 224, 3), 1000)
# configuration: ((input shape, classes), weights, MACs for one image)
EXPECTED = {
    "mixer_tiny": (TINY, 51_440, 984_064),
    "mixer_course": (COURSE, 318_436, 21_377_536),
    "mixer_s16": (IMAGENET, 18_528_264, 3_776_958_464),
    "mixer_b16": (IMAGENET, 59_880_472, 12_601_767_936),
    "fnet_tiny": (TINY, 81_232, 1_246_208),
    "fnet_course": (COURSE, 556_516, 33_960_448),
    "fnet_base": (IMAGENET, 58_217_704, 11_214_501_888),
    "gmlp_tiny": (TINY, 52_080, 836_608),
    "gmlp_course": (COURSE, 633_572, 44_446_208),
    "gmlp_ti16": (IMAGENET, 5_867_328, 1_328_989_184),
    "gmlp_s16": (IMAGENET, 19_422_656, 4_392_060_928),
    "gmlp_b16": (IMAGENET, 73_075_392, 15_720_452_096),
    "vit_tiny": (TINY, 81_488, 1_311_744),
    "vit_course": (COURSE, 557_540, 38_154_752),
    "vit_b16": (IMAGENET, 86_567_656, 17_563_828_224),
    "small_data_vit_tiny": (TINY, 132_568, 2_098_176),
    "small_data_vit_course": (COURSE, 582_612, 39_727_616),
    "small_data_vit_paper": (COURSE, 2_752_432, 190_093_440),
    "mixer_keras_io": (SIDE_64, 245_348, 19_948_544),
    "fnet_keras_io": (SIDE_64, 622_436, 36_725_760),
    "gmlp_keras_io": (SIDE_64, 885_860, 57_697_280),
    "vit_keras_io": (SIDE_72, 290_596, 59_984_128),
    "small_data_vit_keras_io": (SIDE_72, 319_356, 63_965_440),
    "no_mixing_tiny": (TINY, 46_928, 721_920),
    "no_mixing_course": (COURSE, 284_132, 17_183_232),
}
# What the papers print, in millions: arXiv 2105.01601, table 1 (without the head); 2105.08050, table 1; 2010.11929,
# table 1.
KERAS_IO = {"mixer_s16": 18, "mixer_b16": 59, "gmlp_ti16": 6, "gmlp_s16": 20, "gmlp_b16": 73, "vit_b16": 86}


def test_every_configuration_has_a_row_in_the_table():
    assert set(EXPECTED) == set(CONFIGS)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", EXPECTED)
def test_weights_and_macs(name):
    (shape, classes), weights, products = EXPECTED[name]
    model = classifier(name, shape, classes)
    about = describe(model)
    assert (about["weights"], about["macs"]) == (weights, products)
    assert (model.count_params(), macs(model)) == (weights, products)
    assert about["tokens"] == (shape[0] // about["patch_size"]) ** 2
    assert (about["input_shape"], about["num_classes"]) == (list(shape), classes)


@pytest.mark.parametrize("name", KERAS_IO)
def test_the_papers_networks_have_the_weights_that_the_papers_print(name):
    """To one unit of the last digit printed: ViT-B's 86.57 M is printed as 86, gMLP-S's 19.42 M as 20."""
    (_, classes), weights, _ = EXPECTED[name]
    head = (CONFIGS[name].embed_dim + 1) * classes if CONFIGS[name].mixing == "mixer" else 0
    assert abs((weights - head) / 1e6 - KERAS_IO[name]) < 1


def test_course_spends_about_what_the_keras_io_lesson_spends():
    """Published: 64 tokens of 8 × 8 × 3, width 256, 4 blocks, both MLPs with 64 hidden units."""
    tokens, width, hidden = 64, 256, 64
    published = tokens * 192 * width + 4 * (2 * tokens * tokens * width + 2 * tokens * width * hidden) + width * 100
    assert abs(EXPECTED["mixer_course"][2] / published - 1) < 0.1


def randomised(model):
    """Gives a model weights that let something be seen: an untrained head is zero."""
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        centre = 2 if "temperature" in variable.path else "gamma" in variable.path
        variable.assign(rng.normal(0, 0.2, variable.shape) + centre)
    return model


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype("float32")


@pytest.mark.parametrize("name", PAPERS)
def test_an_untrained_network_says_all_classes_alike(name, pixels):
    logits = to_numpy(classifier(name, (16, 16, 3), 7)(pixels))
    assert logits.shape == (3, 7)
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits, 0)


@pytest.mark.parametrize("name", PAPERS)
def test_logits_are_float32_whatever_the_policy(name, pixels):
    exact = randomised(classifier(name, (16, 16, 3), 7))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = classifier(name, (16, 16, 3), 7)
        model.set_weights(exact.get_weights())
        logits = to_numpy(model(pixels))
    finally:
        keras.config.set_dtype_policy("float32")
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, to_numpy(exact(pixels)), atol=0.1)
    for block in blocks(model):
        assert block.compute_dtype == getattr(block, "attention", block).compute_dtype == "bfloat16"
        assert all(weight.dtype == "float32" for weight in block.trainable_weights)


def test_equal_seeds_give_equal_weights_and_others_do_not():
    one, two, other = (classifier("mixer", (16, 16, 3), 5, seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.one_backend
def test_names_changes_and_configs_all_build():
    assert named_config("mixer") == CONFIGS["mixer_tiny"]
    deep = classifier("mixer", (16, 16, 3), 5, depth=3, drop_path=0.2)
    assert [block.name for block in blocks(deep)] == ["block_1", "block_2", "block_3"]
    assert [block.drop_path for block in blocks(deep)] == [0.0, 0.1, 0.2]
    assert [CONFIGS[name].drop_path for name in ("small_data_vit_course", "small_data_vit_paper")] == [0.0, 0.1]
    own = classifier(Config("mixer", 4, 8, 1, channels_mlp_dim=8, tokens_mlp_dim=8), (28, 28, 1), 10)
    assert describe(own)["tokens"] == 49


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {}) for name in PAPERS),
        pytest.param("small_data_vit", {"pool": "class_token"}, marks=pytest.mark.one_backend),
        pytest.param("fnet", {"token_mixing": "random"}, marks=pytest.mark.one_backend),
    ],
)
def test_a_model_survives_saving(name, changes, pixels, tmp_path):
    model = randomised(classifier(name, (16, 16, 3), 5, dropout=0.1, drop_path=0.1, **changes))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    logits = answer(model, pixels)
    assert np.abs(logits).max() > 0.01
    np.testing.assert_array_equal(logits, answer(loaded, pixels))
    assert describe(loaded) == describe(model)


def test_the_head_sees_the_mean_or_the_class_token_alone(pixels):
    for pool, tokens in (("mean", 4), ("class_token", 5)):
        model = randomised(classifier("vit", (16, 16, 3), 5, pool=pool))
        last = keras.Model(model.input, [model.get_layer("final_norm").output, model.get_layer("pool").output])
        states, seen = (to_numpy(value) for value in last(pixels))
        assert states.shape == (3, tokens, 64)
        np.testing.assert_allclose(seen, states[:, 0] if pool == "class_token" else states.mean(axis=1), atol=1e-6)
        assert model.get_layer("position_embedding").positions.shape == (tokens, 64)  # the class token's own, too
        about = describe(model)
        assert (about["pool"], about["tokens"]) == (pool, 4)


@pytest.mark.parametrize("shifted_patches", [True, False])
@pytest.mark.parametrize(("temperature", "mask_diagonal"), [(True, True), (True, False), (False, True), (False, False)])
def test_each_idea_of_the_small_data_paper_has_its_switch(shifted_patches, temperature, mask_diagonal):
    switches = {"shifted_patches": shifted_patches, "temperature": temperature, "mask_diagonal": mask_diagonal}
    about = describe(classifier("small_data_vit", (16, 16, 3), 5, **switches))
    assert about["tokenization"] == ("ShiftedPatchTokenization" if shifted_patches else "PatchEmbedding")
    assert about["block"] == "TransformerBlock"
    if temperature or mask_diagonal:
        assert about["attention"] == "LocalitySelfAttention"
        assert (about["temperature"], about["mask_diagonal"]) == (temperature, mask_diagonal)
    else:
        assert about["attention"] == "SelfAttention"
    plain = describe(classifier("vit", (16, 16, 3), 5))
    values, heads, depth = 8 * 8 * 3, 4, 2
    more = (4 * values * 64 + 2 * 5 * values if shifted_patches else 0) + (depth * heads if temperature else 0)
    assert about["weights"] == plain["weights"] + more


def test_with_every_idea_switched_off_the_small_data_vit_is_a_vit(pixels):
    off = classifier("small_data_vit", (16, 16, 3), 5, shifted_patches=False, temperature=False, mask_diagonal=False)
    vit = classifier("vit", (16, 16, 3), 5)
    vit.set_weights(randomised(off).get_weights())
    np.testing.assert_array_equal(to_numpy(vit(pixels)), to_numpy(off(pixels)))


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("name", "changes", "described"),
    [
        ("mixer", {}, {"block": "MixerBlock", "attention": None, "tokens_mlp_dim": 64, "channels_mlp_dim": 128}),
        ("fnet", {"fourier_norm": "ortho"}, {"block": "FNetBlock", "mixing": "fourier", "fourier_norm": "ortho"}),
        ("fnet", {"token_mixing": "linear"}, {"block": "FNetBlock", "mixing": "linear", "name": "fnet_tiny_changed"}),
        ("gmlp", {"gate_bias_start": 0.5}, {"block": "GMLPBlock", "gate_bias_start": 0.5, "attention": None}),
        ("vit", {"dropout": 0.2}, {"attention": "SelfAttention", "num_heads": 4, "mlp_dim": 128, "dropout": 0.2}),
        ("vit", {"attention_start": "mimetic"}, {"name": "vit_tiny_mimetic"}),
        ("vit", {"attention_start": "glorot"}, {"name": "vit_tiny"}),
        ("vit", {"attention_start": "mimetic", "dropout": 0.2}, {"name": "vit_tiny_changed_mimetic", "dropout": 0.2}),
        ("vit", {"position_embedding": False}, {"position_embedding": False, "pool": "mean"}),
        ("no_mixing", {"depth": 3, "drop_path": 0.2}, {"block": "NoMixingBlock", "depth": 3, "drop_path": 0.2}),
    ],
)
def test_a_card_says_what_was_changed(name, changes, described):
    about = describe(classifier(name, (16, 16, 3), 5, **changes))
    assert described.items() <= about.items()
    assert about["patch_size"] == 8
    assert about["embed_dim"] == 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mixr", (32, 32, 3), 10), "unknown configuration 'mixr'.*did you mean 'mixer'"),
        (("resnet", (32, 32, 3), 10), "unknown configuration 'resnet'; choose from mixer_tiny"),
        (("mixer", (32, 32), 10), r"input_shape must be \(height, width, channels\), but it is \(32, 32\)"),
        (("mixer", (32, 32, 3), 1), "num_classes must be a whole number of at least 2, but it is 1"),
        (("mixer", (30, 30, 3), 10), r"patch_size=8 does not divide an image of 30 × 30 pixels; try one of \[2, 3, 5"),
        ((Config("magic", 8, 8, 1, 8), (32, 32, 3), 10), "mixing must be one of 'mixer', .*, but it is 'magic'"),
        ((replace(CONFIGS["vit_tiny"], pool="max"), (32, 32, 3), 10), "pool must be 'mean' or 'class_token', .* 'max'"),
        ((Config("vit", 8, 8, 1, 8, num_heads=3), (32, 32, 3), 10), "num_heads=3 does not divide the width d=8"),
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
