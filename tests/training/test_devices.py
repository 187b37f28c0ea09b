import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_utils.training import devices

ROOT = Path(__file__).resolve().parents[2]


def agree(answer: str, names: str):
    """Asserts what must hold of the output of `tests.training.on_devices`, on any backend."""
    found = json.loads(answer.strip().splitlines()[-1])
    for several in ("2", "4"):
        for key in ("loss", "val_loss"):
            np.testing.assert_allclose(found[several][key], found["None"][key], rtol=0, atol=1e-5)
    assert all(found[several]["moved"] for several in ("None", "2", "4")), "weights must come back to the model"
    assert found["error"] == f"train: devices must be from 1 to 4 ({names}), but it is 5"
    assert found["uneven"] == "train: 16 images of a batch cannot be shared evenly among devices=3"


@pytest.mark.slow
@pytest.mark.rehearsal
def test_two_and_four_devices_have_the_losses_of_one_on_tensorflow():
    done = subprocess.run([sys.executable, "-m", "tests.training.on_devices"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    agree(done.stdout, "CPU:0, CPU:1, CPU:2, CPU:3")


POLICIES = {
    "mixed_bfloat16": (
        "NVIDIA H200", "NVIDIA A100-SXM4-40GB", "NVIDIA L4", "NVIDIA A10G", "NVIDIA H100 80GB HBM3", "TPU v5 lite",
        "NVIDIA GH200 480GB", "NVIDIA RTX A2000", "NVIDIA RTX 6000 Ada Generation", "NVIDIA GeForce RTX 4090",
        "NVIDIA RTX PRO 6000 Blackwell Server Edition",
    ),
    "mixed_float16": ("Tesla T4", "Tesla V100-SXM2-16GB", "Quadro RTX 4000", "NVIDIA GeForce RTX 2080 Ti"),
    "float32": ("NVIDIA T400", "Tesla P100-PCIE-16GB", "something new", None),
}  # fmt: skip


@pytest.mark.one_backend
@pytest.mark.parametrize(("name", "policy"), [(name, policy) for policy in POLICIES for name in POLICIES[policy]])
def test_the_precision_is_what_the_device_does_well(name, policy):
    assert devices.precision([name] if name else []) == policy
