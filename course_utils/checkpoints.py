"""A training run on disk: everything that the next epoch depends on, so that a killed run goes on where it was.

One file holds the weights, the optimizer's variables, the random state of the layers, the best weights so far and the
history. It is written beside its place, synced and renamed: what lies at the path is always a whole checkpoint, the
newest that could be written.
"""

import io
import json
import os
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np

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


def _arrays(name: str, values) -> dict[str, np.ndarray]:
    return {f"{name}_{i}": np.asarray(value) for i, value in enumerate(values)}


def save(path, model, kept, about: dict, progress: dict) -> Path:
    """Writes a checkpoint; an older one at `path` is replaced only once the new one is whole and on the disk.

    Args:
        path: where it goes.
        model: the compiled model, after an epoch.
        kept: the weights of the best epoch so far.
        about: what the run is, as JSON values; `load` asks for the same.
        progress: how far it is, as JSON values.

    Raises:
        OSError: it could not be written (no such folder, no right, disk full). What was there before is still there.
    """
    path = Path(path)
    text = json.dumps({"format": FORMAT, "about": about, "progress": progress})
    arrays = _arrays("model", [keras.ops.convert_to_numpy(v) for v in _tracked(model)])
    arrays |= _arrays("optimizer", [keras.ops.convert_to_numpy(v) for v in model.optimizer.variables])
    arrays |= _arrays("kept", kept)
    whole = io.BytesIO()  # a zip file that fails half-way cannot be closed: so it is made before anything is written
    np.savez(whole, text=np.array(text), **arrays)
    for left_over in path.parent.glob(f".{path.name}.*.part"):  # by a run that was killed while it wrote
        left_over.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(whole.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        kept_text = "; the checkpoint before it is untouched" if path.exists() else ""
        raise OSError(
            error.errno,
            f"could not save the checkpoint {path.name} ({error.strerror}){kept_text}. Free some space or give another "
            "folder",
            str(path.parent),
        ) from error
    finally:
        temporary.unlink(missing_ok=True)  # renamed, unless something went wrong or the run was interrupted
    _sync_folder(path.parent)
    return path


def _sync_folder(folder: Path) -> None:
    """Puts the renaming itself on the disk, where the system can do that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


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
