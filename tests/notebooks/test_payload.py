"""The cell that carries the helper package: what it carries, and what it does wherever the notebook may lie."""

import bz2
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.system import __version__
from tools.payload import LIGHT, LINE, carried, carries, cell_source, package_files, same
from tools.settings import ROOT

COLAB = ROOT / ".venv-colab" / ("Scripts" if os.name == "nt" else "bin") / "python"
PYTHONS = [pytest.param(sys.executable, id="here"), pytest.param(COLAB, id="Colab", marks=pytest.mark.rehearsal)]
SHOW = "import course_utils; print(course_utils.__file__, course_utils.ANSWER)"
# Shows an error as a notebook would.
IN_IPYTHON = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor", history_load_length=0)
shell.history_manager.enabled = False
shell.run_cell({source!r})
"""


def small(answer: int = 42) -> str:
    """Returns the cell with a package of two files."""
    init = f'__version__ = "{__version__}"\nANSWER = {answer}\n'
    return cell_source({"course_utils/__init__.py": init.encode(), "course_utils/front.js": b"// front\n"})


def program(source: str) -> str:
    """Returns a program that runs a cell's source with the working folder on the path, and the project not."""
    others = "[e for e in sys.path if e and not os.path.exists(os.path.join(e, 'course_utils', '__init__.py'))]"
    return f"import os, sys\nsys.path = ['', *{others}]\n{source}"


def start(source: str, folder: Path, python=sys.executable) -> subprocess.Popen:
    """Starts a program in `folder/notebook`, with `folder/temporary` for temporary files."""
    for name in ("notebook", "temporary", "home"):
        (folder / name).mkdir(exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"TMPDIR": str(folder / "temporary"), "IPYTHONDIR": str(folder / "home")}
    return subprocess.Popen(
        [python, "-W", "ignore", "-c", program(source)],
        cwd=folder / "notebook",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(source: str, folder: Path, python=sys.executable) -> str:
    """Runs a program to its end; returns what it prints."""
    process = start(source, folder, python)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


def left(folder: Path) -> list[str]:
    """Returns what lies beside the notebook and among the temporary files."""
    return [file.name for name in ("notebook", "temporary") for file in (folder / name).iterdir()]


def damaged(source: str) -> str:
    """Returns the cell with one letter of its payload changed."""
    packed = LINE.search(source)[2]
    return source.replace(packed, packed[:50] + ("A" if packed[50] != "A" else "B") + packed[51:])


def test_it_carries_the_package_and_the_cards():
    files = package_files("")
    wanted = {file for file in (ROOT / "course_utils").rglob("*") if file.suffix in (".py", ".js", ".css")}
    assert {file.relative_to(ROOT).as_posix() for file in wanted} <= set(files)
    results = ROOT / "benchmarks" / "results"
    cards = {card.relative_to(results).as_posix() for card in results.rglob("*.json")}
    carried_cards = {name.partition("results/cards/")[2] for name in files} - {""}
    assert carried_cards == {card for card in cards if "/" not in card or card.startswith("reported/")}
    named = set(package_files('tables.seeds("gate_bias", epoch=2); cards.recorded("seeds/convolution", cards.Seeds)'))
    assert {Path(name).stem for name in named - set(files)} == {"gate_bias", "convolution"}
    assert not [name for name in files if "__pycache__" in name or not name.startswith("course_utils/")]


def test_weights_travel_with_the_lesson_that_names_their_network(tmp_path):
    folder = tmp_path / "course_utils" / "models" / "weights"
    folder.mkdir(parents=True)
    for name in ("vit_course.json", "vit_course_50.weights", "mixer_course_50.weights", "README.md"):
        (folder / name).write_bytes(name.encode())
    found = [Path(name).name for name in package_files('load_trained("vit_course")', tmp_path)]
    assert found == ["README.md", "vit_course.json", "vit_course_50.weights"]
    assert [Path(name).name for name in package_files("small_data_vit_course", tmp_path)] == ["README.md"]


def test_the_same_files_make_the_same_cell(tmp_path):
    for name in ("a", "b"):
        shutil.copytree(ROOT / "course_utils", tmp_path / name / "course_utils")
    os.utime(tmp_path / "b" / "course_utils" / "__init__.py", (1, 1))
    first = cell_source(package_files("", tmp_path / "a"))
    assert first == cell_source(package_files("", tmp_path / "b"))
    assert carried(first) == package_files("", tmp_path / "a")


def test_another_compression_is_no_difference(monkeypatch):
    here, compress = small(), bz2.compress
    monkeypatch.setattr(bz2, "compress", lambda data: compress(data, 1))
    cell_source(package_files(""))  # fills the cache with something else
    cell_source({})
    there = small()
    assert here != there
    assert same(here, there)
    assert not same(here, small(43))
    assert not same(damaged(here), here)
    assert not same(here.replace("damaged", "broken"), here)


def test_a_page_shows_few_lines_and_one_that_is_long():
    lines = cell_source(package_files("")).splitlines()
    assert carries(lines[0])
    assert lines[0].startswith("# @title ")
    visible = [line for line in lines if not line.startswith("PACKED = ")]
    assert len(visible) == len(lines) - 1 <= 25
    assert max(map(len, visible)) <= 120


@pytest.mark.parametrize("python", PYTHONS)
def test_it_unpacks_for_this_kernel_alone_and_leaves_nothing(python, tmp_path):
    if not Path(python).exists():
        pytest.skip("no .venv-colab: `make rehearse` makes it")
    *quiet, said = run(f"{small()}\n{SHOW}", tmp_path, python).splitlines()
    assert quiet == []
    assert Path(said.split()[0]).parents[2] == tmp_path / "temporary"
    assert said.endswith(" 42")
    assert left(tmp_path) == []


def test_running_it_again_is_no_change(tmp_path):
    out = run(f"{small()}\n{SHOW}\n{small()}\n{SHOW}", tmp_path).splitlines()
    assert len(out) == 2
    assert out[0] == out[1]


def test_the_names_it_leaves_are_few():
    names: dict = {}
    exec(small(), names)
    assert set(names) - {"__builtins__"} == {"VERSION", "SHA256", "PACKED", "bring_course_utils"}


@pytest.mark.parametrize(("version", "said"), [(__version__, ""), ("0.0.1", "0.0.1: take both from one release.\n")])
def test_where_the_package_is_it_does_nothing(version, said, tmp_path):
    package = tmp_path / "notebook" / "course_utils"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"ANSWER = 1\n__version__ = {version!r}\n")
    before, after = run(f"{small()}\nprint('|')\n{SHOW}", tmp_path).split("|\n")
    assert before.endswith(said)
    assert bool(before) == bool(said)
    assert after.startswith(str(package))
    assert (tmp_path / "temporary").exists()
    assert not list((tmp_path / "temporary").iterdir())


def in_the_way(folder: Path, what: str) -> None:
    """Puts something of the package's name beside the notebook."""
    folder.mkdir()
    if what == "file":
        (folder / "course_utils.py").write_text("raise RuntimeError('not this one')\n")
    elif what == "empty folder":
        (folder / "course_utils").mkdir()
    elif what == "other files":
        (folder / "course_utils").mkdir()
        (folder / "course_utils" / "front.js").write_text("// not this one\n")
    elif what == "read-only":
        folder.chmod(0o555)


@pytest.mark.parametrize("what", ["file", "empty folder", "other files", "read-only"])
def test_what_lies_beside_the_notebook_does_not_matter(what, tmp_path):
    in_the_way(tmp_path / "notebook", what)
    out = run(f"{small()}\n{SHOW}", tmp_path)
    assert out.startswith(str(tmp_path / "temporary"))
    assert out.endswith(" 42\n")


@pytest.mark.parametrize("python", PYTHONS)
def test_a_damaged_cell_says_one_sentence_and_unpacks_nothing(python, tmp_path):
    if not Path(python).exists():
        pytest.skip("no .venv-colab: `make rehearse` makes it")
    out = run(IN_IPYTHON.format(source=damaged(small())), tmp_path, python)
    assert out.strip() == "The package in this cell is damaged: fetch a fresh copy of the notebook."
    assert left(tmp_path) == []


def test_no_space_is_one_sentence_and_can_be_tried_again(tmp_path):
    full = "import tempfile; room = tempfile.mkdtemp; tempfile.mkdtemp = lambda **_: open('/nowhere/at all')"
    source = IN_IPYTHON.format(source=f"{full}\n{small()}")
    source += f"import tempfile; tempfile.mkdtemp = shell.user_ns['room']\n{small()}\n{SHOW}"
    first, second = run(source, tmp_path).strip().splitlines()
    assert first.startswith("The helper package cannot be unpacked ([Errno 2] No such file")
    assert first.endswith("Free some space, then run this cell again.")
    assert second.endswith(" 42")


@pytest.mark.slow
@pytest.mark.rehearsal
def test_thirty_kernels_of_thirty_releases_start_at_once_in_one_folder(tmp_path):
    processes = [start(f"{small(k)}\n{SHOW}", tmp_path) for k in range(30)]
    told = [process.communicate(timeout=300) for process in processes]
    assert [errors for _, errors in told if errors] == []
    assert [int(out.split()[-1]) for out, _ in told] == list(range(30))
    assert len({out.split()[0] for out, _ in told}) == 30
    assert left(tmp_path) == []


@pytest.mark.parametrize("lacking", [(), ("anywidget",), ("anywidget", "psygnal")])
def test_only_what_is_missing_is_installed_and_alone(lacking, monkeypatch):
    asked, found = [], importlib.util.find_spec
    gone = (*lacking, "course_utils")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in gone else found(name))
    monkeypatch.setattr(subprocess, "check_call", asked.append)
    monkeypatch.setattr(sys, "path", sys.path[:])
    exec(small(), {})
    assert [command[-1] for command in asked] == list(lacking)
    assert all("--no-deps" in command and "-U" not in command for command in asked)


def test_it_needs_nothing_that_a_machine_could_lack():
    (line,) = (line for line in small().splitlines() if line.strip().startswith("import "))
    names = {name.split(".")[0].split()[0] for name in line.strip().removeprefix("import ").split(", ")}
    assert len(names) > 5
    assert names <= set(sys.stdlib_module_names)
    assert set(re.findall(r"\('(\w+)', '(\w+)'\)", small())) == {LIGHT}


def test_a_page_clips_the_long_line(browser, tmp_path):
    import nbformat
    from nbconvert import HTMLExporter

    cells = [nbformat.v4.new_code_cell(cell_source(package_files(""))), nbformat.v4.new_code_cell("print('next')")]
    page = tmp_path / "page.html"
    page.write_text(HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells))[0], encoding="utf-8")
    context = browser.new_context(viewport={"width": 1024, "height": 768}, offline=True)
    opened = context.new_page()
    opened.goto(page.as_uri())
    opened.screenshot(path=tmp_path / "page.png")
    first = opened.locator(".jp-CodeCell").first.bounding_box()
    wide = opened.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert first["height"] < 26 * 22, "the payload wraps"
    assert wide <= 1024, "the payload makes the page wider than the window"
