"""Explorers: interactive pictures that a student moves in the browser, made by the tested layers and probes.

`Explorer` shows settings × panels; `explore_patches`, `explore_influence` and `explore_token_mixing` are those of the
lessons. Each is loaded when it is first used.
"""

from importlib import import_module

_HOME = {
    "Bar": "parts",
    "Choice": "parts",
    "Layer": "parts",
    "Panel": "parts",
    "Place": "parts",
    "Slider": "parts",
    "Switch": "parts",
    "Explorer": "explorer",
    "explore_influence": "influence",
    "influence_explorer_from_arrays": "influence",
    "explore_patches": "patches",
    "explore_token_mixing": "token_mixing",
    "token_mixing_explorer_from_arrays": "token_mixing",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return __all__
