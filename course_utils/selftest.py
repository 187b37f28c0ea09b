"""Is this Keras to be trusted? `python -m course_utils.selftest` says so in seconds, before a class begins.

Keras 3.0.0 to 3.0.2 gave every LayerNorm a wrong gradient. Nothing failed, all losses fell, and networks learned less
than they could. These are the questions that would have told.
"""

import argparse
from collections.abc import Callable

import keras
import numpy as np

from course_utils import papers
from course_utils.data import load_dataset
from course_utils.models import classifier
from course_utils.system import warn_of_wrong_versions

STEPS = 20
REACHED = 2.0  # mean cross-entropy after these steps: 1.0 (ViT) to 1.7 (FNet) on TensorFlow and JAX; at chance 2.8


def _looked_up(x, after: Callable = lambda x: x) -> tuple[keras.Model, keras.Variable]:
    """Returns a model of `after(x)`, and its weight `x`, `(1, d)`: so training itself gives the gradient of x.

    It is looked up and not multiplied: GPUs multiply matrices with fewer digits than a comparison needs.
    """
    inputs, layer = keras.Input((), dtype="int32"), keras.layers.Embedding(1, len(x))
    model = keras.Model(inputs, after(layer(inputs)))
    layer.embeddings.assign(np.asarray(x)[None])
    return model, layer.embeddings


def input_gradient(make: Callable, x, direction):
    """Returns the gradient of `sum(norm(x) * direction)` with respect to `x`, as training computes it, float64 `(d,)`.

    Args:
        make: makes a norm, such as `keras.layers.LayerNormalization`. What it makes is not trained.
        x, direction: arrays `(d,)`.
    """
    norm = make(epsilon=1e-6)
    # Frozen: in a step of plain SGD TensorFlow 2.20 and 2.21 sometimes update gamma before the gradient has read it
    # (their graph optimizer drops what should keep the order), and the gradient is then that of another norm.
    norm.trainable = False
    model, weight = _looked_up(x, norm)
    before = np.array(keras.ops.convert_to_numpy(weight), "float64")[0]
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, z: keras.ops.sum(y * z))
    model.train_on_batch(np.zeros(1, "int32"), np.asarray(direction)[None])
    return before - keras.ops.convert_to_numpy(weight)[0]


def layer_norm_gradient(make: Callable | None = None):
    """Returns a LayerNorm's gradient with respect to its input, and the same from finite differences, float64 `(8,)`.

    The finite differences are of the formula (arXiv 1607.06450), in NumPy. `make` makes the layer, Keras' if None.
    """
    x, direction = np.random.default_rng(0).normal(size=(2, 8))

    def value(v):
        return ((v - v.mean()) / np.sqrt(v.var() + 1e-6) * direction).sum()

    slopes = [(value(x + 1e-6 * e) - value(x - 1e-6 * e)) / 2e-6 for e in np.eye(8)]
    return input_gradient(make or keras.layers.LayerNormalization, x, direction), np.array(slopes)


def adamw_steps(make: Callable | None = None):
    """Returns eight weights after three steps of AdamW, and the same in NumPy, `(8,)` both.

    The steps in NumPy are those of arXiv 1711.05101, algorithm 2, with the decay times the rate. `make` makes the
    optimizer, Keras' if None.
    """
    start, *gradients = np.random.default_rng(0).normal(size=(4, 8))
    rate, decay, first, second = 1e-2, 0.1, 0.9, 0.999
    model, weight = _looked_up(start)
    optimizer = (make or keras.optimizers.AdamW)(rate, weight_decay=decay, beta_1=first, beta_2=second)
    model.compile(optimizer, loss=lambda y, z: keras.ops.sum(y * z))  # so the gradient is y
    w, m, v = start.copy(), 0.0, 0.0
    for k, g in enumerate(gradients, start=1):
        model.train_on_batch(np.zeros(1, "int32"), g[None])
        m, v = first * m + (1 - first) * g, second * v + (1 - second) * g**2
        w = w * (1 - rate * decay) - rate * (m / (1 - first**k)) / np.sqrt(v / (1 - second**k))
    return keras.ops.convert_to_numpy(weight)[0], w


def loss_after(steps: int, network) -> float:
    """Returns the training loss of a network on one fixed batch of 64 puzzles after so many steps of AdamW."""
    data = load_dataset("shapes")
    images, labels = data.x_train[:64].astype("float32"), data.y_train[:64]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.AdamW(3e-3, weight_decay=0.01)
    optimizer.build(network.trainable_variables)  # else TensorFlow builds its graph twice
    network.compile(optimizer, loss)
    for _ in range(steps):
        network.train_on_batch(images, labels)
    return float(keras.ops.convert_to_numpy(loss(labels, network(images))))


def main(arguments: list[str] | None = None) -> int:
    """Asks everything, prints the answers and returns 1 if one is wrong; `arguments` are the command line's."""
    asks = "Asks whether the Keras on this machine is to be trusted: some seconds. Nothing is written."
    argparse.ArgumentParser(prog="python -m course_utils.selftest", description=asks).parse_args(arguments)
    warn_of_wrong_versions()
    print(f"Keras {keras.__version__} on {keras.backend.backend()}")
    gradient, expected = layer_norm_gradient()
    right = {"LayerNorm's gradient agrees with finite differences": np.allclose(gradient, expected, atol=1e-5)}
    taken, expected = adamw_steps()
    right["three steps of AdamW agree with NumPy"] = np.allclose(taken, expected, atol=1e-5)
    for name in papers.WITH_LESSON:
        loss = loss_after(STEPS, classifier(name, (32, 32, 3), 16, seed=0))
        right[f"{name}: loss {loss:.2f} after {STEPS} steps, at most {REACHED}"] = loss <= REACHED
    for question, answer in right.items():
        print("✓" if answer else "✗", question)
    if not all(right.values()):
        print("Do not teach with this installation: training is not what it should be.")
    return 0 if all(right.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
