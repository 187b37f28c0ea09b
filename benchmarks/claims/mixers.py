"""Claims of the lessons on MLP-Mixer, FNet and gMLP."""

from benchmarks.claims import claim
from benchmarks.claims.parts import learned
from course_utils import analysis


@claim(
    "03_gmlp",
    "And training does not open the gates that began shut: their $b$ stays far below 1.",
    lambda found: max(found.values()) < 0.5,
)
def shut_gates(seed):
    network, _ = learned("gmlp", seed, gate_bias_start=0.0)
    return {f"block {k}": bias.mean() for k, (_, bias) in enumerate(analysis.gate_weights(network), start=1)}
