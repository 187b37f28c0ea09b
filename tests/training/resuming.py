"""Trains one small network with a checkpoint, in a process that tests may kill: `python -m tests.training.resuming`.

It imports everything once and then makes a child process for each line that it reads, so that twenty killed runs need
not import Keras twenty times. A line holds JSON: {"folder": …, "checkpoint": … or null, "limit": most bytes of a file
or null, "hang": whether to hang in the second checkpoint}. The child writes "<pid>\n" when its training begins, a line
after each step, "half written" when it hangs, and `final.npz` into the folder when it ends; then a line says "ended"
and its exit status.
"""

import io
import json
import os
import sys
import time
import warnings
from pathlib import Path

import keras
import numpy as np

from course_utils import files
from course_utils.data import load_dataset
from course_utils.models import classifier
from course_utils.training import train
from course_utils.training.progress import SilentMonitor
from course_utils.training.recipes import Recipe

RECIPE = Recipe(epochs=4, batch_size=32, learning_rate=3e-3, weight_decay=0.05, augment=("flip", "crop"))


def network(shape=(32, 32, 3)):
    """Returns a small network with dropout and drop path: both draw random numbers in every step."""
    return classifier("no_mixing_tiny", shape, 16, seed=1, depth=1, dropout=0.1, drop_path=0.1)


class HalfWritten(io.FileIO):
    """A draft that hangs when half of it is on the disk: time for a test to kill, however fast the machine writes."""

    def write(self, content):
        super().write(content[: len(content) // 2])
        os.fsync(self)
        print("half written", flush=True)
        time.sleep(60)


def trained(order: dict) -> None:
    """Trains, and writes all that must be the same whether the run was killed or not."""
    data = load_dataset("shapes").subset(train=320, validation=100, test=100)
    model = network()
    SilentMonitor.every_step = True
    SilentMonitor.on_train_batch_end = lambda self, batch, logs=None: print("step", flush=True)
    if order["limit"]:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing too much then fails with an error, as on a full disk
        most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"], most[1]))
    if order["hang"]:
        files.open = lambda *args: (HalfWritten if os.path.exists(order["checkpoint"]) else open)(*args)
    print(os.getpid(), flush=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = train(model, data, RECIPE, seed=3, monitor="none", checkpoint=order["checkpoint"])
    if order["limit"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    arrays = {f"weight_{i}": value for i, value in enumerate(model.get_weights())}
    arrays |= {f"optimizer_{i}": np.asarray(v) for i, v in enumerate(model.optimizer.variables)}
    seeds = [keras.ops.convert_to_numpy(v) for v in model.variables if "seed" in v.path]
    arrays |= {f"seed_{i}": value for i, value in enumerate(seeds)}
    kept = {key: values for key, values in run.history.items() if "seconds" not in key}
    said = [str(warning.message) for warning in caught]
    about = json.dumps({"history": kept, "best_epoch": run.best_epoch, "test": vars(run.test)})
    np.savez(Path(order["folder"]) / "draft.npz", about=np.array(about), said=np.array(json.dumps(said)), **arrays)
    os.replace(Path(order["folder"]) / "draft.npz", Path(order["folder"]) / "final.npz")


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            trained(json.loads(line))
            sys.stdout.flush()
            os._exit(0)
        print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
