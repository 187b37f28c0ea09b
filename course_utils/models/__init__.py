"""Networks: their configurations, one skeleton for all of them, what they cost, and how they may start."""

from course_utils.models.adapt import adapt
from course_utils.models.config import CONFIGS, Config, named_config
from course_utils.models.cost import macs
from course_utils.models.network import Classifier, Network, blocks, check_model, classifier, describe
from course_utils.models.pretrained import load_trained, trained, trained_names
from course_utils.models.published import PUBLISHED, Published, PublishedError, load_published

__all__ = [
    "CONFIGS", "PUBLISHED", "Classifier", "Config", "Network", "Published", "PublishedError", "adapt", "blocks",
    "check_model", "classifier", "describe", "load_published", "load_trained", "macs", "named_config", "trained",
    "trained_names",
]  # fmt: skip
