"""A training run on disk: everything that the next epoch depends on, so that a killed run goes on where it was.

One file holds the weights, the optimizer's variables, the random state of the layers, the best weights so far and the
history. It is written beside its place, synced and renamed: what lies at the path is always a whole checkpoint, the
newest that could be written.
"""

import io
import json
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np

from course_utils.files import write_whole

FORMAT = "course_utils checkpoint 1"


class CheckpointError(ValueError):
    """A checkpoint is damaged, or belongs to another run."""


def _tracked(model) -> list:
    """Returns the variables that training changes: all weights, and the seeds of dropout and drop path.

    Keras' own weight files leave the seeds out, so that a resumed run would draw other random numbers.
    """
    weights = list(model.weights)
    known = {id(variable) for variable in weights}
    return weights + [v for v in model.variables if "seed" in v.path and id(v) not in known]


def state(model) -> list[np.ndarray]:
    """Returns copies of all that training changes in a compiled model, its optimizer's variables included."""
    return [np.array(keras.ops.convert_to_numpy(v)) for v in (*_tracked(model), *model.optimizer.variables)]


def restore(model, saved: list[np.ndarray]) -> None:
    """Puts back what `state` returned."""
    for variable, value in zip((*_tracked(model), *model.optimizer.variables), saved, strict=True):
        variable.assign(value)


def _arrays(name: str, values) -> dict[str, np.ndarray]:
    return {f"{name}_{i}": np.asarray(value) for i, value in enumerate(values)}


def save(path, model, finished, about: dict) -> Path:
    """Writes a checkpoint; an older one at `path` is replaced only once the new one is whole and on the disk.

    Args:
        path: where it goes.
        model: the compiled model, after an epoch.
        finished: what the epochs so far have come to: history, best_epoch, kept.
        about: what the run is, as JSON values; `load` asks for the same.

    Raises:
        OSError: it could not be written (no such folder, no right, disk full). What was there before is still there.
    """
    path = Path(path)
    progress = {"history": finished.history, "best_epoch": finished.best_epoch}
    text = json.dumps({"format": FORMAT, "about": about, "progress": progress})
    arrays = _arrays("model", [keras.ops.convert_to_numpy(v) for v in _tracked(model)])
    arrays |= _arrays("optimizer", [keras.ops.convert_to_numpy(v) for v in model.optimizer.variables])
    arrays |= _arrays("kept", finished.kept)
    whole = io.BytesIO()  # a zip file that fails half-way cannot be closed: so it is made before anything is written
    np.savez(whole, text=np.array(text), **arrays)
    return write_whole(path, whole.getbuffer(), f"the checkpoint {path.name}")


def load(path, model, about: dict) -> tuple[list[np.ndarray], dict]:
    """Puts a model and its optimizer back to where the checkpoint was written.

    Args:
        path: the file.
        model: compiled, its optimizer built.
        about: what the run is; the checkpoint must be of the same.

    Returns:
        The kept weights, and the progress that was saved.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it is damaged, or of another model, recipe, data set, seed or backend; the message says which
            and how they differ.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint: there is none at {path}")
    try:
        # NumPy leaves a file open that it opened and could not read.
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as file:
            stored = {name: file[name] for name in file.files}  # reading checks each part's sum
        found = json.loads(str(stored.pop("text")))
        found_about, progress = found["about"], found["progress"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise CheckpointError(
            f"checkpoint: {path} is damaged or no checkpoint ({error}). Delete it to start from the beginning"
        ) from error
    if found.get("format") != FORMAT:
        raise CheckpointError(f"checkpoint: {path} has the format {found.get('format')!r}; it must be {FORMAT!r}")
    _same_run(path, found_about, json.loads(json.dumps(about)))
    groups = {"model": _tracked(model), "optimizer": model.optimizer.variables, "kept": model.weights}
    for name, variables in groups.items():
        shapes = [tuple(variable.shape) for variable in variables]
        saved = [stored[f"{name}_{i}"].shape if f"{name}_{i}" in stored else None for i in range(len(shapes))]
        if saved != shapes or f"{name}_{len(shapes)}" in stored:
            raise CheckpointError(f"checkpoint: {path} holds other variables than this {name} has")
    for name in ("model", "optimizer"):
        for i, variable in enumerate(groups[name]):
            variable.assign(stored[f"{name}_{i}"])
    return [stored[f"kept_{i}"] for i in range(len(groups["kept"]))], progress


def _same_run(path: Path, saved: dict, wanted: dict) -> None:
    """Raises CheckpointError if a checkpoint belongs to another run; it names the first thing that differs."""
    for part in wanted:
        if saved.get(part) == wanted[part]:
            continue
        if isinstance(wanted[part], dict) and isinstance(saved.get(part), dict):
            theirs, ours = saved[part], wanted[part]
            key = next(key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key))
            differs = f"{part}: {key} is {theirs.get(key)!r} there and {ours.get(key)!r} here"
        else:
            differs = f"{part}: {saved.get(part)!r} there and {wanted[part]!r} here"
        raise CheckpointError(
            f"checkpoint: {path} belongs to another run ({differs}). Give this run another file, or delete that one"
        )
