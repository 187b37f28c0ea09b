"""The gate explorer: what it shows is what the gates hold, on one scale for all epochs."""

import numpy as np
import pytest

from course_utils import analysis, explorers
from course_utils.explorers.gate import ALL, BIAS, MOST_EPOCHS, ROW
from course_utils.figures import DIVERGING, diverging
from tests.explorers.support import diary, network

ROWS, COLUMNS, N = 2, 3, 6


@pytest.fixture(scope="module")
def gate():
    return explorers.gate_explorer_from_arrays({"one": diary(), "two": diary(seed=1)}, (ROWS, COLUMNS))


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_each_row_is_a_map_on_one_scale_for_all_epochs(gate, epoch):
    kept = diary(seed=1)
    weights = kept[epoch][0][0]
    limit = max(np.abs(kept[e][0][0]).max() for e in kept)
    wanted = diverging(weights, limit).reshape(N, ROWS, COLUMNS, 3)
    state = {"network": "two", "block": 1, "epoch": epoch}
    assert (gate.pages(ALL, state=state) == wanted).all()
    assert (gate.pages(ROW, state=state) == wanted).all()
    ticks = gate.spec["panels"][1]["bar"]["ticks"]
    assert ticks[6][-1] == ticks[7][-1] == ticks[8][-1] == [1.0, f"{limit:.2g}"]  # "two", block 1, every epoch


def test_a_small_map_lies_where_its_token_lies(gate):
    assert set(gate.spec["panels"][0]["columns"]) == {COLUMNS}


def test_the_bias_is_white_where_it_began(gate):
    kept = diary()
    state = {"network": "one", "block": 2}
    assert (gate.pages(BIAS, state={**state, "epoch": 0}) == DIVERGING[128]).all()
    for epoch in (1, 2):
        moved = kept[epoch][1][1] - 1
        wanted = diverging(moved, np.abs(kept[2][1][1] - 1).max()).reshape(1, ROWS, COLUMNS, 3)
        assert (gate.pages(BIAS, state={**state, "epoch": epoch}) == wanted).all()
    ticks = gate.spec["panels"][2]["bar"]["ticks"][3]
    high = np.abs(kept[2][1][1] - 1).max()
    assert ticks == [[at, f"{1 + (2 * at - 1) * high:.2f}"] for at in (0, 0.25, 0.5, 0.75, 1)]


def test_a_bias_that_never_moved_has_one_tick():
    still = {e: [(w, np.zeros(N)) for w, _ in blocks] for e, blocks in diary().items()}
    explorer = explorers.gate_explorer_from_arrays({"one": still}, (ROWS, COLUMNS))
    assert explorer.spec["panels"][2]["bar"]["ticks"][0] == [[0.5, "0.00"]]


def test_words_say_that_a_gate_reads_nobody_and_later_whom():
    kept = diary()
    explorer = explorers.gate_explorer_from_arrays({"one": kept}, (ROWS, COLUMNS))
    assert explorer.words({"block": 1, "epoch": 0, "token": 4}) == (
        "Block 1, before training: the gate of token 4 (row 1, column 1) is 1.00, its bias, and reads nobody: "
        "no weight of its row is larger than 0.000001."
    )
    weights = np.zeros((N, N))
    weights[4, [1, 4]] = -3, 1
    weights[0, 0] = 0.25
    kept[2] = [(weights, np.full(N, 0.5)), kept[2][1]]
    explorer = explorers.gate_explorer_from_arrays({"one": kept}, (ROWS, COLUMNS))
    assert explorer.words({"block": 1, "epoch": 2, "token": 4}) == (
        "Block 1, after epoch 2: the gate of token 4 (row 1, column 1) reads most from token 1 (row 0, column 1), "
        "weight −3. Its own weight is +1. Of all the row's weights, signs left out, 25 % is its own; b = 0.50."
    )
    assert "reads most from itself, weight +0.25. Of all" in explorer.words({"block": 1, "epoch": 2, "token": 0})


def test_the_network_is_named_where_there_are_several(gate):
    assert [setting["name"] for setting in gate.spec["settings"]] == ["network", "block", "epoch"]
    assert gate.words({"network": "two", "block": 1, "epoch": 2}).startswith("two, block 1, after epoch 2")
    alone = explorers.gate_explorer_from_arrays({"one": diary()}, (ROWS, COLUMNS))
    assert [setting["name"] for setting in alone.spec["settings"]] == ["block", "epoch"]
    assert alone.default_state == {"block": 2, "epoch": 0, "token": 4}  # before training: it opens before the answer


def test_epochs_are_those_of_all_networks_and_not_too_many():
    short, long = diary((0, 1, 2, 3)), diary((0, 1, 2, 3, 4))
    explorer = explorers.gate_explorer_from_arrays({"short": short, "long": long}, (ROWS, COLUMNS))
    assert explorer.spec["settings"][2]["values"] == [0, 1, 2, 3]
    assert explorer.spec["settings"][2]["texts"][0] == "0 (before training)"
    many = explorers.gate_explorer_from_arrays({"one": diary(range(31), blocks=1)}, (ROWS, COLUMNS))
    shown = many.spec["settings"][1]["values"]
    assert (len(shown), shown[0], shown[-1]) == (MOST_EPOCHS, 0, 30)


def test_gates_of_a_real_network():
    model = network("gmlp", (16, 24, 3))
    explorer = explorers.explore_gate({"gMLP": {0: analysis.gate_weights(model)}}, model)
    weights, _ = analysis.gate_weights(model)[1]
    assert (explorer.pages(ALL) == diverging(weights.reshape(6, 2, 3))).all()
    assert "reads nobody" in explorer.words()
