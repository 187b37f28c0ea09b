"""The command that trains and records: benchmarks.accuracy."""

from dataclasses import replace

import keras
import pytest

from benchmarks import accuracy
from course_utils.data import load_dataset
from course_utils.models import CONFIGS, named_config
from course_utils.papers import PAPERS, WITH_KERAS_IO
from course_utils.results.cards import read, recorded
from course_utils.training.recipes import RECIPES

BRIEF = ["no_mixing_tiny", "--recipe", "quick", "--epochs", "2", "--data", "shapes"]
STEM = "no_mixing_tiny_shapes_odd_one_out_quick_2_epochs"


@pytest.fixture
def command(monkeypatch, tmp_path):
    small = load_dataset("shapes").subset(train=256, validation=50, test=50)
    monkeypatch.setattr(accuracy, "load_dataset", lambda name: small)
    folders = ["--results", str(tmp_path / "results"), "--runs", str(tmp_path / "runs")]
    (tmp_path / "results").mkdir()
    yield lambda *arguments: accuracy.main([*arguments, *folders])
    keras.config.set_dtype_policy("float32")


def result(folder, stem=STEM):
    return read(folder / "results" / f"{stem}.json")


def learned(run):
    return {key: values for key, values in run.history.items() if "seconds" not in key}, run.test


def interrupting(monkeypatch):
    """Makes the next training end by Ctrl-C after its first epoch."""

    def stop(epoch):
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(accuracy, "train", lambda *a, **k: real(*a, **k | {"after_epoch": stop}))


real = accuracy.train


@pytest.mark.rehearsal
def test_an_interrupted_run_goes_on_and_a_finished_one_is_left_alone(command, tmp_path, monkeypatch, capsys):
    command(*BRIEF)
    undisturbed = learned(result(tmp_path))
    (tmp_path / "results" / f"{STEM}.json").unlink()

    interrupting(monkeypatch)
    with pytest.raises(SystemExit) as stopped:
        command(*BRIEF)
    assert stopped.value.code == 130
    assert "goes on from the last finished epoch" in capsys.readouterr().err
    assert not list((tmp_path / "results").iterdir()), "an unfinished run is no result"
    assert sorted(file.name for file in (tmp_path / "runs").iterdir()) == [f"{STEM}.json", f"{STEM}.npz"]

    monkeypatch.setattr(accuracy, "train", real)
    command(*BRIEF)
    assert f"{STEM}: goes on" in capsys.readouterr().out
    assert learned(result(tmp_path)) == undisturbed
    assert not list((tmp_path / "runs").iterdir())

    (tmp_path / "results" / f"{STEM}.json").rename(tmp_path / "results" / "another name.json")
    monkeypatch.setattr(accuracy, "train", None)  # it would fail if it trained
    command(*BRIEF)
    assert f"{STEM}: recorded already (another name.json)" in capsys.readouterr().out
    with pytest.raises(TypeError, match="not callable"):
        command(*BRIEF, "--again")


def test_a_run_is_known_by_what_went_in(command):
    run = recorded("vit_tiny_shapes_odd_one_out_quick")
    task = accuracy.job("vit_tiny", load_dataset("shapes"), "quick")
    assert task.is_done_by(run)
    assert task.name == "vit_tiny_shapes_odd_one_out_quick"
    assert accuracy.job("vit_tiny,depth=3", task.dataset, "quick", 1, epochs=2).name == (
        "vit_tiny_depth=3_shapes_odd_one_out_quick_2_epochs_seed1"
    )
    data, how = task.dataset, replace(task.recipe, learning_rate=1e-3)
    others = {"seed": [1], "recipe": [how], "config": [named_config("vit_tiny", depth=3)], "input_shape": [(64, 64, 3)]}
    others["dataset"] = [replace(data, name="other"), data.subset(train=128)]
    for field, values in others.items():
        assert not any(replace(task, **{field: value}).is_done_by(run) for value in values), field
    for change in ({"test": None}, {"stopped": "the loss is not finite"}, {"stopped": "interrupted"}):
        assert not task.is_done_by(replace(run, **change))
    assert task.is_done_by(replace(run, recipe=replace(run.recipe, name=None), stopped="no lower validation loss"))
    accuracy.set_precision("mixed_bfloat16")
    assert task.name == "vit_tiny_shapes_odd_one_out_quick_mixed_bfloat16"
    assert not task.is_done_by(run)


@pytest.mark.rehearsal
def test_a_checkpoint_of_another_run_is_told_and_the_other_runs_go_on(command, tmp_path, monkeypatch, capsys):
    interrupting(monkeypatch)
    with pytest.raises(SystemExit):
        command(*BRIEF)
    monkeypatch.setattr(accuracy, "train", real)
    monkeypatch.setitem(RECIPES, "quick", accuracy.recipe("quick", learning_rate=1e-3))
    with pytest.raises(SystemExit) as stopped:
        command(*BRIEF, "--seeds", "2")
    assert stopped.value.code == 1
    assert "learning_rate is 0.005 there and 0.001 here" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "results").iterdir()] == [f"{STEM}_seed1.json"]
    assert (tmp_path / "runs" / f"{STEM}.npz").exists()


def test_a_run_whose_loss_is_not_finite_leaves_no_card(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(RECIPES, "quick", accuracy.recipe("quick", learning_rate=1e30, warmup=0.0, schedule="constant"))
    with pytest.raises(SystemExit):
        command(*BRIEF)
    assert "the loss is not finite; no card was written" in capsys.readouterr().err
    assert not list((tmp_path / "results").iterdir())


WRONG = [
    (["mixxer"], "unknown model 'mixxer'; choose from mixer_tiny"),
    (["mixer_tiny,attention_start=mimetic"], "'mixer' has no use for attention_start='mimetic'"),
    (["vit_course,plain"], "vit_course,plain: a change should be field=value, but it is 'plain'"),
    (["vit_course,plain=1"], "vit_course,plain=1: there is no 'plain'"),
    (["vit_course,depth=x"], "vit_course,depth=x: depth should be a valid integer, but it is 'x'"),
    (["vit_course,depth=0"], "depth should be greater than or equal to 1, but it is '0'"),
    (["mixer_tiny", "--epochs", "0"], "epochs should be greater than or equal to 1, but it is 0"),
    (["mixer_tiny", "--seeds", "0"], "--seeds must be at least 1, but it is 0"),
    (["mixer_tiny", "--precision", "int8"], "invalid choice: 'int8'"),
    (["mixer_tiny", "--recipe", "slow"], "invalid choice: 'slow'"),
    (["no_mixing_tiny", "--recipe", "keras_io"], "there is no keras.io example on 'no_mixing'"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_bad_arguments_are_named_before_anything_is_trained(arguments, message, command, capsys):
    with pytest.raises(SystemExit):
        command(*arguments)
    assert message in capsys.readouterr().err


def test_a_network_that_does_not_fit_the_images_is_named_before_anything_is_trained(command, monkeypatch, capsys):
    odd = accuracy.load_dataset("shapes")
    parts = {name: getattr(odd, name)[:, :28, :28] for name in ("x_train", "x_validation", "x_test")}
    monkeypatch.setattr(accuracy, "load_dataset", lambda name: replace(odd, **parts))
    monkeypatch.setattr(accuracy, "train", None)  # it would fail if it trained
    with pytest.raises(SystemExit):
        command("mixer_course", "mixer_tiny")
    assert "mixer_tiny on shapes: odd_one_out: " in capsys.readouterr().err


@pytest.mark.parametrize("paper", PAPERS)
def test_each_keras_io_example_has_its_recipe_and_its_images(paper, command):
    data = accuracy.load_dataset("shapes")
    assert accuracy.job(f"{paper}_tiny", data, "short").input_shape == data.input_shape
    if paper in WITH_KERAS_IO:
        task = accuracy.job(f"{paper}_keras_io", data, "keras_io")
        assert task.recipe == RECIPES[f"keras_io_{paper}"]
        assert task.input_shape[0] == (72 if "vit" in paper else 64)
        assert task.input_shape[0] % task.config.patch_size == 0


def test_a_model_on_the_command_line_is_a_configuration_and_its_changes():
    assert accuracy.network("small_data_vit_course") == ("small_data_vit_course", CONFIGS["small_data_vit_course"])
    plain = "small_data_vit_course,shifted_patches=false,temperature=False,mask_diagonal=0"
    changes = {"shifted_patches": False, "temperature": False, "mask_diagonal": False}
    assert accuracy.network(plain)[1] == named_config("small_data_vit_course", **changes)
    assert accuracy.network("vit_course,dropout=0.1,depth=6")[1] == named_config("vit_course", dropout=0.1, depth=6)
    assert accuracy.network("vit_course,attention_start=mimetic")[1].attention_start == "mimetic"
