"""The course on its other backend: the same tests, the same logits and the same training on JAX, without TensorFlow."""

import os
import re
import subprocess

import numpy as np
import pytest

from tests.environments.on_backend import TINY, answers
from tests.training.test_devices import agree
from tools.settings import ROOT

JAX = ROOT / ".venv-jax" / ("Scripts" if os.name == "nt" else "bin") / "python"
# What must run on every backend.
PARTS = [f"tests/{part}" for part in ("layers", "models", "analysis", "training", "test_selftest.py")]
# JAX compiles every operation of a test anew: without optimising, by the shorter of two ways to write fused loops, and
# what it has compiled before it finds again.
QUICKLY = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false",
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".venv-jax" / "compiled"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module", autouse=True)
def _environment():
    if not JAX.exists():
        pytest.skip("no .venv-jax: `make rehearse` makes it")


def on_jax(*arguments, **changes: str) -> subprocess.CompletedProcess:
    """Runs Python on JAX in the project's folder."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COURSE_"))}
    environment |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **changes}
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run([JAX, *arguments], cwd=ROOT, env=environment, text=True, check=False, **both)


def test_there_is_no_tensorflow():
    code = "import importlib.util as u, keras; print(u.find_spec('tensorflow'), keras.backend.backend())"
    assert on_jax("-c", code).stdout.split() == ["None", "jax"]


@pytest.mark.slow
def test_the_tests_of_every_part_pass_on_jax(measured):
    # Whole training runs are for the lessons' own backend. JAX compiles with XLA whatever a test asks for, and half
    # precision, which a processor only imitates, takes it longest of all.
    options = ["-q", "-p", "no:cacheprovider", "-m", "not slow and not timing and not one_backend"]
    options += ["-k", "not xla and not mixed_precision"]
    done = on_jax("-m", "pytest", *options, *PARTS, **QUICKLY)
    assert done.returncode == 0, done.stdout[-6000:]
    last = done.stdout.strip().splitlines()[-1]
    assert re.search(r"\d+ passed", last), last
    measured(f"on JAX, without TensorFlow: {last.strip('= ')}")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What each backend answers."""
    target = tmp_path_factory.mktemp("jax") / "answers.npz"
    done = on_jax("-m", "tests.environments.on_backend", str(target), **QUICKLY)
    assert done.returncode == 0, done.stdout[-6000:]
    with np.load(target) as stored:
        return answers(), dict(stored)


@pytest.mark.parametrize("name", TINY)
def test_logits_are_the_same_on_both_backends(name, both):
    tensorflow, jax = both
    np.testing.assert_array_equal(tensorflow[f"{name} weights"], jax[f"{name} weights"])
    logits = tensorflow[f"{name} logits"]
    assert np.std(logits) > 0.01, "all logits alike compare nothing"
    np.testing.assert_allclose(jax[f"{name} logits"], logits, rtol=0, atol=1e-4)


def test_training_goes_the_same_way_on_both_backends(both):
    """Batches, schedule and optimizer; that each layer's gradient is right is tested above."""
    tensorflow, jax = both
    np.testing.assert_allclose(jax["losses"], tensorflow["losses"], rtol=1e-3)


@pytest.mark.slow
def test_several_devices_have_the_losses_of_one_on_jax():
    done = on_jax("-m", "tests.training.on_devices", **QUICKLY)
    assert done.returncode == 0, done.stdout[-6000:]
    agree(done.stdout, "cpu:0, cpu:1, cpu:2, cpu:3")
