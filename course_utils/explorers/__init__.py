"""Explorers: interactive images that a student moves in the browser, made by the tested layers and by `analysis`.

`Explorer` shows settings × panels; `explore_patches`, `explore_influence`, … are those of the lessons, most of them
also from arrays that are already known; `predict` asks before one looks. Each is loaded when it is first used.
"""

from importlib import import_module

_NAMES = {
    "core.parts": "Bar Choice Layer Panel Place Slider Switch",
    "core.explorer": "Explorer",
    "core.tabs": "Tabs",
    "attention": "attention_explorer_from_arrays explore_attention",
    "fourier": "explore_fourier explore_frequencies",
    "gate": "explore_gate gate_explorer_from_arrays",
    "gating": "explore_gating",
    "influence": "explore_influence influence_explorer_from_arrays",
    "patches": "explore_patches",
    "prediction": "predict",
    "positions": "explore_positions positions_explorer_from_arrays",
    "shift": "explore_shift",
    "temperature": "explore_temperature temperature_explorer_from_arrays",
    "token_mixing": "explore_token_mixing token_mixing_explorer_from_arrays",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return __all__
