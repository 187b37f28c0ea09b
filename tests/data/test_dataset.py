"""Dataset, load_dataset and the split."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from course_utils.data import Dataset, images, load_dataset, shapes
from course_utils.data.split import split


def make(**changes):
    """A small good Dataset, with changes."""
    rng, arrays = np.random.default_rng(0), {"name": "mine", "class_names": ("a", "b")}
    for part in ("train", "validation", "test"):
        arrays[f"x_{part}"] = rng.integers(0, 256, (6, 8, 8, 3), np.uint8)
        arrays[f"y_{part}"] = np.arange(6) % 2
    return Dataset(**(arrays | changes))


def with_nan():
    x = np.zeros((6, 8, 8, 3), np.float32)
    x[2, 1, 0, 1] = np.nan
    x[5, 0, 0, 0] = np.inf
    return x


def test_dataset_knows_its_shape_and_says_it():
    dataset = make()
    assert dataset.input_shape == (8, 8, 3)
    assert dataset.num_classes == 2
    assert dataset.y_train.dtype == np.int32
    assert repr(dataset) == "Dataset('mine': 6 training, 6 validation and 6 test images of 8 x 8 x 3, 2 classes)"
    with pytest.raises(AttributeError):
        dataset.name = "other"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x_train": [[1]]}, TypeError, "x_train must be a NumPy array; got a list"),
        ({"x_train": None}, TypeError, "x_train must be a NumPy array; got None"),
        ({"x_test": with_nan()}, ValueError, r"x_test has 2 values that are NaN.*first at index \(2, 1, 0, 1\)"),
        ({"x_train": np.ones((6, 8, 8, 3))}, TypeError, r"x_train must be uint8.*float64 with values 1\.\.1; if they"),
        ({"x_train": np.full((6, 8, 8, 3), 99.0)}, TypeError, r"99\.\.99; convert with np\.round\(x\)"),
        ({"x_train": np.full((6, 8, 8, 3), -1)}, TypeError, r"got int64 with values -1\.\.-1\.$"),
        ({"x_train": np.zeros((6, 8, 8), np.uint8)}, ValueError, r"x_train must have shape.*got \(6, 8, 8\).*None\]"),
        ({"x_train": np.zeros((6, 3, 8, 8), np.uint8)}, ValueError, r"1 channel \(grey\) or 3.*\(6, 3, 8, 8\)"),
        ({"x_train": np.zeros((6, 0, 8, 3), np.uint8)}, ValueError, r"got \(6, 0, 8, 3\)"),
        ({"x_validation": np.zeros((0, 8, 8, 3), np.uint8)}, ValueError, "x_validation is empty"),
        ({"x_test": np.zeros((6, 9, 8, 3), np.uint8)}, ValueError, r"x_test has images of shape \(9, 8, 3\) but"),
        ({"y_train": np.arange(5) % 2}, ValueError, "x_train has 6 images but y_train has 5 labels"),
        ({"y_train": np.arange(6)}, ValueError, r"y_train must hold labels in 0\.\.1.*4 labels.*first is 2 at index 2"),
        ({"y_test": np.array([0, 1, 0, 1, 0, -1])}, ValueError, r"y_test.*first is -1 at index 5"),
        ({"y_test": np.zeros(6)}, TypeError, "y_test must hold whole numbers; got float64"),
        ({"y_test": np.zeros((6, 1), int)}, ValueError, r"got \(6, 1\)\. y_test\.ravel\(\)"),
        ({"y_test": np.zeros((6, 2), int)}, ValueError, r"One-hot labels: y_test\.argmax"),
        ({"class_names": ("a",)}, ValueError, r"at least two classes to tell apart; got \('a',\)"),
        ({"class_names": "ab"}, ValueError, "at least two classes to tell apart; got 'ab'"),
        ({"class_names": np.array("a")}, ValueError, "at least two classes to tell apart; got a"),
        ({"class_names": 5}, ValueError, "at least two classes to tell apart; got 5"),
        ({"class_names": ("a", "a")}, ValueError, "found more than once: 'a'"),
        ({"class_names": ("a", "a ")}, ValueError, "found more than once: 'a'"),
        ({"class_names": ("a", " ")}, ValueError, "class_names must not be empty; number 1 is ' '"),
        ({"class_names": (0, 1)}, TypeError, "class_names must hold text; got 0"),
        ({"class_names": {"a", "b"}}, TypeError, "in the order of the labels, which a set is not"),
        ({"class_names": {"a": 0, "b": 1}}, TypeError, "in the order of the labels, which a dict is not"),
        ({"class_names": ("a", "b\n")}, ValueError, r"must hold no control characters; got 'b\\n'\. Rename it"),
        ({"class_names": ("a", "\udcff")}, ValueError, r"must hold no control characters; got '\\udcff'"),
        ({"x_test": np.ma.zeros((6, 8, 8, 3), np.uint8)}, TypeError, "x_test must be a NumPy array; got a MaskedArray"),
        ({"y_test": np.array(list("ababab"))}, TypeError, "y_test must hold whole numbers; got <U1"),
    ],
)
def test_dataset_of_ones_own_is_checked(changes, error, message):
    with pytest.raises(error, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_test": make().x_train}, "'mine': 6 of 6 test images are training images, too"),
        ({"x_validation": make().x_train[[0, 1, 2, 2, 2, 2]]}, "6 of 6 validation images are training images"),
        ({"x_test": make().x_validation}, "6 of 6 test images are validation images.* they choose the epoch"),
        ({"x_train": np.full((6, 8, 8, 3), 9, np.uint8)}, "nothing is to be seen in x_train"),
        ({"x_test": make().x_test // 255}, "nothing is to be seen in x_test.*multiply by 255 first"),
        (
            {"x_train": np.arange(40 * 192, dtype=np.uint8).reshape(40, 8, 8, 3), "y_train": np.zeros(40, int)},
            "no training image for 1 of 2 classes, such as 'b': they cannot be learned",
        ),
    ],
)
def test_what_may_be_meant_and_is_odd_is_said(changes, message):
    with pytest.warns(UserWarning, match=message):
        make(**changes)


def test_subset_is_the_beginning():
    dataset = load_dataset("shapes", size=1600)
    small = dataset.subset(train=160, test=16)
    assert (len(small.x_train), len(small.y_train), len(small.x_validation), len(small.x_test)) == (160, 160, 160, 16)
    np.testing.assert_array_equal(small.x_train, dataset.x_train[:160])
    np.testing.assert_array_equal(small.y_test, dataset.y_test[:16])


@pytest.mark.parametrize("count", [0, -1, 7, 2.0, True, "6", pytest.param(10**5000, id="enormous")])
def test_subset_names_what_is_wrong(count):
    with pytest.raises(ValueError, match=r"train must be a whole number in 1\.\.6 \(what 'mine' has\); got "):
        make().subset(train=count)


@pytest.mark.parametrize("task", shapes.TASKS)
def test_shapes_are_split_in_eight_one_one(task):
    one, same, other = (load_dataset("shapes", task=task, size=1600, **seed) for seed in ({}, {"seed": 0}, {"seed": 1}))
    assert (len(one.x_train), len(one.x_validation), len(one.x_test)) == (1280, 160, 160)
    assert one.class_names == shapes.class_names(task)
    assert one.input_shape == (32, 32, 3)
    np.testing.assert_array_equal(one.x_train, same.x_train)
    assert (one.x_train != other.x_train).any()
    seen = [{x.tobytes() for x in getattr(one, f"x_{part}")} for part in ("train", "validation", "test")]
    assert len(set.union(*seen)) == 1600 or task != "odd_one_out", "all images differ, and each is in one part only"


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("cifar-100", {}, ValueError, r"called 'cifar-100'.* Did you mean 'cifar100'\? load_dataset takes"),
        ("Fashion MNIST", {}, ValueError, r"Did you mean 'fashion_mnist'\?"),
        ("fashionmnist", {}, ValueError, r"Did you mean 'fashion_mnist'\?"),
        ("images of my dog", {}, ValueError, r"there is no folder at '.*'\. load_dataset takes 'shapes', 'cifar100'"),
        ("x" * 5000, {}, ValueError, r"no data set is called 'x{99}…"),
        (__file__, {}, ValueError, "is a file; load_dataset needs a folder"),
        ("", {}, ValueError, r"load_dataset takes 'shapes', .* or the path of a folder .* per class; got ''\."),
        (None, {}, TypeError, r"load_dataset takes 'shapes', .* or the path of a folder .* per class; got None\."),
        ("shapes", {"validation": 0}, ValueError, "validation must be a share strictly between 0 and 1.*got 0"),
        ("shapes", {"validation": 1.0}, ValueError, "validation must be a share"),
        ("shapes", {"validation": float("nan")}, ValueError, "validation must be a share"),
        ("shapes", {"validation": "0.1"}, ValueError, "validation must be a share"),
        ("shapes", {"validation": 0.95}, ValueError, r"validation must be below 0\.9 here.*got 0\.95"),
        ("shapes", {"split_seed": -1}, ValueError, "split_seed must be a whole number from 0 on; got -1"),
        ("shapes", {"size": 47}, ValueError, r"in 48\.\.1,000,000, as each of the 16 classes of task .*got 47"),
        ("shapes", {"size": 10**12}, ValueError, r"size must be a whole number in 48\.\.1,000,000.*got 1000000000000"),
        ("shapes", {"task": "odd"}, ValueError, "task must be one of"),
        ("shapes", {"image_size": 8}, TypeError, r"does not know: 'image_size'. It takes task, size, seed"),
        ("cifar100", {"size": 8}, TypeError, "does not know: 'size'. It takes no further options"),
        (".", {"size": 8}, TypeError, "does not know: 'size'. It takes image_size"),
        (".", {"image_size": 0}, ValueError, r"image_size must be a whole number in 1\.\.4,096 \(pixels\); got 0"),
        (".", {"image_size": 2.5}, ValueError, "image_size must be a whole number.*got 2.5"),
    ],
)
def test_bad_arguments_are_named(name, options, error, message):
    with pytest.raises(error, match=message):
        load_dataset(name, **options)


@pytest.mark.parametrize("shares", [[0.05], [0.25], [0.5], [0.9], [0.1, 0.1]])
@pytest.mark.parametrize("counts", [[100] * 10, [900, 100], [625] * 16, [3, 4, 5, 10, 33, 100, 101]])
def test_parts_never_overlap_lose_nothing_and_are_balanced_from_their_beginning_on(counts, shares):
    labels = np.repeat(np.arange(len(counts)), counts)
    parts, near = split(labels, shares, seed=3), 1 if min(counts) >= 100 else 2
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(labels)))
    for part, share in zip(parts, [1 - sum(shares), *shares], strict=True):
        here = np.bincount(labels[part], minlength=len(counts))
        assert here.min() > 0, "every class in every part"
        assert np.abs(here - np.multiply(counts, share)).max() < near
        assert len(part) == round(len(labels) * share) or near > 1
        for k in (10, 50, 200, len(part) // 2):
            beginning = np.bincount(labels[part[:k]], minlength=len(counts))
            assert np.abs(beginning - min(k, len(part)) * here / len(part)).max() < near


def test_split_is_fixed_by_its_seed_on_every_machine():
    labels = np.arange(60) % 3
    train, validation = split(labels, [0.1], seed=5)
    assert validation.tolist() == [27, 14, 13, 53, 55, 9]
    assert set(validation) != set(split(labels, [0.1], seed=6)[1])
    assert len({tuple(labels[train[i : i + 3]]) for i in range(0, 54, 3)}) > 3, "in a random order each time"


def test_class_too_small_to_split_is_named():
    with pytest.raises(ValueError, match="at least 3 images, one for each part; class 1 has 2"):
        split(np.array([0, 0, 0, 0, 1, 1]), [0.1, 0.1], seed=0)


def photo(path, colour=(200, 0, 0), shift=0):
    """Saves a small image that is nearly of one colour, and differs with `shift`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20 + shift, 30), tuple(c // 2 + shift for c in colour)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Three classes of plain images in their colour, in several formats, and what systems leave lying about."""
    root = tmp_path / "pets"
    for name, colour, count in (("red", (200, 0, 0), 10), ("green", (0, 200, 0), 10), ("blue", (0, 0, 200), 3)):
        for i in range(count):
            photo(root / name / f"{i:02}.{('png', 'jpg', 'bmp', 'webp')[i % 4]}", colour, i)
        (root / name / ".DS_Store").write_bytes(b"no image")
        (root / name / "Thumbs.db").write_bytes(b"no image")
    for inside in (root, root / "red"):
        (inside / ".ipynb_checkpoints").mkdir()
        (inside / ".ipynb_checkpoints" / "x.png").write_bytes(b"no image")
    return root


def count(dataset):
    return len(dataset.x_train) + len(dataset.x_validation) + len(dataset.x_test)


def test_folder_of_ones_own_images(folder):
    dataset = load_dataset(folder, image_size=16)
    assert dataset.name == "pets"
    assert dataset.class_names == ("blue", "green", "red")
    assert dataset.input_shape == (16, 16, 3)
    assert (len(dataset.x_train), len(dataset.x_validation), len(dataset.x_test)) == (17, 3, 3)
    for part in ("train", "validation", "test"):
        x, y = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
        np.testing.assert_array_equal(x.mean(axis=(1, 2)).argmax(axis=1), 2 - y)
    again = load_dataset(str(folder), image_size=np.int64(16))
    np.testing.assert_array_equal(again.x_train, dataset.x_train)
    assert load_dataset(folder).input_shape == (32, 32, 3)


@pytest.mark.parametrize("path", ["~/pets", "$HOME/pets", "${HOME}/pets"])
def test_home_and_variables_stand_in_a_path(folder, monkeypatch, path):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert count(load_dataset(path)) == 23


def test_what_systems_left_behind_and_what_lies_beside_is_said(folder, capsys):
    for name in ("__MACOSX", "$RECYCLE.BIN", "@eaDir", "red/@eaDir"):
        (folder / name / "red").mkdir(parents=True)
        (folder / name / "red" / "x.png").write_bytes(b"no image")
    (folder / "notes.txt").write_text("taken in May")
    assert count(load_dataset(folder)) == 23
    said = capsys.readouterr().out
    assert "what a system left behind: $RECYCLE.BIN, @eaDir, __MACOSX, blue/Thumbs.db, green/Thumbs.db and 2" in said
    assert "beside the classes' folders: notes.txt" in said


def test_images_in_deeper_folders_and_behind_links_are_read_once_and_in_order(folder, tmp_path, monkeypatch):
    seen, read = [], images.read
    monkeypatch.setattr(images, "read", lambda file, size: seen.append(file) or read(file, size))
    photo(folder / "red" / "-camera" / "may" / "x.png", shift=50)
    photo(tmp_path / "elsewhere" / "y.png", shift=51)
    (folder / "red" / "more").symlink_to(tmp_path / "elsewhere")
    (folder / "red" / "round").symlink_to(folder / "red")
    assert count(load_dataset(folder)) == len(seen) == 25
    assert seen == sorted(seen)


def test_all_that_cannot_be_read_is_named_at_once(folder):
    (folder / "green" / "03.webp").write_bytes(b"RIFF????WEBP broken")
    (folder / "blue" / "gone.png").symlink_to("/no/such/disk/gone.png")
    (folder / "birds").symlink_to("/no/such/disk/birds")
    os.mkfifo(folder / "red" / "pipe.png")
    (folder / "red" / "notes.txt").write_text("taken in May")
    with pytest.raises(ValueError, match=r"pets', what cannot be read \(5\) is: ") as caught:
        load_dataset(folder)
    for part in ("birds", "blue/gone.png", "green/03.webp", "red/pipe.png", "red/notes.txt", "is a disk not mounted?"):
        assert part in str(caught.value)


def test_a_folder_that_may_not_be_opened_is_named(folder, monkeypatch):
    real = os.scandir

    def refuse(path):
        if os.path.basename(path) == "red":
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ValueError, match=r"\(1\) is: red\. .*cannot be opened \(Permission denied\)"):
        load_dataset(folder)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "mine' is empty. It must hold one sub-folder per class"),
        (["a.png", "b.png"], "has 2 files but no sub-folders"),
        (["cats/a.png"], "only one class, 'cats'"),
        (["cats/1.png", "cats/2.png", "dogs/1.png", "dogs/2.png", "dogs/3.png"], "cats' has 2 images; every class nee"),
        (["cats/.hidden.png", "dogs/1.png"], "cats' has 0 images"),
        (
            ["mine/cats/1.png", "mine/dogs/1.png"],
            "only one class, 'mine'.*, unless '.*mine/mine' with 2 folders",
        ),
        (["training_set/1.png", "test_set/1.png"], "mine' is split already, into test_set, training_set"),
        (["train/1.png", "test/1.png"], "mine' is split already, into test, train, which are no classes. Give"),
        (["Training/cats/1.png", "val/cats/1.png"], "mine' is split already, into Training, val"),
    ],
)
def test_folder_of_the_wrong_layout_is_named(tmp_path, files, message):
    (tmp_path / "mine").mkdir()
    for file in files:
        photo(tmp_path / "mine" / file)
    with pytest.raises(ValueError, match=message):
        load_dataset(tmp_path / "mine")


def test_a_long_reading_shows_how_far_it_is(folder, monkeypatch, capsys):
    clock = iter(range(0, 1000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    load_dataset(folder)
    said = capsys.readouterr().out
    assert "pets:  17 %, 4 of 23 images, 19 s left" in said
    assert " 3 of 23" not in said


def test_modules_import_nothing_heavy():
    code = (
        "import sys, course_utils.data, course_utils.data.images, course_utils.data.published;"
        "heavy = {'keras', 'tensorflow', 'matplotlib', 'skimage', 'PIL'} & set(sys.modules);"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
