"""The recorded networks: what is packed, how far from what was trained, and what a damaged file says."""

import hashlib
import json
from dataclasses import asdict

import keras
import numpy as np
import pytest

from course_utils.data import load_dataset
from course_utils.models import classifier, describe, load_trained, pretrained, trained, trained_names
from course_utils.models.pretrained import Choice, Snapshot, Trained, WeightsError, pack, unpack
from course_utils.papers import WITH_LESSON
from course_utils.results.cards import all_runs

NAMES = trained_names()


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A small network of random weights, recorded as "small" after epochs 1 and 3; its weights in full precision."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    model = classifier("vit_tiny", (16, 16, 3), 6)
    random, snapshots, full = np.random.default_rng(0), {}, {}
    for epoch in (1, 3):
        full[epoch] = [random.normal(size=w.shape).astype("float32") for w in model.weights]
        packed = pack(full[epoch])
        pretrained.weights_file("small", epoch).write_bytes(packed)
        snapshots[str(epoch)] = Snapshot(sha256=hashlib.sha256(packed).hexdigest(), test_top1=0.5, shipped_top1=0.5)
    card = Trained(
        model=describe(model), dataset="random", class_names=list("abcdef"), recipe="none", seed=0, kept=3,
        snapshots=snapshots, levels=pretrained.LEVELS, tried={"15": Choice(bytes=1, test_top1=0.5)},
    )  # fmt: skip
    (tmp_path / "small.json").write_text(json.dumps({"format": Trained.FORMAT, **asdict(card)}))
    return full


@pytest.mark.parametrize("levels", [127, 15, 7])
def test_a_matrix_comes_back_within_half_a_level_of_each_outputs_largest(levels):
    random = np.random.default_rng(0)
    weights = [
        random.normal(size=(3, 3, 8, 5)),
        random.normal(size=(64, 7)) * 10.0 ** np.arange(-3, 4),
        np.zeros((4, 2)),
    ]
    back = unpack(pack([w.astype("float32") for w in weights], levels), [w.shape for w in weights])
    for weight, found in zip(weights, back, strict=True):
        largest = np.abs(weight).max(axis=tuple(range(weight.ndim - 1)))
        assert found.dtype == "float32"
        assert (np.abs(found - weight) <= largest * (0.5 / levels + 2**-10)).all()  # and the scale's own rounding


def test_a_vector_comes_back_as_half_precision_has_it():
    vector = np.linspace(-3, 3, 7, dtype="float32")
    assert np.array_equal(unpack(pack([vector]), [(7,)])[0], vector.astype("float16").astype("float32"))


def test_the_kept_epoch_is_loaded_unless_another_is_asked_for(shipped):
    for epoch, full in ((None, shipped[3]), (3, shipped[3]), (1, shipped[1])):
        found = load_trained("small", epoch).get_weights()
        shapes = [w.shape for w in full]
        assert all(np.array_equal(a, b) for a, b in zip(found, unpack(pack(full), shapes), strict=True))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_it_loads_under_every_precision_policy(shipped, policy):
    expected = load_trained("small").get_weights()
    keras.config.set_dtype_policy(policy)
    try:
        found = load_trained("small").weights
    finally:
        keras.config.set_dtype_policy("float32")
    for variable, weight in zip(found, expected, strict=True):
        assert np.array_equal(
            keras.ops.convert_to_numpy(variable), weight.astype(keras.ops.convert_to_numpy(variable).dtype)
        )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-9]), "not those that were recorded"),
        (lambda file: file.write_bytes(b"\0" + file.read_bytes()[1:]), "not those that were recorded"),
        (lambda file: file.unlink(), "cannot be read"),
    ],
)
def test_a_damaged_file_of_weights_is_refused_and_named(shipped, damage, message):
    file = pretrained.weights_file("small", 3)
    damage(file)
    with pytest.raises(WeightsError, match=message) as caught:
        load_trained("small")
    assert file.name in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "another"}, "another release"),
        ({"kept": 2}, "snapshots must hold epoch 2"),
        ({"class_names": ["a"]}, "class_names must be 6"),
        ({"levels": "many"}, "levels"),
        ({"more": 1}, "more"),
    ],
)
def test_a_damaged_card_is_refused_by_field(shipped, change, message):
    path = pretrained.FOLDER / "small.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(WeightsError, match=message):
        load_trained("small")
    path.write_text("{")
    with pytest.raises(WeightsError, match="damaged"):
        trained("small")


@pytest.mark.parametrize("epoch", [2, 0, "3 ", "../3", True, 1.5])
def test_weights_of_an_epoch_that_is_not_there_are_refused(shipped, epoch):
    with pytest.raises(ValueError, match="epoch must be one of 1, 3 or None"):
        load_trained("small", epoch)


@pytest.mark.parametrize("name", ["vit", "../small", None, ["small"]])
def test_an_unknown_name_lists_the_known_ones(shipped, name):
    with pytest.raises(ValueError, match=r"unknown network .*; choose from small"):
        load_trained(name)


def test_weights_of_another_network_are_refused(shipped):
    with pytest.raises(WeightsError, match="another network"):
        unpack(pack(shipped[1]), [(3, 4)])
    with pytest.raises(WeightsError, match="damaged"):
        unpack(b"PK\3\4", [(3, 4)])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shipped_is_small_and_as_good_as_what_was_trained(name):
    card = trained(name)
    for epoch, snapshot in card.snapshots.items():
        assert pretrained.weights_file(name, epoch).stat().st_size <= 0.7e6
        assert abs(snapshot.shipped_top1 - snapshot.test_top1) <= 0.002
    assert card.tried[str(card.levels)].test_top1 == card.snapshots[str(card.kept)].shipped_top1
    assert describe(load_trained(name)) == card.model
    made_by = (card.model, card.dataset, card.recipe, card.seed, card.kept)
    (run,) = [
        run for run in all_runs()
        if made_by == (run.model, run.dataset.name, run.recipe.label, run.seed, run.best_epoch)
    ]  # fmt: skip
    # The run measured itself in its own precision.
    assert abs(run.test.top1 - card.snapshots[str(card.kept)].test_top1) <= 0.002


def test_every_lessons_network_was_recorded_at_two_ages_and_the_cnn_beside_them():
    assert {key for key in WITH_LESSON if f"{key}_course" not in NAMES} == set()
    assert {key: len(trained(f"{key}_course").snapshots) for key in WITH_LESSON} == dict.fromkeys(WITH_LESSON, 2)
    assert "conv_course" in NAMES


def test_the_early_snapshots_of_all_networks_take_2_mb():
    early = [
        f for n in NAMES for f in pretrained.FOLDER.glob(f"{n}_*") if f != pretrained.weights_file(n, trained(n).kept)
    ]
    assert sum(file.stat().st_size for file in early) <= 2e6


@pytest.fixture(scope="module")
def cifar100():
    return load_dataset("cifar100")


@pytest.mark.real_data
@pytest.mark.rehearsal
@pytest.mark.parametrize("name", NAMES)
def test_the_card_tells_what_load_trained_reaches(name, cifar100):
    found = np.argmax(load_trained(name).predict(cifar100.x_test, batch_size=250, verbose=0), axis=1)
    shipped = trained(name).snapshots[str(trained(name).kept)].shipped_top1
    assert abs((found == cifar100.y_test).mean() - shipped) <= 0.0005  # another backend rounds differently
