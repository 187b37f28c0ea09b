"""A training run on disk: everything that the next epoch depends on, so that a killed run goes on where it was.

One file holds the weights, the optimizer's variables, the random state of the layers, the best weights so far and the
history. It is written beside its place, synced and renamed: what lies at the path is always a whole checkpoint, the
newest that could be written. It is read as what it is, somebody's file: nothing is unpacked that is larger than this
run needs, and nothing is put into the model before all of it has been checked.
"""

import io
import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from zipfile import ZipFile

import keras
import numpy as np

from course_utils.files import write_whole
from course_utils.training.recipes import Recipe
from course_utils.training.run import Run

FORMAT = "course_utils checkpoint 3"
_HEADER = 1024  # bytes that an array's shape and type may take
_LONGEST_TEXT = 64 * 2**20


class CheckpointError(ValueError):
    """A checkpoint is damaged, or belongs to another run."""


@dataclass(frozen=True)
class Finished:
    """What the finished epochs of a run have come to: history and best epoch as in `Run`."""

    history: dict
    best_epoch: int
    kept: list[np.ndarray]  # the weights of the best epoch
    state: list[np.ndarray]  # all that training changes, as it was after the last epoch; see `state`


def _changing(model) -> list:
    """Returns the variables that training changes: weights, the seeds of dropout and drop path, the optimizer's.

    Keras' own weight files leave the seeds out, so that a resumed run would draw other random numbers.
    """
    weights = list(model.weights)
    known = {id(variable) for variable in weights}
    seeds = [v for v in model.variables if "seed" in v.path and id(v) not in known]
    return weights + seeds + list(model.optimizer.variables)


def state(model) -> list[np.ndarray]:
    """Returns copies of all that training changes in a compiled model, its optimizer's variables included."""
    return [np.array(keras.ops.convert_to_numpy(v)) for v in _changing(model)]


def restore(model, saved: list[np.ndarray]) -> None:
    """Puts back what `state` returned."""
    for variable, value in zip(_changing(model), saved, strict=True):
        variable.assign(value)


def _checksum(arrays: Iterable) -> int:
    total = 0
    for array in arrays:
        total = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view("uint8").data, total)
    return total


def depends_on(run: Run, model, dataset, **arguments) -> dict:
    """Returns, as JSON values by name, all that a run depends on before its first epoch."""
    parts = [getattr(dataset, f"{axis}_{part}") for part in ("train", "validation", "test") for axis in "xy"]
    names = np.frombuffer("\0".join(dataset.class_names).encode(errors="replace"), "uint8")
    network = asdict(run.model)
    groups = {
        "model": (network.pop("config") or {}) | network,
        "recipe": asdict(replace(run.recipe, name=None)),
        "data set": asdict(run.dataset) | {"checksum": _checksum([*parts, names])},
        "run": {"seed": run.seed, "precision": run.policy, "backend": run.hardware.backend, **arguments},
        "begin": {"weights": _checksum(model.get_weights()), "trained_before": run.trained_before},
    }
    found = {f"{group}: {name}": value for group, values in groups.items() for name, value in values.items()}
    return json.loads(json.dumps(found))


def save(path, finished: Finished, about: dict) -> Path:
    """Writes a checkpoint, as `files.write_whole` does."""
    progress = {"history": finished.history, "best_epoch": finished.best_epoch}
    checksum = _checksum(finished.state + finished.kept)
    text = json.dumps({"format": FORMAT, "about": about, "progress": progress, "checksum": checksum})
    arrays = {f"{group}_{i}": array for group in ("state", "kept") for i, array in enumerate(getattr(finished, group))}
    whole = io.BytesIO()  # a zip file that fails half-way cannot be closed: so it is made before anything is written
    np.savez(whole, text=np.array(text), **arrays)
    return write_whole(path, whole.getbuffer(), f"the checkpoint {Path(path).name}")


def load(path, model, run: Run, about: dict) -> tuple[Finished, dict]:
    """Reads what the epochs so far of a run have come to, and what the checkpoint is about; nothing is changed.

    Args:
        path, run: the file, and the run that is to go on.
        model: compiled, its optimizer built; its weights are the run's first ones, or those that the run left in it.
        about: what `depends_on` says of the run; the checkpoint must agree.

    Raises:
        CheckpointError: it is damaged, or belongs to a run that depends on something else; the message says on what.
    """
    another = f"checkpoint: {path} belongs to another run (%s). Give this run another file, or delete that one"
    try:
        with ZipFile(path) as file:
            text = json.loads(str(_array(file, "text", _LONGEST_TEXT)))
            if text["format"] != FORMAT:
                raise CheckpointError(
                    f"checkpoint: {path} is of another release of this course: its format is {text['format']!r:.100}, "
                    f"here it is {FORMAT!r}. Finish the run with that release, or give this one another file"
                )
            theirs = text["about"]
            for name in {**about, **theirs}:
                saved, here = theirs.get(name), about.get(name)
                if saved != here and not name.startswith("begin: "):
                    raise CheckpointError(another % f"{name} is {saved!r:.100} there and {here!r:.100} here")
            kept = {f"kept_{i}": variable for i, variable in enumerate(model.weights)}
            changing = {f"state_{i}": variable for i, variable in enumerate(_changing(model))}
            if {*file.namelist()} != {f"{name}.npy" for name in ("text", *kept, *changing)}:
                raise ValueError("it holds other arrays than this model and its optimizer have")
            arrays = [[_like(those[name], file, name) for name in those] for those in (kept, changing)]
        finished = Finished(text["progress"]["history"], text["progress"]["best_epoch"], *arrays)
        _check(finished, replace(run, trained_before=theirs["begin: trained_before"]), about)
        if _checksum(finished.state + finished.kept) != text["checksum"]:
            raise ValueError("it holds other numbers than were written")
        if about["begin: weights"] not in (theirs["begin: weights"], _checksum(finished.kept)):
            raise CheckpointError(another % "the network begins with other weights: build it with that seed")
    except CheckpointError:
        raise
    except Exception as error:  # whatever somebody's file makes of the code that reads it
        # In our words: NumPy's advise to load what cannot be trusted.
        why = error.strerror if isinstance(error, OSError) else str(error) if str(error).startswith("it ") else ""
        raise CheckpointError(
            f"checkpoint: {path} is damaged or no checkpoint{f' ({why})' if why else ''}. Delete it to start from the "
            "beginning"
        ) from None
    return finished, theirs


def _array(file: ZipFile, name: str, most: int) -> np.ndarray:
    """Reads an array of at most so many bytes."""
    if file.getinfo(f"{name}.npy").file_size > most + _HEADER:
        raise ValueError("it holds an array that is too large")
    return np.lib.format.read_array(io.BytesIO(file.read(f"{name}.npy")), allow_pickle=False)


def _like(variable, file: ZipFile, name: str) -> np.ndarray:
    """Reads the array of a variable."""
    shape, dtype = tuple(variable.shape), np.dtype(keras.backend.standardize_dtype(variable.dtype))
    array = _array(file, name, dtype.itemsize * int(np.prod(shape)))
    # A type that NumPy does not know, such as bfloat16, was read as bare bytes.
    if array.shape != shape or array.dtype not in (dtype, np.dtype((np.void, dtype.itemsize))):
        raise ValueError(f"it holds an array of another shape or type than {variable.path} has")
    return array.view(dtype)


def _check(finished: Finished, run: Run, about: dict) -> None:
    """Raises ValueError for what no run leaves behind."""
    history, epochs = finished.history, len(finished.history["loss"])
    replace(run, history=history, best_epoch=finished.best_epoch)  # checks types and lengths
    names = {"loss", "accuracy", "val_loss", "val_accuracy", "val_top5", "learning_rate", "seconds", "cpu_seconds"}
    names |= {"test_accuracy"} if about["run: track_test"] else set()
    if history.keys() != names or any(None in history[name] for name in names - {"val_top5"}):
        raise ValueError("it has no whole history")
    best = best_epoch(run.recipe, history) if about["run: keep_best"] else epochs
    if not 1 <= epochs <= run.recipe.epochs or finished.best_epoch != best:
        raise ValueError("it tells another best epoch than its history")
    if not all(np.isfinite(values.astype("float64")).all() for values in finished.state + finished.kept):
        raise ValueError("it holds weights that are not finite")


def best_epoch(recipe: Recipe, history: dict) -> int:
    """Returns the first of the best epochs, from 1, by what the recipe asks."""
    values = history[recipe.keep]
    return 1 + values.index((min if recipe.keep == "val_loss" else max)(values))
