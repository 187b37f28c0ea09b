"""The command that repeats small experiments with several seeds: benchmarks.seeds."""

import dataclasses
import json

import pytest

from benchmarks import seeds
from course_utils.data import load_dataset
from course_utils.results import cards
from course_utils.training.recipes import Recipe


@pytest.fixture
def trial(monkeypatch, tmp_path):
    """An experiment of two networks and two seeds, and a list of the trainings that were begun."""
    small = load_dataset("shapes").subset(train=64, validation=20, test=20)
    experiment = seeds.Experiment(
        "mixer_tiny", {"one block": {"depth": 1}, "thinner": {"depth": 1, "embed_dim": 32}}, Recipe(1), seeds=2
    )
    begun, real, done = [], seeds.train, []

    def counted(network, *args, seed, **kwargs):
        """Trains the first network; of the others only seed, recipe and name matter here."""
        begun.append((seed, network.get_layer("patch_embedding").embed_dim))
        if not done:
            done.append(real(network, *args, seed=seed, **kwargs))
        return dataclasses.replace(done[0], seed=seed, recipe=args[1])

    monkeypatch.setattr(seeds, "EXPERIMENTS", {"trial": experiment})
    monkeypatch.setattr(seeds, "load_dataset", lambda name: small)
    monkeypatch.setattr(seeds, "train", counted)
    for module in (seeds, runs):
        monkeypatch.setattr(module, "results_folder", lambda: tmp_path)
    return tmp_path / "seeds" / "trial.json", begun


def test_a_stopped_experiment_goes_on_after_its_last_recorded_run(trial, capsys):
    path, begun = trial
    seeds.main(["trial"])
    assert begun == [(0, 64), (0, 32), (1, 64), (1, 32)]
    whole = cards.read_seeds("trial")
    stopped = {"one block": whole["one block"][:2], "thinner": whole["thinner"][:1]}
    path.write_text(json.dumps({"format": cards.SEEDS_FORMAT, "runs": stopped}))
    begun.clear()
    seeds.main(["trial"])
    assert begun == [(1, 32)]
    assert "seed 0, thinner: recorded before" in capsys.readouterr().out
    again = cards.read_seeds("trial")
    assert [[card["seed"] for card in cards] for cards in again.values()] == [[0, 1], [0, 1]]
    assert again["thinner"][0] == whole["thinner"][0]


def test_asked_for_again_or_with_another_recipe_it_begins_anew(trial, monkeypatch):
    _, begun = trial
    seeds.main(["trial"])
    begun.clear()
    seeds.main(["trial", "--again"])
    assert len(begun) == 4
    begun.clear()
    changed = seeds.Experiment("mixer_tiny", {"one block": {"depth": 1}}, Recipe(1, learning_rate=1e-4), seeds=1)
    monkeypatch.setattr(seeds, "EXPERIMENTS", {"trial": changed})
    seeds.main(["trial"])
    assert begun == [(0, 64)]


def test_an_unknown_experiment_is_named(trial, capsys):
    with pytest.raises(SystemExit):
        seeds.main(["nothing"])
    assert "unknown experiment 'nothing'; choose from trial" in capsys.readouterr().err
