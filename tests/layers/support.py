"""What the layer tests share."""

import keras
import numpy as np


def randomised(layer, seed=0):
    """Gives every weight of a built layer random values (a zero bias or a unit gamma would hide mistakes)."""
    rng = np.random.default_rng(seed)
    for variable in layer.weights:
        if "seed" not in variable.path:
            centre = 1.5 if "temperature" in variable.path else "gamma" in variable.path
            variable.assign(rng.normal(0, 0.3, variable.shape) + centre)
    return layer


def built(layer, x, seed=0):
    """Returns a layer built for `x` and given random weights."""
    layer.build(x.shape)
    return randomised(layer, seed)


def moved_by(layer, x, token=4):
    """Says which tokens of the output change with one token of the input: bool `(n,)`.

    Its sign is turned: adding a constant would do nothing, LayerNorm takes it out.
    """
    changed = x.copy()
    changed[:, token] *= -1
    after, before = (keras.ops.convert_to_numpy(layer(given)) for given in (changed, x))
    return np.abs(after - before).max(axis=(0, 2)) > 1e-6


def weights_by_path(layer):
    """Returns {"norm1/gamma": float64 array, …} without the layer's own name."""
    return {
        variable.path.split("/", 1)[1]: keras.ops.convert_to_numpy(variable).astype("float64")
        for variable in layer.weights
        if "seed" not in variable.path
    }


def drops_inside_and_after(layer, plain, x) -> tuple[bool, bool]:
    """Says whether a layer with dropout 0.5 drops values on the way, and values of its output.

    What dropout leaves of an output is doubled; if it is not the double of what `plain`, the same layer without
    dropout, gives, then other values were dropped on the way.
    """
    y, whole = (keras.ops.convert_to_numpy(value) for value in (layer(x, training=True), plain(x)))
    kept = y != 0
    return bool(np.abs(y - 2 * whole)[kept].max() > 1e-3), bool(0.3 < kept.mean() < 0.7)


def answer(model, x):
    """Returns what a model gives for `x`, as one array or several: without the graph that `predict` would build."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, model(x))


def saved_and_loaded(layer, input_shape, folder):
    """Returns a model with `layer` alone in it, and the same after a round trip through a .keras file."""
    inputs = keras.Input(input_shape)
    model = keras.Model(inputs, layer(inputs))
    model.save(folder / "layer.keras")
    return model, keras.models.load_model(folder / "layer.keras")
