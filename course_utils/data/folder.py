"""Your own images: a folder with one sub-folder per class becomes arrays."""

import numbers
from pathlib import Path

import numpy as np

from course_utils.data.images import as_image

FEWEST = 3
"""Images that every class needs at least: one for training, one for validation, one for the test."""


def read(folder: Path, image_size: int = 32) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read every image below `folder`; its sub-folders are the classes, in alphabetical order.

    Hidden files and folders (their names start with a dot, such as ``.ipynb_checkpoints``) are left out. Every other
    file in a class's folder must be an image: a file that cannot be read is an error, never silently skipped.
    Images become squares of `image_size` pixels, see `course_utils.data.images.as_image`.

    Returns:
        images uint8 (n, image_size, image_size, 3), labels int32 (n,), class names.

    Raises:
        ValueError: no sub-folders, only one, one with too few images, an unreadable image, or a bad `image_size`.
    """
    if isinstance(image_size, bool) or not isinstance(image_size, numbers.Integral) or image_size < 1:
        raise ValueError(f"image_size must be a whole number of pixels, 1 or more; got {image_size!r}.")
    layout = f"It must hold one sub-folder per class, such as {folder / 'cats'} and {folder / 'dogs'}."
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    classes = [entry for entry in entries if entry.is_dir()]
    if not entries:
        raise ValueError(f"the folder {str(folder)!r} is empty. {layout}")
    if not classes:
        raise ValueError(f"the folder {str(folder)!r} has {len(entries)} files but no sub-folders. {layout}")
    if len(classes) == 1:
        raise ValueError(
            f"the folder {str(folder)!r} has only one class, {classes[0].name!r}: nothing to tell apart. {layout}"
        )
    files = [_files(path) for path in classes]
    for path, members in zip(classes, files, strict=True):
        if len(members) < FEWEST:
            raise ValueError(
                f"the class folder {str(path)!r} has {len(members)} images; every class needs at least {FEWEST}: "
                f"one each for training, validation and test."
            )
    labels = np.repeat(np.arange(len(classes), dtype=np.int32), [len(members) for members in files])
    images = np.empty((len(labels), image_size, image_size, 3), np.uint8)
    for position, file in enumerate(file for members in files for file in members):
        try:
            images[position] = as_image(file, image_size)
        except (OSError, ValueError) as error:
            raise ValueError(f"in the data set {str(folder)!r}: {error} Or take the file out of the folder.") from error
    return images, labels, tuple(path.name for path in classes)


def _files(folder: Path) -> list[Path]:
    # Thumbs.db and desktop.ini are what Windows leaves where .DS_Store is what macOS leaves.
    left_out = {"thumbs.db", "desktop.ini"}
    inside = sorted(folder.iterdir())
    return [f for f in inside if f.is_file() and not f.name.startswith(".") and f.name.lower() not in left_out]
