"""What a classifier reaches on images: `evaluate`."""

import numpy as np

from course_utils.checked import Count, Flag, arguments
from course_utils.data.checks import check_images, check_labels
from course_utils.data.progress import ProgressBar
from course_utils.models import check_model
from course_utils.models.cost import largest_activation
from course_utils.training.batches import resized

_MOST_NUMBERS = 2**26  # in the largest array that a batch becomes: 256 MB


@arguments
def evaluate(model, images, labels, *, batch_size: Count | None = None, progress: Flag = True) -> dict:
    """Measures a classifier on images it is shown as they are.

    Args:
        model: from pixels `(b, h, w, c)` to logits `(b, classes)`.
        images, labels: uint8 `(n, h, w, c)`, resized if the model wants another size, and int `(n,)`.
        batch_size: None takes up to 500, fewer where they would become large arrays.
        progress: tell how far it is, should it take more than 3 seconds.

    Returns:
        "loss" (mean cross-entropy, no label smoothing), "top1" and "top5" (shares between 0 and 1; "top5" is None
        below 6 classes).

    Raises:
        TypeError, ValueError: model, images, labels or batch size are not as described; the message names them.
    """
    check_model("evaluate", model)
    check_images("evaluate: images", images)
    if images.shape[3] != model.input_shape[3]:
        raise ValueError(f"evaluate: images must have {model.input_shape[3]} channels, but they have {images.shape[3]}")
    labels = check_labels("evaluate: labels", labels, model.output_shape[-1])
    if len(images) != len(labels):
        raise ValueError(f"evaluate: {len(images)} images and {len(labels)} labels: give one label for each image")
    if batch_size is None:
        batch_size = min(500, max(1, _MOST_NUMBERS // largest_activation(model)))
    batch_size = min(batch_size, len(images))
    logits, bar = [], ProgressBar("evaluate", unit="images", after_s=3)
    for start in range(0, len(images), batch_size):
        # A model called directly runs one operation at a time: predict_on_batch runs the compiled graph. Padding the
        # last batch keeps its shape, so that the graph is built once.
        batch = resized(images[start : start + batch_size], model.input_shape[1:3])
        padded = np.pad(batch, [(0, batch_size - len(batch))] + 3 * [(0, 0)], mode="edge")
        logits.append(np.asarray(model.predict_on_batch(padded), dtype="float64")[: len(batch)])
        if progress:
            bar(start + len(batch), len(images))
    logits = np.concatenate(logits)  # (n, classes)
    if (logits >= 0).all() and np.allclose(logits.sum(axis=1), 1, atol=1e-3):
        raise ValueError("evaluate: model gives probabilities, not logits: leave its softmax out")
    right = np.take_along_axis(logits, labels[:, None], axis=1)  # (n, 1)
    peak = logits.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):  # infinite logits: their loss is NaN
        loss = np.log(np.exp(logits - peak).sum(axis=1)) + peak[:, 0] - right[:, 0]
    # Ties count against the network: a model that says "all alike" must not look right, nor one that says NaN.
    rank = (~(logits < right)).sum(axis=1) - 1
    top1, top5 = (float((rank < k).mean()) for k in (1, 5))
    return {"loss": float(loss.mean()), "top1": top1, "top5": top5 if logits.shape[1] > 5 else None}
