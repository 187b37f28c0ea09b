"""The machine: what this Python runs on, with which versions, and which accelerators Keras can use."""

import os
import platform
import re
import sys
import warnings
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__version__ = "0.2.0"
WRONG_KERAS = ("3.0.0", "3.0.1", "3.0.2")


def in_colab() -> bool:
    """Says whether this Python runs in Google Colab."""
    return "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ


def switch(name: str, *more: str) -> bool | str:
    """Returns what an environment variable says: yes, no (or nothing), or one of `more`; else ValueError."""
    said = os.environ.get(name, "").strip().lower()
    if said in more:
        return said
    if said not in ("1", "true", "yes", "on", "0", "false", "no", "off", ""):
        choices = ", ".join(("1", "0", "true", "false", "yes", "no", "on", "off", *more))
        raise ValueError(f"the variable {name} must be one of {choices}, but it is {said!r}")
    return said in ("1", "true", "yes", "on")


def print_anywhere() -> None:
    """Lets `print` write what a terminal or a file of another encoding than UTF-8 lacks, such as ✓, as its code."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # a notebook's has no encoding to speak of; one may be closed
            if stream.encoding.lower() not in ("utf-8", "utf8"):
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _version(package: str) -> str | None:
    """Returns a package's version without importing it; None if it is missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def warn_of_wrong_versions(found: str | None = None) -> None:
    """Warns if a version of Keras, that of the installed one if not given, is known to be wrong."""
    found = found or _version("keras")
    if found in WRONG_KERAS:
        warnings.warn(
            f"Keras {found} computes a wrong LayerNorm gradient: networks train badly and nothing fails. "
            "Install keras>=3.8 and restart",
            stacklevel=3,
        )


def accelerators() -> list[str]:
    """Returns the names of the accelerators that Keras can use, such as ["Tesla T4"]; empty on a CPU."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        devices = [device for device in tf.config.list_physical_devices() if device.device_type != "CPU"]
        details = [tf.config.experimental.get_device_details(device) for device in devices]
        return [found.get("device_name", device.device_type) for found, device in zip(details, devices, strict=True)]
    if keras.backend.backend() == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    return [name for name in keras.distribution.list_devices() if "cpu" not in name]


def versions() -> dict:
    """Returns the versions of Python and of the libraries that a result depends on; None where one is missing."""
    found = {name: _version(name) for name in ("keras", "tensorflow", "jax", "torch", "numpy")}
    return {"course_utils": __version__, "python": platform.python_version()} | found


def hardware() -> dict:
    """Returns what a run runs on: processor, number of cores it may use, and the accelerators by name."""
    import keras

    name = platform.processor() or platform.machine()
    with suppress(OSError, AttributeError):  # not Linux, or a processor that does not say
        name = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()).group(1).strip()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processor": name, "cores": cores, "accelerators": accelerators(), "backend": keras.backend.backend()}
