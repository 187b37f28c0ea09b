"""The helper package of a hands-on course on modern vision architectures.

The parts, from the ground up:

- `layers`: the papers' layers in Keras 3; `data`: the data sets; `figures`: arrays to pictures.
- `models`: layers to classifiers; `recipes` and `training`: how they learn; `runs`: what is kept of a run.
- `probes`: what a network does, as arrays; `explorers`: probes and figures under the student's hand.
- `checks`: the checks behind the exercises; `colab`: the first cell of a lesson.

- `guard`: is this machine's Keras to be trusted?

Importing `course_utils` alone warns of a Keras that is known to be wrong. It imports neither Keras nor matplotlib: each
part is loaded when it is first used.
"""

from importlib import import_module

from course_utils.guard import warn_of_wrong_versions

__version__ = "0.1.0"

_PARTS = (
    "checks",
    "colab",
    "data",
    "explorers",
    "figures",
    "guard",
    "layers",
    "models",
    "photographs",
    "probes",
    "recipes",
    "runs",
    "shapes",
    "show",
    "training",
)


warn_of_wrong_versions()


def __getattr__(name):
    if name in _PARTS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its parts are {', '.join(_PARTS)}")


def __dir__():
    return sorted([*globals(), *_PARTS])
