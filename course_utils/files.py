"""Files that are whole or not there: written beside their place, synced to the disk, then renamed."""

import json
import os
from pathlib import Path


def write_whole(path, content: bytes, what: str) -> Path:
    """Writes a file; what was there before is replaced only once the new one is whole and on the disk.

    Args:
        path: where it goes.
        content: what it holds.
        what: what it is called in an error, such as "the checkpoint run.npz".

    Raises:
        OSError: it could not be written (no such folder, no right, disk full); what was there is still there.
    """
    path = Path(path)
    for left_over in path.parent.glob(f".{path.name}.*.part"):  # by a process that was killed while it wrote
        left_over.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        kept = "; the one before it is untouched" if path.exists() else ""
        raise OSError(
            error.errno,
            f"could not save {what} ({error.strerror}){kept}. Free some space or give another folder",
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


def write_json(path, value) -> Path:
    """Writes `value` as JSON to `path`; an older file there is replaced only once the new one is whole.

    Raises:
        OSError: it could not be written; what was there before is still there.
    """
    path = Path(path)
    return write_whole(path, (json.dumps(value, indent=1) + "\n").encode(), path.name)
