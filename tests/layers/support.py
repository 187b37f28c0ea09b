"""What the layer tests share."""

import keras
import numpy as np


def randomised(layer, seed=0):
    """Gives every weight of a built layer random values (a zero bias or a unit gamma would hide mistakes)."""
    rng = np.random.default_rng(seed)
    for variable in layer.weights:
        if "seed" not in variable.path:
            variable.assign(rng.normal(0, 0.3, variable.shape) + ("gamma" in variable.path))
    return layer


def weights_by_path(layer):
    """Returns {"norm1/gamma": float64 array, …} without the layer's own name."""
    return {
        variable.path.split("/", 1)[1]: keras.ops.convert_to_numpy(variable).astype("float64")
        for variable in layer.weights
        if "seed" not in variable.path
    }


def saved_and_loaded(layer, input_shape, folder):
    """Returns a model with `layer` alone in it, and the same after a round trip through a .keras file."""
    inputs = keras.Input(input_shape)
    model = keras.Model(inputs, layer(inputs))
    model.save(folder / "layer.keras")
    return model, keras.models.load_model(folder / "layer.keras")
