"""Writes the files of exact versions, for Linux, macOS and Windows and every Python that the course supports.

    make lock

`constraints.txt` holds what the project with all its extras resolves to, `tests/environments/colab-constraints.txt`
what Colab's versions draw in, `tests/environments/jax-constraints.txt` what JAX draws in. None of them names where
packages come from: pip is asked for that on the machine that installs.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tools.settings import ROOT

HEADER = "# Exact versions, made by `make lock`. Edit {source} instead.\n"


def lock(source: str, target: str, *options: str) -> None:
    """Resolves the requirements in `source` and writes the pins to `target`, both relative to the project."""
    command = [sys.executable, "-m", "uv", "pip", "compile", source, "--universal", "--python-version", "3.11"]
    command += ["--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--upgrade", *options]
    pins = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    text = HEADER.format(source=Path(source).name) + pins
    (ROOT / target).write_text(text, encoding="utf-8", newline="\n")
    print(f"{target}: {len(pins.splitlines())} pins")


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m tools.lock", description="Writes the files of exact versions.").parse_args()
    lock("pyproject.toml", "constraints.txt", "--all-extras", "--constraint", "tests/environments/below.txt")
    lock("tests/environments/colab.txt", "tests/environments/colab-constraints.txt")
    # The two backends are compared: only they may differ.
    lock("tests/environments/jax.txt", "tests/environments/jax-constraints.txt", "--constraint", "constraints.txt")
