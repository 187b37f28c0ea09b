"""Makes the course's pages: `python -m tools.site`, into build/site/html.

Each lesson is run once (and again only when its code or the package has changed), so that its explorers are alive on
its page and not only still images. What a page loads lies beside it: it works from a USB stick, without a network.
"""

import argparse
import base64
import hashlib
import html
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

import nbformat
import numpy as np
from nbformat import NotebookNode
from PIL import Image

from tools import payload
from tools.build_notebooks import LessonError, clean_environment, execute
from tools.editions import notes_page, read_stored
from tools.lesson import NOTEBOOKS, SOURCES, sources
from tools.settings import ROOT, read_repository

DOCS = ROOT / "docs"
SITE = ROOT / "build" / "site"
FILES = {"image/png": ".png", "image/svg+xml": ".svg"}
PAGES = ("teacher", "glossary", "teaching", "results", "architecture")  # the first is made of the lessons' notes
MOST_SITE, MOST_PAGE = 25, 6  # MB; a page with all that it shows
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)\s]*)?\)")
BADGE = re.compile(r"\[!\[(.+?)\]\(.+?\)\]")
MINUTES = re.compile(r"\*\*(\d+ minutes [^*]+\.)\*\* ")


def package_hash() -> str:
    """Returns what changes when the package does."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "course_utils").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def executed(stored: Path, live: Path, **variables: str) -> NotebookNode:
    """Returns a stored lesson with the outputs of a run in which its explorers wrote their pages into `live`.

    Args:
        stored, live: the lesson; a folder.
        variables: of the environment, on top of those of `make notebooks`.
    """
    notebook = nbformat.read(stored, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    said = [cell.source for cell in code if not payload.carries(cell.source)]
    version = hashlib.sha256("\0".join([*said, package_hash(), *variables.values()]).encode()).hexdigest()[:16]
    target = SITE / "executed" / f"{stored.stem}-{version}.ipynb"
    if not target.exists():
        shutil.rmtree(live, ignore_errors=True)
        live.mkdir(parents=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        for old in target.parent.glob(f"{stored.stem}-*.ipynb"):
            old.unlink()
        with tempfile.TemporaryDirectory() as scratch:
            environment = clean_environment(Path(scratch), COURSE_PAGES=str(live), PYTHONPATH=str(ROOT), **variables)
            seconds = execute(notebook, Path(scratch), environment)
        nbformat.write(notebook, target)
        print(f"{stored.stem}: run in {seconds:.0f} s", flush=True)
    ran = [cell for cell in nbformat.read(target, as_version=4).cells if cell.cell_type == "code"]
    for cell, known in zip(code, ran, strict=True):
        cell.outputs = known.outputs
    return notebook


def to_run(stored: Path) -> NotebookNode:
    """Returns a lesson to download, without outputs: its page shows them, and a site has to be small."""
    notebook = nbformat.read(stored, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def as_page(notebook: NotebookNode, name: str, files: Path, pages: Collection[str]) -> NotebookNode:
    """Returns a lesson for its page: images as files with their alternative text, formulas that need no script.

    Args:
        notebook, name: the lesson.
        files: folder for the images.
        pages: names of the site's pages.
    """
    title = notebook.cells[0]
    title.source = BADGE.sub(r"[\1]", title.source)  # its image would be fetched from the network
    title.source += f"\n\n[Download this lesson as a notebook](./{name}.ipynb)"
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            cell.source = with_links(cell.source, NOTEBOOKS, pages)
        elif payload.carries(cell.source):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "remove-cell"]
        for place, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            kind = next((kind for kind in FILES if kind in data), None)
            if 'class="explorer"' in data.get("text/html", ""):  # a frame further down the page would not print
                for page in re.findall(r'src="(.+?)\.html"', data["text/html"]):
                    still, words = f"{page}.png", html.escape(data.get("text/plain", ""), quote=True)
                    data["text/html"] += f'<img class="still" src="{still}" alt="{words}">'
            if "text/html" in data or kind is None:
                continue
            content = data[kind]
            path = files / f"{number}_{place}{FILES[kind]}"
            path.write_bytes(base64.b64decode(content) if kind == "image/png" else content.encode("utf-8"))
            alt = output.metadata.get(kind, {}).get("alt") or data.get("text/plain", "")
            image = f'<img src="{name}/{path.name}" alt="{html.escape(alt, quote=True)}">'
            output.data = nbformat.from_dict({"text/html": image, "text/plain": alt})
    return notebook


def with_links(text: str, folder: Path, pages: Collection[str]) -> str:
    """Returns Markdown without dead links: what is no page is shown on GitHub, or named, if no repository is.

    Args:
        text: of a file in `folder`.
        pages: names of the site's pages.
    """

    def link(found: re.Match) -> str:
        words, target, anchor = found.groups("")
        file = (folder / target).resolve()
        if not file.exists():
            return found[0]
        if file.parent in (DOCS, NOTEBOOKS) and file.stem in pages:
            return f"[{words}]({file.name}{anchor})"
        repository = read_repository()
        address = f"https://github.com/{repository}/blob/main/{file.relative_to(ROOT).as_posix()}"
        return f"[{words}]({address})" if repository else words

    return LINK.sub(link, text)


def cover(picture: Path) -> Image.Image:
    """Returns the part of an explorer's still image, or of a chart, where its colours begin, without the text above."""
    image = Image.open(picture).convert("RGB")
    pixels = np.asarray(image, np.int16)
    rows = np.flatnonzero((np.ptp(pixels, axis=-1) > 30).any(axis=1))
    top, height = rows[0], rows[-1] + 1 - rows[0]
    columns = np.flatnonzero((pixels[top : top + height] < 250).any(axis=(0, 2)))
    left, width = columns[0], min(columns[-1] + 1 - columns[0], height * 8 // 5)
    shown = Image.new("RGB", (width, width * 5 // 8), "white")
    shown.paste(image.crop((left, top, left + width, top + height)))
    return shown


def card(notebook: NotebookNode, name: str) -> str:
    """Returns a lesson's place on the first page: a picture, title, two sentences, minutes if it says them."""
    title, *parts = notebook.cells[0].source.split("\n\n")
    text = next(part for part in parts if not part.startswith("["))  # a badge
    minutes = MINUTES.match(text)
    sentences = re.split(r"(?<=[.!?]) ", LINK.sub(r"\1", " ".join(MINUTES.sub("", text).split())))
    about = html.escape(" ".join(sentences[:2])) + (f" <em>{minutes[1]}</em>" if minutes else "")
    return (
        f'<li><a href="{name}.html"><img src="{name}/cover.png" alt=""><strong>{html.escape(title[2:])}</strong></a>'
        f"<p>{about}</p></li>"
    )


def index(cards: dict[str, str]) -> str:
    """Returns the first page, with a card for each lesson."""
    contents = "\n".join(
        f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{chr(10).join(pages)}\n```\n"
        for caption, pages in (("Lessons", cards), ("Teach with it, look it up", PAGES))
    )
    introduction = (DOCS / "site" / "index.md").read_text(encoding="utf-8")
    return f'{introduction}\n<ul class="lessons">\n{chr(10).join(cards.values())}\n</ul>\n\n{contents}'


def build(notebooks: list[Path], output: Path, **variables: str) -> None:
    """Makes the site from the stored lessons.

    Args:
        notebooks, output: the lessons; a folder, made anew.
        variables: see `executed`.

    Raises:
        LessonError: a lesson does not run.
        ValueError: a note for the teacher is not as it must be.
        subprocess.CalledProcessError: Sphinx found fault; it says with what.
    """
    text, files, static = (SITE / part for part in ("text", "files", "static"))
    for folder in (text, files, static):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    cards = {}
    pages = {*PAGES, *(stored.stem for stored in notebooks)}
    for stored in notebooks:
        name, live = stored.stem, SITE / "live" / stored.stem
        notebook = executed(stored, live, **variables)
        shutil.copytree(live, files / name)
        for page in (files / name).glob("*.html"):  # the still image that it carries lies beside it
            still = base64.b64encode(page.with_suffix(".png").read_bytes()).decode()
            content = page.read_text(encoding="utf-8").replace(f"data:image/png;base64,{still}", f"{page.stem}.png")
            page.write_text(content, encoding="utf-8")
        nbformat.write(to_run(stored), files / stored.name)
        cards[name] = card(notebook, name)
        nbformat.write(as_page(notebook, name, files / name, pages), text / stored.name)
        picture = [*(files / name).glob("explorer_1.png"), *sorted((files / name).glob("*_*.png"))][0]
        cover(picture).save(files / name / "cover.png", optimize=True)
    (text / "teacher.md").write_text(notes_page(sources(SOURCES)), encoding="utf-8")
    for page in PAGES[1:]:
        content = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        (text / f"{page}.md").write_text(with_links(content, DOCS, pages), encoding="utf-8")
    shutil.copytree(DOCS / "images", text / "images")
    (text / "index.md").write_text(index(cards), encoding="utf-8")
    for name in ("site.css", "site.js"):
        shutil.copy(DOCS / "site" / name, static)
    shutil.copy(DOCS / "site" / "conf.py", text)
    shutil.rmtree(output, ignore_errors=True)
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", SITE / "doctrees"]
    subprocess.run([*sphinx, text, output], check=True)


def megabytes(*paths: Path) -> float:
    """Returns how large files are, and folders with all that is in them."""
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def sizes(output: Path, names: list[str]) -> str:
    """Returns a sentence about the sizes of a site's pages.

    Raises:
        ValueError: the site or the largest page is larger than a classroom's network likes.
    """
    pages = {name: megabytes(output / f"{name}.html", output / name) for name in names}
    largest, whole = max(pages, key=pages.__getitem__), megabytes(output)
    said = f"{len(names)} notebooks, {whole:.1f} MB; the largest page is {largest}, {pages[largest]:.1f} MB in all"
    if whole > MOST_SITE or pages[largest] > MOST_PAGE:
        raise ValueError(f"The site is too large: {said}; at most {MOST_SITE} MB, and {MOST_PAGE} MB a page")
    return said


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.site", description="Makes the course's pages.")
    parser.add_argument("lessons", nargs="*", help="such as 02_fnet; default: all")
    parser.add_argument("--output", type=Path, default=SITE / "html")
    given = parser.parse_args(arguments)
    known = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    for name in given.lessons:
        if name not in known:
            parser.error(f"there is no lesson {name!r}; there are {', '.join(known)}")
    names = given.lessons or list(known)
    output = given.output
    try:
        for name in names:
            read_stored(SOURCES / f"{name}.py", NOTEBOOKS)
        build([known[name] for name in names], output)
        print(f"{output / 'index.html'}: {sizes(output, names)}")
    except (LessonError, ValueError) as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
