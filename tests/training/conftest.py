import pytest

from course_utils.data import load_dataset
from course_utils.models import classifier


@pytest.fixture(scope="session")
def shapes():
    return load_dataset("shapes", size=480)


@pytest.fixture(scope="session")
def small_model(shapes):
    """Makes networks whose graph is built soon; what they mix with is nothing to the training loop."""

    def make(**changes):
        sizes = {"embed_dim": 16, "depth": 1, "channels_mlp_dim": 16} | changes
        return classifier("no_mixing", shapes.input_shape, shapes.num_classes, **sizes)

    return make
