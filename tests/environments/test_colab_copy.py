"""The copies for Colab: what they carry, what they install, and that they never name what is not configured."""

import importlib.util
import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from tools import colab_cells, make_colab
from tools.colab_cells import install_source, pack, unpack_source
from tools.lesson import read_lesson, sources
from tools.settings import ROOT, read_repository

LESSON = "# %% [markdown]\n# # A small lesson\n\n# %%\nimport course_utils\ncourse_utils.__file__\n"


def small_archive(text: str = "ANSWER = 42\n") -> bytes:
    """Returns a package of one module, packed as the cell carries it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("course_utils/__init__.py", text)
        archive.writestr("course_utils/front.js", "// front\n")
    return buffer.getvalue()


def run_cell(source: str, folder: Path, after: str = "") -> str:
    """Runs a cell's source as a program in `folder`, without the project on the path; returns what it prints."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    program = f"import sys\nsys.path = [entry for entry in sys.path if entry]\n{source}\n{after}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


SHOW = "import course_utils; print(course_utils.__file__, course_utils.ANSWER)"


def test_the_archive_holds_the_package_and_the_cards():
    names = set(zipfile.ZipFile(io.BytesIO(pack())).namelist())
    wanted = {file.relative_to(ROOT).as_posix() for file in (ROOT / "course_utils").rglob("*") if file.is_file()}
    wanted = {name for name in wanted if name.endswith((".py", ".js", ".css"))}
    results = ROOT / "benchmarks" / "results"
    wanted |= {f"course_utils/results/cards/{card.relative_to(results).as_posix()}" for card in results.rglob("*.json")}
    assert wanted <= names
    assert not [name for name in names if "__pycache__" in name or not name.startswith("course_utils/")]


def test_the_same_files_make_the_same_archive(tmp_path):
    for name in ("a", "b"):
        shutil.copytree(ROOT / "course_utils", tmp_path / name / "course_utils")
    os.utime(tmp_path / "b" / "course_utils" / "__init__.py", (1, 1))
    assert pack(tmp_path / "a") == pack(tmp_path / "b")


def test_the_cell_unpacks_beside_the_notebook_and_comes_first_on_the_path(tmp_path):
    source = unpack_source(small_archive())
    out = run_cell(source, tmp_path, SHOW)
    (folder,) = tmp_path.iterdir()
    assert out.splitlines()[-1] == f"{folder / 'course_utils' / '__init__.py'} 42"
    assert (folder / "course_utils" / "front.js").read_text() == "// front\n"


def test_running_the_cell_again_keeps_a_students_edits(tmp_path):
    source = unpack_source(small_archive())
    run_cell(source, tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / "course_utils" / "__init__.py").write_text("ANSWER = 43\n")
    assert run_cell(source, tmp_path, SHOW).endswith("43\n")
    assert len(list(tmp_path.iterdir())) == 1


def test_running_the_cell_again_mends_a_broken_folder(tmp_path):
    source = unpack_source(small_archive())
    run_cell(source, tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / "course_utils" / "front.js").unlink()
    run_cell(source, tmp_path)
    assert (folder / "course_utils" / "front.js").is_file()
    assert [file.name for file in tmp_path.iterdir()] == [folder.name]


def test_a_newer_cell_wins_over_what_the_kernel_has_imported(tmp_path):
    old, new = unpack_source(small_archive()), unpack_source(small_archive("ANSWER = 44\n"))
    out = run_cell(f"{old}\n{SHOW}\n{new}", tmp_path, SHOW)
    assert [line.split()[-1] for line in out.splitlines() if "__init__" in line] == ["42", "44"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_cell_unpacks_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = unpack_source(small_archive())
    start = source.index('PACKED = """\n') + 60
    damaged = source[:start] + ("A" if source[start] != "A" else "B") + source[start + 1 :]
    with pytest.raises(RuntimeError, match="Fetch a fresh copy"):
        exec(damaged, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lacking", [(), ("anywidget",), ("anywidget", "psygnal")])
def test_only_what_is_missing_is_installed_and_alone(lacking, monkeypatch, capsys):
    asked = []
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in lacking else found(name))
    monkeypatch.setattr(subprocess, "run", lambda command, check: asked.append(command))
    exec(colab_cells.missing_source(), {})
    assert [command[-1] for command in asked] == list(lacking)
    assert all("--no-deps" in command and "-U" not in command for command in asked)
    assert capsys.readouterr().out.count("missing here") == len(lacking)


def test_the_cells_import_nothing_that_colab_could_lack():
    source = unpack_source(small_archive())
    lines = [line.split()[1].partition(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))]
    assert lines
    assert set(lines) <= set(sys.stdlib_module_names)
    assert "course_utils" not in lines


@pytest.fixture
def project(tmp_path) -> Path:
    """A project with one small lesson, not executed, and a copied pyproject.toml."""
    root = tmp_path / "project"
    (root / "notebooks" / "source").mkdir(parents=True)
    (root / "notebooks" / "source" / "01_small.py").write_text(LESSON, encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copytree(ROOT / "course_utils", root / "course_utils", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def configure(root: Path, repository: str, tag: str) -> None:
    """Writes a repository into the project's pyproject.toml."""
    file = root / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    for key, value in (("repository", repository), ("tag", tag)):
        current = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
        text = text.replace(current, f'{key} = "{value}"')
    file.write_text(text, encoding="utf-8")


def build_copy(root: Path) -> nbformat.NotebookNode:
    """Stores the small lesson unexecuted and makes its copy for Colab."""
    notebooks, source = root / "notebooks", root / "notebooks" / "source"
    stored = read_lesson(source / "01_small.py", read_repository(root))
    nbformat.write(stored, notebooks / "01_small.ipynb")
    options = ["--root", root, "--source", source, "--notebooks", notebooks, "--target", root / "dist"]
    assert make_colab.main([str(option) for option in options]) == 0
    return nbformat.read(root / "dist" / "01_small.ipynb", as_version=4)


def test_without_a_repository_the_copy_carries_the_package(project):
    configure(project, "", "")
    copy = build_copy(project)
    title, setup, first = copy.cells
    assert title.source == "# A small lesson"
    assert setup.source.startswith("# @title ")
    assert setup.metadata.jupyter.source_hidden
    assert setup.metadata.cellView == "form"
    assert first.source.startswith("import course_utils")
    assert copy.metadata.accelerator == "GPU"
    assert copy.metadata.colab.gpuType == "T4"
    text = nbformat.writes(copy)
    assert "git+" not in text
    assert "github.com" not in text


def test_with_a_repository_the_copy_installs_from_it(project):
    configure(project, "made-up-owner/made-up-name", "v0.1.0")
    copy = build_copy(project)
    title, install, first = copy.cells
    assert "github/made-up-owner/made-up-name/blob/v0.1.0/notebooks/01_small.ipynb" in title.source
    assert '%pip install -q --no-deps "git+https://github.com/made-up-owner/made-up-name@v0.1.0"' in install.source
    assert install.metadata.cellView == "form"
    assert "PACKED" not in nbformat.writes(copy)
    assert first.source.startswith("import course_utils")


def test_the_install_cell_is_a_cell_that_ipython_takes():
    from IPython.core.inputtransformer2 import TransformerManager

    source = TransformerManager().transform_cell(install_source("git+https://github.com/someone/somewhere@v1"))
    compile(source, "cell", "exec")
    assert "run_line_magic('pip', 'install -q --no-deps" in source


@pytest.mark.parametrize(
    ("repository", "tag"),
    [("owner/name", ""), ("", "v1"), ("name", "v1"), ("https://github.com/a/b", "v1"), ("a/b", "v 1")],
)
def test_a_half_configured_repository_is_refused(project, repository, tag):
    configure(project, repository, tag)
    with pytest.raises(ValueError, match=r"\[tool.course\]"):
        read_repository(project)


def test_a_copy_of_a_stale_notebook_is_refused(project, capsys):
    configure(project, "", "")
    build_copy(project)
    source = project / "notebooks" / "source" / "01_small.py"
    source.write_text(LESSON + "\n1 + 1\n", encoding="utf-8")
    options = ["--root", project, "--source", source.parent, "--notebooks", project / "notebooks", "--target", project]
    assert make_colab.main([str(option) for option in options]) == 1
    assert "make notebooks" in capsys.readouterr().err


def test_every_stored_lesson_can_be_copied(tmp_path):
    assert sources()
    assert make_colab.main(["--target", str(tmp_path)]) == 0
    for source in sources():
        file = tmp_path / f"{source.stem}.ipynb"
        assert file.stat().st_size < 5_000_000
        nbformat.validate(nbformat.read(file, as_version=4))
