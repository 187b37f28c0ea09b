"""What lessons 01 to 03 say of untrained and of recorded networks, and of recorded runs, sentence by sentence."""

from dataclasses import replace

import numpy as np
import pytest

from course_utils import analysis
from course_utils.data import load_dataset
from course_utils.data.images import photographs
from course_utils.models import classifier, load_trained, named_config
from course_utils.models.pretrained import trained
from course_utils.results import tables
from tests.notebooks.test_claims import says

pytestmark = pytest.mark.one_backend
FIRST, SECOND, THIRD = "01_mlp_mixer", "02_fnet", "03_gmlp"
CAT = photographs(32)["cat"]


@pytest.mark.parametrize(
    ("name", "reached"), [("mixer", (64, 64, 64)), ("conv", (9, 25, 49)), ("no_mixing", (1, 1, 1))]
)
def test_how_far_an_output_token_sees_block_by_block(name, reached):
    says(FIRST, "from 3 × 3 tokens to 5 × 5 and 7 × 7")
    says(FIRST, "one block is enough. Every output token is moved by every input token.")
    network = classifier(name, (32, 32, 3), 16, patch_size=4, depth=3, seed=0)
    for depth, count in enumerate(reached, start=1):
        influence = analysis.influence(network, CAT, depth, gradients=256)
        middle = influence[3 * 8 + 4]  # 3 tokens or more from each border
        assert (middle > 1e-6 * middle.max()).sum() == count
        if depth == 1:
            says(FIRST, "After one block the diagonal is nearly always the brightest")
            assert (influence.argmax(axis=1) == np.arange(64)).mean() > 0.8


def test_the_recorded_mixer_reads_neighbours_alike_and_has_no_pairs():
    says(FIRST, "it is right on 52 % of the test images (100 classes)")
    says(FIRST, "In every block neighbours are read a little more alike with training: the maps begin to be smooth.")
    says(FIRST, "But there are no pairs: with 64 units of 64 weights, −0.3 is what noise gives.")
    assert round(100 * trained("mixer_course").snapshots["8"].shipped_top1) == 52
    before = classifier("mixer_course", (32, 32, 3), 100, seed=0)
    alike, opposite = [], []
    for network in (before, load_trained("mixer_course")):
        maps = [w_in.T.reshape(-1, 8, 8) for w_in, _ in analysis.token_mixing_weights(network)]
        alike.append([(block[:, 1:] * block[:, :-1]).mean() / (block**2).mean() for block in maps])
        units = [block.reshape(64, 64) / np.linalg.norm(block.reshape(64, 64), axis=1)[:, None] for block in maps]
        opposite.append([(block @ block.T).min(axis=1) for block in units])
    assert np.abs(alike[0]).max() < 0.05
    assert min(alike[1]) > 0.1
    assert np.abs(np.mean(opposite, axis=-1) + 0.3).max() < 0.06
    assert np.min(opposite) > -0.6


def test_the_longer_of_two_mixers_overfits():
    says(FIRST, "The first learns 70 % of its training images and 50 % of the validation images: it overfits")
    runs = {run.recipe.name: run for run in tables.runs_of("mixer")}
    assert set(runs["course"].recipe.augment) - set(runs["long"].recipe.augment) == {"mixup", "cutmix"}
    assert runs["course"].model == runs["long"].model, "two runs of one Mixer"
    history = runs["long"].history
    assert round(100 * history["accuracy"][-1], -1) == 70
    assert round(100 * history["val_accuracy"][-1], -1) == 50


@pytest.mark.parametrize("name", ["fnet_tiny", "fnet_course"])
def test_an_untrained_fnet_moves_all_alike_and_then_by_an_x(name):
    says(SECOND, "Before training, up to block 1, everybody moves everybody, within a row nearly equally")
    says(SECOND, "One *row* is darker: token 0 holds the plain sum")
    says(SECOND, "each token is moved most by itself and by its mirror image")
    image = load_dataset("shapes", size=100).x_test[0] if name == "fnet_tiny" else CAT
    network = classifier(name, (32, 32, 3), 16, seed=0)
    first, second = (analysis.influence(network, image, depth, gradients=1024) for depth in (1, 2))
    rows = first.mean(axis=1)
    assert rows[0] < 0.7 * np.delete(rows, 0).min()
    others = np.delete(first / rows[:, None], 0, axis=0)
    assert others.std(axis=1).max() < 0.25
    n = len(second)
    itself = np.eye(n, dtype=bool)
    cross = itself | itself[-np.arange(n) % n]
    assert all(row[on].min() > row[~on].max() for row, on in zip(second[1:], cross[1:], strict=True))


def test_gates_that_begin_shut_are_sooner_and_in_the_end_both_solve_the_puzzle():
    says(THIRD, "So on the puzzle $b = 0$ is *sooner*, and in the end both solve it.")
    second, end = (
        {row["network"]: [float(told.split()[0]) for what, told in row.items() if what != "network"] for row in rows}
        for rows in (tables.seeds("gate_bias", epoch=2), tables.seeds("gate_bias"))
    )
    opened, shut = second["b starts at 1"], second["b starts at 0"]
    assert len(opened) == 5
    assert all(late < early for late, early in zip(opened, shut, strict=True))
    assert min(end["b starts at 0"] + end["b starts at 1"]) > 98


def test_the_recorded_gates_are_nearly_a_kernel_that_slides():
    says(
        THIRD,
        "in every block the gates now weigh, on average, their own position most, then its neighbours, then the rest.",
    )
    says(THIRD, "a token's map is much like its neighbour's, moved by one: nearly a convolution")
    says(THIRD, "After one epoch there is little of it.")
    row, column = np.divmod(np.arange(64), 8)
    steps = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))

    def moved(weights):
        """Mean correlation of a token's map with its right neighbour's, moved back by one."""
        maps = weights.reshape(8, 8, 8, 8)
        pairs = zip(maps[:, :-1, :, :-1].reshape(56, 56), maps[:, 1:, :, 1:].reshape(56, 56), strict=True)
        return np.mean([np.corrcoef(one, other)[0, 1] for one, other in pairs])

    early, late = (analysis.gate_weights(load_trained("gmlp_course", epoch)) for epoch in (1, 8))
    for (first, _), (weights, _) in zip(early, late, strict=True):
        own, near, far = (abs(weights)[where].mean() for where in (steps == 0, steps == 1, steps > 1))
        assert own > near > 1.3 * far
        assert moved(weights) > 0.4
        assert moved(first) < 0.5 * moved(weights)


def test_the_homeworks_recorded_runs_are_ahead_of_the_report():
    says("homework_fashion_mnist", "with tokens 64 wide, reached 90.6 % in eight epochs, and at the end 95 % of the")
    says("homework_fashion_mnist", "chose a width of 128, 24 epochs and CutMix: 92.7 % of the test images")
    runs = [run for run in tables.runs_of("mixer") if run.dataset.name == "fashion_mnist"]
    (first,) = [run for run in runs if run.recipe.label == "muon_short"]
    assert round(100 * first.test.top1, 1) == 90.6
    assert round(100 * first.history["accuracy"][-1]) == 95
    assert len(runs) == 1 + 4, "four remedies"
    chosen = max(runs, key=lambda run: run.history["val_accuracy"][run.best_epoch - 1])
    assert chosen.model.config == named_config("mixer_course", embed_dim=2 * first.model.config.embed_dim)
    assert chosen.recipe == replace(first.recipe, epochs=24, augment=("flip", "cutmix"))
    assert round(100 * chosen.test.top1, 1) == 92.7
