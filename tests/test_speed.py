"""The command that times: benchmarks.speed."""

import json

import pytest

from benchmarks import plain, speed
from course_utils.models import describe


@pytest.mark.parametrize("paper", speed.PAPERS)
def test_both_sides_have_the_same_architecture(paper):
    theirs, ours = plain.SIZES[paper], speed.ours(paper)
    about = describe(ours)
    assert about["tokens"] == (theirs["side"] // theirs["patch"]) ** 2
    assert (about["embed_dim"], about["depth"]) == (theirs["width"], theirs["depth"])
    network = speed.plain(paper)
    assert network.output_shape == ours.output_shape == (None, 100)
    n, d, depth = about["tokens"], about["embed_dim"], about["depth"]
    # One block's weights, from the shapes alone; a plain block may have a bias or a norm where ours has none.
    in_blocks = sum(layer.count_params() for layer in ours.layers if layer.name.startswith("block_"))
    outside = ours.count_params() - in_blocks
    theirs_outside = network.count_params() - depth * (in_blocks // depth)
    assert theirs_outside > 0
    if "vit" not in paper:  # the ViTs' flattened head is most of the plain network
        assert abs(theirs_outside - outside) < 0.25 * in_blocks
    else:
        assert theirs_outside > 2048 * n * d


def test_a_ratio_is_the_median_of_the_rounds_pair_by_pair():
    assert speed.ratio({"plain": [2.0, 3.0, 10.0], "ours": [1.0, 2.0, 1.0]}) == 2.0


@pytest.mark.slow
def test_the_command_writes_what_it_measured(tmp_path, capsys):
    speed.main(["gmlp", "--rounds", "2", "--batch", "4", "--results", str(tmp_path)])
    card = json.loads((tmp_path / "gmlp.json").read_text())
    assert card["batch"] == 4
    for name in ("training step", "inference"):
        for side in ("plain", "ours"):
            assert len(card[name][side]) == 2
            assert min(card[name][side]) > 0
    memory = card["peak memory (MiB)"]
    assert 100 < memory["ours"] < 20_000
    assert memory["ours"] != memory["plain"]
    row = speed.row(card)
    assert row["training step"] == f"{speed.ratio(card['training step']):.2f}"
    assert f"| gmlp | {row['training step']} |" in capsys.readouterr().out


def test_an_unknown_paper_is_named(capsys):
    with pytest.raises(SystemExit):
        speed.main(["bert"])
    assert "unknown paper 'bert'; choose from mixer, fnet" in capsys.readouterr().err


def test_every_recorded_card_holds_both_sides():
    for paper in speed.PAPERS:
        card = json.loads((speed.RESULTS / f"{paper}.json").read_text(encoding="utf-8"))
        assert card["paper"] == paper
        assert len(card["training step"]["plain"]) == len(card["training step"]["ours"]) >= 15
