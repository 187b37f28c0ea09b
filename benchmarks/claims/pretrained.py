"""Claims of the lesson on pre-training."""

import keras
import numpy as np
from keras import ops

from benchmarks.claims import claim
from course_utils.data import Dataset
from course_utils.data.images import photographs
from course_utils.models import classifier, load_trained


def deal(seed: int) -> Dataset:
    """Returns the pieces of three photographs as the lesson deals them out, twenty of each to learn from."""
    rng = np.random.default_rng(seed)
    parts: dict[str, list] = {"train": [], "validation": [], "test": []}
    for photograph in photographs(256).values():
        mixed = photograph.reshape(8, 32, 8, 32, 3).swapaxes(1, 2).reshape(64, 32, 32, 3)[rng.permutation(64)]
        for part, some in zip(parts, (mixed[:20], mixed[20:24], mixed[24:]), strict=True):
            parts[part].append(some)
    arrays = {f"x_{part}": np.concatenate(found) for part, found in parts.items()}
    arrays |= {f"y_{part}": np.repeat(np.arange(3), len(found[0])) for part, found in parts.items()}
    return Dataset(name="pieces", **arrays, class_names=tuple(photographs(1)))


@claim(
    "07_pretrained",
    "With twenty pieces of each, the trained features are ahead however the pieces are dealt.",
    lambda found: found["trained"] > max(found["pixels"], found["untrained"]),
)
def nearest_means(seed):
    data = deal(seed)
    networks = {
        "untrained": classifier("vit_course", (32, 32, 3), 100, seed=seed),
        "trained": load_trained("vit_course"),
    }
    seen = {"pixels": [images.reshape(len(images), -1) / 255 for images in (data.x_train, data.x_test)]}
    for name, network in networks.items():
        ask = keras.Model(network.input, network.layers[-1].input)
        seen[name] = [ops.convert_to_numpy(ask(images.astype("float32"))) for images in (data.x_train, data.x_test)]
    found = {}
    for name, (train_features, test_features) in seen.items():
        means = np.stack([train_features[data.y_train == k].mean(axis=0) for k in range(3)])
        nearest = np.square(test_features[:, None] - means).sum(axis=-1).argmin(axis=1)
        found[name] = (nearest == data.y_test).mean()
    return found
