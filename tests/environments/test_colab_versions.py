"""Each stored lesson, copied alone into an empty folder and executed with Colab's versions, without the project.

It is run dry only (COURSE_DRY_RUN), and on real data where there are some: as on a GPU, and as long as the recorded
results took. (Profile `quick` is trained by another test.)
"""

import json
import os
import subprocess
import time
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

from tools.build_notebooks import complaints, plain
from tools.lesson import NOTEBOOKS
from tools.settings import ROOT

COLAB = ROOT / ".venv-colab" / ("Scripts" if os.name == "nt" else "bin") / "python"
PINS = ROOT / "tests" / "environments" / "colab.txt"
LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
WITNESS = """
import importlib.metadata, json, sys, course_utils
names = {names!r}
versions = {{name: importlib.metadata.version(name) for name in names}}
print(json.dumps({{"file": course_utils.__file__, "path": sys.path, "versions": versions}}))
"""

# What a machine has on which nothing of this project was ever seen; the real data, where there are some; and that a
# test has one core.
PASSED_ON = ("PATH", "LANG", "SYSTEMROOT", "COURSE_DATA", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
PROFILES = ("colab", "full") if os.environ.get("COURSE_DATA") else ("quick",)
CASES = [(one, profile) for one in LESSONS for profile in PROFILES]
MOST_SECONDS, MOST_MEMORY = 300, 4.0  # GB resident

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module", autouse=True)
def _environment():
    if not COLAB.exists():
        pytest.skip("no .venv-colab: `make rehearse` makes it")


def colab_pins() -> dict[str, str]:
    """Returns {package: version} of Colab's list."""
    lines = PINS.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {pin.name: spec.version for pin in pins for spec in pin.specifier if spec.operator == "=="}


@pytest.mark.slow
@pytest.mark.parametrize(("lesson", "profile"), CASES, ids=lambda case: getattr(case, "stem", case))
def test_a_stored_lesson_runs_alone_in_an_empty_folder(lesson, profile, tmp_path, measured):
    folder, home = tmp_path / "content", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    copy = nbformat.read(lesson, as_version=4)
    copy.cells.append(nbformat.v4.new_code_cell(WITNESS.format(names=list(colab_pins()))))
    nbformat.write(copy, folder / lesson.name)
    environment = {key: value for key, value in os.environ.items() if key in PASSED_ON}
    environment |= {
        "COURSE_PROFILE": profile,
        "COURSE_DRY_RUN": "1",  # they are trained elsewhere; here they must work
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    runner = Path(__file__).with_name("run_notebook.py")
    began = time.perf_counter()
    done = subprocess.run(
        [COLAB, "-P", runner, folder / lesson.name, tmp_path / "executed.ipynb"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    assert done.returncode == 0, plain(done.stderr)[-4000:]
    executed = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    assert [text for text in complaints(executed) if "dry run" not in text] == []
    said = "".join(str(output) for cell in executed.cells for output in cell.get("outputs", []))
    assert "dry run: one short epoch" in said, "the lesson does not say that it was only run dry"
    if profile != "quick":
        assert "cifar100" in said, "the lesson does not say that it trained on CIFAR-100"
    witness = json.loads("".join(output.text for output in executed.cells[-1].outputs))  # a kernel may send it in parts
    unpacked = Path(witness["file"]).parents[1]
    assert unpacked.parent == temporary
    assert unpacked.name.startswith("course_utils-")
    assert [file.name for file in folder.iterdir()] == [lesson.name], "the lesson leaves something beside it"
    assert not unpacked.exists(), "the kernel's own copy outlives it"
    assert not [entry for entry in witness["path"] if Path(entry) in (ROOT, ROOT / "course_utils")]
    assert witness["versions"] == colab_pins()
    python = subprocess.run([COLAB, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    gigabytes = int(done.stdout.rpartition("kernel's peak memory: ")[2].split()[0]) / 1e6
    measured(
        f"{lesson.stem} run dry in profile {profile} with Colab's versions on {python}: {seconds:.1f} s beside other "
        f"tests, {gigabytes:.1f} GB"
    )
    assert seconds <= MOST_SECONDS
    assert gigabytes <= MOST_MEMORY
