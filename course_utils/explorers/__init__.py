"""Explorers: interactive images that a student moves in the browser, made by the tested layers and probes.

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
    "attention_explorer_from_arrays": "attention",
    "explore_attention": "attention",
    "explore_positions": "positions",
    "positions_explorer_from_arrays": "positions",
    "explore_gate": "gate",
    "explore_gating": "gating",
    "explore_fourier": "fourier",
    "explore_frequencies": "fourier",
    "explore_influence": "influence",
    "gate_explorer_from_arrays": "gate",
    "influence_explorer_from_arrays": "influence",
    "explore_patches": "patches",
    "explore_shift": "shift",
    "explore_temperature": "temperature",
    "explore_token_mixing": "token_mixing",
    "temperature_explorer_from_arrays": "temperature",
    "token_mixing_explorer_from_arrays": "token_mixing",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return __all__
