"""What the project says about itself in pyproject.toml, read in one place."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Repository:
    """Where the project is published: `name` is "owner/name", `tag` exists there."""

    name: str
    tag: str

    def badge(self, lesson: str) -> str:
        """Returns the Markdown of the "Open in Colab" badge of one lesson."""
        host = "https://colab.research.google.com"
        target = f"{host}/github/{self.name}/blob/{self.tag}/notebooks/{lesson}.ipynb"
        return f"[![Open in Colab]({host}/assets/colab-badge.svg)]({target})"

    def requirement(self) -> str:
        """Returns what pip installs the helper package from."""
        return f"git+https://github.com/{self.name}@{self.tag}"


def read_pyproject(root: Path = ROOT) -> dict:
    """Returns pyproject.toml of the project at `root`, parsed."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def read_repository(root: Path = ROOT) -> Repository | None:
    """Returns the configured repository, or None when none is configured.

    Raises:
        ValueError: only one of `repository` and `tag` is set, or one of them is no possible name. A half-written name
            would send students to somebody else's repository.
    """
    course = read_pyproject(root).get("tool", {}).get("course", {})
    name, tag = course.get("repository", ""), course.get("tag", "")
    if not name and not tag:
        return None
    if not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", name):
        raise ValueError(f'pyproject.toml, [tool.course]: repository = {name!r} is not of the form "owner/name"')
    if not re.fullmatch(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", tag):
        raise ValueError(f"pyproject.toml, [tool.course]: tag = {tag!r} is no tag; set it with the repository")
    return Repository(name, tag)
