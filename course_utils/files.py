"""Paths that users give, and files that are whole or not there: written beside their place, synced, then renamed."""

import errno
import json
import os
import platform
import secrets
import time
from contextlib import suppress
from pathlib import Path

_MINE = f".course_utils-{platform.node()}-"
_LONGEST_WRITE = 24 * 3600  # seconds


def user_path(path, name: str) -> Path:
    """Returns a path that a user gave, with `~` and variables such as $HOME expanded; TypeError or ValueError if none.

    `name` is what it is called in an error, such as "train: card".
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a path, but it is {path!r}")
    if not text.strip() or "\0" in text:
        raise ValueError(f"{name} must be a path, but it is {text!r}")
    return Path(os.path.expandvars(os.path.expanduser(text)))


def file_path(path, name: str) -> Path:
    """Returns a path that a user gave for a file; as `user_path`, and IsADirectoryError if it ends like a folder's."""
    found = user_path(path, name)
    if os.fspath(path).endswith(("/", os.sep)):
        raise IsADirectoryError(f"{name}: no file can be written to {path!r} (it is a folder). Give a file in it")
    return found


def path_to_write(path, name: str) -> Path:
    """Returns a path that a user gave for a file, as `file_path` does; OSError if no file can be made there."""
    path = file_path(path, name)
    try:
        handle, made = new_draft(path)
    except OSError as error:
        raise type(error)(
            f"{name}: no file can be written to {str(path)!r} ({error.strerror}). Give a file in a folder that is "
            "there and that you may write to"
        ) from None
    os.close(handle)
    made.unlink()
    return path


def write_whole(path, content: bytes | memoryview, what: str) -> Path:
    """Writes a file; what was there before is replaced only once the new one is whole and on the disk.

    Several processes may write one path at once: the last one's file stays. `what` is what it is called in an error,
    such as "the checkpoint run.npz".

    Raises:
        OSError: it could not be written (no such folder, no right, disk full); what was there is still there.
    """
    path = Path(path)
    made = None
    try:
        remove_left_overs(path.parent)
        handle, made = new_draft(path)
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, path)
    except OSError as error:
        kept = "; the one before it is untouched" if os.path.exists(path) else ""
        raise OSError(
            error.errno,
            f"could not save {what} ({error.strerror}){kept}. Free some space or give another folder",
            str(path.parent),
        ) from error
    finally:
        if made:
            made.unlink(missing_ok=True)  # renamed, unless something went wrong or the run was interrupted
    _sync_folder(path.parent)
    return path


def write_json(path, value) -> Path:
    """Writes `value` as JSON, as `write_whole` does; TypeError or ValueError if JSON knows no such value."""
    return write_whole(path, (json.dumps(value, indent=1) + "\n").encode(), Path(path).name)


def new_draft(path: Path) -> tuple[int, Path]:
    """Makes a new file in the folder of `path`, which no link leads elsewhere, and returns its handle and its path."""
    if path.exists() and not path.is_file():
        folder = path.is_dir()
        raise OSError(errno.EISDIR if folder else errno.EEXIST, "it is a folder" if folder else "it is no plain file")
    made = path.parent / f"{_MINE}{os.getpid()}-{secrets.token_hex(4)}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.open(made, flags, 0o666), made


def remove_left_overs(folder: Path) -> None:
    """Removes what processes have left that were killed while they wrote, on this machine or long ago."""
    for found in folder.glob(".course_utils-*-*-*.part"):
        host, process, _ = found.name.rsplit("-", 2)
        with suppress(OSError, ValueError):
            here = f"{host}-" == _MINE and not _alive(int(process))
            if here or time.time() - found.lstat().st_mtime > _LONGEST_WRITE:
                found.unlink()


def _alive(process: int) -> bool:
    """Says whether a process may still run."""
    if os.name == "nt":  # where signal 0 would be Ctrl-C
        return True
    try:
        os.kill(process, 0)
    except (OSError, OverflowError) as error:
        return not isinstance(error, ProcessLookupError)
    return True


def _sync_folder(folder: Path) -> None:
    """Puts the renaming itself on the disk, where the system can do that."""
    with suppress(OSError):  # Windows opens no folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
