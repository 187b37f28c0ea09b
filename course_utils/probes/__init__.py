"""Questions to a network, answered as arrays: model in, numbers out. Pictures are made of them elsewhere."""

from course_utils.probes.attention import (
    attention,
    mean_attention_distance,
    position_similarity,
    products,
    rollout,
    temperatures,
)
from course_utils.probes.influence import influence, token_grid
from course_utils.probes.mixing import gate_weights, token_mixing_weights
from course_utils.probes.sharpness import entropy
from course_utils.probes.substitution import logits_with, other_attention, values

__all__ = [
    "attention",
    "entropy",
    "gate_weights",
    "influence",
    "logits_with",
    "mean_attention_distance",
    "other_attention",
    "position_similarity",
    "products",
    "rollout",
    "temperatures",
    "token_grid",
    "token_mixing_weights",
    "values",
]
