"""What the checks compute with and what they hand to a student, in NumPy."""

import functools

import keras
import numpy as np

from course_utils.exercises.judging import NotYet


@functools.cache
def parameters(kind, input_shape: tuple, *arguments) -> int:
    """Returns how many parameters a layer of some kind has."""
    layer = kind(*arguments)
    layer.build(input_shape)
    return layer.count_params()


def as_numpy(layer):
    """Returns a layer as a function from an array to an array."""
    return lambda x: np.array(keras.ops.convert_to_numpy(layer(np.asarray(x, "float32"))))


def takes(width: int, complaint: str, function):
    """Returns a function that complains of tokens which are not `width` wide."""

    def careful(values):
        if np.shape(values)[-1:] != (width,):
            raise NotYet(f"{complaint}; it was given {np.shape(values)}")
        return function(np.asarray(values))

    return careful


def hears(to, of):
    """Returns a network on `(b, n, d)` in which some tokens hear others and nothing else happens."""

    def network(tokens):
        tokens = np.array(tokens)
        tokens[:, to] += tokens[:, of] ** 2
        return tokens

    return network


def softmax(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    """Returns the softmax along one axis."""
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def layer_norm(values: np.ndarray, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    """Returns the LayerNorm along the last axis, with one number for all of γ and one for β."""
    centred = values - values.mean(axis=-1, keepdims=True)
    return scale * centred / np.sqrt(values.var(axis=-1, keepdims=True) + 1e-6) + shift
