"""The attention explorer: light and colours are those of the attention it was given."""

import numpy as np
import pytest

from course_utils import analysis, explorers, figures
from course_utils.explorers.core.encode import outer_index, pick_of
from tests.explorers.support import images, network, tables

LIT, PAIRS, CLASS = "What the token that asks takes", "All pairs: A", "What the class token takes"


@pytest.fixture(scope="module")
def explorer():
    networks = {"before": tables(), "after": tables(seed=1)}
    return explorers.attention_explorer_from_arrays(networks, images(), (4, 4))


@pytest.fixture(scope="module")
def with_class_token():
    networks = {"mean pool": tables(), "class token": tables(n=17, seed=2)}
    return explorers.attention_explorer_from_arrays(networks, images(), (4, 4))


def percent(share):
    return "less than 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def at(explorer, state):
    """Returns the number of a state, the place left out."""
    return outer_index(explorer.spec, pick_of(explorer.spec, {**explorer.default_state, **state}))


def light(values, high):
    """Returns the cover over each patch: opaque where little is taken."""
    return np.rint(255 * 0.9 * (1 - np.sqrt(values / high)))


@pytest.mark.parametrize(("head", "index"), [("head 1", 0), ("head 3", 2)])
def test_a_row_of_the_table_lights_the_image(explorer, head, index):
    values = tables(seed=1)[1, 0, index]
    state = {"network": "after", "image": "image 0", "block": 2, "head": head}
    cover = explorer.pages(LIT, layer=1, state=state)
    assert cover.shape == (16, 4, 4, 4)
    assert (cover[..., :3] == figures.SEQUENTIAL[0]).all()
    assert (cover[..., 3].reshape(16, 16) == light(values, values.max())).all()
    assert (explorer.pages(PAIRS, state=state)[0] == figures.sequential(values, values.max(), "sqrt")).all()
    assert (explorer.pages(LIT, state=state)[0] == images()["image 0"]).all()


def test_the_bar_is_in_percent_and_ends_at_the_largest_entry(explorer):
    high = tables()[0, 0, 0].max()
    ticks = explorer.spec["panels"][1]["bar"]["ticks"][0]
    assert ticks[0] == [0.0, "0 %"]
    assert ticks[2] == [0.5, f"{100 * high / 4:.0f} %"]
    assert ticks[-1] == [1.0, f"{100 * high:.0f} %"]


def test_the_mean_of_the_heads_and_the_rollout(explorer):
    values = tables()[:, 1]  # (blocks, heads, n, n)
    state = {"network": "before", "image": "image 1", "block": 2}
    half = (values.mean(axis=1) + np.eye(16)) / 2
    for head, wanted in (("mean of the heads", values[1].mean(axis=0)), ("rollout", half[1] @ half[0])):
        shown = explorer.pages(PAIRS, state={**state, "head": head})[0].astype(int)
        assert np.abs(shown - figures.sequential(wanted, wanted.max(), "sqrt")).max() <= 4  # one step of rounding
    assert np.abs(half[0] - half[1] @ half[0]).max() > 0.05
    rolled = explorer.words({**state, "head": "rollout", "token": 3})
    assert f"{100 * (half[1] @ half[0])[3, 3]:.0f} %" in rolled


def test_words_give_entropy_most_and_own_share(explorer):
    values = tables()[0, 1, 1]
    values[6] = 0.25 / 14
    values[6, [6, 9]] = 0.25, 0.5
    changed = tables()
    changed[0, 1, 1, 6] = values[6]
    one = explorers.attention_explorer_from_arrays({"net": changed}, images(), (4, 4))
    state = {"image": "image 1", "block": 1, "head": "head 2", "token": 6}
    row = values[6]
    bits = -(row * np.log2(row)).sum()
    assert one.words(state) == (
        "net, image 1, block 1, head 2: token 6 (row 1, column 2) takes most from token 9 (row 2, column 1): 50 %; "
        f"from itself 25 %. Entropy {bits:.1f} bits: as if from {2**bits:.1f} of 16 tokens alike."
    )
    changed[0, 1, 1, 6] = np.eye(16)[6]
    one = explorers.attention_explorer_from_arrays({"net": changed}, images(), (4, 4))
    assert one.words(state).endswith(
        "takes most from itself: 100 %. Entropy 0.0 bits: as if from 1.0 of 16 tokens alike."
    )


def test_the_class_token_has_an_image_of_its_own(with_class_token):
    values = tables(n=17, seed=2)[0, 0, 0]
    state = {"network": "class token", "image": "image 0", "block": 1, "head": "head 1"}
    cover = with_class_token.pages(CLASS, layer=1, state=state)
    assert (cover[0, ..., 3].ravel() == light(values[0, 1:], values.max())).all()
    cover = with_class_token.pages(LIT, layer=1, state=state)
    assert (cover[..., 3].reshape(16, 16) == light(values[1:, 1:], values.max())).all()
    pairs = with_class_token.pages(PAIRS, state=state)[0]
    assert (pairs == figures.sequential(values[1:, 1:], values.max(), "sqrt")).all()
    assert f"; from the class token {percent(values[5, 0])}. Entropy" in with_class_token.words({**state, "token": 4})
    most = values[0, 1:].argmax()
    assert with_class_token.spec["panels"][2]["captions"][at(with_class_token, state)] == (
        f"Its row, as light on the image. It takes {percent(values[0, 0])} from itself and, of the patches, most "
        f"from token {most} (row {most // 4}, column {most % 4}): {percent(values[0, 1 + most])}."
    )
    captions = with_class_token.spec["panels"][1]["captions"]
    assert "class token's row and column are left out" in captions[-1]
    assert "class token" not in captions[0]


def test_a_mean_pool_hears_all_patches_alike(with_class_token):
    cover = with_class_token.pages(CLASS, layer=1, state={"network": "mean pool"})
    assert (cover[..., 3] == 0).all()
    assert "1/16" in with_class_token.spec["panels"][2]["captions"][0]


def test_without_a_class_token_there_are_two_panels_and_no_word_of_it(explorer):
    assert [panel["title"] for panel in explorer.spec["panels"]] == [LIT, PAIRS]
    assert "class token" not in explorer.words()


def test_what_there_is_one_of_is_neither_chosen_nor_named():
    one = explorers.attention_explorer_from_arrays({"by hand": tables(1, 1, 1)}, images(1), (4, 4), label="Rule")
    assert [len(setting["values"]) for setting in one.spec["settings"]] == [1, 1, 1, 1]
    assert one.words().startswith("by hand, image 0: token 9 (row 2, column 1) takes most from")
    two_heads = explorers.attention_explorer_from_arrays({"a": tables(1, 1, 2)}, images(1), (4, 4))
    assert two_heads.spec["settings"][3]["values"] == ["head 1", "head 2", "mean of the heads"]


def test_it_starts_where_it_is_told():
    start = {"network": "b", "head": "rollout", "token": 5}
    networks = {"a": tables(), "b": tables(seed=1)}
    explorer = explorers.attention_explorer_from_arrays(networks, images(), (4, 4), start=start)
    assert explorer.default_state == {**start, "image": "image 0", "block": 1}


def test_attention_of_real_networks():
    networks = {pool: network(pool=pool, num_heads=2) for pool in ("mean", "class_token")}
    shown = images(2, 16)
    larger = {name: image.repeat(2, axis=0).repeat(2, axis=1) for name, image in shown.items()}
    resized = explorers.explore_attention(networks, larger).pages(LIT, state={"image": "image 1"})[0]
    assert (resized == shown["image 1"]).all()  # as the network gets it
    explorer = explorers.explore_attention(networks, shown, start={"network": "class_token"})
    values = analysis.attention(networks["class_token"], np.stack(list(shown.values())))[1, 1, 0].astype("float64")
    values /= values.sum(axis=-1, keepdims=True)
    state = {"network": "class_token", "image": "image 1", "block": 2, "head": "head 1"}
    shown_pairs = explorer.pages(PAIRS, state=state)[0].astype(int)
    assert np.abs(shown_pairs - figures.sequential(values[1:, 1:], values.max(), "sqrt")).max() <= 4
    assert explorer.default_state["network"] == "class_token"
