"""Questions to a network, answered as arrays: model in, numbers out. Images are made of them elsewhere."""

from course_utils.analysis.attention import (
    attention,
    entropy,
    mean_attention_distance,
    position_similarity,
    products,
    rollout,
    temperatures,
)
from course_utils.analysis.influence import influence
from course_utils.analysis.mistakes import calibration, confusions
from course_utils.analysis.mixing import gate_weights, token_mixing_weights
from course_utils.analysis.occlusion import occlusion
from course_utils.analysis.parts import shares, token_grid
from course_utils.analysis.substitution import logits_with, other_attention, values

__all__ = [
    "attention", "calibration", "confusions", "entropy", "gate_weights", "influence", "logits_with",
    "mean_attention_distance", "occlusion", "other_attention", "position_similarity", "products", "rollout", "shares",
    "temperatures", "token_grid", "token_mixing_weights", "values",
]  # fmt: skip
