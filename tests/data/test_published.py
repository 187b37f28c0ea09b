"""CIFAR-100 and Fashion-MNIST: where they are found, what is refused, and the real ones where they are at hand."""

import gzip
import hashlib
import io
import os
import pickle
import pickletools
import struct
import tarfile
import threading
import tracemalloc
import warnings
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from course_utils.data import load_dataset, published
from course_utils.data.download import DownloadError

TRAIN, TEST = 400, 200


@pytest.fixture(autouse=True)
def world(monkeypatch, tmp_path):
    """Small stand-ins for the two sets, an empty cache, and no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name, facts in published.FACTS.items():
        small = published._Facts(facts.image, TRAIN, TEST, facts.class_names)
        monkeypatch.setitem(published.FACTS, name, small)
    for name, file in published.FILES.items():
        nowhere = published._File(f"http://127.0.0.1:9/{name}", file.size, file.sha256)
        monkeypatch.setitem(published.FILES, name, nowhere)
    monkeypatch.setattr(published, "fetch", partial(published.fetch, attempts=1))


def arrays(name="cifar100"):
    """Images and labels that pass the checks."""
    facts = published.FACTS[name]
    rng = np.random.default_rng(0)
    made = {}
    for part, count in (("train", TRAIN), ("test", TEST)):
        made[f"x_{part}"] = rng.integers(0, 256, (count, *facts.image), np.uint8)
        made[f"y_{part}"] = rng.permutation(np.arange(count) % len(facts.class_names)).astype(np.uint8)
    return made


def save(folder, name="cifar100", **changes):
    folder.mkdir(exist_ok=True)
    np.savez(folder / f"{name}.npz", **(arrays(name) | changes))
    return folder / f"{name}.npz"


def python2_pickle(pixels, labels):
    """The bytes in which CIFAR-100 was published: protocol 2 as Python 2 wrote it, opcode by opcode."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    dtype = (
        b"cnumpy\ndtype\n"
        + text(b"u1")
        + b"K\x00K\x01\x87R(K\x03"
        + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    content = b"T" + struct.pack("<i", pixels.size) + pixels.tobytes()
    shape = b"".join(b"M" + struct.pack("<H", n) for n in pixels.shape) + b"\x86"
    array += b"(K\x01" + shape + dtype + b"I00\n" + content + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"fine_labels") + numbers + b"u."


def python3_pickle(pixels, labels):
    content = {b"data": pixels, b"fine_labels": labels.tolist()}
    return pickle.dumps(content, protocol=2)


def cifar_batches(write=python2_pickle):
    made = arrays()
    return {
        part: write(np.ascontiguousarray(made[f"x_{part}"].transpose(0, 3, 1, 2).reshape(-1, 3072)), made[f"y_{part}"])
        for part in ("train", "test")
    }


def cifar_folder(path, **options):
    path.mkdir(parents=True)
    for part, content in cifar_batches(**options).items():
        (path / part).write_bytes(content)


def cifar_archive(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for part, content in cifar_batches().items():
            info = tarfile.TarInfo(f"cifar-100-python/{part}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def fashion_files(folder):
    folder.mkdir(parents=True)
    made = arrays("fashion_mnist")
    for part, prefix in (("train", "train"), ("test", "t10k")):
        x, y = made[f"x_{part}"], made[f"y_{part}"]
        images = struct.pack(">4I", 0x803, len(x), 28, 28) + x.tobytes()
        labels = struct.pack(">2I", 0x801, len(y)) + y.tobytes()
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images, 1))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels, 1))


def assert_whole(dataset, name="cifar100"):
    """The data set holds exactly the images of `arrays`, each with its label."""

    def pairs(x, y):
        return sorted((image.tobytes(), int(label)) for image, label in zip(x, y, strict=True))

    made = arrays(name)
    x = np.concatenate([dataset.x_train, dataset.x_validation])
    y = np.concatenate([dataset.y_train, dataset.y_validation])
    assert pairs(x, y) == pairs(made["x_train"], made["y_train"])
    assert pairs(dataset.x_test, dataset.y_test) == pairs(made["x_test"], made["y_test"])


@pytest.mark.parametrize("name", ["cifar100", "fashion_mnist"])
def test_npz_in_course_data_comes_first(monkeypatch, tmp_path, name):
    save(tmp_path / "data", name)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    dataset = load_dataset(name, validation=0.25)
    assert dataset.input_shape == published.FACTS[name].image
    assert (len(dataset.x_train), len(dataset.x_validation), len(dataset.x_test)) == (300, 100, 200)
    assert_whole(dataset, name)


def test_test_part_is_the_same_whatever_the_split(monkeypatch, tmp_path):
    save(tmp_path / "data")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    one, two = (load_dataset("cifar100", validation=0.25, split_seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(one.x_test, two.x_test)
    assert (one.x_validation != two.x_validation).any()


def test_labels_as_keras_gives_them_and_grey_images_with_and_without_channel(monkeypatch, tmp_path):
    made = arrays("fashion_mnist")
    save(tmp_path / "data", "fashion_mnist", x_train=made["x_train"][..., 0], y_train=made["y_train"][:, None])
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    assert_whole(load_dataset("fashion_mnist"), "fashion_mnist")


MADE = arrays()
BLANK = MADE["x_train"].copy()
BLANK[300:] = 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": MADE["x_train"][:399]}, r"x_train has shape \(399, 32, 32, 3\), expected \(400, 32, 32, 3\)"),
        ({"x_test": MADE["x_test"].astype(np.float16)}, "x_test is float16, expected uint8"),
        ({"x_train": np.zeros_like(MADE["x_train"])}, r"x_train has values 0\.\.0, expected 0\.\.255"),
        ({"x_train": MADE["x_train"] // 2}, r"x_train has values 0\.\.127"),
        ({"x_train": BLANK}, "x_train has 100 blank images"),
        ({"y_train": MADE["y_train"] + 1}, r"y_train has labels 1\.\.100, expected 0\.\.99"),
        ({"y_train": MADE["y_train"] // 2}, "y_train has 8 images of class 0, expected 4 of every class"),
        ({"y_train": MADE["y_train"][:399]}, r"y_train is uint8 of shape \(399,\)"),
        ({"y_test": MADE["y_test"] * 1.0}, "y_test is float64"),
    ],
)
def test_arrays_that_are_not_the_published_ones_are_refused(monkeypatch, tmp_path, changes, message):
    path = save(tmp_path / "data", **changes)
    monkeypatch.setenv("COURSE_DATA", str(path.parent))
    with pytest.raises(ValueError, match=message) as caught:
        load_dataset("cifar100")
    assert str(path) in str(caught.value)
    assert "COURSE_DATA" in str(caught.value), "it says what to do"


class Trap:
    """Unpickling this would make a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_trap_is_armed(tmp_path):
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").exists()


def saved(save, *args, **arrays_):
    """Returns what NumPy writes."""
    file = io.BytesIO()
    save(file, *args, **arrays_)
    return file.getvalue()


DAMAGED = {
    "truncated": lambda whole, trap: whole[: len(whole) // 2],
    "empty": lambda whole, trap: b"",
    "text": lambda whole, trap: b"404: not found",
    "one flipped byte": lambda whole, trap: whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
    "one array": lambda whole, trap: saved(np.save, np.zeros(3)),
    "missing key": lambda whole, trap: saved(np.savez, x_train=np.zeros(3), y_train=np.zeros(3)),
    "objects": lambda whole, trap: saved(np.savez, **(arrays() | {"x_train": np.array([trap], object)})),
    "pickle": lambda whole, trap: pickle.dumps(trap),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_npz_is_named_with_what_was_expected(monkeypatch, tmp_path, kind):
    path = save(tmp_path / "data")
    path.write_bytes(DAMAGED[kind](path.read_bytes(), Trap(path.parent / "sprung")))
    monkeypatch.setenv("COURSE_DATA", str(path.parent))
    with pytest.raises(ValueError, match="cannot be read as cifar100") as caught:
        load_dataset("cifar100")
    for part in (str(path), "(400, 32, 32, 3)", "x_train, y_train, x_test, y_test", "Delete this file"):
        assert part in str(caught.value)
    assert not (path.parent / "sprung").exists()


def peak(act) -> int:
    """Returns how many bytes Python held at most while `act` failed."""
    tracemalloc.start()
    with pytest.raises(ValueError, match="cannot be read as"):
        act()
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_before_it_does(monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    with zipfile.ZipFile(tmp_path / "data" / "cifar100.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for key in published._KEYS:
            with archive.open(f"{key}.npy", "w") as file:
                np.lib.format.write_array_header_1_0(
                    file, {"descr": "|u1", "fortran_order": False, "shape": (3 * 10**7,)}
                )
                for _ in range(30):
                    file.write(bytes(10**6))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    assert peak(lambda: load_dataset("cifar100")) < 10e6


def test_a_gzip_bomb_is_refused_before_it_unpacks(tmp_path):
    size = 4 * 10**7
    bomb = gzip.compress(bytes(size), 1)
    fashion_files(tmp_path / "fashion")
    (tmp_path / "fashion" / "t10k-images-idx3-ubyte.gz").write_bytes(bomb)
    (tmp_path / "bomb.tar.gz").write_bytes(bomb)
    with tarfile.open(tmp_path / "member.tar.gz", "w:gz", compresslevel=1) as archive:
        info = tarfile.TarInfo("cifar-100-python/train")
        info.size = size
        content = b"\x80\x02T" + struct.pack("<i", size - 7) + bytes(size - 7)
        archive.addfile(info, io.BytesIO(content))
    for name, path, read in (
        ("fashion_mnist", tmp_path / "fashion", published._read_fashion_mnist),
        ("cifar100", tmp_path / "bomb.tar.gz", published._read_cifar100),
        ("cifar100", tmp_path / "member.tar.gz", published._read_cifar100),
    ):
        assert peak(partial(published._checked, name, path, read)) < 20e6


def test_course_data_without_the_file_is_said(monkeypatch, tmp_path, capsys):
    fashion_files(tmp_path / "keras" / "datasets" / "fashion-mnist")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COURSE_DATA", "~")
    load_dataset("fashion_mnist")
    assert f"COURSE_DATA: {tmp_path} holds no fashion_mnist.npz; looked for elsewhere." in capsys.readouterr().out
    save(tmp_path, "fashion_mnist")
    load_dataset("fashion_mnist")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("home", "kept_in"), [("here", "here/.keras"), ("/", "/tmp/.keras"), (None, "/tmp/.keras")])
def test_the_cache_is_where_keras_keeps_it(monkeypatch, tmp_path, home, kept_in):
    """Keras' own rule: a home that is not there or cannot be written to is none."""
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # an arbitrary user of a container
    if home:
        monkeypatch.setenv("HOME", str(tmp_path / home))
    monkeypatch.setattr("os.access", lambda path, _: str(path) == str(tmp_path / "here"))
    assert published._cache() == tmp_path / kept_in / "datasets"


def test_course_data_that_is_no_folder_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match=r"COURSE_DATA is set to .*nowhere.*not a folder"):
        load_dataset("cifar100")


@pytest.mark.parametrize("write", [python2_pickle, python3_pickle])
@pytest.mark.parametrize("where", ["cifar-100-python-target/cifar-100-python", "cifar-100-python"])
def test_cifar100_unpacked_in_keras_cache(tmp_path, where, write):
    cifar_folder(tmp_path / "keras" / "datasets" / where, write=write)
    assert_whole(load_dataset("cifar100", validation=0.25))


@pytest.mark.parametrize(
    "where", ["cifar-100-python.tar.gz", "cifar-100-python-target_archive", "cifar-100-python-target.tar.gz"]
)
def test_cifar100_archive_in_keras_cache(tmp_path, where):
    cifar_archive(tmp_path / "keras" / "datasets" / where)
    assert_whole(load_dataset("cifar100", validation=0.25))


def test_fashion_mnist_in_keras_cache(tmp_path):
    fashion_files(tmp_path / "keras" / "datasets" / "fashion-mnist")
    assert_whole(load_dataset("fashion_mnist"), "fashion_mnist")


def test_stand_in_for_the_published_pickles_is_a_pickle_of_arrays():
    """The stand-in must be like the real thing, or the tests above prove little."""
    content = cifar_batches()["train"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy finds the names in such old pickles old-fashioned
        read = pickle.loads(content, encoding="bytes")
    np.testing.assert_array_equal(read[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), arrays()["x_train"])
    assert read[b"fine_labels"] == arrays()["y_train"].tolist()
    assert any(op.name == "SHORT_BINSTRING" for op, *_ in pickletools.genops(content)), "as Python 2 wrote it"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda path: Trap(path), r"asks for (posix|nt)\.mkdir"),
        (lambda path: {b"data": [Trap(path)]}, r"asks for (posix|nt)\.mkdir"),
        (lambda path: {b"data": np.array([Trap(path)], object)}, "array of type 'O8'"),
        (lambda path: {b"data": np.zeros(2, "u1,u1")}, "array of type 'V2'"),
        (lambda path: {b"data": np.zeros(2, np.int64)}, "array of type 'i8', and only arrays of bytes"),
        (lambda path: {b"data": np.ma.zeros(2)}, r"asks for numpy\.ma"),
        (lambda path: {b"data": np.float64}, r"asks for numpy\.float64"),
        (lambda path: {b"data": {1, 2}}, r"asks for __builtin__\.set"),
    ],
)
def test_nothing_is_unpickled_but_arrays(tmp_path, content, message):
    data = pickle.dumps(content(tmp_path / "sprung"), protocol=2)
    with pytest.raises(pickle.UnpicklingError, match=message):
        published.ArrayUnpickler(io.BytesIO(data)).load()
    assert not (tmp_path / "sprung").exists()


def test_numbers_and_arrays_are_unpickled():
    content = {b"a": np.arange(6, dtype=np.uint8).reshape(2, 3), b"b": [1, 2], b"c": b"\xff\x00", b"d": 1.5}
    for protocol in (2, 3, 4):
        read = published.ArrayUnpickler(io.BytesIO(pickle.dumps(content, protocol=protocol))).load()
        assert read.keys() == content.keys()
        for key, value in content.items():
            np.testing.assert_array_equal(read[key], value)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serves tmp_path / "www"; the addresses, lengths and hashes of FILES are those of the files there."""
    root = tmp_path / "www"
    cifar_archive(root / "cifar-100-python.tar.gz")
    fashion_files(root / "f")
    for file in (root / "f").iterdir():
        file.rename(root / file.name)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    for name in published.FILES:
        content = (root / name).read_bytes()
        url = f"http://127.0.0.1:{http.server_port}/{name}"
        digest = hashlib.sha256(content).hexdigest()
        monkeypatch.setitem(published.FILES, name, published._File(url, len(content), digest))
    yield root
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.mark.parametrize("name", ["cifar100", "fashion_mnist"])
def test_what_is_not_here_is_fetched_once(server, capsys, name):
    assert_whole(load_dataset(name, validation=0.25), name)
    assert "100 %" in capsys.readouterr().out
    assert_whole(load_dataset(name, validation=0.25), name)
    assert capsys.readouterr().out == ""


def test_damaged_cache_is_named_and_fetched_again(server, tmp_path, capsys):
    archive = tmp_path / "keras" / "datasets" / "cifar-100-python.tar.gz"
    cifar_archive(archive)
    archive.write_bytes(archive.read_bytes()[:-100_000])
    assert_whole(load_dataset("cifar100", validation=0.25))
    said = capsys.readouterr().out
    assert f"Not used: {archive} cannot be read as cifar100" in said
    assert "100 %" in said


def test_trap_in_the_cache_is_not_sprung(server, tmp_path, capsys):
    folder = tmp_path / "keras" / "datasets" / "cifar-100-python"
    cifar_folder(folder)
    (folder / "test").write_bytes(pickle.dumps({b"data": Trap(tmp_path / "sprung")}))
    assert_whole(load_dataset("cifar100", validation=0.25))
    assert "only arrays are unpickled" in capsys.readouterr().out
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["cifar100", "fashion_mnist"])
def test_no_network_says_what_to_do(name, tmp_path):
    with pytest.raises(DownloadError) as caught:
        load_dataset(name)
    for part in (
        "could not be fetched from http",
        str(tmp_path / "keras"),
        f"COURSE_DATA to a folder that holds {name}.npz",
    ):
        assert part in str(caught.value)
    assert 'load_dataset("shapes")' in str(caught.value)


def test_addresses_lengths_and_hashes_are_those_of_keras():
    """Without a network the constants can at least be held against Keras' own."""
    datasets = Path(find_spec("keras").submodule_search_locations[0]) / "src" / "datasets"
    source = (datasets / "cifar100.py").read_text()
    cifar = PUBLISHED_FILES["cifar-100-python.tar.gz"]
    assert cifar.url in source
    assert cifar.sha256 in source
    source = (datasets / "fashion_mnist.py").read_text()
    for name, file in PUBLISHED_FILES.items():
        if name != "cifar-100-python.tar.gz":
            assert f'"{name}"' in source
            assert file.url.removesuffix(name) in source


PUBLISHED_FILES = dict(published.FILES)
PUBLISHED_FACTS = dict(published.FACTS)
REAL = os.environ.get("COURSE_DATA")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "sizes", "each"),
    [("cifar100", (45_000, 5_000, 10_000), 50), ("fashion_mnist", (54_000, 6_000, 10_000), 600)],
)
def test_real_data(monkeypatch, name, sizes, each):
    monkeypatch.setenv("COURSE_DATA", str(REAL))
    monkeypatch.setitem(published.FACTS, name, PUBLISHED_FACTS[name])
    dataset = load_dataset(name)
    assert (len(dataset.x_train), len(dataset.x_validation), len(dataset.x_test)) == sizes
    assert set(np.bincount(dataset.y_validation)) == {each}, "the validation part is exactly balanced"
    assert set(np.bincount(dataset.subset(train=2000).y_train)) == {2000 // dataset.num_classes}
    if name == "cifar100":
        # Sea pictures are bluer, sunflowers yellower than the average: labels and names belong to the images.
        mean = dataset.x_train.reshape(len(dataset.x_train), -1, 3)[:, ::8].mean(axis=1)
        blueness = np.array([(mean[dataset.y_train == c] @ [-1, 0, 1]).mean() for c in range(100)])
        names = [dataset.class_names[c] for c in np.argsort(blueness)]
        assert {"sea", "dolphin", "whale", "shark"} & set(names[-6:])
        assert {"orange", "sunflower", "lion"} & set(names[:6])
    else:
        ink = [dataset.x_train[dataset.y_train == c].mean() for c in range(10)]
        assert dataset.class_names[int(np.argmin(ink))] == "Sandal"
