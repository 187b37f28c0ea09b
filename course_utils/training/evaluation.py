"""What a classifier reaches on images: `evaluate`."""

import numpy as np

from course_utils.training.batches import resized


def evaluate(model, images, labels, *, batch_size: int = 500) -> dict:
    """Measures a classifier on images it is shown as they are.

    Args:
        model: from pixels `(b, h, w, c)` to logits `(b, classes)`.
        images: uint8 `(n, h, w, c)`; resized if the model wants another size.
        labels: int `(n,)`.
        batch_size: images at a time.

    Returns:
        "loss" (mean cross-entropy, no label smoothing), "top1" and "top5" (shares between 0 and 1; "top5" is None
        below 6 classes).

    Raises:
        ValueError: there are no images, or not one label for each.
    """
    if not len(images) or len(images) != len(labels):
        raise ValueError(f"evaluate: {len(images)} images and {len(labels)} labels: give one label for each image")
    size = model.input_shape[1:3]
    logits = []
    for start in range(0, len(images), batch_size):
        # A model called directly runs one operation at a time: predict_on_batch runs the compiled graph. Padding the
        # last batch keeps its shape, so that the graph is built once.
        batch = resized(images[start : start + batch_size], size)
        missing = batch_size - len(batch) if start else 0
        padded = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)]) if missing else batch
        logits.append(np.asarray(model.predict_on_batch(padded), dtype="float64")[: len(batch)])
    logits = np.concatenate(logits)  # (n, classes)
    right = np.take_along_axis(logits, np.asarray(labels)[:, None].astype(int), axis=1)  # (n, 1)
    peak = logits.max(axis=1, keepdims=True)
    loss = np.log(np.exp(logits - peak).sum(axis=1)) + peak[:, 0] - right[:, 0]
    # Ties count against the network: a model that says "all alike" must not look right, nor one that says NaN.
    rank = (~(logits < right)).sum(axis=1) - 1
    enough = logits.shape[1] > 5
    return {
        "loss": float(loss.mean()),
        "top1": float((rank < 1).mean()),
        "top5": float((rank < 5).mean()) if enough else None,
    }
