"""From a trained network to new classes, and to images of another size."""

from typing import Annotated

import keras
import numpy as np
from pydantic import Field

from course_utils.checked import Count, Flag, Seed, Whole, arguments
from course_utils.models.network import Classifier, check_model, classifier

Classes = Annotated[Whole, Field(ge=2)]


@arguments
def adapt(network, num_classes: Classes, *, freeze: Flag = False, image_size: Count | None = None, seed: Seed = 0):
    """Returns a copy of a trained network with a new head: the start of transfer to other classes.

    Everything but the head begins with the network's weights; the head begins at zero, as in a fresh network. Of a
    network of `classifier` the copy may take images of another size: its positions are interpolated in two dimensions
    (arXiv 2010.11929, section 3.2), a class token's stays. A layer whose weights mix tokens, as in MLP-Mixer and gMLP,
    has one row for each token and cannot follow.

    Args:
        network: a classifier whose last layer is dense, whatever the layers are called. It is not changed.
        num_classes: the new head's, at least 2.
        freeze: train the new head alone (a linear probe), not the whole network (fine-tuning).
        image_size: side of the new images in pixels; None for the network's own.
        seed: of the copy's dropout.

    Raises:
        TypeError: `network` is no classifier.
        ValueError: its last layer is not dense, an argument is not as described, or the network cannot take images
            of that size; the message says why.
    """
    check_model("adapt", network)
    if not isinstance(network.layers[-1], keras.layers.Dense):
        raise ValueError(f"adapt: the network's last layer must be dense, but it is {network.layers[-1]!r:.80}")
    config, shape = getattr(network, "configuration", None), network.input_shape[1:]
    if image_size is not None and config is None:
        raise ValueError("adapt: image_size is for networks of classifier(…) alone: this one's sizes are not known")
    if config is None:
        model = _with_head(network, num_classes)
    else:
        model = classifier(config, (image_size or shape[0], image_size or shape[1], shape[2]), num_classes, seed=seed)
        _take_over(model, network)
    for layer in model.layers[:-1]:
        layer.trainable = not freeze
    if isinstance(model, Classifier):
        model.trained_before = True
    return model


def _with_head(network, num_classes: int):
    """Returns a copy of any model, its weights included, whose last layer is replaced."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    head = network.layers[-1]
    new = keras.layers.Dense(num_classes, kernel_initializer="zeros", name=head.name, dtype="float32")
    return keras.Model(copy.input, new(copy.layers[-1].input), name=network.name)


def _take_over(model, network) -> None:
    """Gives a network the weights of another one with the same configuration, but for the head's."""
    for new, old in zip(model.layers[:-1], network.layers[:-1], strict=True):
        weights = old.get_weights()
        if new.name == "position_embedding" and network.input_shape != model.input_shape:
            weights = [interpolated(weights[0], _grid(network), _grid(model))]
        for variable, weight in zip(new.weights, weights, strict=True):
            if tuple(variable.shape) != weight.shape:
                raise ValueError(
                    f"adapt: image_size must be {network.input_shape[1]} for {model.configuration.label}: its weight "
                    f"{variable.path} is {weight.shape}, learned for that many tokens; ViT, FNet and CNN can follow"
                )
        new.set_weights(weights)


def _grid(model) -> tuple[int, int]:
    """Returns how many rows and columns of tokens an image becomes."""
    height, width = (side // model.configuration.patch_size for side in model.input_shape[1:3])
    return height, width


def interpolated(positions: np.ndarray, old: tuple[int, int], new: tuple[int, int]) -> np.ndarray:
    """Returns position embeddings for another grid of tokens (rows, columns), bilinear between the old ones.

    `(n, d)` become float32 `(n', d)`; a class token's position before them stays as it is.
    """
    first = len(positions) - old[0] * old[1]
    grid = positions[None, first:].reshape(1, *old, -1)
    grid = keras.ops.image.resize(grid, new, interpolation="bilinear", data_format="channels_last")
    return np.concatenate([positions[:first], np.asarray(grid).reshape(new[0] * new[1], -1)]).astype("float32")
