"""From layers to a classifier: one skeleton for every paper.

Each network is: pixels → patch embedding → `depth` blocks → LayerNorm → mean over the tokens → dense head. Only the
block differs from paper to paper. The head starts at zero, so that an untrained network says "all classes alike".
"""

from dataclasses import asdict, replace
from typing import Annotated

import keras
from pydantic import Field

from course_utils.checked import Count, Seed, Size, arguments, check, checked, shown
from course_utils.layers import ClassToken, FirstToken, PositionEmbedding
from course_utils.layers.base import LayerNorm
from course_utils.models.config import Config, named_config
from course_utils.models.cost import macs
from course_utils.models.initializers import start_mimetic
from course_utils.papers import PAPERS


@keras.saving.register_keras_serializable(package="course_utils")
class Classifier(keras.Model):
    """A Keras model that knows its configuration, also after it was saved and loaded."""

    configuration: Config | None = None  # None for a model whose blocks were exchanged
    trained_before: bool = False  # its weights come from a trained network, whatever its head's say

    def get_config(self):
        """Returns what Keras saves, and the configuration."""
        return super().get_config() | {"configuration": self.configuration and asdict(self.configuration)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Makes the model again from what `get_config` gave."""
        made_from = (config := dict(config)).pop("configuration", None)
        model = super().from_config(config, custom_objects)
        model.configuration = made_from and Config(**made_from)
        return model


@checked
class Network:
    """What is kept of a classifier on a result card: it can be built again from it."""

    config: Config | None  # None if its blocks were exchanged
    input_shape: tuple[Count, Count, Count]  # (h, w, c) of the images
    num_classes: Count
    parameters: Count  # those that are not trained included
    macs: Count  # what one image costs, in multiply-accumulate operations

    @property
    def label(self) -> str:
        """Its name for tables and legends."""
        return self.config.label if self.config else "a network of its own"

    @property
    def tokens(self) -> int:
        """The number of patches of one image."""
        h, w, _ = self.input_shape
        return (h // self.config.patch_size) * (w // self.config.patch_size)


@arguments
def classifier(
    config, input_shape, num_classes: Annotated[Size, Field(ge=2)], *, seed: Seed | None = 0, **changes
) -> Classifier:
    """Builds an image classifier.

    Args:
        config: a name from `CONFIGS` ("mixer" means "mixer_tiny"), or a `Config`.
        input_shape, num_classes: `(h, w, c)` of the images, and at least 2.
        seed: of the initial weights, through `keras.utils.set_random_seed`; None leaves the generators alone.
        **changes: fields of `Config` to change, such as `depth=4` or `dropout=0.1`.

    Returns:
        A `keras.Model` from pixels `(b, h, w, c)` in 0…255 to float32 logits `(b, num_classes)`. Its layers are
        named "patch_embedding", "block_1", "block_2", …, "final_norm", "pool", "head".

    Raises:
        ValueError: an unknown name or field, a shape that is not `(h, w, c)`, a patch size that does not divide the
            image, fewer than 2 classes, a size above 32,768, or one that a layer refuses.
        TypeError: `config` is neither a name nor a `Config`.
    """
    if not isinstance(config, str | Config):
        raise TypeError(f"classifier: config must be a name or a Config, but it is {shown(config)}")
    config = named_config(config, **changes) if isinstance(config, str) else replace(config, **changes)
    try:
        height, width, channels = (check("classifier", "input_shape", Size, size) for size in input_shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"classifier: input_shape must be (height, width, channels), but it is {input_shape!r}"
        ) from None
    if seed is not None:
        keras.utils.set_random_seed(seed)
    paper = PAPERS[config.mixing]
    grid = height // config.patch_size, width // config.patch_size
    pixels = keras.Input((height, width, channels), name="pixels")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)  # 0…255 to -1…1
    x = paper.tokens(config)(x)
    if config.pool == "class_token":
        x = ClassToken(name="class_token")(x)
    if config.position_embedding:
        x = PositionEmbedding(name="position_embedding")(x)
    for i in range(config.depth):
        rate = config.drop_path * i / max(config.depth - 1, 1)
        x = paper.block(config, grid, dropout=config.dropout, drop_path=rate, name=f"block_{i + 1}")(x)
    x = LayerNorm("final_norm", dtype=None)(x)
    if config.pool == "class_token":
        x = FirstToken(name="pool")(x)
    else:
        x = keras.layers.GlobalAveragePooling1D(data_format="channels_last", name="pool")(x)
    # float32 whatever the policy: losses and top-k metrics need it
    logits = keras.layers.Dense(num_classes, kernel_initializer="zeros", name="head", dtype="float32")(x)
    model = Classifier(pixels, logits, name=config.mixing)
    model.configuration = config
    if config.attention_start == "mimetic":
        positions = model.get_layer("position_embedding") if config.position_embedding else None
        start_mimetic([block.attention for block in blocks(model)], positions, grid, seed)
    return model


def check_model(owner: str, model) -> None:
    """Raises TypeError unless `model` is a built Keras model: images `(b, h, w, c)` of one size to logits `(b, n)`."""
    try:
        right = len(model.input_shape) == 4 and len(model.output_shape) == 2
        right &= all(type(size) is int for size in (*model.input_shape[1:], model.output_shape[1]))
    except (AttributeError, TypeError, ValueError):
        right = False
    if not right:
        raise TypeError(f"{owner}: model must be a classifier, as classifier(…) builds it, but it is {model!r:.80}")
    last = (getattr(model, "layers", None) or [model])[-1]
    if isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax:
        raise TypeError(f"{owner}: model gives probabilities, not logits: leave its softmax out")


def blocks(model) -> list:
    """Returns the blocks of a classifier, in order; ValueError if the model was not built by `classifier`."""
    found = [layer for layer in getattr(model, "layers", ()) if layer.name.startswith("block_")]
    if not found:
        name = getattr(model, "name", model)
        raise ValueError(f"the model {name!r:.80} has no layers named block_1, block_2, …: build it by classifier()")
    return found


def describe(model) -> Network:
    """Returns what a result card keeps of a classifier; ValueError if it was not built by `classifier`."""
    blocks(model)
    return Network(
        config=getattr(model, "configuration", None),
        input_shape=tuple(model.input_shape[1:]),
        num_classes=model.output_shape[-1],
        parameters=model.count_params(),
        macs=macs(model),
    )
