"""Makes the course's pages: `python -m tools.site`, into build/site/html.

Each lesson is run once (and again only when it or the package has changed), so that its explorers are alive on its page
and not only still images. Everything a page loads lies beside it: it works from a USB stick, without a network.
"""

import argparse
import base64
import hashlib
import html
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from tools import payload
from tools.build_notebooks import clean_environment, execute
from tools.lesson import NOTEBOOKS
from tools.settings import ROOT

DOCS = ROOT / "docs"
SITE = ROOT / "build" / "site"
FILES = {"image/png": ".png", "image/svg+xml": ".svg"}
PAGES = ("teaching", "results", "architecture")


def package_hash() -> str:
    """Returns what changes when the package does."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "course_utils").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def executed(stored: Path, live: Path) -> Path:
    """Runs a lesson with its explorers as pages in the folder `live`, unless that was done; returns the notebook."""
    notebook = nbformat.read(stored, as_version=4)
    code = "\0".join(cell.source for cell in notebook.cells) + package_hash()
    target = SITE / "executed" / f"{stored.stem}-{hashlib.sha256(code.encode()).hexdigest()[:16]}.ipynb"
    if not target.exists():
        shutil.rmtree(live, ignore_errors=True)
        live.mkdir(parents=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        for old in target.parent.glob(f"{stored.stem}-*.ipynb"):
            old.unlink()
        with tempfile.TemporaryDirectory() as scratch:
            environment = clean_environment(Path(scratch), COURSE_PAGES=str(live), PYTHONPATH=str(ROOT))
            seconds = execute(notebook, Path(scratch), environment)
        nbformat.write(notebook, target)
        print(f"{stored.stem}: run in {seconds:.0f} s", flush=True)
    return target


def as_page(notebook, name: str, live: Path):
    """Returns a lesson for its page: images as files with their alternative text, explorers as frames."""
    for number, cell in enumerate(notebook.cells):
        if number == 0:  # a badge would be fetched from the network
            lines = [line for line in cell.source.splitlines() if not line.startswith("[![")]
            cell.source = "\n".join([*lines, "", f"[Download this lesson as a notebook](./{name}.ipynb)"])
        if payload.carries(cell.source):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "remove-cell"]
        for place, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            kind = next((kind for kind in FILES if kind in data), None)
            if "text/html" in data or kind is None:
                continue
            content = data[kind]
            path = live / f"{number}_{place}{FILES[kind]}"
            path.write_bytes(base64.b64decode(content) if kind == "image/png" else content.encode("utf-8"))
            alt = output.metadata.get(kind, {}).get("alt") or data.get("text/plain", "")
            image = f'<img loading="lazy" src="{name}/{path.name}" alt="{html.escape(alt, quote=True)}">'
            output.data = nbformat.from_dict({"text/html": image, "text/plain": alt})
    return notebook


def first_image(live: Path) -> str:
    """Returns the name of a lesson's first image, for the index."""
    return min(live.glob("explorer_*.png"), default=min(live.glob("*.png"))).name


def index(lessons: dict[str, tuple[str, str]]) -> str:
    """Returns the first page.

    Args:
        lessons: title and image by name.
    """
    items = "\n".join(
        f'<li><a href="{name}.html"><img src="{name}/{image}" alt="">{html.escape(title)}</a></li>'
        for name, (title, image) in lessons.items()
    )
    pages = "\n".join([*lessons, *PAGES])
    introduction = (DOCS / "site" / "index.md").read_text(encoding="utf-8")
    return f'{introduction}\n<ul class="lessons">\n{items}\n</ul>\n\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n'


def build(notebooks: list[Path], output: Path) -> None:
    """Makes the site from the stored lessons.

    Raises:
        LessonError: a lesson does not run.
        subprocess.CalledProcessError: Sphinx found fault; it says with what.
    """
    text, live, static = (SITE / part for part in ("text", "live", "static"))
    for folder in (text, static):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    lessons = {}
    for stored in notebooks:
        notebook = nbformat.read(executed(stored, live / stored.stem), as_version=4)
        title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
        nbformat.write(as_page(notebook, stored.stem, live / stored.stem), text / stored.name)
        shutil.copy(stored, live / stored.name)
        lessons[stored.stem] = title, first_image(live / stored.stem)
    for page in PAGES:
        shutil.copy(DOCS / f"{page}.md", text)
    shutil.copytree(DOCS / "images", text / "images")
    (text / "index.md").write_text(index(lessons), encoding="utf-8")
    for name in ("site.css", "site.js"):
        shutil.copy(DOCS / "site" / name, static)
    shutil.copy(DOCS / "site" / "conf.py", text)
    shutil.rmtree(output, ignore_errors=True)
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", SITE / "doctrees"]
    subprocess.run([*sphinx, text, output], check=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.site", description="Makes the course's pages.")
    parser.add_argument("lessons", nargs="*", help="such as 02_fnet; default: all")
    parser.add_argument("--output", type=Path, default=SITE / "html")
    given = parser.parse_args(arguments)
    known = {path.stem: path for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}
    for name in given.lessons:
        if name not in known:
            parser.error(f"there is no lesson {name!r}; there are {', '.join(known)}")
    build([known[name] for name in given.lessons or known], given.output)
    print(f"The pages are in {given.output}: open {given.output / 'index.html'}")


if __name__ == "__main__":
    main()
