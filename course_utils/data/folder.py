"""Your own images: a folder with one sub-folder per class becomes arrays."""

import os
import re
from pathlib import Path

import numpy as np

from course_utils.data import images
from course_utils.data.checks import whole_number
from course_utils.data.progress import ProgressBar

FEWEST = 3
"""Images that every class needs at least: one for training, one for validation, one for the test."""
_LEFT_BEHIND = {
    "__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "#recycle", "thumbs.db",
    "desktop.ini",
}  # fmt: skip
_TRAINING, _OTHERS = (
    re.compile(rf"({kinds})([-_ ]?(set|data|images|split))?", re.IGNORECASE)
    for kinds in ("train|training", "val|valid|validation|test|testing")
)


def read(folder: Path, image_size: int = 32) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read every image below `folder`; its sub-folders are the classes, in alphabetical order.

    Images may lie deeper, and links are followed. Left out are hidden files and folders (their names start with a dot,
    such as ``.ipynb_checkpoints``), and, with a word, what systems leave behind (such as ``__MACOSX``) and files beside
    the classes' folders. Every other file must be an image: what cannot be read is an error, never silently skipped.

    Returns:
        images uint8 (n, image_size, image_size, 3), see `images.as_image`, labels int32 (n,), class names.

    Raises:
        ValueError: no sub-folders, only one, one with too few images, folders that are parts (train, test) and not
            classes, files or folders that cannot be read (all are named), or a bad `image_size`.
    """
    whole_number("image_size", image_size, 1, images.LARGEST, " (pixels)")
    classes, beside, passed, unread = _found(folder)
    if all(any(map(kind.fullmatch, classes)) for kind in (_TRAINING, _OTHERS)):
        raise ValueError(
            f"the folder {str(folder)!r} is split already, into {', '.join(classes)}, which are no classes. Give one "
            f"part, such as {str(folder / min(classes))!r}, or put each class's images into one folder: the parts are "
            "made here."
        )
    for what, left in (("what a system left behind", passed), ("beside the classes' folders", beside)):
        if left:
            print(f"Not read, {what}: {_listed(folder, left, 5)}")
    if not unread and len(classes) < 2:
        found = f"has {len(beside)} files but no sub-folders" if beside else "is empty"
        found = f"has only one class, {next(iter(classes))!r}: nothing to tell apart" if classes else found
        if classes and len(inner := sorted(filter(os.path.isdir, (folder / min(classes)).iterdir()))) > 1:
            found += f", unless {str(inner[0].parent)!r} with {len(inner)} folders in it is meant"
        raise ValueError(
            f"the folder {str(folder)!r} {found}. It must hold one sub-folder per class, such as {folder / 'cats'} and "
            f"{folder / 'dogs'}."
        )
    files = [file for members in classes.values() for file in sorted(members)]
    pixels = np.empty((len(files), image_size, image_size, 3), np.uint8)
    progress = ProgressBar(folder.name, unit="images", after_s=3)
    for position, file in enumerate(files):
        try:
            pixels[position] = images.read(file, image_size)
        except ValueError as error:
            unread.append((file, str(error)))
        progress(position + 1, len(files))
    if unread:
        raise ValueError(
            f"in the data set {str(folder)!r}, what cannot be read ({len(unread)}) is: "
            f"{_listed(folder, [path for path, _ in unread], 100)}. The first, {str(unread[0][0])!r}: {unread[0][1]} "
            "Mend it, or take it out of the folder."
        )
    for name, members in classes.items():
        if len(members) < FEWEST:
            raise ValueError(
                f"the class folder {str(folder / name)!r} has {len(members)} images; every class needs at least "
                f"{FEWEST}: one each for training, validation and test."
            )
    counts = [len(members) for members in classes.values()]
    return pixels, np.repeat(np.arange(len(classes), dtype=np.int32), counts), tuple(classes)


def _found(folder: Path) -> tuple[dict[str, list[Path]], list[Path], list[Path], list[tuple[Path, str]]]:
    """Returns each class's files, what lies beside the classes, what systems left, and what cannot be read, and why."""
    classes: dict[str, list[Path]] = {}
    beside, passed, unread = [], [], []

    def closed(error: OSError) -> None:
        unread.append((Path(error.filename), f"the folder cannot be opened ({error.strerror})."))

    for top, inside, names in os.walk(folder, onerror=closed, followlinks=True):
        here = Path(top)
        seen = sorted(here / name for name in (*inside, *names) if not name.startswith("."))
        left = [path for path in seen if path.name.lower() in _LEFT_BEHIND]
        passed += left
        folders = [path for path in seen if path not in left and path.name in inside]
        # A link to a folder that it lies in would lead round for ever.
        inside[:] = [path.name for path in folders if not any(map(path.samefile, (here, *here.parents)))]
        if here == folder:
            classes = {name: [] for name in inside}
        for path in seen:
            if path in left or path in folders:
                continue
            if not os.path.exists(path):
                unread.append((path, "a link to what is not there: is a disk not mounted?"))
            elif here == folder:
                beside.append(path)
            elif not os.path.isfile(path):  # such as a pipe: opening it would wait for ever
                unread.append((path, "it is no file."))
            else:
                classes[here.relative_to(folder).parts[0]].append(path)
    return classes, beside, passed, unread


def _listed(folder: Path, paths: list[Path], most: int) -> str:
    """Returns paths below a folder for a sentence."""
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(str(path.relative_to(folder)) for path in paths[:most]) + more
