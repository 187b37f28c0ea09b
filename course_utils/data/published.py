"""CIFAR-100 and Fashion-MNIST: found on this machine or fetched, and made sure of before anyone trains on them.

They are looked for in this order:

1. ``$COURSE_DATA/<name>.npz`` with the arrays x_train, y_train, x_test, y_test;
2. Keras' cache (``$KERAS_HOME``, else ``~/.keras``, else ``/tmp/.keras``), where Keras leaves the files as published;
3. the address that Keras uses, saved to Keras' cache.

A published file is opened only if its SHA-256 is right. So nothing in it has to be feared, though CIFAR-100 comes as
pickles, which could call any function. An .npz may be anybody's: what its arrays say they are is compared before they
are read, for a small file can hold gigabytes, and then what is in them.
"""

import gzip
import hashlib
import io
import os
import pickle
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils.data.download import fetch
from course_utils.files import write_whole

_KEYS = ("x_train", "y_train", "x_test", "y_test")
_CIFAR100_NAMES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
willow_tree wolf woman worm
"""
_FASHION_NAMES = "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
# The name of each file, its length in bytes and its SHA-256.
_CIFAR = {"cifar-100-python.tar.gz": (169_001_437, "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7")}
_FASHION = {
    "train-images-idx3-ubyte.gz": (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "train-labels-idx1-ubyte.gz": (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "t10k-images-idx3-ubyte.gz": (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    "t10k-labels-idx1-ubyte.gz": (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
}


class Facts(NamedTuple):
    """What a published data set must be like, and the files that it is published as."""

    image: tuple[int, int, int]
    train: int
    test: int
    class_names: tuple[str, ...]
    read: Callable[..., dict[str, np.ndarray]]  # makes arrays of what the files hold
    files: dict[str, tuple[int, str]]
    url: str  # of the folder in which they are
    places: tuple[str, ...]  # where Keras leaves a file, below its cache; first where it is put here


def load(name: str) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Find or fetch a data set of `FACTS`: x_train, y_train, x_test, y_test as in a `Dataset`, and class names.

    Raises:
        ValueError: the file that COURSE_DATA points at is damaged or is not what it should be.
        course_utils.data.download.DownloadError: not here, and it could not be fetched.
    """
    facts, folder = FACTS[name], data_folder()
    if folder:
        path = folder / f"{name}.npz"
        if path.exists():
            return _read_npz(name, path), facts.class_names
        print(f"COURSE_DATA: {folder} holds no {name}.npz; looked for elsewhere.")
    return facts.read(*[_content(name, file) for file in facts.files]), facts.class_names


def data_folder() -> Path | None:
    """Returns the folder that the variable COURSE_DATA names; None if it is not set, ValueError if it is not there."""
    given = os.environ.get("COURSE_DATA")
    if not given:
        return None
    folder = Path(os.path.expandvars(os.path.expanduser(given)))
    if not os.path.isdir(folder):
        raise ValueError(f"COURSE_DATA is set to {given!r}, which is not a folder. Correct it or unset it.")
    return folder


def _cache() -> Path:
    """Returns the folder in which Keras keeps data sets, by its own rule: what it left there is found again."""
    home = os.path.expanduser("~")
    base = home if os.access(home, os.W_OK) else "/tmp"
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME") or f"{base}/.keras"), "datasets")


def _content(name: str, file: str) -> bytes:
    """Returns what a published file holds: from Keras' cache, else fetched and kept there."""
    facts = FACTS[name]
    size, sha256 = facts.files[file]
    paths = [_cache() / place.format(file) for place in facts.places]
    for path in filter(os.path.isfile, paths):
        try:
            content = path.read_bytes() if path.stat().st_size == size else b""
        except OSError as error:
            print(f"Not used: {path} ({error.strerror}).")
            continue
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
        print(f"Not used: {path} is damaged, or not the published file (length or SHA-256 differs).")
    advice = f"Without network: set COURSE_DATA to a folder that holds {name}.npz, or use "
    advice += 'load_dataset("shapes"), which needs no download.'
    content = fetch(facts.url + file, size, sha256, advice)
    try:
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        write_whole(paths[0], content, file)
    except OSError as error:
        print(f"{file} was fetched, and is not kept for the next time: {error}")
    return content


def _cifar100(archive: bytes) -> dict[str, np.ndarray]:
    arrays = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as members, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some releases of NumPy find pickles as old as these old-fashioned
        for member in members:
            part = member.name.removeprefix("cifar-100-python/")
            if part in ("train", "test"):
                content = pickle.load(members.extractfile(member), encoding="bytes")
                rows = content[b"data"].reshape(-1, 3, 32, 32)
                arrays[f"x_{part}"] = np.ascontiguousarray(rows.transpose(0, 2, 3, 1))
                arrays[f"y_{part}"] = np.array(content[b"fine_labels"], np.int32)
    return arrays


def _fashion_mnist(*files: bytes) -> dict[str, np.ndarray]:
    # The published format (idx): 4 bytes of kind, 4 for each axis's length, then the bytes.
    plain = [np.frombuffer(gzip.decompress(file), np.uint8) for file in files]
    return {
        key: content[16:].reshape(-1, 28, 28, 1) if key[0] == "x" else content[8:].astype(np.int32)
        for key, content in zip(_KEYS, plain, strict=True)
    }


def _read_npz(name: str, path: Path) -> dict[str, np.ndarray]:
    facts, arrays = FACTS[name], {}
    try:
        with zipfile.ZipFile(path) as archive:
            for key in _KEYS:
                with archive.open(f"{key}.npy") as member:
                    np.lib.format.read_magic(member)
                    shape, _, dtype = np.lib.format.read_array_header_1_0(member)
                _check_header(facts, key, shape, dtype)
                with archive.open(f"{key}.npy") as member:
                    array = np.lib.format.read_array(member, allow_pickle=False)
                _check_values(facts, key, array)
                arrays[key] = array.reshape(-1, *facts.image) if key[0] == "x" else array.ravel().astype(np.int32)
    except Exception as error:  # a damaged file makes its readers raise nearly anything
        raise ValueError(
            f"{path} is not {name} as published, or is damaged: {str(error) or type(error).__name__}. Expected uint8 "
            f"images {(facts.train, *facts.image)} and {(facts.test, *facts.image)} with labels "
            f"0..{len(facts.class_names) - 1}, in an .npz under the keys {', '.join(_KEYS)}. Delete this file, or put "
            f"a good {name}.npz into the folder that COURSE_DATA names; without either, "
            f'load_dataset("{name}") fetches it.'
        ) from error
    return arrays


def _check_header(facts: Facts, key: str, shape: tuple, dtype: np.dtype) -> None:
    count = facts.train if key.endswith("train") else facts.test
    expected = (count, *facts.image) if key[0] == "x" else (count, 1)
    kinds, right = ("B", "uint8") if key[0] == "x" else (np.typecodes["AllInteger"], "whole numbers")
    if expected not in (shape, (*shape, 1)) or dtype.char not in kinds:
        raise ValueError(f"{key} is {dtype} of shape {shape}, expected {right} of shape {expected}")


def _check_values(facts: Facts, key: str, array: np.ndarray) -> None:
    classes, low, high = len(facts.class_names), array.min(), array.max()
    lowest, highest = (0, 255) if key[0] == "x" else (0, classes - 1)
    if (low, high) != (lowest, highest):
        raise ValueError(f"{key} has values {low}..{high}, expected {lowest}..{highest}")
    if key[0] == "y":
        found, each = np.bincount(array.ravel().astype(np.int64)), len(array) // classes
        if (found != each).any():
            first = np.flatnonzero(found != each)[0]
            raise ValueError(f"{key} has {found[first]} images of class {first}, expected {each} of every class")
    # A file that broke off and was filled up with zeros keeps its shape; images of one value give it away.
    elif blank := np.count_nonzero(np.ptp(array.reshape(len(array), -1), axis=1) == 0):
        raise ValueError(f"{key} has {blank} blank images (a single value all over), expected none")


FACTS = {
    "cifar100": Facts(
        (32, 32, 3), 50_000, 10_000, tuple(name.replace("_", " ") for name in _CIFAR100_NAMES.split()), _cifar100,
        files=_CIFAR,
        url="https://www.cs.toronto.edu/~kriz/",
        places=("{}", "cifar-100-python-target_archive", "cifar-100-python-target.tar.gz"),
    ),
    "fashion_mnist": Facts(
        (28, 28, 1), 60_000, 10_000, tuple(_FASHION_NAMES.split(", ")), _fashion_mnist,
        files=_FASHION,
        url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        places=("fashion-mnist/{}",),
    ),
}  # fmt: skip
