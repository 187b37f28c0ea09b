"""One way to every data set of the course: `load_dataset` gives a `Dataset`, whatever it was made from.

    load_dataset("shapes")                 made on the spot, no download (`course_utils.data.shapes`)
    load_dataset("cifar100")               60,000 photographs, 32 x 32, 100 classes
    load_dataset("fashion_mnist")          70,000 pieces of clothing, 28 x 28, grey, 10 classes
    load_dataset("path/to/my/images")      your own images, one sub-folder per class

Whatever arrives is checked before anyone trains on it. Splits depend on `split_seed` alone, are balanced over the
classes, and never overlap.
"""

import difflib
import numbers
import os
import re
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils.checked import shown
from course_utils.data import folder, published, shapes
from course_utils.data.checks import check_images, check_labels, check_names, warn_of_odd_parts, whole_number
from course_utils.data.rng import Draw
from course_utils.data.split import balanced_order, split
from course_utils.files import user_path

_OPTIONS = {"shapes": ("task", "size", "seed"), "cifar100": (), "fashion_mnist": ()}
KNOWN = tuple(_OPTIONS)
"""Names that `load_dataset` knows; anything else is taken as the path of a folder."""
_WANTED = f"{', '.join(map(repr, KNOWN))}, or the path of a folder with one sub-folder of images per class"


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels for training, validation and test. Making one checks it, and names what is not as described.

    Attributes:
        name: for figures and result cards.
        x_train, x_validation, x_test: images, uint8 of shape (n, height, width, channels), values 0..255.
        y_train, y_validation, y_test: labels, whole numbers of shape (n,) in 0..num_classes-1; kept as int32.
        class_names: one name per class, in the order of the labels.

    Warns:
        UserWarning: images are black, images for validation or test are training images, too, or a class has none.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]

    def __post_init__(self):
        object.__setattr__(self, "class_names", check_names(self.class_names))
        for part in ("train", "validation", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            check_images(f"x_{part}", x)
            labels = check_labels(f"y_{part}", y, len(self.class_names))
            if len(x) != len(labels):
                raise ValueError(
                    f"x_{part} has {len(x)} images but y_{part} has {len(labels)} labels; there must be as many."
                )
            if x.shape[1:] != self.x_train.shape[1:]:
                raise ValueError(
                    f"x_{part} has images of shape {x.shape[1:]} but x_train has {self.x_train.shape[1:]}; "
                    f"all images of a data set must have one shape (height, width, channels)."
                )
            object.__setattr__(self, f"y_{part}", labels)
        warn_of_odd_parts(self)

    def __repr__(self) -> str:
        height, width, channels = self.input_shape
        return (
            f"Dataset({self.name!r}: {len(self.x_train)} training, {len(self.x_validation)} validation and "
            f"{len(self.x_test)} test images of {height} x {width} x {channels}, {self.num_classes} classes)"
        )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image."""
        return self.x_train.shape[1:]

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    def subset(self, train: int | None = None, validation: int | None = None, test: int | None = None) -> "Dataset":
        """The first images of each part; None keeps a part whole. ValueError if there are not so many.

        `load_dataset` orders each part so that its first k images hold the classes in the same proportions as the
        whole, as nearly as k allows.
        """
        smaller = copy(self)
        for part, count in (("train", train), ("validation", validation), ("test", test)):
            if count is not None:
                have = len(getattr(self, f"x_{part}"))
                count = whole_number(part, count, 1, have, f" (what {self.name!r} has)")
                for name in (f"x_{part}", f"y_{part}"):
                    object.__setattr__(smaller, name, getattr(self, name)[:count])
        return smaller


def load_dataset(
    name_or_folder: str | os.PathLike, *, validation: float = 0.1, split_seed: int = 0, **options
) -> Dataset:
    """Load a data set by its name, or your own images from a folder.

    Args:
        name_or_folder: "shapes", "cifar100", "fashion_mnist", or the path of a folder; `~` and variables such as $HOME
            are expanded. A folder called like a data set: write "./shapes".
        validation: the share of the images kept for validation, strictly between 0 and 1. Of "shapes" and of a
            folder another tenth becomes the test part; the published sets bring their own.
        split_seed: a whole number >= 0 that fixes which images are kept for validation.
        **options: "shapes" takes `task`, `size` and `seed` (see `course_utils.data.shapes.make`); a folder takes
            `image_size` (default 32: images become image_size x image_size pixels); the others take none.

    Raises:
        ValueError: unknown name, a bad argument, or data that are not what they should be.
        TypeError: no name and no path, or an option that this data set does not take.
        course_utils.data.download.DownloadError: the files are not here and could not be fetched.
    """
    try:
        path, name = user_path(name_or_folder, ""), os.fspath(name_or_folder)
    except (TypeError, ValueError) as error:
        raise type(error)(f"load_dataset takes {_WANTED}; got {shown(name_or_folder)}.") from None
    if isinstance(validation, bool) or not isinstance(validation, numbers.Real) or not 0 < validation < 1:
        raise ValueError(f"validation must be a share strictly between 0 and 1, such as 0.1; got {shown(validation)}.")
    split_seed = whole_number("split_seed", split_seed, 0)
    if name not in KNOWN and not os.path.isdir(path):
        raise ValueError(_unknown(name, path))
    takes = _OPTIONS.get(name, ("image_size",))
    for option in options.keys() - set(takes):
        allowed = f"takes {', '.join(takes)}" if takes else "takes no further options"
        raise TypeError(f"load_dataset({name!r}, ...) got an option it does not know: {option!r}. It {allowed}.")
    if name in published.FACTS:
        arrays, names = published.load(name)
        x, y = arrays["x_train"], arrays["y_train"]
        train, kept = split(y, [validation], split_seed)
        # The test part is ordered by a seed of its own: its beginning stays the same whatever split_seed is.
        test = balanced_order(arrays["y_test"], Draw(0))
        test_part = arrays["x_test"][test], arrays["y_test"][test]
        return Dataset(name, x[train], y[train], x[kept], y[kept], *test_part, names)
    if validation >= 0.9:
        raise ValueError(
            f"validation must be below 0.9 here, as a tenth of the images is kept for the test; got {validation}."
        )
    if name == "shapes":
        task, size = options.get("task", "odd_one_out"), options.get("size", 10_000)
        names = shapes.class_names(task)
        parts = f", as each of the {len(names)} classes of task {task!r} needs an image for each of the three parts"
        whole_number("size", size, 3 * len(names), shapes.MOST, parts)
        name, (x, y) = f"shapes: {task}", shapes.make(**options)
    else:
        name, (x, y, names) = path.resolve().name, folder.read(path, **options)
    train, kept, test = split(y, [validation, 0.1], split_seed)
    return Dataset(name, x[train], y[train], x[kept], y[kept], x[test], y[test], names)


def _unknown(name: str, path: Path) -> str:
    if os.path.islink(path) and not os.path.exists(path):
        return f"{name!r} is a link to {os.readlink(path)!r}, which is not there: is a disk not mounted?"
    if os.path.exists(path):
        return f"{name!r} is a file; load_dataset needs a folder with one sub-folder of images per class."
    plain = {re.sub("[-_ ]", "", known): known for known in KNOWN}
    close = difflib.get_close_matches(re.sub("[-_ ]", "", name.lower()), plain, n=1, cutoff=0.6)
    hint = f" Did you mean {plain[close[0]]!r}?" if close else ""
    return (
        f"no data set is called {shown(name)}, and there is no folder at {shown(str(path.absolute()))}.{hint} "
        f"load_dataset takes {_WANTED}."
    )
