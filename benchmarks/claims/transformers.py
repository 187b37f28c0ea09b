"""Claims of the lessons on ViT, ViT for small data sets, and all networks side by side."""

from functools import lru_cache
from unittest.mock import patch

import keras
import numpy as np

from benchmarks.claims import SEEDS, claim
from benchmarks.claims.parts import learned, puzzle
from benchmarks.seeds import FEW
from course_utils import analysis
from course_utils.data import load_dataset
from course_utils.exercises.bugs import WrongGradientNorm
from course_utils.models import classifier
from course_utils.training import Recipe, recipe, train

# ---- 04 ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=SEEDS)
def vit(seed: int):
    """Returns lesson 04's network, its run, and how many tokens its first block attended to after each epoch."""
    attended, network = [], None

    def note(epoch):
        if epoch:
            weights = analysis.attention(network, puzzle().x_validation[:100])
            attended.append((2 ** analysis.entropy(weights[0])).mean())

    network = classifier("vit", puzzle().input_shape, puzzle().num_classes, seed=seed)
    return network, train(network, puzzle(), "quick", seed=seed, monitor="none", after_epoch=note), attended


def first(reached) -> int:
    """Returns the first epoch, from 1, in which something is reached; one after the last if it never is."""
    return int(np.argmax([*reached, True])) + 1


@claim(
    "04_vit",
    "In the epoch in which they come down to half of the 16, or in the next one, the accuracy passes one half.",
    lambda found: 0 <= found["half of the images"] - found["half of the tokens"] <= 1 and found["test"] > 0.9,
)
def sharp_then_right(seed):
    _, run, attended = vit(seed)
    return {
        "half of the tokens": first(np.array(attended) <= 8),
        "half of the images": first(np.array(run.history["val_accuracy"]) >= 0.5),
        "test": run.test.top1,
    }


@claim(
    "04_vit",
    "The first block has learned the opposite of the experiment by hand: in some head nearly every cell looks at the "
    "odd one.",
    lambda found: found["block 1"] > 0.75,
)
def looks_at_the_odd_one(seed):
    network, _, _ = vit(seed)
    odd = puzzle().y_test[:200]

    def most(matrices):
        given = [np.delete(A[..., k], k, axis=-1).mean(axis=-1) for A, k in zip(matrices, odd, strict=True)]
        return np.mean(given, axis=0).max()

    matrices = analysis.attention(network, puzzle().x_test[:200])
    return {f"block {k}": most(block) for k, block in enumerate(matrices, start=1)}


@claim(
    "04_vit",
    "The first block's matrix *is* the answer: with that of another image, the network names the odd cell of that "
    "other image.",
    lambda found: found["the next image's answer"] > 0.85,
)
def another_matrix(seed):
    network, _, _ = vit(seed)
    images, labels = puzzle().x_test[:200], puzzle().y_test[:200]
    one, two = analysis.attention(network, images)
    said = analysis.logits_with(network, images, 1, np.roll(one, -1, axis=0)).argmax(axis=1)
    other = analysis.logits_with(network, images, 2, np.roll(two, -1, axis=0)).argmax(axis=1)
    return {
        "the next image's answer": np.mean(said == np.roll(labels, -1)),
        "right with another in block 2": np.mean(other == labels),
    }


@claim(
    "04_vit",
    "Without a single Transformer block, the head alone solves most puzzles.",
    lambda found: found["test"] > 0.5,
)
def head_alone(seed):
    keras.utils.set_random_seed(seed)
    whole = classifier("vit", puzzle().input_shape, puzzle().num_classes, seed=seed)
    tokens = keras.layers.Flatten()(whole.get_layer("position_embedding").output)
    for width in (2048, 1024):
        tokens = keras.layers.Dense(width, "gelu")(tokens)
    alone = keras.Model(whole.input, keras.layers.Dense(puzzle().num_classes, "softmax")(tokens))
    alone.compile(keras.optimizers.AdamW(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    alone.fit(puzzle().x_train.astype("float32"), puzzle().y_train, batch_size=128, verbose=0)
    found = alone.evaluate(puzzle().x_test.astype("float32"), puzzle().y_test, verbose=0)
    return {"test": found[1]}


# ---- 05 ---------------------------------------------------------------------------------------------------------


@claim(
    "05_small_data_vit",
    "On the puzzle they stay within a quarter of where they started.",
    lambda found: found["lowest"] > 0.75 and found["highest"] < 1.25,
)
def temperatures_stay(seed):
    network, _ = learned("small_data_vit", seed)
    taus = analysis.temperatures(network) / 16**0.5
    return {"lowest": taus.min(), "highest": taus.max()}


@claim(
    "05_small_data_vit",
    "SPT's wrong answers lie next to the right cell more often than by guessing, which would put 35 % there.",
    lambda found: found["next to it"] > 0.4,
)
def wrong_by_one_cell(seed):
    small = puzzle().subset(train=2000, validation=500, test=1000)
    network = classifier("small_data_vit", small.input_shape, small.num_classes, seed=seed, temperature=False,
                         mask_diagonal=False)  # fmt: skip
    run = train(network, small, Recipe(epochs=6, batch_size=32, learning_rate=5e-3), seed=seed, monitor="none")
    said = np.argmax(network.predict(small.x_test.astype("float32"), batch_size=500, verbose=0), axis=1)
    away = np.abs(np.stack(np.divmod(said, 4)) - np.stack(np.divmod(small.y_test, 4))).max(axis=0)
    return {"test": run.test.top1, "next to it": np.mean(away[away > 0] == 1)}


# ---- 06 ---------------------------------------------------------------------------------------------------------


@claim(
    "06_side_by_side",
    "With an eighth of the puzzles, attention solves more of them than the MLP.",
    lambda found: found["attention"] > found["MLP"],
)
def attention_needs_fewer(seed):
    few, found = puzzle().subset(**FEW.parts), {}
    for name, config in FEW.networks.items():
        network = classifier(config, few.input_shape, few.num_classes, seed=seed)
        found[name] = train(network, few, FEW.recipe, seed=seed, monitor="none").test.top1
    return found


@claim(
    "06_side_by_side",
    "Our smallest ViT does not show it: after four epochs of CIFAR-100 the two gradients are within two points.",
    lambda found: abs(found["as it is"] - found["old gradient"]) <= 0.02,
)
def old_gradient_is_not_seen(seed):
    data, found = load_dataset("cifar100"), {}
    for name, norm in (("as it is", keras.layers.LayerNormalization), ("old gradient", WrongGradientNorm)):
        with patch.object(keras.layers, "LayerNormalization", norm):
            network = classifier("vit_tiny", data.input_shape, data.num_classes, seed=seed)
        run = train(network, data, recipe("short", epochs=4), seed=seed, monitor="none")
        found[name] = run.history["val_accuracy"][-1]
    return found
