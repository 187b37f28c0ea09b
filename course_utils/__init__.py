"""The helper package of a hands-on course on modern vision architectures.

The rooms, from the ground up: `layers`, `data` and `figures` know nothing of each other; `papers` is the one list of
papers; `models` makes networks; `training` trains them and `analysis` looks inside; `explorers` puts that under the
student's hand; `results` reads what was recorded; `exercises`, `session` and `selftest` are for lessons and teachers.

Importing `course_utils` alone warns of a Keras that is known to be wrong. It imports neither Keras nor matplotlib: the
names below and the rooms are loaded when they are first used.
"""

from importlib import import_module

from course_utils.system import __version__, print_anywhere, warn_of_wrong_versions

_ROOMS = (
    "analysis", "data", "exercises", "explorers", "figures", "layers", "models", "papers", "results", "selftest",
    "session", "system", "training",
)  # fmt: skip
_NAMES = {
    "classifier": "models",
    "evaluate": "training",
    "load_dataset": "data",
    "predict": "explorers",
    "recipe": "training",
    "setup": "session",
    "show": "figures.show",
    "train": "training",
}
"""{what lessons use most: its room}; `show` is a module."""

__all__ = ["__version__", *_ROOMS, *_NAMES]

print_anywhere()
warn_of_wrong_versions()


def __getattr__(name):
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name in _NAMES:
        room = import_module(f"{__name__}.{_NAMES[name]}")
        return room if _NAMES[name].endswith(f".{name}") else getattr(room, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted(__all__)
