"""What the tests of analysis share."""

import keras
import numpy as np

from course_utils.models import classifier

to_numpy = keras.ops.convert_to_numpy
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 12, 3)).astype("uint8")
SMALL = {"patch_size": 4, "embed_dim": 6, "depth": 2, "channels_mlp_dim": 6}  # 2 × 3 tokens of `IMAGES`


def randomised(model, seed=1):
    """Gives a classifier weights that mix: with its first ones, some gates are shut and the head is zero."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        centre = 2 if "temperature" in variable.path else "gamma" in variable.path
        variable.assign(rng.normal(0, 0.5, variable.shape) + centre)
    return model


def network(name, **changes):
    """Returns a small network for `IMAGES`, with weights that mix."""
    return randomised(classifier(name, (8, 12, 3), 5, **SMALL | changes))
