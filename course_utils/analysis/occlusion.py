"""What a patch is worth: cover it, and see what the answer loses.

Source: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks" (arXiv 1311.2901), section 4.2.
"""

import numpy as np

from course_utils.analysis.parts import array, images_for, token_grid, whole

AT_A_TIME = 32  # covered copies that go through the network together


def occlusion(model, image: np.ndarray, class_index: int) -> np.ndarray:
    """Covers each patch of an image in turn with the image's mean colour, and tells what a class, from 0, loses.

    It is float32 `(rows, columns)`: the class's probability for the whole image, `(h, w, c)`, pixels 0…255, minus that
    with the patch covered, −1…1. Below 0 where the patch spoke against the class.

    Raises:
        ValueError: `image` is not one image of the model's size, or there is no such class.
    """
    rows, columns = token_grid(model)
    image = images_for("occlusion", model, np.asarray(image)[None])[0]
    class_index = whole("occlusion", "class_index", class_index, 0, model.output_shape[-1] - 1)
    side = image.shape[0] // rows, image.shape[1] // columns
    mean = image.mean(axis=(0, 1))

    def covered(token: int) -> np.ndarray:
        top, left = np.multiply(divmod(token, columns), side)
        copy = image.copy()
        copy[top : top + side[0], left : left + side[1]] = mean
        return copy

    found = []
    for start in range(0, rows * columns, AT_A_TIME):
        tokens = range(start, min(start + AT_A_TIME, rows * columns))
        found.append(_probability(model, np.stack([covered(token) for token in tokens]), class_index))
    return (_probability(model, image[None], class_index) - np.concatenate(found)).reshape(rows, columns)


def _probability(model, images: np.ndarray, class_index: int) -> np.ndarray:
    """Returns what the network gives a class for each of some images, `(b,)`."""
    logits = array(model(images))
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers[:, class_index] / powers.sum(axis=-1)
