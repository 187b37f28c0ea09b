"""The temperature explorer: its rows are the softmax worked out number by number, and the network's own."""

import math

import numpy as np
import pytest

from course_utils import analysis, explorers, figures
from course_utils.explorers.core.panels import OPACITY
from course_utils.explorers.temperature import HEIGHT, LINE, OTHER, OWN, PAPER
from course_utils.models import classifier
from tests.explorers.support import LEARNED, carried, images, network, products

LIT, BEFORE, AFTER, ALL = (
    "What the token takes",
    "Its row of Q·Kᵀ",
    "Its row of A = softmax(Q·Kᵀ / τ)",
    "All rows of A",
)


@pytest.fixture(scope="module")
def explorer():
    return explorers.temperature_explorer_from_arrays(products(), LEARNED, 4, images(), (4, 4))


def row_of(scores, i, tau, mask):
    """One row of the attention, number by number."""
    powers = [0.0 if mask and j == i else math.exp(score / tau) for j, score in enumerate(scores[i])]
    return np.array([power / sum(powers) for power in powers])


STATE = {"image": "image 1", "block": 2, "head": 2, "token": 6}


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize(("temperature", "tau"), [("learned", 4.0), (1, 2.0), (0.25, 0.5), (8, 16.0)])
def test_a_row_is_the_softmax_of_the_scores(explorer, temperature, tau, mask):
    state = {**STATE, "temperature": temperature, "mask": mask}
    scores = products()[1, 1, 1]
    rows = np.stack([row_of(scores, i, tau, mask) for i in range(16)])
    colours = figures.sequential(rows, 1.0, "sqrt")
    assert (explorer.pages(ALL, state=state)[0] == colours).all()
    heat = explorer.pages(LIT, layer=1, state=state)
    assert (heat[..., :3].reshape(16, 16, 3) == colours).all()
    assert (heat[..., 3] == round(255 * OPACITY)).all()
    bars = explorer.pages(AFTER, state=state)
    for i in range(16):
        for j in range(16):
            height = round(math.sqrt(rows[i, j]) * HEIGHT)
            bar = bars[i, :, 4 * j : 4 * j + 3]
            assert (bar[HEIGHT - height :] == (OWN if i == j else OTHER)).all()
            assert (bar[: HEIGHT - height] == PAPER).all()
    assert (bars[:, :, 3::4] == PAPER).all()
    entropy = -sum(a * math.log2(a) for a in rows[6] if a > 0)
    words = explorer.words(state)
    assert words.startswith(f"image 1, block 2, head 2, τ = {tau:.2f}")
    assert f"Entropy {entropy:.2f} bits of at most {math.log2(15 if mask else 16):.2f}." in words


def test_the_row_before_shows_the_scores_and_strikes_out_the_masked_one(explorer):
    scores = products()[1, 1, 1]
    limit = np.abs(scores).max()
    for mask in (False, True):
        page = explorer.pages(BEFORE, state={**STATE, "mask": mask})[6]
        for j in range(16):
            bar = page[:, 4 * j : 4 * j + 3]
            if mask and j == 6:
                assert {tuple(pixel) for pixel in bar.reshape(-1, 3)} == {PAPER, LINE}
                continue
            height = round(scores[6, j] / limit * HEIGHT / 2)
            filled = (bar == (OWN if j == 6 else OTHER)).all(axis=(1, 2))
            assert filled.sum() == abs(height)
            middle = HEIGHT // 2
            assert filled[middle - height : middle].all() if height > 0 else filled[middle : middle - height].all()
    ticks = explorer.spec["panels"][2]["bar"]["ticks"][0]
    assert ticks == [list(tick) for tick in figures.bar_ticks(np.abs(products()[0, 0, 0]).max(), signed=True)]


def test_words_name_the_token_that_gives_most(explorer):
    state = {**STATE, "temperature": 1, "mask": False}
    row = row_of(products()[1, 1, 1], 6, 2.0, False)
    most = int(row.argmax())
    assert most != 6
    assert explorer.words(state).startswith(
        "image 1, block 2, head 2, τ = 2.00 = √head_dim, diagonal open: token 6 (row 1, column 2) takes most from "
        f"token {most} (row {most // 4}, column {most % 4}): {100 * row[most]:.0f} %; from itself "
    )
    assert "from itself nothing" in explorer.words({**state, "mask": True})
    assert "τ = 4.00, as learned, diagonal open" in explorer.words({**state, "temperature": "learned"})
    identity = np.eye(4)[None, None, None] * 9
    own = explorers.temperature_explorer_from_arrays(identity, None, 1, images(1), (2, 2), masked=False)
    assert own.words().endswith("takes most from itself: 100 %. Entropy 0.01 bits of at most 2.00.")


def test_the_learned_temperature_has_its_place_among_the_others(explorer):
    slider = explorer.spec["settings"][3]
    assert slider["values"] == [0.125, 0.25, 0.5, 1, "learned", 2, 4, 8]  # the mean is 2.25 = 1.125 · √4
    assert slider["texts"][3:6] == ["√head_dim", "learned", "2 · √head_dim"]
    assert explorer.default_state["temperature"] == "learned"
    without = explorers.temperature_explorer_from_arrays(products(), None, 4, images(), (4, 4), masked=False)
    assert "learned" not in without.spec["settings"][3]["values"]
    assert (without.default_state["temperature"], without.default_state["mask"]) == (1, False)


def test_with_its_own_temperature_and_mask_a_row_is_the_networks_attention():
    shown, model = images(2, 16), network("small_data_vit", num_heads=2)
    model.get_layer("block_2").attention.temperature.assign([0.02, 0.7])
    explorer = explorers.explore_temperature(model, shown)
    weights = analysis.attention(model, np.stack(list(shown.values())))  # (2, 2, 2, 4, 4)
    for block in (1, 2):
        for head in (1, 2):
            state = {"image": "image 1", "block": block, "head": head, "temperature": "learned", "mask": True}
            page = explorer.pages(ALL, state=state)[0]
            wanted = figures.sequential(weights[block - 1, 1, head - 1], 1.0, "sqrt")
            assert np.abs(page.astype(int) - wanted).max() <= 2  # float32 there, float64 here
    assert "τ = 0.02, as learned" in explorer.words({"block": 2, "head": 1})


def test_a_plain_vit_starts_open_and_with_the_root_of_head_dim():
    explorer = explorers.explore_temperature(network(num_heads=2), images(1, 16))
    assert (explorer.default_state["temperature"], explorer.default_state["mask"]) == (1, False)
    assert "τ = 2.00 = √head_dim, diagonal open" in explorer.words()


def test_blocks_and_heads_can_be_chosen():
    explorer = explorers.explore_temperature(
        network("small_data_vit", num_heads=2, depth=3), images(1, 16), blocks=[3, 1], heads=[2]
    )
    assert [setting["values"] for setting in explorer.spec["settings"][1:3]] == [[3, 1], [2]]


@pytest.mark.slow
def test_of_a_large_network_some_blocks_and_heads_are_shown():
    course = classifier("small_data_vit_course", (32, 32, 3), 100)
    for count, blocks in ((1, [1, 4]), (2, [4])):
        explorer = explorers.explore_temperature(course, images(count))
        assert [setting["values"] for setting in explorer.spec["settings"][1:3]] == [blocks, [1]]
        assert carried(explorer) <= 1_500_000
