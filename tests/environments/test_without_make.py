"""The way in without make, as docs/teaching.md gives it: its very commands, in a fresh copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.rehearsal
@pytest.mark.one_backend
def test_the_commands_without_make_open_the_lessons(tmp_path):
    text = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    commands = re.search(r"\*\*Without make\*\*.*?```\n(.*?)```", text, re.DOTALL)[1].split("\n")
    create, install, open_lessons = (line.strip() for line in commands if line.strip())
    left_out = shutil.ignore_patterns(".*", "build", "work", "dist", "__pycache__", "tests")
    copy = tmp_path / "a copy"
    shutil.copytree(ROOT, copy, ignore=left_out)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COURSE_", "PYTHON"))}

    def run(command: str) -> str:
        command = command.replace("py -m", f'"{sys.executable}" -m').replace("\\", "/")
        if os.name != "nt":
            command = command.replace(".venv/Scripts/", ".venv/bin/")
        done = subprocess.run(command, shell=True, cwd=copy, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(create)
    run(install.replace("pip install", "pip install --quiet --disable-pip-version-check"))
    said = run(f"{open_lessons} --only-copy")
    assert "work" in said
    assert len(list((copy / "work").glob("*.ipynb"))) == len(list((ROOT / "notebooks").glob("*.ipynb")))
    assert (copy / ".venv").is_dir()
    assert "jupyterlab" in run(".venv/bin/python -m pip list").lower()
