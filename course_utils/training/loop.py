"""Training: `train(model, dataset, recipe)` gives a `Run`."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

import keras
from keras.callbacks import CallbackList, LambdaCallback
from pydantic import InstanceOf

from course_utils.checked import Count, Flag, Plain, Seed, arguments
from course_utils.data import Dataset
from course_utils.files import path_to_write
from course_utils.models import blocks, check_model, describe
from course_utils.system import hardware
from course_utils.training.batches import Batches, for_fit
from course_utils.training.callbacks import Epochs, written
from course_utils.training.checkpoint import Finished, depends_on, load, restore, save, state
from course_utils.training.devices import spread
from course_utils.training.dry_run import dry_running, shortened, without_graph
from course_utils.training.interrupts import held, stopped
from course_utils.training.optimizer import optimizer_for
from course_utils.training.progress import MONITORS, monitor_kind
from course_utils.training.recipes import recipe as named_recipe
from course_utils.training.run import Data, Hardware, Run


@arguments
def train(
    model,
    dataset: InstanceOf[Dataset],
    recipe="quick",
    *,
    seed: Seed = 0,
    keep_best: Flag = True,
    track_test: Flag = False,
    monitor: Literal[tuple(MONITORS)] | None = None,  # type: ignore[valid-type]
    card=None,
    checkpoint=None,
    jit_compile: Annotated[Literal[True, False, "auto"], Plain] = "auto",
    devices: Count | None = None,
    after_epoch: Callable[[int], None] | None = None,
    **changes,
) -> Run:
    """Trains a classifier and measures it.

    The validation images choose the epoch whose weights are kept (`Recipe.keep`); the test images choose nothing.
    Interrupting (the stop button, Ctrl-C) ends the run after the last finished epoch: the weights kept so far are in
    `model` and the history is in the `Run`.

    With the variable COURSE_DRY_RUN set to 1, the run is a dry run, and its progress and the `Run` say so: one epoch of
    two batches, measured on at most 100 validation and 100 test images (see `training.dry_run`).

    Args:
        model: a classifier, as built by `models.classifier`. It is trained in place; that it had been trained before
            is said, and stands in the `Run`.
        dataset: what to train on.
        recipe: a name ("quick", "course") or a `Recipe`.
        seed: of the order and the augmentation of the training images.
        keep_best: leave the weights of the best epoch in the model, not the last ones.
        track_test: measure test accuracy after each epoch too, for a curve.
        monitor: "live" (an image redrawn in the notebook), "lines" (one line for each epoch) or "none"; None takes the
            variable COURSE_MONITOR, else "live" in a notebook and "lines" elsewhere.
        card: a file that receives the result card, rewritten after each epoch.
        checkpoint: a file that receives everything the next epoch depends on, rewritten after each epoch. If it is
            there, the run goes on from it: on the same machine's CPU it ends bit for bit as if it had never stopped.
        jit_compile: compile with XLA, which starts later and then steps faster; "auto" does so on a GPU.
        devices: spread every batch over so many GPUs (or the CPU's virtual devices, where there is no GPU). The losses
            are those of one device, up to rounding; dropout draws other numbers. None: one device.
        after_epoch: called with 0 before the first epoch and with 1, 2, … after each, for snapshots of the weights:
            they are then those of that epoch, not yet the best. Its time counts for no epoch.
        **changes: values of the recipe to change, such as `epochs=3`.

    Raises:
        TypeError, ValueError: the model does not fit the data set, there are not so many devices, another argument is
            not as described, or a dry run was given a `card` or a `checkpoint`.
        OSError: the card or the checkpoint cannot be written where it should go; nothing has been trained.
        CheckpointError: the checkpoint is damaged, or belongs to a run that depends on something else.

    Warns:
        UserWarning: the card or the checkpoint could no longer be written. The run goes on: nothing learned is lost.
    """
    recipe, monitor = named_recipe(recipe, **changes), monitor_kind(monitor)
    check_model("train", model)
    if model.output_shape[-1] != dataset.num_classes:
        raise ValueError(
            f"train: the model tells {model.output_shape[-1]} classes apart, but the data set {dataset.name!r} has "
            f"{dataset.num_classes}: build it with num_classes={dataset.num_classes}"
        )
    if model.input_shape[-1] != dataset.input_shape[-1]:
        raise ValueError(
            f"train: the model takes {model.input_shape[-1]} channels, but the images of {dataset.name!r} have "
            f"{dataset.input_shape[-1]}: build it with input_shape={dataset.input_shape}"
        )
    card = None if card is None else path_to_write(card, "train: card")
    checkpoint = None if checkpoint is None else path_to_write(checkpoint, "train: checkpoint")
    if card is not None and card == checkpoint:
        raise ValueError(f"train: card and checkpoint must be two files, but both are {str(card)!r}")
    dry = dry_running()
    if dry:
        dataset, recipe = shortened(dataset, recipe, card=card, checkpoint=checkpoint)
    batches = partial(
        Batches, dataset.x_train, dataset.y_train, dataset.num_classes, batch_size=recipe.batch_size,
        size=model.input_shape[1:3], augment=recipe.augment, repeats=recipe.repeats, seed=seed,
    )  # fmt: skip
    steps = len(batches(epoch=0))
    learner, scope = spread(model, devices, min(recipe.batch_size, len(dataset.x_train)))
    with scope():
        optimizer = optimizer_for(recipe, steps)
        learner.compile(
            optimizer=optimizer,
            loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
            jit_compile=jit_compile,
            run_eagerly=dry and devices is None and without_graph(),
        )
        # Else TensorFlow builds its graph twice: once to make the optimizer's variables, once to use them. Not the one
        # above: under mixed_float16 Keras has wrapped it in another, with variables of its own.
        learner.optimizer.build(learner.trainable_variables)
    if devices is None:
        # Keras sums the gradients over devices. On TensorFlow that sum registers itself for good, and with it each
        # run's whole graph, 15 MB and more; over one device there is nothing to sum.
        optimizer._all_reduce_sum_gradients = list
    machine = hardware()
    run = Run(
        model=describe(model),
        recipe=recipe,
        dataset=Data.of(dataset),
        seed=seed,
        policy=blocks(model)[0].dtype_policy.name,
        dry_run=dry,
        # The head of a fresh network is zero.
        trained_before=getattr(model, "trained_before", False)
        or any(weights.any() for weights in model.layers[-1].get_weights()),
        hardware=Hardware(**machine | {"accelerators": machine["accelerators"][: devices or 1]}),
    )
    options = {"keep_best": keep_best, "track_test": track_test}
    finished = Finished({}, 0, model.get_weights(), state(learner))
    if checkpoint is not None:
        about = depends_on(run, model, dataset, **options)
        if checkpoint.exists():
            finished, about = load(checkpoint, learner, run, about)
            run.trained_before = about["begin: trained_before"]
    epochs = Epochs(run, model, dataset, finished, **options)
    screen = MONITORS[monitor](run, steps)
    callbacks = [epochs, screen]
    if checkpoint is not None:
        callbacks.append(written(lambda: save(checkpoint, epochs.finished, about)))
    if card is not None:
        callbacks.append(written(lambda: run.save_card(card), at_the_end=True))
    if after_epoch is not None:
        callbacks.append(LambdaCallback(on_epoch_end=lambda epoch, logs: after_epoch(epoch + 1)))
    callbacks = CallbackList(callbacks, model=learner)
    each_step = [LambdaCallback(on_train_batch_end=screen.on_train_batch_end)] if screen.every_step else []

    def learn():
        if after_epoch is not None and not run.epochs:
            after_epoch(0)
        for epoch in range(run.epochs, recipe.epochs):
            callbacks.on_epoch_begin(epoch)
            # Not shuffled: the batches have their order, and Keras would draw another from Python's own generator.
            with scope():
                fit = learner.fit(
                    for_fit(batches(epoch=epoch)), initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0,
                    callbacks=each_step,
                )  # fmt: skip
            callbacks.on_epoch_end(epoch, {key: values[-1] for key, values in fit.history.items()})

    with held():
        restore(learner, finished.state)
        callbacks.on_train_begin()
        run.stopped = stopped(learn)
        epochs.leave()
        if run.epochs and run.stopped != "interrupted":
            run.stopped = stopped(epochs.measure_test) or run.stopped
        callbacks.on_train_end()
    return run
