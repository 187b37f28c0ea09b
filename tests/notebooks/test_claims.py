"""What the lessons say of the recorded networks, sentence by sentence."""

import numpy as np
import pytest

from course_utils import analysis
from course_utils.data.images import photographs
from course_utils.models import load_trained
from tools.lesson import SOURCES

pytestmark = pytest.mark.one_backend


def says(lesson: str, sentence: str) -> None:
    """Asserts that a lesson still says so: a claim that is reworded is looked at again."""
    text = " ".join((SOURCES / f"{lesson}.py").read_text(encoding="utf-8").replace("\n# ", " ").split())
    assert sentence in text


def test_in_the_recorded_vit_near_positions_are_alike():
    says("04_vit", "Nobody told this network that the positions form a grid: it found out.")
    similarity = analysis.position_similarity(load_trained("vit_course"))
    row, column = np.divmod(np.arange(64), 8)
    apart = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))
    one, two, three = (similarity[apart == steps].mean() for steps in (1, 2, 3))
    assert one > 0.5
    assert one > two + 0.2 > three + 0.4


def test_in_the_recorded_vit_heads_spread_out_with_depth():
    says("04_vit", "the most local one looks a little further than that of the block before")
    says("04_vit", "in the last block one looks further than a head that looks everywhere alike")
    images = np.stack(list(photographs(32).values()))
    weights = analysis.attention(load_trained("vit_course"), images)
    far = analysis.mean_attention_distance(weights, (8, 8), 4).mean(axis=1)  # (blocks, heads)
    everywhere = analysis.mean_attention_distance(np.full((64, 64), 1 / 64), (8, 8), 4)
    assert (np.diff(far.min(axis=1)) > 0).all()
    assert far[0].min() < 0.7 * everywhere
    assert far[-1].max() > everywhere


def test_the_recorded_temperatures_fall_and_then_all_rise():
    says("05_small_data_vit", "Most go down at first, and then all of them *up*")
    first, last = (analysis.temperatures(load_trained("small_data_vit_course", epoch)) for epoch in (1, 8))
    assert (first < 32**0.5).mean() > 0.5
    assert (last > 32**0.5).all()
