"""What a network costs for one image: multiply-accumulate operations (MACs), and memory."""

import math

import keras

from course_utils.layers import LinearMixing, SelfAttention, SpatialGatingUnit


def macs(model) -> int:
    """Returns the MACs that one image costs a built model or layer: the products in dense layers, convolutions, mixers.

    LayerNorms, softmax, GELUs, Fourier transforms and additions are not counted.
    """
    return sum(_own(part) for part in model._flatten_layers())  # the model, and all layers inside its layers


def largest_activation(model) -> int:
    """Returns how many numbers the largest array holds that a network makes of one image: its memory follows that."""
    sizes = [math.prod(layer.output.shape[1:]) for layer in model.layers if hasattr(layer, "output")]
    for layer in model._flatten_layers():
        match layer:
            case keras.layers.Dense():
                sizes.append(math.prod(_shape(layer)[:-1]) * layer.units)
            case SelfAttention():
                sizes.append(layer.num_heads * _shape(layer)[0] ** 2)
    return max(sizes)


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
