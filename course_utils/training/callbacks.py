"""What happens around each epoch of a run, as Keras callbacks: measuring it, and writing it down."""

import time
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from course_utils.training.checkpoint import Finished, best_epoch, restore, state
from course_utils.training.evaluation import evaluate
from course_utils.training.interrupts import Stop
from course_utils.training.recipes import out_of_patience, plateau_rate
from course_utils.training.run import Measured, Run


class Epochs(keras.callbacks.Callback):
    """Sets each epoch's rate, measures the epoch, and keeps the weights of the best one.

    `trained` is the model to measure and to leave the weights in; training may be spread over a copy of it. `finished`,
    what the epochs before have come to, is replaced as a whole, so that an interruption never finds half of an epoch.
    """

    def __init__(self, run: Run, trained, dataset, finished: Finished, *, keep_best: bool, track_test: bool):
        super().__init__()
        self.run, self.trained, self.dataset = run, trained, dataset
        self.keep_best, self.track_test = keep_best, track_test
        self._finish(finished)

    def _finish(self, finished: Finished):
        self.finished = finished
        self.run.history, self.run.best_epoch = finished.history, finished.best_epoch

    def on_epoch_begin(self, epoch, logs=None):
        recipe, losses = self.run.recipe, self.run.history.get("val_loss", [])
        if out_of_patience(recipe, losses):
            raise Stop(f"no lower validation loss for {recipe.patience} epochs")
        if recipe.schedule == "plateau":
            self.model.optimizer.learning_rate = plateau_rate(recipe, losses)
        self.began = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        if self.model is not self.trained:
            self.trained.set_weights(self.model.get_weights())
        checked = self._reached("validation")
        # The training loss is a mean over the epoch, taken before each step: the last step may have broken all.
        if not np.isfinite([logs["loss"], checked["loss"]]).all():
            half = keras.dtype_policies.get(self.run.policy).compute_dtype == "float16"
            raise Stop("the loss is not finite" + (": float16 is too short, take bfloat16 or float32" if half else ""))
        measured = {
            "loss": logs["loss"],
            "accuracy": logs["accuracy"],
            "val_loss": checked["loss"],
            "val_accuracy": checked["top1"],
            "val_top5": checked["top5"],
            "learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "seconds": time.perf_counter() - self.began[0],
            "cpu_seconds": time.process_time() - self.began[1],
        }
        if self.track_test:
            measured["test_accuracy"] = self._reached("test")["top1"]
        history = {key: [*self.run.history.get(key, ()), value] for key, value in measured.items()}
        best = best_epoch(self.run.recipe, history) if self.keep_best else epoch + 1
        kept = self.trained.get_weights() if best == epoch + 1 else self.finished.kept
        self._finish(Finished(history, best, kept, state(self.model)))

    def _reached(self, part: str) -> dict:
        """Measures the model on the images of a part."""
        images, labels = (getattr(self.dataset, f"{axis}_{part}") for axis in "xy")
        return evaluate(self.trained, images, labels, progress=False)

    def leave(self) -> None:
        """Puts everything back to the end of the last finished epoch, and the kept weights into the model."""
        self._finish(self.finished)
        restore(self.model, self.finished.state)  # JAX may have handed variables over to a step
        self.trained.set_weights(self.finished.kept)

    def measure_test(self) -> None:
        """Measures the kept weights on the test images."""
        self.run.test = Measured.of(self._reached("test"))


def written(write: Callable[[], Path], at_the_end: bool = False) -> keras.callbacks.Callback:
    """Writes something after each epoch and perhaps at the end; that it could not is a warning and ends no run."""

    def attempt(*_):
        try:
            write()
        except Exception as error:
            warnings.warn(f"train: {error}. The run goes on; run.save_card(path) writes its card later", stacklevel=2)

    return keras.callbacks.LambdaCallback(on_epoch_end=attempt, on_train_end=attempt if at_the_end else None)
