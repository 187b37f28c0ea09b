"""The command that trains and records: benchmarks.accuracy."""

import json
from dataclasses import replace

import pytest

from benchmarks import accuracy
from course_utils.data import load_dataset
from course_utils.models import CONFIGS
from course_utils.results.cards import read_card
from course_utils.training.recipes import RECIPES

BRIEF = ["no_mixing_tiny", "--recipe", "quick", "--epochs", "2", "--data", "shapes"]
STEM = "no_mixing_tiny_shapes_odd_one_out_quick_2_epochs"


@pytest.fixture
def command(monkeypatch, tmp_path):
    small = load_dataset("shapes").subset(train=256, validation=50, test=50)
    monkeypatch.setattr(accuracy, "load_dataset", lambda name: small)
    folders = ["--results", str(tmp_path / "results"), "--runs", str(tmp_path / "runs")]
    (tmp_path / "results").mkdir()
    return lambda *arguments: accuracy.main([*arguments, *folders])


def history(folder, stem=STEM):
    card = read_card(folder / "results" / f"{stem}.json")
    return {key: values for key, values in card["history"].items() if "seconds" not in key}, card["test"]


def interrupting(monkeypatch):
    """Makes the next training end by Ctrl-C after its first epoch."""

    def stop(epoch):
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(accuracy, "train", lambda *a, **k: real(*a, **k, after_epoch=stop))


real = accuracy.train


def test_an_interrupted_run_goes_on_and_a_finished_one_is_left_alone(command, tmp_path, monkeypatch, capsys):
    command(*BRIEF)
    undisturbed = history(tmp_path)
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
    assert history(tmp_path) == undisturbed
    assert not list((tmp_path / "runs").iterdir())

    monkeypatch.setattr(accuracy, "train", None)  # it would fail if it trained
    command(*BRIEF)
    assert f"{STEM}: its card is there already" in capsys.readouterr().out
    with pytest.raises(TypeError, match="not callable"):
        command(*BRIEF, "--again")


def test_every_seed_has_its_card_and_another_number_of_epochs_is_another_run(command, tmp_path):
    command(*BRIEF[:-4], "--epochs", "1", "--data", "shapes", "--seeds", "2")
    one = STEM.replace("2_epochs", "1_epochs")
    first, second = history(tmp_path, one), history(tmp_path, f"{one}_seed1")
    assert first != second
    assert read_card(tmp_path / "results" / f"{one}.json")["policy"] == "float32"  # what a CPU does well
    command(*BRIEF, "--precision", "mixed_bfloat16")
    command(*BRIEF)
    assert len(history(tmp_path)[0]["loss"]) == 2
    assert history(tmp_path, one) == first, "a recorded run was written over"
    assert read_card(tmp_path / "results" / f"{STEM}_mixed_bfloat16.json")["policy"] == "mixed_bfloat16"


def test_a_recipe_that_has_changed_since_is_another_run(command, tmp_path):
    command(*BRIEF)
    path = tmp_path / "results" / f"{STEM}.json"
    how = accuracy.recipe("quick", epochs=2)
    assert accuracy.finished(path, how)
    assert not accuracy.finished(path, accuracy.recipe("quick", epochs=2, learning_rate=1e-3))
    card = json.loads(path.read_text())
    for changes in (
        {"recipe": card["recipe"] | {"colour": "red"}},
        {"test": None},
        {"stopped": "the loss is not finite"},
    ):
        path.write_text(json.dumps(card | changes))
        assert not accuracy.finished(path, how), changes
    path.write_text(json.dumps({key: value for key, value in card.items() if key != "test"}))
    assert not accuracy.finished(path, how)


def test_a_checkpoint_of_another_run_is_told_and_the_other_runs_go_on(command, tmp_path, monkeypatch, capsys):
    interrupting(monkeypatch)
    with pytest.raises(SystemExit):
        command(*BRIEF)
    monkeypatch.setattr(accuracy, "train", real)
    monkeypatch.setitem(RECIPES, "quick", accuracy.recipe("quick", learning_rate=1e-3))
    with pytest.raises(SystemExit) as stopped:
        command(*BRIEF, "--seeds", "2")
    assert stopped.value.code == 1
    assert "learning_rate is 0.0035 there and 0.001 here" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "results").iterdir()] == [f"{STEM}_seed1.json"]
    assert (tmp_path / "runs" / f"{STEM}.npz").exists()


def test_a_run_whose_loss_is_not_finite_leaves_no_card(command, tmp_path, monkeypatch, capsys):
    bad = accuracy.recipe("quick", learning_rate=1e30, warmup=0.0, schedule="constant")
    monkeypatch.setitem(RECIPES, "quick", bad)
    with pytest.raises(SystemExit):
        command(*BRIEF)
    assert "the loss is not finite; no card was written" in capsys.readouterr().err
    assert not list((tmp_path / "results").iterdir())


def test_the_variants_of_a_network_have_names_of_their_own(command, tmp_path):
    command("small_data_vit_tiny+plain", "--recipe", "quick", "--epochs", "1", "--data", "shapes")
    card = read_card(tmp_path / "results" / "small_data_vit_tiny_plain_shapes_odd_one_out_quick_1_epochs.json")
    assert card["model"]["name"] == "small_data_vit_tiny_plain"
    assert card["model"]["tokenization"] == "PatchEmbedding"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mixxer"], "unknown model 'mixxer'; choose from mixer_tiny"),
        (["mixer_tiny+lsa"], "unknown model 'mixer_tiny+lsa'"),
        (["small_data_vit_course+both"], "after the + stands one of spt, lsa, plain, mimetic"),
        (["vit_course+plain"], "after the + stands one of mimetic"),
        (["mixer_tiny", "--epochs", "0"], "epochs must be a whole number of at least 1, but it is 0"),
        (["mixer_tiny", "--seeds", "0"], "--seeds must be at least 1, but it is 0"),
        (["mixer_tiny", "--precision", "float31"], "float31"),
        (["mixer_tiny", "--recipe", "slow"], "invalid choice: 'slow'"),
        (["no_mixing_tiny", "--recipe", "published"], "no lesson was published on 'no_mixing_tiny'"),
    ],
)
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


def test_each_keras_io_lesson_has_its_recipe_and_its_images():
    for paper in accuracy.PAPERS:
        config = f"{paper}_keras_io"
        assert config in CONFIGS
        assert accuracy.recipe_for("published", config) == RECIPES[f"keras_io_{paper}"]
        assert accuracy.SIDES[config] % CONFIGS[config].patch_size == 0
    assert accuracy.recipe_for("published", "small_data_vit_course") == RECIPES["keras_io_small_data_vit"]


def test_the_four_corners_of_spt_and_lsa_have_names():
    assert accuracy.network("small_data_vit_course") == ("small_data_vit_course", {})
    plain = accuracy.network("small_data_vit_course+plain")[1]
    spt, lsa = (accuracy.network(f"small_data_vit_course+{name}")[1] for name in ("spt", "lsa"))
    assert plain == spt | lsa
    assert "shifted_patches" not in spt
    assert json.dumps(lsa) == '{"shifted_patches": false}'


def test_a_vit_may_start_as_trained_ones_look():
    assert accuracy.network("vit_course+mimetic") == ("vit_course", {"attention_start": "mimetic"})
    assert accuracy.network("small_data_vit_course+mimetic")[1] == {"attention_start": "mimetic"}
