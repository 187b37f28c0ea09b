import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from course_utils.layers import LocalitySelfAttention, PatchEmbedding, SelfAttention, ShiftedPatchTokenization
from course_utils.models import CONFIGS, Config, blocks, classifier, describe, named_config
from course_utils.papers import PAPERS
from course_utils.training.batches import resized
from tests.layers.support import answer

to_numpy = keras.ops.convert_to_numpy
SIDE_64, SIDE_72 = ((64, 64, 3), 100), ((72, 72, 3), 100)
TINY, COURSE, IMAGENET = ((32, 32, 3), 16), ((32, 32, 3), 100), ((224, 224, 3), 1000)
# configuration: ((input shape, classes), parameters, MACs for one image)
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
    "vit_ti16": (IMAGENET, 5_717_416, 1_253_683_200),
    "vit_b16": (IMAGENET, 86_567_656, 17_563_828_224),
    "small_data_vit_tiny": (TINY, 132_568, 2_098_176),
    "small_data_vit_course": (COURSE, 582_612, 39_727_616),
    "small_data_vit_paper": (COURSE, 2_752_432, 190_093_440),
    "mixer_keras_io": (SIDE_64, 245_348, 19_948_544),
    "fnet_keras_io": (SIDE_64, 622_436, 36_725_760),
    "gmlp_keras_io": (SIDE_64, 885_860, 57_697_280),
    "vit_keras_io": (SIDE_72, 290_596, 59_984_128),
    "small_data_vit_keras_io": (SIDE_72, 319_356, 63_965_440),
    "conv_tiny": (TINY, 48_464, 740_352),
    "conv_course": (COURSE, 553_444, 34_255_360),
    "no_mixing_tiny": (TINY, 46_928, 721_920),
    "no_mixing_course": (COURSE, 284_132, 17_183_232),
}
# What the papers print, in millions: arXiv 2105.01601, table 1 (without the head); 2105.08050, table 1; 2010.11929,
# table 1.
PRINTED = {"mixer_s16": 18, "mixer_b16": 59, "gmlp_ti16": 6, "gmlp_s16": 20, "gmlp_b16": 73, "vit_b16": 86}


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.rehearsal if EXPECTED[name][0] == IMAGENET else []) for name in CONFIGS],
)
def test_parameters_and_macs(name):
    (shape, classes), parameters, macs = EXPECTED[name]
    about = describe(classifier(name, shape, classes))
    assert (about.parameters, about.macs) == (parameters, macs)
    assert about.tokens == (shape[0] // about.config.patch_size) ** 2
    assert (about.config, about.label) == (CONFIGS[name], name)
    assert (about.input_shape, about.num_classes) == (shape, classes)


@pytest.mark.parametrize("name", PRINTED)
def test_the_papers_networks_have_the_parameters_that_the_papers_print(name):
    """To one unit of the last digit printed: ViT-B's 86.57 M is printed as 86, gMLP-S's 19.42 M as 20."""
    (_, classes), parameters, _ = EXPECTED[name]
    head = (CONFIGS[name].embed_dim + 1) * classes if CONFIGS[name].mixing == "mixer" else 0
    assert abs((parameters - head) / 1e6 - PRINTED[name]) < 1


def test_course_spends_about_what_the_keras_io_example_spends():
    """There: 64 tokens of 8 × 8 × 3, width 256, 4 blocks, both MLPs with 64 hidden units."""
    tokens, width, hidden = 64, 256, 64
    theirs = tokens * 192 * width + 4 * (2 * tokens * tokens * width + 2 * tokens * width * hidden) + width * 100
    assert abs(EXPECTED["mixer_course"][2] / theirs - 1) < 0.1


START = json.loads((Path(__file__).parent / "start.json").read_text())


@pytest.mark.one_backend
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="each backend draws its own numbers")
@pytest.mark.parametrize("name", START)
def test_every_seed_starts_where_it_always_did(name):
    """SHA-256 of the first parameters: whoever trained last year can repeat it."""
    config, _, start = name.partition("+")
    model = classifier(config, (32, 32, 3), 10, seed=0, **({"attention_start": start} if start else {}))
    assert hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest() == START[name]


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


@pytest.mark.one_backend
@pytest.mark.parametrize("name", PAPERS)
def test_logits_are_float32_whatever_the_policy(name, pixels, policy):
    exact = randomised(classifier(name, (16, 16, 3), 7))
    policy("mixed_bfloat16")
    model = classifier(name, (16, 16, 3), 7)
    model.set_weights(exact.get_weights())
    logits = to_numpy(model(pixels))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, to_numpy(exact(pixels)), atol=0.1)
    for block in blocks(model):
        assert block.compute_dtype == getattr(block, "attention", block).compute_dtype == "bfloat16"
        assert all(weight.dtype == "float32" for weight in block.trainable_weights)


def test_equal_seeds_give_equal_parameters_and_others_do_not():
    one, two, other = (classifier("mixer", (16, 16, 3), 5, seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.one_backend
def test_names_changes_and_configs_all_build():
    assert named_config("mixer") == CONFIGS["mixer_tiny"]
    deep = classifier("mixer", (16, 16, 3), 5, depth=3, drop_path=0.2)
    assert [block.name for block in blocks(deep)] == ["block_1", "block_2", "block_3"]
    assert [block.drop_path2.rate for block in blocks(deep)] == [0.0, 0.1, 0.2]
    own = classifier(Config("mixer", 4, 8, 1, channels_mlp_dim=8, tokens_mlp_dim=8), (28, 28, 1), 10)
    assert describe(own).tokens == 49
    counted = np.array([16, 16, 3])
    numpy = classifier("vit", counted, counted.max() + 1, seed=counted[0], depth=np.int64(1), dropout=np.float32(0.5))
    assert (numpy.output_shape, numpy.configuration.dropout) == ((None, 17), 0.5)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {}) for name in PAPERS),
        pytest.param("small_data_vit", {"pool": "class_token"}, marks=pytest.mark.one_backend),
        pytest.param("fnet", {"token_mixing": "random"}, marks=pytest.mark.one_backend),
    ],
)
def test_a_model_survives_saving_and_knows_its_configuration(name, changes, pixels, tmp_path):
    model = randomised(classifier(name, (16, 16, 3), 5, dropout=0.1, drop_path=0.1, **changes))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    logits = answer(model, pixels)
    assert np.abs(logits).max() > 0.01
    np.testing.assert_array_equal(logits, answer(loaded, pixels))
    assert describe(loaded) == describe(model)
    assert loaded.configuration == named_config(name, dropout=0.1, drop_path=0.1, **changes)


def test_a_model_under_a_policy_survives_saving(pixels, tmp_path, policy):
    policy("mixed_bfloat16")
    model = randomised(classifier("small_data_vit", (16, 16, 3), 5))
    model.save(tmp_path / "model.keras")
    policy("float32")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.configuration == model.configuration
    assert blocks(loaded)[0].attention.compute_dtype == "bfloat16"
    np.testing.assert_array_equal(answer(model, pixels), answer(loaded, pixels))


def test_a_clone_has_the_same_layers_and_is_nobodys_configuration(pixels):
    """Keras clones layer by layer, and any of them may be exchanged on the way."""
    model = randomised(classifier("small_data_vit", (16, 16, 3), 5))
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(answer(clone, pixels), answer(model, pixels))
    about = describe(clone)
    assert (about.config, about.label) == (None, "a network of its own")
    assert about.macs == describe(model).macs


SAVED = Path(__file__).parent / "saved"
LOGITS = json.loads((SAVED / "logits.json").read_text())


@pytest.mark.parametrize("name", LOGITS)
def test_files_of_the_first_release_load_and_say_the_same(name):
    """Saved before there was a `Classifier`, with layers that wrote their own configurations."""
    pixels = (np.arange(2 * 16 * 16 * 3) * 7 % 251).reshape(2, 16, 16, 3).astype("float32")
    model = keras.models.load_model(SAVED / f"{name}.keras")
    np.testing.assert_allclose(answer(model, pixels), LOGITS[name], atol=1e-5)
    assert describe(model).config is None


@pytest.fixture
def policy():
    """Sets Keras' precision policy for one test."""
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def axes():
    """Sets Keras' order of axes for one test."""
    yield keras.config.set_image_data_format
    keras.config.set_image_data_format("channels_last")


@pytest.mark.one_backend
@pytest.mark.parametrize("name", [name for name in CONFIGS if name.endswith("_tiny")])
def test_the_order_of_axes_in_keras_settings_changes_nothing(name, axes):
    """Images are channels last, whatever the setting says: the same network with the same logits."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    axes("channels_first")
    first = randomised(classifier(name, (32, 32, 3), 7))
    axes("channels_last")
    last = randomised(classifier(name, (32, 32, 3), 7))
    assert describe(first) == describe(last)
    np.testing.assert_array_equal(answer(first, pixels), answer(last, pixels))
    axes("channels_first")
    large, size = pixels.repeat(2, axis=1).repeat(2, axis=2), (32, 32)
    np.testing.assert_allclose(resized(large, size), pixels, atol=1e-3)


def test_the_head_sees_the_mean_or_the_class_token_alone(pixels):
    for pool, tokens in (("mean", 4), ("class_token", 5)):
        model = randomised(classifier("vit", (16, 16, 3), 5, pool=pool))
        last = keras.Model(model.input, [model.get_layer("final_norm").output, model.get_layer("pool").output])
        states, seen = (to_numpy(value) for value in last(pixels))
        assert states.shape == (3, tokens, 64)
        np.testing.assert_allclose(seen, states[:, 0] if pool == "class_token" else states.mean(axis=1), atol=1e-6)
        assert model.get_layer("position_embedding").positions.shape == (tokens, 64)  # the class token's own, too
        assert describe(model).tokens == 4


@pytest.mark.one_backend
@pytest.mark.parametrize("shifted_patches", [True, False])
@pytest.mark.parametrize(("temperature", "mask_diagonal"), [(True, True), (True, False), (False, True), (False, False)])
def test_each_idea_of_the_small_data_paper_has_its_switch(shifted_patches, temperature, mask_diagonal, pixels):
    switches = {"shifted_patches": shifted_patches, "temperature": temperature, "mask_diagonal": mask_diagonal}
    model = classifier("small_data_vit", (16, 16, 3), 5, **switches)
    tokens, attention = model.get_layer("patch_embedding"), blocks(model)[0].attention
    assert type(tokens) is (ShiftedPatchTokenization if shifted_patches else PatchEmbedding)
    assert type(attention) is (LocalitySelfAttention if temperature or mask_diagonal else SelfAttention)
    plain = classifier("vit", (16, 16, 3), 5)
    values, heads, depth = 8 * 8 * 3, 4, 2
    more = (4 * values * 64 + 2 * 5 * values if shifted_patches else 0) + (depth * heads if temperature else 0)
    assert describe(model).parameters == describe(plain).parameters + more
    if not (shifted_patches or temperature or mask_diagonal):  # it is a ViT
        plain.set_weights(randomised(model).get_weights())
        np.testing.assert_array_equal(to_numpy(plain(pixels)), to_numpy(model(pixels)))


@pytest.mark.parametrize(
    ("name", "changes", "label"),
    [
        ("mixer", {}, "mixer_tiny"),
        ("vit", {"attention_start": "glorot"}, "vit_tiny"),
        ("vit_course", {"attention_start": "mimetic"}, "vit_course, attention_start=mimetic"),
        ("fnet", {"token_mixing": "linear", "dropout": 0.2}, "fnet_tiny, token_mixing=linear, dropout=0.2"),
        ("mixer_tiny", {"patch_size": 4, "embed_dim": 128, "depth": 4}, "mixer_course, channels_mlp_dim=128"),
        ("no_mixing", {"depth": 3, "drop_path": 0.2}, "no_mixing_tiny, depth=3, drop_path=0.2"),
    ],
)
def test_a_label_is_the_nearest_name_and_what_differs(name, changes, label):
    assert named_config(name, **changes).label == label


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("mixr", {}, "unknown configuration 'mixr'.*did you mean 'mixer'"),
        ("resnet", {}, "unknown configuration 'resnet'; choose from mixer_tiny"),
        ("mixer", {"input_shape": (32, 32)}, r"input_shape must be \(height, width, channels\), but it is \(32, 32\)"),
        ("mixer", {"input_shape": (32, None, 3)}, r"input_shape must be .*, but it is \(32, None, 3\)"),
        (
            "mixer",
            {"input_shape": (30, 30, 3)},
            r"patch_size=8 does not divide an image of 30 × 30 .* one of \[2, 3",
        ),
        ("mixer", {"num_classes": 1}, "classifier: num_classes should be greater than or equal to 2, but it is 1"),
        ("mixer", {"num_classes": 2.5}, "classifier: num_classes should be .* integer, but it is 2.5"),
        (
            "mixer",
            {"num_classes": 2 * 10**9},
            "num_classes should be less than or equal to 32768, but it is 20000000",
        ),
        ("mixer", {"seed": -1}, "classifier: seed should be greater than or equal to 0, .* -1"),
        ("mixer", {"width": 3}, "Config: there is no 'width'; it has mixing, patch_size"),
        ("mixer", {"mixing": "magic"}, "mixing must be one of 'mixer', .*, but it is 'magic'"),
        ("mixer", {"tokens_mlp_dim": 0}, "'mixer' needs tokens_mlp_dim of at least 1, but it is 0"),
        ("mixer", {"num_heads": 4}, "Config: 'mixer' has no use for num_heads=4"),
        ("mixer", {"attention_start": "mimetic"}, "no use for attention_start='mimetic'"),
        (
            "mixer",
            {"embed_dim": 10**18},
            "Config: embed_dim should be less than or equal to 32768, but it is 1000",
        ),
        ("vit", {"num_heads": 3}, "num_heads=3 does not divide the width d=64"),
        ("vit", {"pool": "max"}, "Config: pool should be 'mean' or 'class_token', but it is 'max'"),
        ("vit", {"depth": 0}, "Config: depth should be greater than or equal to 1, but it is 0"),
        ("vit", {"dropout": 1.0}, "Config: dropout should be less than 1, but it is 1.0"),
        ("vit", {"attention_start": "trained"}, "_start should be 'glorot' or 'mimetic', but it is 'trained'"),
        ("vit", {"attention_start": "mimetic", "embed_dim": 30, "num_heads": 3}, "multiple of 4, but it is 30"),
        (
            "small_data_vit",
            {"shifted_patches": False, "shift": 0.25},
            "patches=False has no use for shift=0.25",
        ),
        ("conv", {"pool": "class_token"}, "ConvBlock: a grid of 4 × 4 does not hold 17 tokens"),
    ],
)
def test_bad_arguments_are_named(name, changes, message):
    with pytest.raises(ValueError, match=message):
        classifier(name, **{"input_shape": (32, 32, 3), "num_classes": 10} | changes)


@pytest.mark.parametrize("config", [3, None])
def test_a_configuration_that_is_neither_a_name_nor_a_config_is_named(config):
    with pytest.raises(TypeError, match=f"config must be a name or a Config, but it is {config}"):
        classifier(config, (32, 32, 3), 10)
    with pytest.raises(ValueError, match=f"named_config: name should be a valid string, but it is {config}"):
        named_config(config)


def test_blocks_asks_for_a_classifier():
    inputs = keras.Input((3,))
    with pytest.raises(ValueError, match="has no layers named block_1"):
        blocks(keras.Model(inputs, keras.layers.Dense(2)(inputs)))
    with pytest.raises(ValueError, match="the model None has no layers"):
        blocks(None)
