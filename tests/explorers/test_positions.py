"""The position explorer: its maps are the rows of the similarity it was given."""

import numpy as np
import pytest

from course_utils import analysis, explorers, figures
from tests.explorers.support import network, similarity


@pytest.fixture(scope="module")
def explorer():
    return explorers.positions_explorer_from_arrays({"before": similarity(), "after": similarity(seed=1)}, (3, 4))


@pytest.mark.parametrize(("network", "seed"), [("before", 0), ("after", 1)])
def test_each_position_is_a_map_over_all_positions(explorer, network, seed):
    wanted = figures.diverging(similarity(seed=seed).reshape(12, 3, 4), 1.0)
    for panel in ("All positions", "The position pointed at"):
        assert (explorer.pages(panel, state={"network": network}) == wanted).all()


def test_the_sheet_lies_like_the_image_and_the_colours_are_the_same_everywhere(explorer):
    sheet, one = explorer.spec["panels"]
    assert set(sheet["columns"]) == {4}
    assert all(ticks[0][1] == "−1" and ticks[-1][1] == "1" for ticks in one["bar"]["ticks"])


def test_it_starts_after_training(explorer):
    assert explorer.default_state == {"network": "after", "position": 5}


def test_words_name_the_most_and_the_least_alike():
    values = np.zeros((12, 12))
    np.fill_diagonal(values, 1)
    values[5, 6] = values[6, 5] = 0.8
    values[5, 11] = values[11, 5] = -0.5
    explorer = explorers.positions_explorer_from_arrays({"net": values}, (3, 4))
    # The eight around position 5: 0, 1, 2, 4, 6, 8, 9, 10; all others: 3, 7, 11.
    assert explorer.words({"position": 5}) == (
        "net: position 5 (row 1, column 1) is most like position 6 (row 1, column 2), +0.80, and least like "
        "position 11 (row 2, column 3), −0.50. Mean over the positions around it: +0.10; over all others: −0.17."
    )


def test_a_grid_so_small_that_all_are_neighbours():
    explorer = explorers.positions_explorer_from_arrays({"net": similarity(4)}, (2, 2))
    assert "over all others" not in explorer.words()


def test_positions_of_real_networks():
    networks = {pool: network(pool=pool, num_heads=2) for pool in ("mean", "class_token")}
    explorer = explorers.explore_positions(networks)
    for name, model in networks.items():
        wanted = figures.diverging(analysis.position_similarity(model).reshape(4, 2, 2), 1.0)
        assert (explorer.pages("All positions", state={"network": name, "position": 0}) == wanted).all()
