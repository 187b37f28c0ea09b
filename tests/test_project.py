"""The house itself: versions, environments, one paper in its few files, nothing of any one machine.

Who may import whom is checked by import-linter: the contracts stand in pyproject.toml, `make lint` asks them.
"""

import ast
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import course_utils
from course_utils.papers import PAPERS, WITH_KERAS_IO, WITH_LESSON
from course_utils.results.cards import Examples, recorded
from tools.lessons_table import with_table
from tools.settings import read_pyproject, read_repository

ROOT = Path(__file__).resolve().parent.parent
PROJECT = read_pyproject()["project"]
EXTRAS = PROJECT["optional-dependencies"]
DIRECT = [Requirement(line) for line in itertools.chain(PROJECT["dependencies"], *EXTRAS.values())]
# Where the name that is imported is not the name that is installed.
MODULES = {"PIL": "pillow", "skimage": "scikit-image", "IPython": "ipython"}
PYTHONS = ("3.11.9", "3.12.0", "3.13.0")
SYSTEMS = (("linux", "posix"), ("darwin", "posix"), ("win32", "nt"))
everywhere = pytest.mark.parametrize(("python", "system"), list(itertools.product(PYTHONS, SYSTEMS)), ids=str)


def text_of(name: str) -> str:
    """Returns the text of one of the project's files."""
    return (ROOT / name).read_text(encoding="utf-8")


def read_pins(name: str) -> list[Requirement]:
    """Returns the requirements in a file, without comments."""
    lines = text_of(name).splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def pins_for(name: str, python: str, system: tuple[str, str]) -> dict[str, Version]:
    """Returns {package: version} that a file pins on one Python and one system."""
    platform, os_name = system
    machine = {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "sys_platform": platform,
        "os_name": os_name,
        "implementation_name": "cpython",
    }
    found = {}
    for pin in read_pins(name):
        if pin.marker is None or pin.marker.evaluate(machine):
            (version,) = (spec.version for spec in pin.specifier)
            assert canonicalize_name(pin.name) not in found, f"{pin.name} is pinned twice for Python {python}"
            found[canonicalize_name(pin.name)] = Version(version)
    return found


def project_files() -> list[Path]:
    """Returns the files that belong to the project: what git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: which files belong to the project is not known")
    return [file for name in listed.stdout.decode().split("\0") if name and (file := ROOT / name).is_file()]


def imported_modules(file: Path) -> set[str]:
    """Returns the top-level modules that a Python file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


LOCKS = ["constraints.txt", "tests/environments/colab-constraints.txt", "tests/environments/jax-constraints.txt"]


@pytest.mark.parametrize("name", LOCKS)
def test_the_locks_pin_exactly(name):
    for pin in read_pins(name):
        assert [spec.operator for spec in pin.specifier] == ["=="], f"{name}: {pin} is not exact"
        assert pin.url is None


@everywhere
def test_the_lock_meets_the_bounds_everywhere(python, system):
    pins = pins_for("constraints.txt", python, system)
    for requirement in DIRECT:
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"constraints.txt does not pin {requirement.name}"
        assert version in requirement.specifier, f"constraints.txt pins {requirement.name} {version}: not {requirement}"


@everywhere
def test_jax_comes_without_tensorflow_and_else_in_the_same_versions(python, system):
    usual, jax = pins_for("constraints.txt", python, system), pins_for(LOCKS[2], python, system)
    wanted = {canonicalize_name(requirement.name) for requirement in read_pins("tests/environments/jax.txt")}
    assert wanted <= set(jax)
    assert not [name for name in jax if "tensor" in name]
    assert {name: jax[name] for name in jax if name in usual} == {name: usual[name] for name in usual if name in jax}


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_every_bound_is_a_lower_bound(requirement):
    assert [spec.operator for spec in requirement.specifier] == [">="], "an upper bound ages badly: pin in the lock"


def test_the_bounds_admit_what_colab_brings():
    colab = {pin.name: pin for pin in read_pins("tests/environments/colab.txt")}
    for requirement in map(Requirement, PROJECT["dependencies"]):
        if requirement.name == "traitlets":  # not in Colab's list that we have; ipywidgets 7.7 brings one
            continue
        (version,) = (spec.version for spec in colab[requirement.name].specifier)
        assert Version(version) in requirement.specifier, f"Colab's {requirement.name} {version} is below {requirement}"


def test_each_lower_bound_says_why():
    text = text_of("pyproject.toml")
    for requirement in DIRECT:
        lines = re.findall(rf'^ +"{re.escape(str(requirement))}",(.*)$', text, flags=re.MULTILINE)
        assert lines, requirement
        assert all("#" in rest for rest in lines), f"{requirement} has no reason"


def test_what_the_package_imports_is_declared():
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    declared |= {"jax", "torch"}  # the other backends: imported only where Keras runs on them already
    for file in sorted((ROOT / "course_utils").rglob("*.py")):
        for module in imported_modules(file) - set(sys.stdlib_module_names) - {"course_utils", "google"}:
            package = canonicalize_name(MODULES.get(module, module))
            assert package in declared, f"{file.relative_to(ROOT)} imports {module}, which pyproject.toml does not name"


def test_conda_gets_what_pip_gets():
    conda = yaml.safe_load(text_of("environment.yml"))
    assert conda["name"] == PROJECT["name"]
    (python,) = (line for line in conda["dependencies"] if isinstance(line, str) and line.startswith("python="))
    assert Version(python.partition("=")[2]) in Requirement(f"python{PROJECT['requires-python']}").specifier
    (pip,) = (line["pip"] for line in conda["dependencies"] if isinstance(line, dict))
    assert pip == ["--constraint constraints.txt", f"--editable .[{','.join(sorted(EXTRAS))}]"]


def test_no_file_names_a_registry_or_a_machine():
    # Each word is cut in two, so that this file does not contain what it looks for.
    hosts = ("/sim" + "ple/", "--index" + "-url", "extra-index" + "-url", "index" + "-url =", "file:/" + "//")
    forbidden = (*hosts, "/wo" + "rk/", "/ro" + "ot/", "/op" + "t/")
    for file in project_files():
        data = file.read_bytes()
        if b"\0" in data:
            continue
        text = data.decode("utf-8")
        for word in forbidden:
            assert word not in text, f"{file.relative_to(ROOT)} contains {word!r}"


def test_no_repository_is_named_that_is_not_configured():
    if read_repository():
        pytest.skip("a repository is configured")
    pattern = re.compile(
        r"colab\.research\.google\.com/github/(?!\{|OWNER/NAME/)|git\+https://github\.com/(?!\{|someone/|…)"
    )
    for file in project_files():
        if file.suffix in (".ipynb", ".md", ".py", ".toml", ".yml") and "tests" not in file.parts:
            found = pattern.search(file.read_text(encoding="utf-8"))
            assert not found, f"{file.relative_to(ROOT)} names a repository: {found and found.group()}"


HEAVY = ("keras", "tensorflow", "matplotlib", "numpy")
LOADED = f"import sys, course_utils; print([name for name in {HEAVY} if name in sys.modules])"


def test_importing_the_package_imports_nothing_heavy():
    shown = subprocess.run([sys.executable, "-c", LOADED], stdout=subprocess.PIPE, check=True, cwd=ROOT, text=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_lacks_a_sign_shows_its_code(encoding):
    code = "import course_utils; print('✓ 猫')"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout.decode(encoding).split() == ["\\u2713", "\\u732b"]


@pytest.mark.timing
def test_importing_the_package_takes_a_fifth_of_a_second_at_most(measured):
    command = "import time; t = time.perf_counter(); import course_utils; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", command], stdout=subprocess.PIPE, check=True, cwd=ROOT).stdout)
        for _ in range(5)
    ]
    measured(f"import course_utils: {min(runs):.3f} s, best of 5")
    assert min(runs) <= 0.2


def files_of(paper) -> list[str]:
    """Returns the files that CONTRIBUTING.md lists for a paper, in its order."""
    text = text_of("CONTRIBUTING.md").partition("## Add a paper")[2].partition("\n## ")[0]
    names = re.findall(r"^\d+\. `([^`]+)`", text, flags=re.MULTILINE)
    return [name.replace("KEY", paper.key).replace("LESSON", paper.lesson) for name in names]


TOOLS = ("build_notebooks", "check_python", "editions", "lab", "lessons_table", "lock", "minutes", "publish", "site")
HELP = f"""
import runpy, sys
for name in {TOOLS}:
    sys.argv = [name, "--help"]
    try:
        runpy.run_module("tools." + name, run_name="__main__")
    except SystemExit as stopped:
        print(name, "ended with", stopped.code)
"""


@pytest.mark.rehearsal
def test_every_tool_has_a_help_that_does_nothing_else(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": ""}  # neither git nor uv nor JupyterLab
    run = [sys.executable, "-OO", "-c", HELP]  # without docstrings
    done = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.count("usage: ") == len(TOOLS)
    assert [name for name in TOOLS if f"{name} ended with 0" not in done.stdout] == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", WITH_LESSON)
def test_a_paper_is_in_the_files_that_contributing_lists(key):
    paper = PAPERS[key]
    listed = files_of(paper)
    assert 5 <= len(listed) <= 8
    for name in listed:
        text = text_of(name)
        said = (key, paper.title, paper.arxiv)
        assert any(word in name or word in text for word in said), f"{name} does not name {key}"


OTHERS = ("06_side_by_side", "07_pretrained", "homework_fashion_mnist")


def test_every_lesson_is_about_a_paper_or_one_of_the_others():
    lessons = sorted(file.stem for file in (ROOT / "notebooks" / "source").glob("*.py"))
    assert lessons == sorted(file.stem for file in (ROOT / "notebooks").glob("*.ipynb"))
    assert lessons == [*(PAPERS[key].lesson for key in WITH_LESSON), *OTHERS]


def test_the_readme_is_short_and_lists_the_lessons():
    text = text_of("README.md")
    assert len(text.splitlines()) <= 130
    assert with_table(text) == text, "run `python -m tools.lessons_table`"


def test_each_number_in_the_readme_is_its_cards():
    text = text_of("README.md")
    ours = re.findall(r"\[([\d.]+) %\]\(benchmarks/results/([^)]+)\.json\)", text)
    assert len(ours) == 12
    for said, name in ours:
        assert said == f"{100 * recorded(name).test.top1:.1f}", name
    theirs = re.findall(r"\[([\d.]+) %\]\((https://keras\.io/[^)]+)\) \| (\d+) \|$", text, flags=re.MULTILINE)
    examples = recorded("reported/keras_io", Examples).examples
    wanted = [(examples[key], PAPERS[key].keras_io_page) for key in WITH_KERAS_IO]
    assert theirs == [(f"{100 * one.test_top1:.1f}", page, str(one.epochs)) for one, page in wanted]


def test_one_version_for_package_project_and_citation():
    assert PROJECT["dynamic"] == ["version"]
    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert (citation["version"], citation["license"]) == (course_utils.__version__, PROJECT["license"])


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/teaching.md"])
def test_what_the_documents_point_to_is_there(name):
    file = ROOT / name
    for target in re.findall(r"\]\((?!https?:|mailto:)([^)#]+)", file.read_text(encoding="utf-8")):
        assert (file.parent / target).exists(), f"{name} points to {target}"


@pytest.mark.parametrize(("workflow", "goal"), [("test", "test"), ("pages", "site")])
def test_a_workflow_runs_it_and_names_no_secret(workflow, goal):
    text = text_of(f".github/workflows/{workflow}.yml")
    jobs = yaml.safe_load(text)["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert all(("run" in step) != ("uses" in step) for step in steps)
    assert any(f"make {goal}" in step.get("run", "") for step in steps)
    assert "secrets" not in text


def test_the_workflow_tests_every_python():
    (job,) = yaml.safe_load(text_of(".github/workflows/test.yml"))["jobs"].values()
    assert {f"3.{minor}" for minor in (11, 12, 13)} == set(job["strategy"]["matrix"]["python"])


@pytest.mark.slow
@pytest.mark.rehearsal
def test_the_wheel_brings_the_front_end_and_the_result_cards(tmp_path):
    import zipfile

    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = [file.relative_to(ROOT).as_posix() for file in (ROOT / "course_utils").rglob("*.*")]
    wanted = {name for name in wanted if name.endswith((".py", ".js", ".css"))}
    results = ROOT / "benchmarks" / "results"
    wanted |= {f"course_utils/results/cards/{card.relative_to(results).as_posix()}" for card in results.rglob("*.json")}
    assert wanted <= inside, sorted(wanted - inside)
    assert not [name for name in inside if name.startswith(("tests", "tools", "notebooks"))]


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="there is one process only")
def test_the_tests_of_a_file_stay_in_one_process(request):
    assert request.node.nodeid.endswith("@tests/test_project.py"), "pytest-xdist does not see the groups"
