"""What the tiny networks say on the backend in use: python -m tests.environments.on_backend OUT.npz

For every tiny configuration: all its weights and its logits; for one, the losses of a short training run. Everything
random comes from NumPy, so that two backends start with the same weights, images and batches.
"""

import sys

import keras
import numpy as np

from course_utils.data import Dataset
from course_utils.models import CONFIGS, classifier
from course_utils.training import train
from course_utils.training.recipes import Recipe

TINY = [name for name in CONFIGS if name.endswith("_tiny")]
SHAPE, CLASSES = (32, 32, 3), 5


def images() -> Dataset:
    """Returns random images, with labels that can be learned from their brightness."""
    rng = np.random.default_rng(0)
    y = np.arange(72) % CLASSES
    x = (rng.integers(0, 100, (72, *SHAPE)) + 38 * y[:, None, None, None]).astype("uint8")
    return Dataset("random", x[:48], y[:48], x[48:60], y[48:60], x[60:], y[60:], tuple("abcde"))


def randomise(model) -> None:
    """Gives every weight a random value; one that starts as a constant (bias, scale, the head) stays near it."""
    rng = np.random.default_rng(0)
    for variable in model.weights:
        start = keras.ops.convert_to_numpy(variable)
        constant = start if np.ptp(start) == 0 else 0.0
        variable.assign(constant + rng.normal(0, 0.1, start.shape))


def answers() -> dict[str, np.ndarray]:
    """Returns arrays by name: "NAME weights" and "NAME logits" for each tiny configuration, and "losses"."""
    found, data = {}, images()
    for name in TINY:
        # No dropout: each backend draws its own random numbers.
        model = classifier(name, SHAPE, CLASSES, dropout=0.0, drop_path=0.0)
        randomise(model)
        found[f"{name} weights"] = np.concatenate([value.ravel() for value in model.get_weights()])
        found[f"{name} logits"] = model.predict_on_batch(data.x_test)
        if name == TINY[0]:
            run = train(model, data, Recipe(2, 16, 1e-3, augment=("flip", "crop")), monitor="none")
            found["losses"] = np.array(run.history["loss"] + run.history["val_loss"])
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **answers())
