"""What the project says about itself in pyproject.toml, read and written in one place."""

import re
import tomllib
from pathlib import Path

from course_utils.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
COLAB = "https://colab.research.google.com"
REPOSITORY = re.compile(r'^repository = "[^"\n]*"', re.MULTILINE)


def read_pyproject(root: Path = ROOT) -> dict:
    """Returns pyproject.toml of the project at `root`, parsed."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def read_repository(root: Path = ROOT) -> str:
    """Returns where the project is published, "owner/name", or "" when it is not said.

    Raises:
        ValueError: it is no such name. A half-written one would send students to somebody else's repository.
    """
    return checked_repository(read_pyproject(root).get("tool", {}).get("course", {}).get("repository", ""))


def write_repository(name: str, root: Path = ROOT) -> None:
    """Writes where the project is published into pyproject.toml; "" takes it out.

    Raises:
        ValueError: it is no name of a repository, or pyproject.toml has no line for it.
    """
    file = root / "pyproject.toml"
    text, count = REPOSITORY.subn(f'repository = "{checked_repository(name)}"', file.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError('pyproject.toml must have one line `repository = "…"`, under [tool.course]')
    write_whole(file, text.encode(), file.name)


def checked_repository(name: str) -> str:
    """Returns the name, if it is "owner/name" or ""."""
    if name and not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", name):
        raise ValueError(f'the repository must be of the form "owner/name", but it is {name!r} (pyproject.toml)')
    return name


def badge(repository: str, lesson: str) -> str:
    """Returns the Markdown of the "Open in Colab" badge of one lesson."""
    address = f"{COLAB}/github/{repository}/blob/main/notebooks/{lesson}.ipynb"
    return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({address})"
