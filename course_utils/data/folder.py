"""Your own images: a folder with one sub-folder per class becomes arrays."""

import os
from numbers import Integral
from pathlib import Path

import numpy as np

from course_utils.data import images
from course_utils.data.progress import ProgressBar

FEWEST = 3
"""Images that every class needs at least: one for training, one for validation, one for the test."""
_LEFT_BEHIND = {
    "__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "#recycle", "thumbs.db",
    "desktop.ini",
}  # fmt: skip
_TRAINING, _OTHERS = {"train", "training"}, {"val", "valid", "validation", "test", "testing"}


def read(folder: Path, image_size: int = 32) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read every image below `folder`; its sub-folders are the classes, in alphabetical order.

    Images may lie deeper, and links are followed. Left out are hidden files and folders (their names start with a dot,
    such as ``.ipynb_checkpoints``), and, with a word, what systems leave behind (such as ``__MACOSX``) and files beside
    the classes' folders. Every other file must be an image: what cannot be read is an error, never silently skipped.
    Images become squares of `image_size` pixels, see `course_utils.data.images.as_image`.

    Returns:
        images uint8 (n, image_size, image_size, 3), labels int32 (n,), class names.

    Raises:
        ValueError: no sub-folders, only one, one with too few images, folders that are parts (train, test) and not
            classes, files or folders that cannot be read (all are named), or a bad `image_size`.
    """
    if isinstance(image_size, bool) or not isinstance(image_size, Integral) or image_size < 1:
        raise ValueError(f"image_size must be a whole number of pixels, 1 or more; got {image_size!r}.")
    passed: list[Path] = []
    unread: list[tuple[Path, str]] = []
    entries = [path for path in _inside(folder, passed, unread) if not path.name.startswith(".")]
    classes = [path for path in entries if path.is_dir()]
    lost = [path for path in entries if not path.exists()]
    beside = [path for path in entries if path not in classes + lost]
    names = {path.name.lower() for path in classes}
    if names & _TRAINING and names & _OTHERS:
        raise ValueError(
            f"the folder {str(folder)!r} is split already, into {', '.join(path.name for path in classes)}, which are "
            f"no classes. Give one part, such as {str(classes[0])!r}, or put each class's images into one folder: the "
            "parts are made here."
        )
    unread += [(path, "a link to what is not there: is a disk not mounted?") for path in lost]
    files = {path: _files(path, passed, unread) for path in classes}
    for what, left in (("what a system left behind", passed), ("beside the classes' folders", beside)):
        if left:
            print(f"Not read, {what}: {_listed(folder, left, 5)}")
    if not unread and len(classes) < 2:
        found = f"has {len(beside)} files but no sub-folders" if beside else "is empty"
        found = f"has only one class, {classes[0].name!r}: nothing to tell apart" if classes else found
        raise ValueError(
            f"the folder {str(folder)!r} {found}. It must hold one sub-folder per class, such as {folder / 'cats'} and "
            f"{folder / 'dogs'}."
        )
    labels = np.repeat(np.arange(len(classes), dtype=np.int32), [len(members) for members in files.values()])
    read_images = np.empty((len(labels), image_size, image_size, 3), np.uint8)
    progress = ProgressBar(folder.name, unit="images", after_s=3)
    for position, file in enumerate(file for members in files.values() for file in members):
        try:
            read_images[position] = images.read(file, image_size)
        except ValueError as error:
            unread.append((file, str(error)))
        progress(position + 1, len(labels))
    if unread:
        first, why = unread[0]
        raise ValueError(
            f"in the data set {str(folder)!r}, what cannot be read ({len(unread)}) is: "
            f"{_listed(folder, [path for path, _ in unread], 100)}. The first, {str(first)!r}: {why} Mend it, or take "
            "it out of the folder."
        )
    for path, members in files.items():
        if len(members) < FEWEST:
            raise ValueError(
                f"the class folder {str(path)!r} has {len(members)} images; every class needs at least {FEWEST}: "
                f"one each for training, validation and test."
            )
    return read_images, labels, tuple(path.name for path in classes)


def _inside(folder: Path, passed: list, unread: list) -> list[Path]:
    """Returns what is in a folder, in order, without what systems left behind; notes what it cannot enter."""
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        unread.append((folder, f"the folder cannot be opened ({error.strerror})."))
        return []
    left = [path for path in found if path.name.lower() in _LEFT_BEHIND]
    passed += left
    return [path for path in found if path not in left]


def _files(folder: Path, passed: list, unread: list, above: tuple[str, ...] = ()) -> list[Path]:
    """Returns all files of a class, those in deeper folders, too."""
    here, files = os.path.realpath(folder), []
    if here in above:  # a link to a folder that it lies in
        return []
    for path in _inside(folder, passed, unread):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            files += _files(path, passed, unread, (*above, here))
        elif path.is_file() or not path.exists():
            files.append(path)
        else:  # such as a pipe: opening it would wait for ever
            unread.append((path, "it is no file."))
    return files


def _listed(folder: Path, paths: list[Path], most: int) -> str:
    """Returns paths below a folder for a sentence."""
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(str(path.relative_to(folder)) for path in paths[:most]) + more
