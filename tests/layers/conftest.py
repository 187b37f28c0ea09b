import numpy as np
import pytest


@pytest.fixture
def x():
    """Tokens of three images, `(b, n, d)`: nine positions, as on a grid of 3 × 3, and six channels."""
    return np.random.default_rng(0).normal(size=(3, 9, 6)).astype("float32")
