"""What the tests of analysis share."""

import numpy as np


def randomised(model, seed=1):
    """Gives a classifier weights that mix: with its first ones, some gates are shut and the head is zero."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        centre = 2 if "temperature" in variable.path else "gamma" in variable.path
        variable.assign(rng.normal(0, 0.5, variable.shape) + centre)
    return model
