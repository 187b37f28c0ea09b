"""Training and evaluation: `train(model, dataset, recipe)` gives a `Run`."""

import os
import time
import warnings
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from numbers import Integral
from pathlib import Path

import keras
import numpy as np

from course_utils import models
from course_utils.data import Dataset
from course_utils.training import devices as _devices
from course_utils.training.augmentation import Augmentation
from course_utils.training.batches import Batches, for_fit, resized
from course_utils.training.optimizer import optimizer_for
from course_utils.training.progress import make_monitor
from course_utils.training.recipes import Recipe, out_of_patience, plateau_rate
from course_utils.training.recipes import recipe as named_recipe
from course_utils.training.run import Run

DRY_RUN = {"validation": 100, "test": 100}
"""How many images a dry run is measured on, if there are so many."""
DRY_RUN_STEPS = 2
"""How many batches it trains on. The head starts at zero, so that the first step moves nothing before it."""


def dry_running() -> bool:
    """Says whether the variable COURSE_DRY_RUN asks for a dry run: every cell works, nothing is learned."""
    return os.environ.get("COURSE_DRY_RUN", "") not in ("", "0")


def _dry_run_of(recipe: Recipe, dataset: Dataset) -> tuple[Recipe, Dataset]:
    """Returns what a dry run trains with: one epoch of two batches."""
    most = {"train": DRY_RUN_STEPS * recipe.batch_size} | DRY_RUN
    sizes = {part: min(count, len(getattr(dataset, f"x_{part}"))) for part, count in most.items()}
    return replace(recipe, epochs=1), dataset.subset(**sizes)


_dry_run_before = False


def _without_graph() -> bool:
    """Says whether this dry run goes without a graph: on TensorFlow, from a process's second one on.

    For a dry run's two steps a graph is not worth building. That it can be built here, the first dry run shows,
    unless COURSE_DRY_RUN is "eager".
    """
    global _dry_run_before
    before = _dry_run_before or os.environ["COURSE_DRY_RUN"] == "eager"
    _dry_run_before = True
    return before and keras.backend.backend() == "tensorflow"


def _check_fit(owner: str, model, dataset: Dataset):
    if not isinstance(dataset, Dataset):
        raise TypeError(f"{owner}: dataset must be a Dataset (see load_dataset), but it is a {type(dataset).__name__}")
    if model.output_shape[-1] != dataset.num_classes:
        raise ValueError(
            f"{owner}: the model tells {model.output_shape[-1]} classes apart, but the data set "
            f"{dataset.name!r} has {dataset.num_classes}: build it with num_classes={dataset.num_classes}"
        )
    if model.input_shape[-1] != dataset.input_shape[-1]:
        raise ValueError(
            f"{owner}: the model takes {model.input_shape[-1]} channels, but the images of {dataset.name!r} have "
            f"{dataset.input_shape[-1]}: build it with input_shape={dataset.input_shape}"
        )


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


def _better(recipe: Recipe, measured: dict, run: Run) -> bool:
    """Says whether an epoch is better than the best one so far, by what the recipe asks."""
    before = run.history[recipe.keep][run.best_epoch - 1]
    return measured[recipe.keep] < before if recipe.keep == "val_loss" else measured[recipe.keep] > before


class _Steps(keras.callbacks.Callback):
    """Tells the monitor of every step."""

    def __init__(self, monitor):
        super().__init__()
        self.monitor = monitor

    def on_train_batch_end(self, batch, logs=None):
        self.monitor.step(batch + 1, logs or {})


def train(
    model,
    dataset: Dataset,
    recipe: str | Recipe = "quick",
    *,
    seed: int = 0,
    keep_best: bool = True,
    track_test: bool = False,
    monitor: str | None = None,
    card=None,
    checkpoint=None,
    jit_compile: bool | str = "auto",
    devices: int | None = None,
    after_epoch: Callable[[int], None] | None = None,
    **changes,
) -> Run:
    """Trains a classifier and measures it.

    The validation images choose the epoch whose weights are kept (`Recipe.keep`); the test images choose nothing.
    Interrupting (the stop button, Ctrl-C) ends the run after the last finished epoch: the weights kept so far are in
    `model` and the history is in the `Run`.

    With the variable COURSE_DRY_RUN set to 1, the run is a dry run: one epoch of two batches, measured on at most
    100 validation and 100 test images. The progress says so, and so does the `Run`. On TensorFlow a process's first
    dry run builds its graph as any run does, the later ones run without; with "eager" the first one does so, too.

    Args:
        model: a classifier, as built by `models.classifier`. It is trained in place.
        dataset: what to train on.
        recipe: a name ("quick", "course") or a `Recipe`.
        seed: seeds the order and the augmentation of the training images.
        keep_best: leave the weights of the best epoch in the model, not the last ones.
        track_test: measure test accuracy after each epoch too, for a curve.
        monitor: "live" (an image redrawn in the notebook), "lines" (one line for each epoch) or "none"; None
            chooses "live" in a notebook and "lines" elsewhere, unless the variable COURSE_MONITOR says.
        card: a file that receives the result card, rewritten after each epoch.
        checkpoint: a file that receives everything the next epoch depends on, rewritten after each epoch. If it is
            there, the run goes on from it: on the same machine's CPU it ends bit for bit as if it had never stopped.
            A finished run is only read back.
        jit_compile: compile with XLA; "auto" leaves it to Keras, which does so on a GPU. It starts later and then
            steps faster.
        devices: spread every batch over so many GPUs (or the CPU's virtual devices, where there is no GPU), by
            `tf.distribute.MirroredStrategy` on TensorFlow and `keras.distribution.DataParallel` on JAX. The losses are
            those of one device, up to rounding; dropout draws other numbers. None: one device.
        after_epoch: called with 0 before the first epoch and with 1, 2, … after each, for snapshots of the weights:
            they are then those of that epoch, not yet the best. Its time counts for no epoch.
        **changes: values of the recipe to change, such as `epochs=3`.

    Returns:
        The `Run`.

    Raises:
        TypeError: `dataset` is no `Dataset`, `recipe` is neither name nor `Recipe`, or `after_epoch` cannot be called.
        ValueError: the model does not fit the data set, there are not so many devices, the recipe has no such value,
            or a dry run was given a `card` or a `checkpoint`.
        CheckpointError: the checkpoint is damaged, or belongs to another model, recipe, data set or seed.

    Warns:
        UserWarning: the card or the checkpoint could not be written. The run goes on, so that nothing learned is
            lost.
    """
    recipe = named_recipe(recipe, **changes)
    _check_fit("train", model, dataset)
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"train: seed must be a whole number of at least 0, but it is {seed!r}")
    if after_epoch is not None and not callable(after_epoch):
        raise TypeError(f"train: after_epoch must be a function of the epoch, but it is a {type(after_epoch).__name__}")
    dry_run = dry_running()
    if dry_run:
        if card is not None or checkpoint is not None:
            given = "card" if card is not None else "checkpoint"
            raise ValueError(
                f"train: COURSE_DRY_RUN is set, and a dry run is no result: it writes no {given}. Unset the "
                f"variable, or leave `{given}` out"
            )
        recipe, dataset = _dry_run_of(recipe, dataset)
    size = model.input_shape[1:3]

    augmentation = Augmentation(recipe.augment)

    def batches(epoch):
        return Batches(
            dataset.x_train, dataset.y_train, dataset.num_classes,
            batch_size=recipe.batch_size, size=size, augmentation=augmentation,
            repeats=recipe.repeats, seed=seed, epoch=epoch,
        )  # fmt: skip

    steps = len(batches(0))
    learner, scope = _devices.spread(model, devices)
    in_a_batch = min(recipe.batch_size, len(dataset.x_train))
    if devices is not None and in_a_batch % devices:
        raise ValueError(f"train: {in_a_batch} images of a batch cannot be shared evenly among devices={devices}")
    with scope():
        optimizer = optimizer_for(recipe, steps)
        learner.compile(
            optimizer=optimizer,
            loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
            jit_compile=jit_compile,
            run_eagerly=dry_run and devices is None and _without_graph(),
        )
        # Else TensorFlow builds its graph twice: once to make the optimizer's variables, once to use them. Not the one
        # above: under mixed_float16 Keras has wrapped it in another, with variables of its own.
        learner.optimizer.build(learner.trainable_variables)
    run = Run(
        model=models.describe(model),
        recipe=recipe,
        dataset={
            "name": dataset.name,
            "classes": dataset.num_classes,
            "train": len(dataset.x_train),
            "validation": len(dataset.x_validation),
            "test": len(dataset.x_test),
        },
        seed=int(seed),
        policy=model.get_layer("patch_embedding").dtype_policy.name,
        dry_run=dry_run,
    )
    run.hardware["accelerators"] = run.hardware["accelerators"][: devices or 1]
    kept = model.get_weights()
    about = None if checkpoint is None else _about(run, dataset, keep_best, track_test)
    if checkpoint is not None and Path(checkpoint).exists():
        kept, progress = checkpoints.load(checkpoint, learner, about)
        run.history, run.best_epoch = progress["history"], progress["best_epoch"]
    screen = make_monitor(monitor, run, steps)
    finished = checkpoints.state(learner)
    try:
        if after_epoch is not None and not run.epochs:
            after_epoch(0)
        for epoch in range(run.epochs, recipe.epochs):
            losses = run.history.get("val_loss", [])
            if out_of_patience(recipe, losses):
                run.stopped = f"no lower validation loss for {recipe.patience} epochs"
                break
            if recipe.schedule == "plateau":
                optimizer.learning_rate = plateau_rate(recipe, losses)
            screen.start_epoch(epoch)
            wall, cpu = time.perf_counter(), time.process_time()
            # Not shuffled: the batches have their order, and Keras would draw another from Python's own generator.
            with scope():
                result = learner.fit(
                    for_fit(batches(epoch)), initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0,
                    callbacks=[_Steps(screen)] if screen.every_step else [],
                )  # fmt: skip
            if learner is not model:
                model.set_weights(learner.get_weights())
            measured = {key: float(values[-1]) for key, values in result.history.items()}
            checked = evaluate(model, dataset.x_validation, dataset.y_validation)
            # The training loss is a mean over the epoch, taken before each step: the last step may have broken all.
            if not np.isfinite([measured["loss"], checked["loss"]]).all():
                run.stopped = "the loss is not finite"
                break
            measured |= {"val_loss": checked["loss"], "val_accuracy": checked["top1"], "val_top5": checked["top5"]}
            measured |= {
                "learning_rate": float(keras.ops.convert_to_numpy(optimizer.learning_rate)),
                "seconds": time.perf_counter() - wall,
                "cpu_seconds": time.process_time() - cpu,
            }
            if track_test:
                measured["test_accuracy"] = evaluate(model, dataset.x_test, dataset.y_test)["top1"]
            # An interruption between here and the end of the epoch must not leave a history of unequal lengths.
            best = not run.best_epoch or _better(recipe, measured, run)
            weights = model.get_weights() if best or not keep_best else kept
            run.history = {key: [*run.history.get(key, ()), value] for key, value in measured.items()}
            if best or not keep_best:
                kept, run.best_epoch = weights, epoch + 1
            finished = checkpoints.state(learner)
            screen.end_epoch()
            if checkpoint is not None:
                progress = {"history": run.history, "best_epoch": run.best_epoch}
                _or_warn(checkpoints.save, checkpoint, learner, kept, about, progress)
            _save(run, card)
            if after_epoch is not None:
                after_epoch(epoch + 1)
    except KeyboardInterrupt:
        run.stopped = "interrupted"
        checkpoints.restore(learner, finished)  # JAX has handed the step's variables over and not got them back
    model.set_weights(kept)
    try:
        if run.epochs and run.stopped != "interrupted":
            run.test = evaluate(model, dataset.x_test, dataset.y_test)
    except KeyboardInterrupt:
        run.stopped = "interrupted"
    screen.close()
    _save(run, card)
    return run


def _about(run: Run, dataset: Dataset, keep_best: bool, track_test: bool) -> dict:
    """Returns what a checkpoint must agree on with the run that continues it."""
    checksum = 0  # a sum over what is learned from: two splits of one data set agree in all else
    for part in (dataset.x_train, dataset.y_train, dataset.x_validation, dataset.y_validation):
        checksum = zlib.crc32(np.ascontiguousarray(part), checksum)
    return {
        "model": run.model,
        "recipe": asdict(run.recipe),
        "data set": {**run.dataset, "checksum": checksum},
        "seed": run.seed,
        "precision": run.policy,
        "backend": keras.backend.backend(),
        "arguments": {"keep_best": keep_best, "track_test": track_test},
    }


def _save(run: Run, card):
    if card is not None:
        _or_warn(run.save_card, card)


def _or_warn(save, *arguments):
    """Saves something; a full disk must not end a run."""
    try:
        save(*arguments)
    except OSError as error:
        warnings.warn(f"train: {error}. The run goes on; run.save_card(path) writes its card later", stacklevel=4)
