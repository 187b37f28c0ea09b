"""Networks: their configurations, one skeleton for all of them, what they cost, and how they may start."""

from course_utils.models.config import CONFIGS, Config, named_config
from course_utils.models.cost import macs
from course_utils.models.network import Classifier, Network, blocks, check_model, classifier, describe

__all__ = [
    "CONFIGS",
    "Classifier",
    "Config",
    "Network",
    "blocks",
    "check_model",
    "classifier",
    "describe",
    "macs",
    "named_config",
]
