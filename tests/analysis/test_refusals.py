"""Questions that a network cannot answer are refused in a sentence: which argument, what came, what would be right."""

import math

import numpy as np
import pytest

from course_utils import analysis
from tests.analysis.support import IMAGES, network

VIT, LOCAL = network("vit", num_heads=2), network("small_data_vit", num_heads=2, temperature=False)
PLAIN, MIXER = network("no_mixing"), network("mixer", tokens_mlp_dim=5)
EVEN = np.full((2, 1, 3, 3), 1 / 3)

REFUSED = [
    *(
        (ask, arguments, words)
        for ask in (analysis.attention, analysis.products)
        for arguments, words in (
            ((PLAIN, IMAGES), "needs Transformer blocks, but 'no_mixing' is made of NoMixingBlock"),
            ((VIT, IMAGES[0]), r"images must be \(b, 8, 12, 3\), but .* is \(8, 12, 3\)"),
        )
    ),
    (analysis.temperatures, (PLAIN,), "needs Transformer blocks"),
    (analysis.temperatures, (VIT,), "learns no temperature"),
    (analysis.temperatures, (LOCAL,), "learns no temperature"),
    (analysis.position_similarity, (PLAIN,), "'no_mixing' has no position embedding"),
    (analysis.token_mixing_weights, (PLAIN,), "needs Mixer blocks, but 'no_mixing' is made of NoMixingBlock"),
    (analysis.gate_weights, (PLAIN,), "needs gMLP blocks, but 'no_mixing' is made of NoMixingBlock"),
    (analysis.rollout, (EVEN[:, 0],), r"must be \(depth, …, heads, n, n\), but its shape is \(2, 3, 3\)"),
    (analysis.rollout, (EVEN[..., :2],), r"must be \(depth, …, heads, n, n\), but its shape is \(2, 1, 3, 2\)"),
    (analysis.entropy, (1.0,), r"must be \(…, n\)"),
    (analysis.entropy, (np.zeros((3, 0)),), r"must be \(…, n\)"),
    *(
        (
            analysis.mean_attention_distance,
            (np.ones(shape), (2, 3), 4),
            "a grid of 2 × 3 has 6 tokens, but attention is",
        )
        for shape in ((5, 5), (8, 8), (6, 7))
    ),
    (analysis.influence, (MIXER, IMAGES[0][:, :8], 1), r"image must be \(8, 12, 3\), but its shape is \(8, 8, 3\)"),
    *((analysis.influence, (MIXER, IMAGES[0], k), "depth must be from 1 to 2, but it is") for k in (0, 3, 1.5, True)),
    *((analysis.values, (VIT, IMAGES, k), "values: block must be from 1 to 2, but it is") for k in (0, 3, 1.0, True)),
    (
        analysis.occlusion,
        (MIXER, IMAGES[0][:, :8], 1),
        r"occlusion: images must be \(b, 8, 12, 3\), but .* \(1, 8, 8, 3\)",
    ),
    (analysis.occlusion, (MIXER, IMAGES, 1), r"occlusion: images must be \(b, 8, 12, 3\)"),
    *(
        (analysis.occlusion, (MIXER, IMAGES[0], k), "class_index must be from 0 to 4, but it is")
        for k in (-1, 5, 1.0, True)
    ),
    (analysis.values, (VIT, IMAGES[0], 1), r"values: images must be \(b, .*8, 12, 3\)"),
    (analysis.values, (PLAIN, IMAGES, 1), "needs Transformer blocks"),
    (analysis.logits_with, (VIT, IMAGES, 1, np.eye(6)), r"attention must be \(4, 2, 6, 6\), but its shape is \(6, 6\)"),
    (analysis.other_attention, (np.eye(4), np.ones((5, 2)), 0), r"they are \(4, 4\) and \(5, 2\)"),
    *(
        (analysis.other_attention, (np.eye(4), np.ones((4, 2)), token), "token must be from 0 to 3, but it is")
        for token in (-1, 4, 1.5, True)
    ),
]


@pytest.mark.parametrize(("ask", "arguments", "words"), REFUSED)
def test_questions_without_an_answer_are_refused(ask, arguments, words):
    with pytest.raises(ValueError, match=words):
        ask(*arguments)


@pytest.mark.parametrize("row", [[0.5, 0.2], [1.5, -0.5], [math.nan, 1.0], [1 + 1e-3, -1e-3]])
def test_rows_that_are_no_shares_are_refused_wherever_attention_is_taken(row):
    rows = np.array([row, [0.5, 0.5]])
    six = np.broadcast_to(np.pad(rows, (0, 4)) + np.diag([0, 0, 1, 1, 1, 1]), (4, 2, 6, 6))
    for take, arguments in (
        (analysis.entropy, (rows,)),
        (analysis.rollout, (rows[None, None],)),
        (analysis.mean_attention_distance, (rows, (1, 2), 4)),
        (analysis.other_attention, (rows, np.ones((2, 3)), 0)),
        (analysis.logits_with, (VIT, IMAGES, 1, six)),
    ):
        with pytest.raises(ValueError, match="the rows of attention must be 0 or more and sum to 1"):
            take(*arguments)
