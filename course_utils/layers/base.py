"""What all layers of the course share: one base class, the LayerNorm, and stochastic depth."""

import contextvars
import functools
import re
from typing import Annotated

import keras
import numpy as np
from pydantic import Field

from course_utils.checked import Number, arguments

EPSILON = 1e-6  # of every LayerNorm, as in the papers' code; Keras' own default is 1e-3
Rate = Annotated[Number, Field(ge=0, le=1)]


def _number(value):
    """Turns NumPy's numbers into Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _plain(value):
    """Turns a layer into its configuration, too: what Keras can record."""
    if not isinstance(value, keras.Layer):
        return _number(value)
    recorded = keras.saving.serialize_keras_object(value)
    recorded.pop("build_config", None)  # whoever holds the layer builds it, so that its weights carry that name
    return recorded


_AROUND = r".*Error encountered:\n\n|Exception encountered when .*?\n\n\x1b\[1m|\x1b\[0m\n\nArguments received by.*"
_TRACING = contextvars.ContextVar("whether a layer's call is being traced", default=False)


class TokenLayer(keras.Layer):
    """A layer on tokens `(b, n, d)` that needs no more than `__init__` and `call`.

    Its parts are built by tracing `call` once; weights of its own are made in `build`, before `super().build`. The
    constructor's annotated arguments are checked (see `checked.arguments`), and Keras records all of them for saving.
    Every subclass is registered by its package and name, such as "course_utils>MixerBlock".
    """

    axes: str | None = "b n d"  # what the input's axes are called, in an error; None for any number of them

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable(package=cls.__module__.partition(".")[0])(cls)
        init = arguments(cls.__init__, owner=cls.__name__)

        @functools.wraps(init)
        def __init__(self, *args, **kwargs):
            args, kwargs = keras.tree.map_structure(_number, (args, kwargs))
            init(self, *args, **kwargs)

        cls.__init__ = __init__  # type: ignore[method-assign]

    def __new__(cls, *args, **kwargs):
        """Hands Keras what it can record; the dtype it keeps by itself."""
        kwargs.pop("dtype", None)
        args, kwargs = keras.tree.map_structure(_plain, (args, kwargs))
        return super().__new__(cls, *args, **kwargs)

    def __call__(self, inputs, *args, **kwargs):
        if self.axes is not None and hasattr(inputs, "shape"):
            check_rank(type(self).__name__, inputs.shape, self.axes)
        return super().__call__(inputs, *args, **kwargs)

    def build(self, input_shape):
        if _TRACING.get() and type(self).__module__.startswith("course_utils."):
            return  # the layer around it, being traced, calls it next, which builds its parts; a student's may not wait
        x = keras.KerasTensor(input_shape, self.compute_dtype)
        self._traced = (x.shape, x.dtype), self.compute_output_spec(x)

    def compute_output_spec(self, x, *args, **kwargs):
        """Says what a call gives before there are numbers, or what is wrong, without Keras' words around it."""
        known, self._traced = getattr(self, "_traced", None), None
        plain = all(value is None or value is False for value in (*args, *kwargs.values()))
        if known and plain and known[0] == (x.shape, x.dtype):
            return known[1]  # the first call need not trace again what `build` has just traced
        before = _TRACING.set(True)
        try:
            return super().compute_output_spec(x, *args, **kwargs)
        except ValueError as error:
            raise ValueError(re.sub(_AROUND, "", str(error), flags=re.DOTALL)) from None
        finally:
            _TRACING.reset(before)


def check_rank(owner: str, shape, axes: str) -> None:
    """Raises ValueError if `shape` has not one axis for each name in `axes`, such as "b n d"."""
    names = axes.split()
    if len(shape) != len(names):
        raise ValueError(
            f"{owner}: the input must have {len(names)} axes ({', '.join(names)}), but its shape is {tuple(shape)}"
        )


def LayerNorm(name: str, dtype) -> keras.Layer:
    """Returns Keras' LayerNormalization with the papers' ε (arXiv 1607.06450)."""
    return keras.layers.LayerNormalization(epsilon=EPSILON, name=name, dtype=dtype)


@arguments
def DropPath(rate: Rate, **kwargs) -> keras.Layer:
    """Returns a layer `(b, n, d) -> (b, n, d)` that drops a whole residual branch for some images (stochastic depth).

    In training, an image's branch is set to zero with probability `rate` and multiplied by `1 / (1 - rate)`
    otherwise, so that its expected value stays the same. Outside training nothing happens.
    Source: Huang et al. 2016, "Deep Networks with Stochastic Depth" (arXiv 1603.09382); used in arXiv 2105.01601,
    section 3 (training details), and 2105.08050, section 3.

    Raises:
        ValueError: `rate` is no number from 0 to 1.
    """
    return keras.layers.Dropout(rate, noise_shape=(None, 1, 1), **kwargs)
