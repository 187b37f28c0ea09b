"""CIFAR-100 and Fashion-MNIST: where they are found, what is refused, and the real ones where they are at hand."""

import gzip
import hashlib
import io
import os
import pickle
import struct
import tarfile
import tracemalloc
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from course_utils.data import load_dataset, published
from course_utils.data.download import DownloadError

PUBLISHED = dict(published.FACTS)
REAL = os.environ.get("COURSE_DATA")
TRAIN, TEST = 400, 200


def arrays(name="cifar100"):
    """Images and labels that pass the checks."""
    facts = PUBLISHED[name]
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


class Python2(pickle._Pickler):
    """Writes bytes as Python 2 did, when CIFAR-100 was published."""

    dispatch = pickle._Pickler.dispatch | {
        bytes: lambda self, text: self.write(pickle.BINSTRING + struct.pack("<i", len(text)) + text)
    }


def cifar_archive():
    """What cifar-100-python.tar.gz holds, but for the number of images."""
    made, file = arrays(), io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
        for part in ("train", "test"):
            rows = np.ascontiguousarray(made[f"x_{part}"].transpose(0, 3, 1, 2).reshape(-1, 3072))
            content = {b"data": rows, b"fine_labels": made[f"y_{part}"].tolist()}
            Python2(packed := io.BytesIO(), protocol=2).dump(content)
            old = packed.getvalue().replace(b"numpy._core", b"numpy.core").replace(b"\x89\x88\x87q", b"K\x00K\x01\x87q")
            info = tarfile.TarInfo(f"cifar-100-python/{part}")
            info.size = len(old)
            archive.addfile(info, io.BytesIO(old))
    return {"cifar-100-python.tar.gz": file.getvalue()}


def fashion_files():
    made, files = arrays("fashion_mnist"), {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        x, y = made[f"x_{part}"], made[f"y_{part}"]
        content = (
            struct.pack(">4I", 0x803, len(x), 28, 28) + x.tobytes(),
            struct.pack(">2I", 0x801, len(y)) + y.tobytes(),
        )
        for kind, plain in zip(("images-idx3", "labels-idx1"), content, strict=True):
            files[f"{prefix}-{kind}-ubyte.gz"] = gzip.compress(plain, 1)
    return files


FILES = {"cifar100": cifar_archive(), "fashion_mnist": fashion_files()}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path, server):
    """Small stand-ins for the two sets, which a server has, and an empty cache, which is returned."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for name, facts in PUBLISHED.items():
        server.files |= FILES[name]
        files = {file: (len(content), hashlib.sha256(content).hexdigest()) for file, content in FILES[name].items()}
        small = facts._replace(train=TRAIN, test=TEST, files=files, url=server.url)
        monkeypatch.setitem(published.FACTS, name, small)
    return tmp_path / "keras" / "datasets"


@pytest.fixture
def course_data(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def assert_whole(dataset, name="cifar100"):
    """The data set holds exactly the images of `arrays`, each with its label."""

    def pairs(x, y):
        return sorted((image.tobytes(), int(label)) for image, label in zip(x, y, strict=True))

    made = arrays(name)
    x = np.concatenate([dataset.x_train, dataset.x_validation])
    y = np.concatenate([dataset.y_train, dataset.y_validation])
    assert pairs(x, y) == pairs(made["x_train"], made["y_train"])
    assert pairs(dataset.x_test, dataset.y_test) == pairs(made["x_test"], made["y_test"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_npz_in_course_data_comes_first(course_data, name):
    save(course_data, name)
    one, two = (load_dataset(name, validation=0.25, split_seed=seed) for seed in (0, 1))
    assert one.input_shape == PUBLISHED[name].image
    assert (len(one.x_train), len(one.x_validation), len(one.x_test)) == (300, 100, 200)
    assert_whole(one, name)
    np.testing.assert_array_equal(one.x_test, two.x_test)  # the test part is the same whatever the split
    assert (one.x_validation != two.x_validation).any()


def test_labels_as_keras_gives_them_and_grey_images_with_and_without_channel(course_data):
    made = arrays("fashion_mnist")
    save(course_data, "fashion_mnist", x_train=made["x_train"][..., 0], y_train=made["y_train"][:, None].astype(">u8"))
    assert_whole(load_dataset("fashion_mnist"), "fashion_mnist")


MADE = arrays()
BLANK = MADE["x_train"].copy()
BLANK[300:] = 0


def saved(save, *args, **changes):
    """Returns what NumPy writes."""
    file = io.BytesIO()
    save(file, *args, **changes)
    return file.getvalue()


def bomb():
    """A small .npz that unpacks to 120 MB."""
    file, zeros = io.BytesIO(), saved(np.save, np.zeros(3 * 10**7, np.uint8))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for key in MADE:
            archive.writestr(f"{key}.npy", zeros)
    return file.getvalue()


WHOLE = saved(np.savez, **MADE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"x_train": MADE["x_train"][:399]}, r"x_train is uint8 of shape \(399, 32, 32, 3\), expected uint8 of"),
        ({"x_test": MADE["x_test"].astype(np.float16)}, "x_test is float16 of shape .*, expected uint8"),
        ({"x_train": np.zeros_like(MADE["x_train"])}, r"x_train has values 0\.\.0, expected 0\.\.255"),
        ({"x_train": MADE["x_train"] // 2}, r"x_train has values 0\.\.127"),
        ({"x_train": BLANK}, "x_train has 100 blank images"),
        ({"x_train": np.array([print], object)}, r"x_train is object of shape \(1,\), expected uint8"),
        ({"y_train": MADE["y_train"] + 1}, r"y_train has values 1\.\.100, expected 0\.\.99"),
        ({"y_train": np.maximum(MADE["y_train"], 1)}, r"y_train has values 1\.\.99"),
        ({"y_train": np.where(MADE["y_train"] == 5, 6, MADE["y_train"])}, "has 0 images of class 5, expected 4"),
        ({"y_train": MADE["y_train"][:399]}, r"y_train is uint8 of shape \(399,\)"),
        ({"y_test": MADE["y_test"] * 1.0}, "y_test is float64"),
        (WHOLE[: len(WHOLE) // 2], "File is not a zip file"),
        (b"", "File is not a zip file"),
        (b"404: not found", "File is not a zip file"),
        (WHOLE[:5000] + bytes([WHOLE[5000] ^ 1]) + WHOLE[5001:], "Bad CRC-32 for file 'x_train.npy'"),
        (saved(np.save, np.zeros(3)), "File is not a zip file"),
        (saved(np.savez, x_train=MADE["x_train"], y_train=MADE["y_train"]), "no item named 'x_test.npy'"),
        (bomb(), r"x_train is uint8 of shape \(30000000,\)"),
    ],
)
def test_an_npz_that_is_not_the_published_one_is_named_before_it_is_read(course_data, content, message):
    path = save(course_data, **(content if isinstance(content, dict) else {}))
    if isinstance(content, bytes):
        path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ValueError, match=message) as caught:
        load_dataset("cifar100")
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()
    said = (
        f"{path} is not cifar100 as published, or is damaged",
        "(400, 32, 32, 3)",
        ", ".join(MADE),
        "Delete this file",
    )
    for part in (*said, "COURSE_DATA"):
        assert part in str(caught.value)


def test_course_data_without_the_file_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COURSE_DATA", "~")
    load_dataset("fashion_mnist")
    assert f"COURSE_DATA: {tmp_path} holds no fashion_mnist.npz; looked for elsewhere." in capsys.readouterr().out
    save(tmp_path, "fashion_mnist")
    load_dataset("fashion_mnist")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("given", ["/no/where", " "])
def test_course_data_that_is_no_folder_is_named(monkeypatch, given):
    monkeypatch.setenv("COURSE_DATA", given)
    with pytest.raises(ValueError, match=rf"COURSE_DATA is set to '{given}', which is not a folder\. Correct it"):
        load_dataset("cifar100")


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


@pytest.mark.parametrize("place", PUBLISHED["cifar100"].places)
def test_what_keras_left_is_found(server, cache, place):
    cache.mkdir(parents=True)
    (cache / place.format("cifar-100-python.tar.gz")).write_bytes(*FILES["cifar100"].values())
    assert_whole(load_dataset("cifar100", validation=0.25))
    assert not server.asked


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_not_here_is_fetched_once_and_lies_where_keras_looks(server, cache, capsys, name):
    assert_whole(load_dataset(name, validation=0.25), name)
    assert "100 %" in capsys.readouterr().out
    assert_whole(load_dataset(name, validation=0.25), name)
    assert capsys.readouterr().out == ""
    assert len(server.asked) == len(FILES[name])
    folder = cache if name == "cifar100" else cache / "fashion-mnist"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES[name]


class Trap:
    """Unpickling this would make a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("same_length", [True, False])
def test_what_is_not_as_published_is_not_opened_and_fetched_again(cache, tmp_path, capsys, same_length):
    cache.mkdir(parents=True)
    whole, file, trap = *FILES["cifar100"].values(), io.BytesIO(), pickle.dumps(Trap(tmp_path / "sprung"))
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("cifar-100-python/train")
        info.size = len(trap)
        archive.addfile(info, io.BytesIO(trap))
    path = cache / "cifar-100-python.tar.gz"
    path.write_bytes(file.getvalue().ljust(len(whole) if same_length else 0, b"\0"))
    assert_whole(load_dataset("cifar100", validation=0.25))
    said = capsys.readouterr().out
    assert f"Not used: {path} is damaged, or not the published file (length or SHA-256 differs)" in said
    assert "100 %" in said
    assert path.read_bytes() == whole
    assert not (tmp_path / "sprung").exists()
    pickle.loads(trap)
    assert (tmp_path / "sprung").exists(), "the trap is armed"


def test_a_planted_link_is_replaced_and_not_written_through(cache, tmp_path):
    cache.mkdir(parents=True)
    (tmp_path / "somebodys").write_bytes(b"theirs")
    (cache / "cifar-100-python.tar.gz").symlink_to(tmp_path / "somebodys")
    assert_whole(load_dataset("cifar100", validation=0.25))
    assert (tmp_path / "somebodys").read_bytes() == b"theirs"
    assert not (cache / "cifar-100-python.tar.gz").is_symlink()


def no_room(*_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("what", ["a full disk", "a folder that cannot be made"])
def test_what_cannot_be_kept_is_used_and_said(cache, monkeypatch, capsys, what):
    if what == "a full disk":
        monkeypatch.setattr("os.fsync", no_room)
        said = "could not save cifar-100-python.tar.gz (No space left on device)"
    else:
        cache.parent.write_text("a file is in the way")
        said = f"{cache}"
    assert_whole(load_dataset("cifar100", validation=0.25))
    printed = capsys.readouterr().out
    assert said in printed
    assert "cifar-100-python.tar.gz was fetched, and is not kept for the next time: " in printed


def test_a_file_that_may_not_be_read_is_said_and_fetched(cache, monkeypatch, capsys):
    cache.mkdir(parents=True)
    path = cache / "cifar-100-python.tar.gz"
    path.write_bytes(*FILES["cifar100"].values())
    monkeypatch.setattr(Path, "read_bytes", no_room)
    assert_whole(load_dataset("cifar100", validation=0.25))
    assert f"Not used: {path} (No space left on device)." in capsys.readouterr().out


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_network_says_what_to_do(server, name):
    server.status = 404
    with pytest.raises(DownloadError, match=rf"from {server.url}.* COURSE_DATA .* holds {name}\.npz.*shapes"):
        load_dataset(name)


def test_addresses_and_hashes_are_those_of_keras():
    """Without a network the constants can at least be held against Keras' own."""
    datasets = Path(find_spec("keras").submodule_search_locations[0]) / "src" / "datasets"
    for name, facts in PUBLISHED.items():
        source = (datasets / f"{name}.py").read_text()
        assert facts.url in source
        assert all(f in source and (h in source or name == "fashion_mnist") for f, (_, h) in facts.files.items())


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "sizes", "each"),
    [("cifar100", (45_000, 5_000, 10_000), 50), ("fashion_mnist", (54_000, 6_000, 10_000), 600)],
)
def test_real_data(monkeypatch, name, sizes, each):
    monkeypatch.setenv("COURSE_DATA", str(REAL))
    monkeypatch.setitem(published.FACTS, name, PUBLISHED[name])
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
