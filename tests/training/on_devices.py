"""Trains on one and on several virtual CPU devices: `python -m tests.training.on_devices`. Prints the losses as JSON.

Virtual devices must be asked for before a backend starts, so this is a process of its own.
"""

import json
import os

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)

from course_utils.models import classifier
from course_utils.training import train
from course_utils.training.recipes import Recipe
from tests.environments.on_backend import images

RECIPE = Recipe(epochs=2, batch_size=16, learning_rate=1e-3, warmup=0.0, augment=("flip", "crop"))


def main():
    data = images()
    found = {}
    for devices in (None, 2, 4):
        model = classifier("gmlp_tiny", data.input_shape, data.num_classes, seed=0, depth=1)
        start = model.get_weights()
        run = train(model, data, RECIPE, monitor="none", devices=devices)
        moved = any((a != b).any() for a, b in zip(start, model.get_weights(), strict=True))
        found[str(devices)] = {key: run.history[key] for key in ("loss", "val_loss")} | {"moved": moved}
    for name, devices in (("error", 5), ("uneven", 3)):
        try:
            train(model, data, RECIPE, monitor="none", devices=devices)
        except ValueError as error:
            found[name] = str(error)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
