import contextlib
import errno
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest

from course_utils.data import load_dataset
from course_utils.files import write_whole
from course_utils.models import classifier
from course_utils.training import checkpoint, train
from course_utils.training.checkpoint import CheckpointError
from course_utils.training.recipes import Recipe

ROOT = Path(__file__).resolve().parent.parent
SHORT = Recipe(epochs=1, batch_size=50)


@pytest.fixture(scope="module")
def data():
    return load_dataset("shapes").subset(train=100, validation=20, test=20)


def small(**changes):
    return classifier("no_mixing_tiny", (32, 32, 3), 16, depth=1, **changes)


class Trainer:
    """The process that trains in children: see `tests.resuming`."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.resuming"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.line() == "ready"

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def start(self, folder, checkpoint=None, limit=None) -> int:
        """Starts a run and returns its process number once it trains."""
        order = {"folder": str(folder), "checkpoint": checkpoint and str(checkpoint), "limit": limit}
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return int(self.line())

    def ended(self) -> int:
        """Waits for the run and returns its exit status."""
        word, status, busy = self.line().split()
        assert word == "ended"
        self.busy = float(busy)
        return int(status)

    def result(self, folder) -> dict:
        with np.load(folder / "final.npz") as file:
            return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def trainer():
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    trainer = Trainer()
    yield trainer
    trainer.process.stdin.close()
    trainer.process.stdout.close()
    trainer.process.wait()


@pytest.fixture(scope="module")
def undisturbed(trainer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    trainer.start(folder)
    assert trainer.ended() == 0
    return trainer.result(folder) | {"busy": trainer.busy}


def kill_after(child: int, busy: float):
    """Kills a process that has kept processors busy for so long: by the clock, other work would move the moment."""
    with contextlib.suppress(psutil.NoSuchProcess):  # it was faster
        process = psutil.Process(child)
        while sum(process.cpu_times()[:2]) < busy:
            time.sleep(0.001)
        process.kill()  # SIGKILL


def assert_same(found: dict, expected: dict):
    assert found.keys() - {"said"} == expected.keys() - {"said", "busy"}
    for name in found.keys() - {"said", "about"}:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)  # bit for bit
    assert json.loads(str(found["about"])) == json.loads(str(expected["about"]))
    assert len([name for name in found if name.startswith("seed_")]) >= 2


@pytest.mark.slow
def test_a_run_killed_at_twenty_random_moments_ends_as_if_undisturbed(trainer, undisturbed, tmp_path, measured):
    """kill -9, again and again; each time it must be further on than an epoch ago or where it was, never broken."""
    moments = random.Random(0)
    path = tmp_path / "run.npz"
    kills, epochs = 0, []
    while kills < 20:
        child = trainer.start(tmp_path, path)
        kill_after(child, moments.uniform(0, undisturbed["busy"]))
        status = trainer.ended()
        if status == 0:  # it was faster: its end must be right, and the next one begins anew
            assert_same(trainer.result(tmp_path), undisturbed)
            path.unlink()
            continue
        assert status == -signal.SIGKILL
        kills += 1
        epochs.append(progress_of(path))
    trainer.start(tmp_path, path)
    assert trainer.ended() == 0
    assert_same(trainer.result(tmp_path), undisturbed)
    assert max(epochs) > 0, "no kill came after an epoch: the moments prove nothing"
    measured(f"a run killed 20 times, finished epochs at each kill: {', '.join(map(str, epochs))}")


def progress_of(path) -> int:
    """Returns how many epochs a checkpoint holds; reading it proves that it is whole."""
    if not path.exists():
        return 0
    with np.load(path) as file:
        for name in file.files:
            file[name]
        return len(json.loads(str(file["text"]))["progress"]["history"]["loss"])


@pytest.mark.slow
def test_a_run_killed_while_it_writes_keeps_the_checkpoint_before(trainer, undisturbed, tmp_path):
    path = tmp_path / "run.npz"
    child = trainer.start(tmp_path, path)
    limit = time.monotonic() + 60
    # The half-written file is there for a moment only: wait for the second one, and kill at once.
    while not (path.exists() and list(tmp_path.glob(".run.npz.*.part"))):
        assert time.monotonic() < limit, "no checkpoint was seen being written"
    os.kill(child, signal.SIGKILL)
    assert trainer.ended() == -signal.SIGKILL
    assert 1 <= progress_of(path) <= 4
    trainer.start(tmp_path, path)
    assert trainer.ended() == 0
    assert_same(trainer.result(tmp_path), undisturbed)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["final.npz", "run.npz"]


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_run_goes_on(trainer, undisturbed, tmp_path):
    path = tmp_path / "run.npz"
    trainer.start(tmp_path, path, limit=20_000)
    assert trainer.ended() == 0
    found = trainer.result(tmp_path)
    assert_same(found, undisturbed)
    said = json.loads(str(found["said"]))
    assert len([text for text in said if "could not save the checkpoint run.npz (File too large)" in text]) >= 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["final.npz"], "half a checkpoint was left behind"


def test_the_last_good_checkpoint_outlives_a_failed_write(data, tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    model = small()
    train(model, data, SHORT, monitor="none", checkpoint=path)
    before = path.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"could not save the checkpoint run.npz \(No space.*before it is untouched"):
        checkpoint.save(path, model, model.get_weights(), {}, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_finished_run_is_read_back_and_not_trained_again(data, tmp_path):
    path = tmp_path / "run.npz"
    model, again = small(), small()
    run = train(model, data, SHORT, monitor="none", checkpoint=path)
    read = train(again, data, SHORT, monitor="none", checkpoint=path)
    assert read.history == run.history
    assert read.test == run.test
    assert again.optimizer.iterations == model.optimizer.iterations
    for found, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": replace(SHORT, learning_rate=1e-3)}, "recipe: learning_rate is 0.003 there and 0.001 here"),
        ({"recipe": replace(SHORT, epochs=2)}, "recipe: epochs is 1 there and 2 here"),
        ({"seed": 5}, "seed: 0 there and 5 here"),
        ({"width": 32}, "model: name is 'no_mixing_tiny_changed' there|model: .* is .* there and .* here"),
    ],
    ids=["rate", "epochs", "seed", "model"],
)
def test_a_checkpoint_of_another_run_is_refused_by_name(changes, message, data, tmp_path):
    path = tmp_path / "run.npz"
    train(small(), data, SHORT, monitor="none", checkpoint=path)
    model = small(embed_dim=changes["width"]) if "width" in changes else small()
    context = pytest.raises(CheckpointError, match=message) if message else contextlib.nullcontext()
    before = path.read_bytes()
    with context:
        train(model, data, changes.get("recipe", SHORT), seed=changes.get("seed", 0), monitor="none", checkpoint=path)
    assert path.read_bytes() == before


def test_a_checkpoint_of_other_images_shifts_or_measures_is_refused_by_name(data, tmp_path):
    """They agree in every name and number that a card tells."""
    path = tmp_path / "run.npz"
    spt = {"embed_dim": 16, "depth": 1, "channels_mlp_dim": 16}
    model, shapes = classifier("small_data_vit", (32, 32, 3), 16, **spt), load_dataset("shapes", size=200)
    brief = replace(SHORT, batch_size=160)
    train(model, shapes, brief, monitor="none", checkpoint=path)
    with pytest.raises(CheckpointError, match=r"data set: checksum is .* there and .* here"):
        train(model, load_dataset("shapes", size=200, split_seed=1), brief, monitor="none", checkpoint=path)
    other = classifier("small_data_vit", (32, 32, 3), 16, shift=0.0, **spt)
    with pytest.raises(CheckpointError, match=r"model: shift is 0\.5 there and 0\.0 here"):
        train(other, shapes, brief, monitor="none", checkpoint=path)
    with pytest.raises(CheckpointError, match="arguments: track_test is False there and True here"):
        train(model, shapes, brief, monitor="none", checkpoint=path, track_test=True)
    with pytest.raises(CheckpointError, match="arguments: keep_best is True there and False here"):
        train(model, shapes, brief, monitor="none", checkpoint=path, keep_best=False)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_run_in_half_precision_goes_on_as_if_undisturbed(policy, data, tmp_path):
    """Under float16 Keras scales the loss: that optimizer has variables of its own."""
    how = Recipe(epochs=2, batch_size=50)

    def stop(epoch):
        if epoch == 1:
            raise KeyboardInterrupt

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        undisturbed, stopped, resumed = small(), small(), small()
    finally:
        keras.config.set_dtype_policy(before)
    expected = train(undisturbed, data, how, monitor="none")
    path = tmp_path / "run.npz"
    assert train(stopped, data, how, monitor="none", checkpoint=path, after_epoch=stop).epochs == 1
    found = train(resumed, data, how, monitor="none", checkpoint=path)
    assert found.history["loss"] == expected.history["loss"]
    for ours, theirs in zip(resumed.get_weights(), undisturbed.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert hasattr(resumed.optimizer, "dynamic_scale") == (policy == "mixed_float16")


def test_the_renaming_itself_is_put_on_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(stat.S_ISDIR(os.fstat(handle).st_mode)))
    write_whole(tmp_path / "file", b"whole", "the file")
    assert synced == [False, True]
    (tmp_path / ".file.123.part").write_bytes(b"ha")  # of a process that was killed
    write_whole(tmp_path / "file", b"again", "the file")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"again")]


def test_a_damaged_checkpoint_is_named(data, tmp_path):
    path = tmp_path / "run.npz"
    train(small(), data, SHORT, monitor="none", checkpoint=path)
    whole = path.read_bytes()
    for damaged in (whole[:-100], b"", b"no checkpoint", whole[:5000] + bytes(2000) + whole[7000:]):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="is damaged or no checkpoint"):
            train(small(), data, SHORT, monitor="none", checkpoint=path)


def test_a_checkpoint_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is none at"):
        checkpoint.load(tmp_path / "nothing.npz", small(), {})
