"""What a network costs: its multiply-accumulate operations (MACs) for one image."""

import math

import keras

from course_utils.layers import LinearMixing, SelfAttention, SpatialGatingUnit


def macs(model) -> int:
    """Returns the MACs that one image costs a network: the products in its dense layers, convolutions and mixers.

    LayerNorms, softmax, GELUs, Fourier transforms and additions are not counted.

    Args:
        model: a built model, or one built layer, such as a block.
    """
    return sum(_own(part) for part in model._flatten_layers())  # the model, and all layers inside its layers


def _own(layer) -> int:
    """Returns the MACs of a layer without those of its parts, from the shape that it was built for."""
    match layer:
        case keras.layers.Dense():
            *vectors, d = _shape(layer)
            return math.prod(vectors) * d * layer.units
        case keras.layers.DepthwiseConv2D():
            return math.prod(_shape(layer)) * math.prod(layer.kernel_size)
        case SelfAttention():
            n, d = _shape(layer)
            return 2 * n * n * d
        case SpatialGatingUnit():
            n, width = _shape(layer)
            return n * n * width // 2
        case LinearMixing():
            n, d = _shape(layer)
            return n * n * d + n * d * d
    return 0


def _shape(layer) -> tuple[int, ...]:
    """Returns the shape of the input that a layer was built for, without the batch."""
    return tuple(layer.get_build_config()["input_shape"][1:])
