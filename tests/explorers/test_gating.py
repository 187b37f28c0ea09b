"""The gating explorer: gates written by hand, against the formula worked out place by place."""

import numpy as np
import pytest

from course_utils import explorers
from course_utils.explorers.gating import GATE, PASSED, ROW, TOKENS, gates_by_hand
from course_utils.figures import DIVERGING, diverging

Z = np.array([[0.0, 0.5, 1.0], [0.25, 0.75, 0.5]])


def expected_gate(name, row, column):
    """Returns the gate of one place of Z, from its definition in words."""
    places = [(r, c) for r in range(2) for c in range(3) if (r, c) != (row, column)]
    if name.startswith("W = 0"):
        return float(name[-1])
    if name == "left neighbour":
        return Z[row, column - 1] if column else 0.0
    if name == "mean of all":
        return Z.mean()
    if name == "itself − its neighbours":
        places = [(r, c) for r, c in places if abs(c - column) <= 1]
    return Z[row, column] - np.mean([Z[place] for place in places])


@pytest.mark.parametrize("name", gates_by_hand(2, 3))
def test_a_gate_is_what_its_name_says(name):
    explorer = explorers.explore_gating({"z": Z})
    gate = np.array([[expected_gate(name, r, c) for c in range(3)] for r in range(2)])
    state = {"weights": name}
    assert (explorer.pages(TOKENS)[0] == np.rint(255 * Z).astype(np.uint8)[..., None]).all()
    weights, bias = gates_by_hand(2, 3)[name]
    np.testing.assert_allclose((weights @ Z.ravel() + bias).reshape(2, 3), gate, atol=1e-12)
    # Rounding can put a value that lies between two colours on either of them.
    assert np.abs(explorer.pages(GATE, state=state)[0].astype(int) - diverging(gate)).max() <= 4
    assert np.abs(explorer.pages(PASSED, state=state)[0].astype(int) - diverging(Z * gate)).max() <= 4
    rows = explorer.pages(ROW, state=state)
    assert rows.shape == (6, 2, 3, 3)
    assert (rows == diverging(weights).reshape(6, 2, 3, 3)).all()


def test_words_do_the_sum():
    explorer = explorers.explore_gating({"z": Z})
    assert explorer.words({"weights": "left neighbour", "token": 4}) == (
        "z, gate “left neighbour”: token 4 (row 1, column 1) is 0.75, its gate +0.25; 0.75 · +0.25 = +0.19 passes."
    )
    assert "its gate +0.00; 1.00 · +0.00 = +0.00 passes" in explorer.words({"weights": "W = 0, b = 0", "token": 2})


def test_only_the_odd_cell_passes_the_gate_that_compares():
    explorer = explorers.explore_gating()
    state = {"image": "a puzzle", "weights": "itself − all others", "token": 0}
    page = explorer.pages(PASSED, state=state)[0].reshape(16, 3)
    assert (page[6] == DIVERGING[255]).all()
    assert (np.delete(page, 6, axis=0).min(axis=-1) > 220).all()  # nearly white
