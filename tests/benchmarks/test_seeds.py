"""The command that repeats small experiments with several seeds: benchmarks.seeds."""

from dataclasses import replace

import pytest

from benchmarks import accuracy, seeds
from course_utils.data import load_dataset
from course_utils.models import describe, named_config
from course_utils.papers import WITH_LESSON
from course_utils.results import cards
from course_utils.results.cards import Seeds, recorded, write
from course_utils.training.recipes import Recipe


@pytest.fixture
def trial(monkeypatch, tmp_path):
    """An experiment of two networks and two seeds, and a list of the trainings that were begun."""
    small = load_dataset("shapes").subset(train=64, validation=20, test=20)
    networks = {
        "one block": named_config("mixer_tiny", depth=1),
        "thinner": named_config("mixer_tiny", depth=1, embed_dim=32),
    }
    experiment = seeds.Experiment(networks, Recipe(1), seeds=2, data="shapes")
    begun, real, done = [], accuracy.train, []

    def counted(network, *args, seed, **kwargs):
        """Trains the first network; of the others only what tells one run from another matters here."""
        begun.append((seed, network.configuration.embed_dim))
        if not done:
            done.append(real(network, *args, seed=seed, **kwargs))
        return replace(done[0], model=describe(network), seed=seed, recipe=args[1])

    monkeypatch.setattr(seeds, "EXPERIMENTS", {"trial": experiment})
    monkeypatch.setattr(seeds, "load_dataset", lambda name: small)
    monkeypatch.setattr(accuracy, "train", counted)
    for module in (seeds, cards):
        monkeypatch.setattr(module, "folder", lambda: tmp_path)
    (tmp_path / "seeds").mkdir()
    return lambda *more: seeds.main(["trial", "--runs", str(tmp_path / "runs"), *more]), tmp_path / "seeds", begun


@pytest.mark.rehearsal
def test_a_stopped_experiment_goes_on_after_its_last_recorded_run(trial, capsys):
    command, folder, begun = trial
    command()
    assert begun == [(0, 64), (0, 32), (1, 64), (1, 32)]
    whole = recorded("seeds/trial", Seeds)
    assert not list(folder.parent.glob("runs/*"))
    stopped = {"one block": whole.runs["one block"], "thinner": whole.runs["thinner"][:1]}
    write(folder / "trial.json", Seeds(stopped))
    begun.clear()
    command()
    assert begun == [(1, 32)]
    assert "trial: 1 runs to do, 3 recorded already" in capsys.readouterr().out
    again = recorded("seeds/trial", Seeds)
    assert [[run.seed for run in runs] for runs in again.runs.values()] == [[0, 1], [0, 1]]
    assert again.runs["thinner"][0] == whole.runs["thinner"][0]


@pytest.mark.rehearsal
def test_asked_for_again_or_with_another_recipe_it_begins_anew_and_takes_what_others_have(trial, monkeypatch):
    command, folder, begun = trial
    command()
    begun.clear()
    command("--again")
    assert len(begun) == 4
    (folder / "trial.json").rename(folder / "other.json")
    begun.clear()
    command()
    assert begun == []
    changed = replace(seeds.EXPERIMENTS["trial"], recipe=Recipe(1, learning_rate=1e-4), seeds=1)
    monkeypatch.setitem(seeds.EXPERIMENTS, "trial", changed)
    command()
    assert begun == [(0, 64), (0, 32)]


def test_an_unknown_experiment_or_recipe_is_named(trial, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        seeds.main(["nothing"])
    assert "unknown experiment 'nothing'; choose from trial" in capsys.readouterr().err
    monkeypatch.setitem(seeds.EXPERIMENTS, "trial", seeds.Experiment({}, "to come"))
    with pytest.raises(SystemExit):
        seeds.main(["trial"])
    assert "unknown recipe 'to come'" in capsys.readouterr().err


def test_the_course_networks_are_those_of_the_papers_and_the_small_data_ones_the_2_x_2():
    networks = seeds.EXPERIMENTS["course_networks"].networks
    assert [config.mixing for config in networks.values()] == [*WITH_LESSON, "conv"]
    corners = seeds.EXPERIMENTS["spt_and_lsa_64_tokens"].networks.values()
    told = [(config.shifted_patches, config.temperature, config.mask_diagonal) for config in corners]
    assert told == [(False, False, False), (False, True, True), (True, False, False), (True, True, True)]
