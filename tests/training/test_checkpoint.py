import io
import json
import os
import signal
import subprocess
import sys
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from course_utils.data import load_dataset
from course_utils.models import classifier
from course_utils.training import Recipe, train
from course_utils.training.checkpoint import CheckpointError

ROOT = Path(__file__).resolve().parents[2]
SHORT = Recipe(epochs=1, batch_size=50)


@pytest.fixture(scope="module")
def data():
    return load_dataset("shapes").subset(train=100, validation=20, test=20)


def small(**changes):
    return classifier("no_mixing_tiny", (32, 32, 3), 16, depth=1, **changes)


class Trainer:
    """The process that trains in children: see `tests.training.resuming`."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.training.resuming"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.line() == "ready"

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def start(self, folder, checkpoint=None, limit=None, hang=False) -> int:
        """Starts a run and returns its process number once it trains."""
        order = {"folder": str(folder), "checkpoint": checkpoint and str(checkpoint), "limit": limit, "hang": hang}
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return int(self.line())

    def kill_at(self, child: int, step: int) -> None:
        """Kills a run (SIGKILL) as soon as it tells its so-manieth step, or its end."""
        for _ in range(step):
            if self.line() != "step":
                return
        os.kill(child, signal.SIGKILL)

    def ended(self) -> int:
        """Waits for the run and returns its exit status."""
        while (line := self.line()) == "step":
            pass
        return int(line.removeprefix("ended"))

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
    return trainer.result(folder)


def assert_same(found: dict, expected: dict):
    assert found.keys() - {"said"} == expected.keys() - {"said"}
    for name in found.keys() - {"said", "about"}:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)  # bit for bit
    assert json.loads(str(found["about"])) == json.loads(str(expected["about"]))
    assert len([name for name in found if name.startswith("seed_")]) >= 2


@pytest.mark.slow
@pytest.mark.rehearsal
def test_a_run_killed_again_and_again_ends_as_if_undisturbed(trainer, undisturbed, tmp_path, measured):
    """kill -9 in the middle of an epoch of ten steps, and after its last one, while it is measured and written."""
    path, epochs = tmp_path / "run.npz", [0]
    for step in (4, 10, 13, 10, 1, 10):
        child = trainer.start(tmp_path, path)
        trainer.kill_at(child, step)
        assert trainer.ended() == -signal.SIGKILL
        epochs.append(progress_of(path))
        assert 0 <= epochs[-1] - epochs[-2] - step // 11 <= 1
    trainer.start(tmp_path, path)
    assert trainer.ended() == 0
    assert_same(trainer.result(tmp_path), undisturbed)
    measured(f"a run killed six times, finished epochs at each kill: {', '.join(map(str, epochs[1:]))}")


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
    child = trainer.start(tmp_path, path, hang=True)
    while (line := trainer.line()) == "step":
        pass
    assert line == "half written"
    [draft] = tmp_path.glob(".course_utils-*.part")
    assert draft.stat().st_size == pytest.approx(path.stat().st_size / 2, rel=0.05)
    os.kill(child, signal.SIGKILL)
    assert trainer.ended() == -signal.SIGKILL
    assert progress_of(path) == 1
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


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """A finished run, its network, and its checkpoint."""
    path, model = tmp_path_factory.mktemp("run") / "run.npz", small()
    return train(model, data, SHORT, monitor="none", checkpoint=path), model, path


@pytest.fixture(scope="module")
def written(finished):
    return finished[2]


def test_a_finished_run_is_read_back_and_not_trained_again(data, finished):
    run, model, path = finished
    again = small()
    read = train(again, data, SHORT, monitor="none", checkpoint=path)
    assert (read.history, read.test) == (run.history, run.test)
    assert again.optimizer.iterations == model.optimizer.iterations
    assert_equal(again.get_weights(), model.get_weights())


def assert_equal(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": replace(SHORT, learning_rate=1e-3)}, "recipe: learning_rate is 0.003 there and 0.001 here"),
        ({"recipe": replace(SHORT, epochs=2)}, "recipe: epochs is 1 there and 2 here"),
        ({"recipe": replace(SHORT, name="another name")}, None),
        ({"seed": 5}, "run: seed is 0 there and 5 here"),
        ({"track_test": True}, "run: track_test is False there and True here"),
        ({"keep_best": False}, "run: keep_best is True there and False here"),
        ({"model": {"channels_mlp_dim": 32}}, "model: channels_mlp_dim is 128 there and 32 here"),
        ({"model": {"seed": 1}}, "the network begins with other weights: build it with that seed"),
        ({"model": {"dropout": 0.1}}, "model: dropout is 0.0 there and 0.1 here"),
        ({"dataset": lambda d: replace(d, x_test=255 - d.x_test)}, "data set: checksum is .* there and .* here"),
        ({"dataset": lambda d: replace(d, y_validation=d.y_validation[::-1])}, "data set: checksum is"),
        ({"dataset": lambda d: replace(d, class_names=d.class_names[::-1])}, "data set: checksum is"),
        ({"dataset": lambda d: replace(d, name="another")}, "data set: name is 'shapes: odd_one_out' there and"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_name(changes, message, data, written):
    options = {"recipe": SHORT, "monitor": "none", "checkpoint": written} | changes
    model = small(**options.pop("model", {}))
    dataset = options.pop("dataset", lambda d: d)(data)
    before = written.read_bytes(), model.get_weights()
    if message is None:
        assert train(model, dataset, **options).epochs == 1
        return
    with pytest.raises(CheckpointError, match=f"belongs to another run.*{message}"):
        train(model, dataset, **options)
    assert written.read_bytes() == before[0]
    assert_equal(model.get_weights(), before[1])


def stop(epoch):
    if epoch == 1:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("policy", "recipe", "same"),
    [
        ("float32", "adamw", True),
        pytest.param("mixed_float16", "adamw", False, marks=pytest.mark.one_backend),
        pytest.param("bfloat16", "adamw", False, marks=pytest.mark.one_backend),
        pytest.param("mixed_bfloat16", "muon", False, marks=pytest.mark.one_backend),
    ],
)
def test_a_stopped_run_goes_on_as_if_undisturbed(policy, recipe, same, data, tmp_path):
    """Under float16 Keras scales the loss: that optimizer has variables of its own; and so has Muon.

    It goes on in the same network, too: the cell that trains is run again after the stop button, the one that builds
    the network is not.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        undisturbed, stopped, resumed = small(), small(), small()
    finally:
        keras.config.set_dtype_policy(before)
    resumed = stopped if same else resumed
    how = Recipe(epochs=2, batch_size=50, optimizer=recipe)
    expected = train(undisturbed, data, how, monitor="none")
    options = {"monitor": "none", "checkpoint": tmp_path / "run.npz"}
    assert train(stopped, data, how, after_epoch=stop, **options).epochs == 1
    found = train(resumed, data, how, **options)
    assert found.history["loss"] == expected.history["loss"]
    assert not found.trained_before
    assert_equal(resumed.get_weights(), undisturbed.get_weights())
    assert hasattr(resumed.optimizer, "dynamic_scale") == (policy == "mixed_float16")


def changed(**arrays):
    """Returns a function from a checkpoint to its bytes with other arrays; None leaves one out."""

    def change(path) -> bytes:
        whole = io.BytesIO()
        with np.load(path) as file:
            found = {name: file[name] for name in file.files} | arrays
        np.savez(whole, **{name: value for name, value in found.items() if value is not None})
        return whole.getvalue()

    return change


def says(change):
    """Returns a function from a checkpoint to its bytes, its text changed."""

    def write(path) -> bytes:
        with np.load(path) as file:
            text = json.loads(str(file["text"]))
        change(text)
        return changed(text=np.array(json.dumps(text)))(path)

    return write


def progress(**changes):
    return says(lambda text: text["progress"].update(changes))


def history(**changes):
    return says(lambda text: text["progress"]["history"].update(changes))


def optimizer_of_nan(path) -> bytes:
    with np.load(path) as file:
        moments = [name for name in file.files if name.startswith("state_") and file[name].dtype == "float32"]
        last = max(moments, key=lambda name: int(name.removeprefix("state_")))
        return changed(**{last: file[last] * np.nan})(path)


def another_count(steps):
    """Returns a function from a checkpoint to its bytes, the optimizer's count of steps moved."""

    def write(path) -> bytes:
        with np.load(path) as file:
            count = next(name for name in file.files if name.startswith("state_") and file[name].dtype.kind == "i")
            return changed(**{count: file[count] + steps})(path)

    return write


def about(**changes):
    return says(lambda text: text["about"].update({f"begin: {name}": value for name, value in changes.items()}))


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda path: path.read_bytes()[:-100], ""),
        (lambda path: b"", ""),
        (lambda path: bytes(path.stat().st_size), ""),
        (lambda path: b"no checkpoint", ""),
        (lambda path: path.read_bytes()[:5000] + bytes(2000) + path.read_bytes()[7000:], ""),
        (changed(kept_0=None), "it holds other arrays"),
        (changed(state_99=np.zeros(3)), "it holds other arrays"),
        (changed(kept_0=np.zeros((3, 3), "float32")), "it holds an array of another shape or type than"),
        (changed(kept_0=np.zeros(10**6)), "it holds an array that is too large"),
        (changed(kept_0=np.array([{}])), ""),
        (changed(kept_1=np.full(64, np.nan, "float32")), "it holds weights that are not finite"),
        (changed(state_1=np.full(64, np.inf, "float32")), "it holds weights that are not finite"),
        (changed(state_1=np.zeros(64, ">f4")), "it holds an array of another shape or type than"),
        (optimizer_of_nan, "it holds weights that are not finite"),
        (another_count(-99), "it holds other numbers than were written"),
        (another_count(1), "it holds other numbers than were written"),
        (changed(kept_1=np.full(64, 0.5, "float32")), "it holds other numbers than were written"),
        (history(accuracy=[1.5]), ""),
        *((changed(text=np.array(text)), "") for text in ("{", "[]", "[" * 10**5)),
        (says(lambda text: text.pop("about")), ""),
        (says(lambda text: text["about"].pop("begin: weights")), ""),
        (about(trained_before="no"), ""),
        (progress(best_epoch=-1), ""),
        (progress(best_epoch=2), ""),
        (progress(best_epoch=0), ""),
        (progress(history={}), ""),
        (history(loss=[1.0, 2.0]), ""),
        (history(loss=[None]), "it has no whole history"),
        (history(loss=["1"]), ""),
        (history(loss=[float("nan")]), ""),
        (history(test_accuracy=[1.0]), "it has no whole history"),
    ],
)
def test_a_damaged_checkpoint_is_refused_by_name(damage, why, data, written, tmp_path):
    path, model = tmp_path / "run.npz", small()
    path.write_bytes(damage(written))
    before = model.get_weights()
    with pytest.raises(CheckpointError, match=r"is damaged or no checkpoint.*Delete it to start") as refused:
        train(model, data, SHORT, monitor="none", checkpoint=path)
    assert why in str(refused.value)
    assert "pickle" not in str(refused.value)
    assert refused.value.__suppress_context__, "no traceback of NumPy's"
    assert_equal(model.get_weights(), before)


@pytest.mark.one_backend
def test_a_bomb_is_refused_before_it_is_unpacked(data, written, tmp_path):
    path = tmp_path / "run.npz"
    with zipfile.ZipFile(written) as whole, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in whole.namelist():
            bomb.writestr(name, bytes(200 * 2**20) if name == "kept_0.npy" else whole.read(name))
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="it holds an array that is too large"):
            train(small(), data, SHORT, monitor="none", checkpoint=path)
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.one_backend
def test_a_checkpoint_of_another_release_says_so(data, written, tmp_path):
    path = tmp_path / "run.npz"
    path.write_bytes(says(lambda text: text.update(format="course_utils checkpoint 1"))(written))
    with pytest.raises(CheckpointError, match=r"of another release of this course: its format is '.* checkpoint 1'"):
        train(small(), data, SHORT, monitor="none", checkpoint=path)
