import numpy as np
import pytest

from course_utils.data import load_dataset
from course_utils.training import Recipe, dry_run, dry_running, train
from course_utils.training.recipes import RECIPES

pytestmark = pytest.mark.one_backend


def sizes(run):
    return run.dataset.train, run.dataset.validation, run.dataset.test


def test_it_is_one_epoch_on_a_few_images_and_says_so(monkeypatch, capsys, small_model):
    monkeypatch.setenv("COURSE_DRY_RUN", "1")
    run = train(small_model(), load_dataset("shapes", size=1600), "quick", track_test=True, monitor="lines")
    assert run.dry_run
    assert (run.epochs, run.recipe.epochs) == (1, 1)
    assert (run.recipe.batch_size, run.recipe.learning_rate) == (128, RECIPES["quick"].learning_rate)
    assert sizes(run) == (256, 100, 100)
    assert "test_accuracy" in run.history
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("dry run on 256 images, no result: ") for line in lines)


def test_the_first_one_builds_its_graph_and_later_ones_learn_the_same_without(shapes, small_model, monkeypatch):
    monkeypatch.setattr(dry_run, "_one_before", False)
    train(small_model(), shapes, Recipe(1), monitor="none")
    assert dry_run._one_before is False, "a run is no dry run"
    monkeypatch.setenv("COURSE_DRY_RUN", "1")
    models = [small_model() for _ in range(2)]
    first, second = (train(model, shapes, Recipe(1), monitor="none") for model in models)
    assert [model.run_eagerly for model in models] == [False, True]
    np.testing.assert_allclose(first.history["loss"], second.history["loss"], rtol=1e-5)


def test_it_moves_every_weight_and_may_do_without_a_graph_from_the_first_on(shapes, small_model, monkeypatch):
    monkeypatch.setattr(dry_run, "_one_before", False)
    monkeypatch.setenv("COURSE_DRY_RUN", "Eager")
    model = small_model()
    before = model.get_weights()
    run = train(model, shapes, Recipe(3, 32), monitor="none")
    assert model.run_eagerly
    assert run.dataset.train == 64
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_small_data_set_is_taken_whole(shapes, small_model, monkeypatch):
    monkeypatch.setenv("COURSE_DRY_RUN", "eager")
    assert sizes(train(small_model(), shapes.subset(train=40), Recipe(3, 64), monitor="none")) == (40, 48, 48)


@pytest.mark.parametrize("name", ["card", "checkpoint"])
def test_it_refuses_to_write(name, shapes, small_model, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DRY_RUN", "1")
    with pytest.raises(ValueError, match=f"COURSE_DRY_RUN is set, and a dry run is no result: it writes no {name}"):
        train(small_model(), shapes, "quick", **{name: tmp_path / "file"}, after_epoch=pytest.fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "on"),
    [(None, False), *((no, False) for no in ("", "0", "False", "no", "OFF"))]
    + [(yes, True) for yes in ("1", "true", "YES", "On", "eager")],
)
def test_the_variable_says_yes_or_no_in_many_ways(said, on, monkeypatch):
    monkeypatch.delenv("COURSE_DRY_RUN", raising=False)
    if said is not None:
        monkeypatch.setenv("COURSE_DRY_RUN", said)
    assert dry_running() is on


def test_any_other_word_is_an_error_that_names_the_variable(monkeypatch):
    monkeypatch.setenv("COURSE_DRY_RUN", "perhaps")
    with pytest.raises(ValueError, match=r"the variable COURSE_DRY_RUN must be one of 1, 0, .*but it is 'perhaps'"):
        dry_running()
