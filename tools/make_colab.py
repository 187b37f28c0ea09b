"""Writes the copies of the lessons that Colab opens: dist/colab/NN_name.ipynb.

Without a configured repository (pyproject.toml, [tool.course]) a copy is self-contained: its first cell carries the
helper package, and "File > Upload notebook" is all it takes. With one, a copy is the stored notebook itself: it has the
badge and installs the helper package from that repository at that tag.
"""

import argparse
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.files import write_whole
from tools.build_notebooks import MOST_BYTES
from tools.colab_cells import pack, unpack_source
from tools.lesson import COLLAPSED, NOTEBOOKS, SOURCES, differences, give_ids, new_cell, sources
from tools.settings import ROOT, Repository, read_repository


def colab_copy(notebook: NotebookNode, archive: bytes) -> NotebookNode:
    """Returns the self-contained copy of a stored lesson.

    Args:
        notebook: the lesson as it is stored, with outputs.
        archive: the helper package, as `colab_cells.pack` makes it.
    """
    copy = nbformat.from_dict(notebook)
    setup = new_cell("code", unpack_source(archive), COLLAPSED)
    copy.cells.insert(1, setup)
    give_ids([setup])
    if len(nbformat.writes(copy).encode()) > MOST_BYTES:
        for cell in copy.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
    nbformat.validate(copy)
    return copy


def make(source: Path, notebooks: Path, target: Path, archive: bytes, repository: Repository | None) -> str:
    """Writes the Colab copy of one lesson; returns a line about it.

    Raises:
        ValueError: the stored notebook is not in step with its source.
    """
    name = f"{source.stem}.ipynb"
    if found := differences(source, notebooks / name, repository):
        raise ValueError("\n".join([*found, "Run `make notebooks` first."]))
    stored = nbformat.read(notebooks / name, as_version=4)
    copy = colab_copy(stored, archive) if repository is None else stored
    text = nbformat.writes(copy) + "\n"
    target.mkdir(parents=True, exist_ok=True)
    write_whole(target / name, text.encode(), name)
    way = f"installs from {repository.name} at {repository.tag}" if repository else "carries the helper package"
    return f"{target / name}: {len(text.encode()) / 1e6:.2f} MB, {way}"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the project: its pyproject.toml and its package")
    parser.add_argument("--source", type=Path, default=SOURCES, help="folder of the text sources")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="folder of the stored notebooks")
    parser.add_argument("--target", type=Path, default=Path("dist/colab"), help="folder of the copies")
    options = parser.parse_args(arguments)
    try:
        repository = read_repository(options.root)
        archive = pack(options.root)
        for source in sources(options.source):
            print(make(source, options.notebooks, options.target, archive, repository))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
