"""CIFAR-100 and Fashion-MNIST: found on this machine or fetched, and checked before anyone trains on them.

They are looked for in this order:

1. ``$COURSE_DATA/<name>.npz`` with the arrays x_train, y_train, x_test, y_test;
2. Keras' cache (``$KERAS_HOME``, else ``~/.keras``, else ``/tmp/.keras``), in every form in which Keras leaves them
   there;
3. the address that Keras uses, saved to Keras' cache.

Nothing is unpickled but arrays. CIFAR-100 is published as pickles, and a pickle can name any function to be called;
`ArrayUnpickler` knows three, all of which only make arrays and bytes. And nothing is unpacked that would be larger than
the published data: a small file can hold gigabytes.
"""

import gzip
import math
import os
import pickle
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils.data.download import fetch
from course_utils.files import user_path

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


@dataclass(frozen=True)
class _File:
    """A file to be fetched: where it lies, its length in bytes and its SHA-256."""

    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class _Facts:
    """What a published data set must be like."""

    image: tuple[int, int, int]
    train: int
    test: int
    class_names: tuple[str, ...]


FACTS = {
    "cifar100": _Facts((32, 32, 3), 50_000, 10_000, tuple(n.replace("_", " ") for n in _CIFAR100_NAMES.split())),
    "fashion_mnist": _Facts((28, 28, 1), 60_000, 10_000, tuple(_FASHION_NAMES.split(", "))),
}
_FASHION = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_FASHION_FILES = {
    "train-images-idx3-ubyte.gz": (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "train-labels-idx1-ubyte.gz": (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "t10k-images-idx3-ubyte.gz": (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    "t10k-labels-idx1-ubyte.gz": (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
}
FILES = {
    "cifar-100-python.tar.gz": _File(
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        169_001_437,
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    )
} | {name: _File(_FASHION + name, size, digest) for name, (size, digest) in _FASHION_FILES.items()}
_KEYS = ("x_train", "y_train", "x_test", "y_test")
# What damaged files make their readers raise.
_DAMAGE = (OSError, ValueError, EOFError, KeyError, IndexError, TypeError, zlib.error, zipfile.BadZipFile)
_DAMAGE += (tarfile.TarError, pickle.UnpicklingError, AttributeError, MemoryError, OverflowError, NotImplementedError)


def load(name: str) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Find or fetch a published data set and check it.

    Args:
        name: "cifar100" or "fashion_mnist".

    Returns:
        arrays x_train, y_train, x_test, y_test (uint8 images (n, h, w, c), int32 labels (n,)), and class names.

    Raises:
        ValueError: the file that COURSE_DATA points at is damaged or is not what it should be.
        course_utils.data.download.DownloadError: not here, and it could not be fetched.
    """
    folder = data_folder()
    if folder:
        path = folder / f"{name}.npz"
        if path.exists():
            return _checked(name, path, _read_npz), FACTS[name].class_names
        print(f"COURSE_DATA: {folder} holds no {name}.npz; looked for elsewhere.")
    read = _read_cifar100 if name == "cifar100" else _read_fashion_mnist
    for path in _cached(name):
        try:
            return _checked(name, path, read), FACTS[name].class_names
        except ValueError as error:
            # Keras' cache is not the student's doing: say what is wrong with it and fetch a good copy.
            print(f"Not used: {error}")
    return _checked(name, _fetch(name), read), FACTS[name].class_names


def data_folder() -> Path | None:
    """Returns the folder that the variable COURSE_DATA names, `~` and other variables expanded; None if it is not set.

    Raises:
        ValueError: it is set, and there is no such folder.
    """
    given = os.environ.get("COURSE_DATA")
    if not given:
        return None
    folder = user_path(given, "COURSE_DATA")
    if not folder.is_dir():
        raise ValueError(f"COURSE_DATA is set to {given!r}, which is not a folder. Correct it or unset it.")
    return folder


def check(name: str, arrays: dict[str, np.ndarray], source: str) -> dict[str, np.ndarray]:
    """Check that the arrays are exactly the published ones in kind: shapes, types, labels, counts, range of values.

    Returns:
        The arrays, with the channel axis and int32 labels of shape (n,).

    Raises:
        ValueError: what is wrong, what was expected, and what to do; `source` says where the arrays came from.
    """
    facts = FACTS[name]

    def wrong(what: str):
        return ValueError(f"{source} is not {name} as published: {what}. {_remedy(name)}")

    good: dict[str, np.ndarray] = {}
    for part, count in (("train", facts.train), ("test", facts.test)):
        x, y = np.asarray(arrays[f"x_{part}"]), np.asarray(arrays[f"y_{part}"])
        grey = facts.image[2] == 1 and x.shape == (count, *facts.image[:2])
        if x.shape != (count, *facts.image) and not grey:
            raise wrong(f"x_{part} has shape {x.shape}, expected {(count, *facts.image)}")
        if x.dtype != np.uint8:
            raise wrong(f"x_{part} is {x.dtype}, expected uint8")
        x = x.reshape(count, *facts.image)
        if y.shape not in ((count,), (count, 1)) or not np.issubdtype(y.dtype, np.integer):
            raise wrong(f"y_{part} is {y.dtype} of shape {y.shape}, expected whole numbers of shape {(count,)}")
        y = y.ravel()
        classes = len(facts.class_names)
        if y.min() < 0 or y.max() >= classes:
            raise wrong(f"y_{part} has labels {y.min()}..{y.max()}, expected 0..{classes - 1}")
        found, each = np.bincount(y, minlength=classes), count // classes
        if (found != each).any():
            first = int(np.flatnonzero(found != each)[0])
            raise wrong(f"y_{part} has {found[first]} images of class {first}, expected {each} of every class")
        if (x.min(), x.max()) != (0, 255):
            raise wrong(f"x_{part} has values {x.min()}..{x.max()}, expected 0..255")
        # A file that broke off and was filled up with zeros keeps its shape; images of one value give it away.
        flat = x.reshape(count, -1)
        blank = int(np.count_nonzero((flat == flat[:, :1]).all(axis=1)))
        if blank:
            raise wrong(f"x_{part} has {blank} blank images (a single value all over), expected none")
        good[f"x_{part}"], good[f"y_{part}"] = x, y.astype(np.int32)
    return good


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles numbers, text, lists, dicts and arrays of bytes: anything else in the pickle is an error.

    Raises:
        pickle.UnpicklingError: the pickle names something else, which it would have had called.
    """

    def __init__(self, file):
        super().__init__(file, encoding="bytes")

    def find_class(self, module: str, name: str):
        """Look up one of the few names that arrays need."""
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return _empty_array
        allowed = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): _byte_type,
            ("_codecs", "encode"): _to_bytes,
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and only arrays are unpickled here")
        return allowed[module, name]


def _empty_array(kind, shape, code):
    if kind is not np.ndarray or shape != (0,):
        raise pickle.UnpicklingError("it makes an array in an unknown way")
    return np.ndarray.__new__(np.ndarray, (0,), np.uint8)  # __setstate__ gives it shape, type and content


def _byte_type(code, *_):
    # Only bytes: CIFAR-100 needs no more, and NumPy ignores what a pickle further says about a built-in type, where a
    # forged description could make numbers pass for addresses.
    if code not in ("u1", b"u1"):
        raise pickle.UnpicklingError(f"it has an array of type {code!r}, and only arrays of bytes are unpickled here")
    return np.dtype("u1")


def _to_bytes(text, encoding):
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it encodes text as {encoding!r}")
    return text.encode("latin1")


class _Bounded:
    """A file that is read no further than so many bytes: what is packed can be a thousand times as large."""

    def __init__(self, file, most: int):
        self.file, self.left = file, most

    def read(self, size: int = -1) -> bytes:
        return self._counted(self.file.read(self._asked(size)))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self.file.readline(self._asked(size)))

    def _asked(self, size: int) -> int:
        return self.left + 1 if size < 0 else min(size, self.left + 1)

    def _counted(self, content: bytes) -> bytes:
        self.left -= len(content)
        if self.left < 0:
            raise ValueError("it unpacks to more than the published data")
        return content


def _most(name: str, part: str) -> int:
    """Returns how many bytes a part may have: Python 3 writes bytes as text, and labels may be long numbers."""
    facts = FACTS[name]
    count = facts.train if part == "train" else facts.test
    return count * (2 * math.prod(facts.image) + 64) + 100_000


def _read_npz(name: str, path: Path) -> dict[str, np.ndarray]:
    with open(path, "rb") as file:
        loaded = np.load(file, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise ValueError("it is not an .npz archive")
        missing = [key for key in _KEYS if key not in loaded]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}; it has {', '.join(loaded.files) or 'nothing'}")
        for key in _KEYS:
            size, most = loaded.zip.getinfo(f"{key}.npy").file_size, _most(name, key[2:])
            if size > most:
                raise ValueError(f"{key} unpacks to {size:,} bytes, and as uint8 it has less than {most:,}")
        return {key: loaded[key] for key in _KEYS}


def _read_cifar100(name: str, path: Path) -> dict[str, np.ndarray]:
    contents = {}
    if path.is_dir():
        for part in ("train", "test"):
            with open(path / part, "rb") as file:
                contents[part] = ArrayUnpickler(_Bounded(file, _most(name, part))).load()
    else:
        # Read out of the archive: nothing is unpacked, so no name in it can lead anywhere.
        with gzip.open(path) as file:
            packed = _Bounded(file, _most(name, "train") + _most(name, "test"))
            with tarfile.open(fileobj=packed, mode="r|") as archive:  # type: ignore[call-overload]
                for member in archive:
                    folder, _, part = member.name.rpartition("/")
                    if folder == "cifar-100-python" and part in ("train", "test"):
                        contents[part] = ArrayUnpickler(_Bounded(archive.extractfile(member), _most(name, part))).load()
    arrays = {}
    for part in ("train", "test"):
        content = contents[part]
        data = content[b"data"]
        arrays[f"x_{part}"] = np.ascontiguousarray(data.reshape(len(data), 3, 32, 32).transpose(0, 2, 3, 1))
        arrays[f"y_{part}"] = np.array(content[b"fine_labels"])
    return arrays


def _read_fashion_mnist(name: str, folder: Path) -> dict[str, np.ndarray]:
    arrays = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        # The published format (idx): a magic number, one big-endian size per axis, then the bytes.
        for key, file, magic, head in (("x", "images-idx3", 0x803, 16), ("y", "labels-idx1", 0x801, 8)):
            with gzip.open(folder / f"{prefix}-{file}-ubyte.gz", "rb") as stream:
                content = _Bounded(stream, _most(name, part)).read()
            start = np.frombuffer(content[:head], ">u4")
            if start[0] != magic:
                raise ValueError(f"{prefix}-{file}-ubyte.gz does not begin as an idx file does")
            arrays[f"{key}_{part}"] = np.frombuffer(content, np.uint8, offset=head).reshape(start[1:].tolist())
    return arrays


def _checked(name: str, path: Path, read) -> dict[str, np.ndarray]:
    try:
        arrays = read(name, path)
    except _DAMAGE as error:
        raise ValueError(
            f"{path} cannot be read as {name}: it is damaged, cut short or something else "
            f"({type(error).__name__}: {error}). Expected {_expected(name)}. {_remedy(name)}"
        ) from error
    return check(name, arrays, str(path))


def _cache() -> Path:
    """Returns the folder in which Keras keeps data sets, by its own rule: what it left there is found again."""
    home = os.path.expanduser("~")
    base = home if os.access(home, os.W_OK) else "/tmp"
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME") or f"{base}/.keras")) / "datasets"


def _cached(name: str) -> list[Path]:
    """Where Keras leaves the data set, as far as it is there; archives come after what is unpacked (faster)."""
    cache = _cache()
    if name == "fashion_mnist":
        folder = cache / "fashion-mnist"
        return [folder] if all((folder / file).is_file() for file in _FASHION_FILES) else []
    folders = [cache / "cifar-100-python-target" / "cifar-100-python", cache / "cifar-100-python"]
    archives = [cache / f"cifar-100-python{end}" for end in (".tar.gz", "-target_archive", "-target.tar.gz")]
    return [f for f in folders if (f / "train").is_file()] + [f for f in archives if f.is_file()]


def _fetch(name: str) -> Path:
    """Fetches what is missing into Keras' cache, and returns what there is to be read."""
    advice = (
        f"Without network: set COURSE_DATA to a folder that holds {name}.npz, or use "
        f'load_dataset("shapes"), which needs no download.'
    )
    folder = _cache() if name == "cifar100" else _cache() / "fashion-mnist"
    for file in ["cifar-100-python.tar.gz"] if name == "cifar100" else _FASHION_FILES:
        facts = FILES[file]
        read = fetch(facts.url, folder / file, size=facts.size, sha256=facts.sha256, advice=advice)
    return read if name == "cifar100" else folder


def _expected(name: str) -> str:
    facts = FACTS[name]
    return (
        f"uint8 images {(facts.train, *facts.image)} and {(facts.test, *facts.image)} with labels "
        f"0..{len(facts.class_names) - 1}, in an .npz under the keys {', '.join(_KEYS)}"
    )


def _remedy(name: str) -> str:
    return (
        f"Delete this file, or put a good {name}.npz into the folder that COURSE_DATA names; without either, "
        f'load_dataset("{name}") fetches it.'
    )
