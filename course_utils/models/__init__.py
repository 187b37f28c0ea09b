"""Networks: their configurations, one skeleton for all of them, what they cost, and how they may start."""

from course_utils.models.config import CONFIGS, Config, named_config
from course_utils.models.cost import macs
from course_utils.models.network import Classifier, Network, blocks, check_model, classifier, describe
from course_utils.models.published import PUBLISHED, Published, PublishedError, load_published

__all__ = [
    "CONFIGS",
    "PUBLISHED",
    "Classifier",
    "Config",
    "Network",
    "Published",
    "PublishedError",
    "blocks",
    "check_model",
    "classifier",
    "describe",
    "load_published",
    "macs",
    "named_config",
]
