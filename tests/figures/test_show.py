import base64
import html
import io
import re

import numpy as np
import pytest
from PIL import Image

from course_utils.data import load_dataset
from course_utils.figures import show
from course_utils.layers import GMLPBlock, MixerBlock
from course_utils.models import classifier
from course_utils.training import evaluate


def test_source_is_the_real_one():
    text = show.source(MixerBlock.call).data
    assert text.startswith("```python\ndef call(self, x, training=None):")
    assert "self.token_mlp(y, training=training)" in text
    whole = show.source(MixerBlock, GMLPBlock).data
    assert whole.startswith("```python\nclass MixerBlock(TokenLayer):\n    def __init__(self, tokens_mlp_dim")
    assert "\n\n\nclass GMLPBlock(TokenLayer):\n    def" in whole
    assert '"""' not in whole, "the lesson says in its own words what a docstring says"


def test_table():
    rows = [{"name": "a|b", "parameters": 12345, "top-1": show.percent(0.4567)}, {"name": "c", "parameters": None}]
    assert show.table(rows).data.splitlines() == [
        "| name | parameters | top-1 |",
        "| --- | ---: | --- |",
        "| a&#124;b | 12,345 | 45.7 % |",
        "| c | – | – |",
    ]


@pytest.mark.parametrize(
    "name",
    ["<img src=x onerror=alert(1)>", "<script>x</script>", "&lt;b>", "a|b\nc `d` $e$ [f](g) **h** \\", "_a_ __b__ c_d"],
)
def test_names_in_a_table_are_shown_as_they_are(name):
    text = show.table([{name: 1}, {name: name}]).data
    assert not set("<>`$[]*\\") & set(text)
    assert not re.search(r"\b_|_\b|://|www\.|@", text)
    lines = text.splitlines()
    assert len(lines) == 4
    for line in (lines[0], lines[3]):
        assert line.count("|") == 2
        assert html.unescape(line.strip("| ")) == " ".join(name.split())


def test_image_is_a_png_with_words():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype="uint8")
    image = show.image(pixels, "noise", factor=2)
    decoded = np.asarray(Image.open(io.BytesIO(image.data)))
    np.testing.assert_array_equal(decoded, pixels.repeat(2, 0).repeat(2, 1))
    data, metadata = image._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == "noise"
    assert base64.b64decode(data["image/png"]) == image.data


def test_samples_are_resized_for_a_network_of_another_size():
    dataset = load_dataset("shapes", size=480)
    model = classifier("vit", (2 * dataset.input_shape[0], dataset.input_shape[1], 3), 16)
    model.get_layer("head").kernel.assign(np.random.default_rng(0).normal(size=(model.configuration.embed_dim, 16)))
    said = evaluate(model, dataset.x_test[:12], dataset.y_test[:12])["top1"]
    assert show.samples(dataset, 12, model=model).alt.count("✓ found") == round(12 * said)


def test_samples_name_the_class_and_what_the_model_says():
    dataset = load_dataset("shapes", size=480)
    assert dataset.class_names[dataset.y_test[0]] in show.samples(dataset, 2).alt
    model = classifier("mixer", dataset.input_shape, dataset.num_classes)
    bias = np.zeros(16)
    bias[dataset.y_test[0]] = 1
    model.get_layer("head").bias.assign(bias)
    words = show.samples(dataset, 3, model=model).alt
    assert words.count("✓ found") == int((dataset.y_test[:3] == dataset.y_test[0]).sum())
    assert "✗ says: " + dataset.class_names[dataset.y_test[0]] in words
