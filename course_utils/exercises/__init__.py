"""The checks behind the exercises: each runs a student's function and says at once what is right or what is not yet.

A check never raises: an unfinished exercise must not stop a lesson that runs from top to bottom. It prints one line.
`check.passes(attempt)` says the same as True or False, for a test.
"""

from course_utils.exercises.bug_hunt import (
    check_finite_difference,
    check_hidden_width,
    check_learned_temperature,
    check_raw_residual,
    check_schedule_in_use,
    check_two_norms,
)
from course_utils.exercises.fnet import (
    check_dft_matrix,
    check_fnet_block,
    check_fourier_mixing,
    check_is_linear,
    check_unseen_order,
)
from course_utils.exercises.gmlp import (
    check_gmlp_block,
    check_gmlp_weights,
    check_left_neighbour,
    check_spatial_gate,
    check_starts_as_identity,
)
from course_utils.exercises.mixer import (
    check_block_weights,
    check_mixes_tokens,
    check_patchify,
    check_shuffle_patches,
    check_token_mixing,
)
from course_utils.exercises.small_data_vit import (
    check_entropy,
    check_extra_weights,
    check_five_in_one,
    check_left_up,
    check_lsa_weights,
    check_temperature_is_trained,
)
from course_utils.exercises.vit import (
    check_attention,
    check_attention_distance,
    check_forgets_places,
    check_rollout,
    check_transformer_weights,
)

__all__ = [
    "check_attention",
    "check_attention_distance",
    "check_block_weights",
    "check_dft_matrix",
    "check_entropy",
    "check_extra_weights",
    "check_finite_difference",
    "check_five_in_one",
    "check_fnet_block",
    "check_forgets_places",
    "check_fourier_mixing",
    "check_gmlp_block",
    "check_gmlp_weights",
    "check_hidden_width",
    "check_is_linear",
    "check_learned_temperature",
    "check_left_neighbour",
    "check_left_up",
    "check_lsa_weights",
    "check_mixes_tokens",
    "check_patchify",
    "check_raw_residual",
    "check_rollout",
    "check_schedule_in_use",
    "check_shuffle_patches",
    "check_spatial_gate",
    "check_starts_as_identity",
    "check_temperature_is_trained",
    "check_token_mixing",
    "check_transformer_weights",
    "check_two_norms",
    "check_unseen_order",
]
