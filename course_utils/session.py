"""The first cells of a lesson: what machine is this, how much of the course can it run, and what does it train?

Works the same in Colab and everywhere else. Nothing is installed or changed here.
"""

import os
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from course_utils import data
from course_utils.checked import check
from course_utils.data.dataset import KNOWN
from course_utils.data.published import data_folder
from course_utils.files import user_path
from course_utils.system import accelerators, in_colab, versions

if TYPE_CHECKING:
    from course_utils.training import Recipe

PROFILES = ("quick", "colab", "full")
OLDEST_KERAS = (3, 8)

PLANS = {
    ("quick", "shapes"): ("tiny", "quick", 6, {"fnet": 7, "side_by_side": 5}),
    ("quick", "cifar100"): ("tiny", "short", 3, {}),
    ("colab", "cifar100"): ("course", "short", 15, {"side_by_side": 8}),
    ("full", "cifar100"): ("course", "course", 50, {}),
}
"""{(profile, data): size of the network, recipe, epochs, and {lesson: epochs} of those that differ}"""


@contextmanager
def _quiet_start():
    """Keeps what C++ libraries write to the error stream while they load out of the lesson, unless loading fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def setup(profile: str | None = None) -> str:
    """Loads Keras, says what this lesson runs on and what to do about it, and returns the profile: how much to run.

    Args:
        profile: "quick" (embedded data, two CPU cores), "colab" (CIFAR-100 on one T4) or "full" (the schedule of the
            recorded results). None takes the variable COURSE_PROFILE, else "colab" with a GPU and "quick" without.

    Raises:
        ValueError: an unknown profile.
        ImportError: Keras is missing, or too old to be trusted.
    """
    profile = profile or os.environ.get("COURSE_PROFILE") or None
    if profile is not None:
        check("setup", "profile", Literal[PROFILES], profile)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _quiet_start():
        import keras

        found = accelerators()
    if tuple(int(part) for part in keras.__version__.split(".")[:2]) < OLDEST_KERAS:
        raise ImportError(
            f"setup: Keras {keras.__version__} is too old for this course: releases 3.0.0 to 3.0.2 compute a wrong "
            f"LayerNorm gradient. Install keras>={OLDEST_KERAS[0]}.{OLDEST_KERAS[1]} and restart the kernel"
        )
    from course_utils.training import dry_running

    print("versions:", ", ".join(f"{name} {value}" for name, value in versions().items() if value))
    print("backend: ", keras.backend.backend())
    print("device:  ", ", ".join(found) or f"CPU, {os.cpu_count()} cores")
    if not found and in_colab():
        print("No GPU. For the full lesson: Runtime → Change runtime type → T4 GPU → Save, then run all cells again.")
    profile = profile or ("colab" if found else "quick")
    print("profile: ", profile)
    print("data:    ", choose_data(profile))
    if dry_running():
        print("dry run: one short epoch wherever the lesson trains; no figure below is a result (COURSE_DRY_RUN).")
    return profile


def lesson_plan(lesson: str, profile: str) -> tuple[data.Dataset, str, "Recipe"]:
    """Returns what a lesson trains: data set, configuration's name and recipe; prints the first and the last.

    The lesson is its paper's key, such as "vit", and the name "vit_tiny" or "vit_course"; of "side_by_side", which has
    all papers, it is the end of theirs. ValueError if there is no such lesson or profile.
    """
    from course_utils.papers import WITH_LESSON
    from course_utils.training import recipe

    check("lesson_plan", "lesson", Literal[(*WITH_LESSON, "side_by_side")], lesson)
    check("lesson_plan", "profile", Literal[PROFILES], profile)
    chosen = choose_data(profile)
    size, name, epochs, others = PLANS.get((profile, chosen), PLANS["quick", "shapes"])
    dataset, how = data.load_dataset(chosen), recipe(name, epochs=others.get(lesson, epochs))
    if (profile, chosen) == ("quick", "cifar100"):
        dataset = dataset.subset(train=5000, validation=1000, test=1000)
    print(dataset, how, sep="\n")
    return dataset, f"{lesson}_{size}" if lesson in WITH_LESSON else size, how


def choose_data(profile: str) -> str:
    """Returns what a lesson trains on: what the variable COURSE_DATASET names, a data set or a folder, else by profile.

    That is "shapes" if it is "quick" and the folder named by the variable COURSE_DATA holds no `cifar100.npz`, else
    "cifar100". ValueError if COURSE_DATASET names neither.
    """
    if given := os.environ.get("COURSE_DATASET"):
        here = os.path.isdir(user_path(given, "COURSE_DATASET"))
        return given if here else check("setup", "COURSE_DATASET", Literal[KNOWN], given)
    return "cifar100" if profile != "quick" or has_data("cifar100") else "shapes"


def has_data(name: str) -> bool:
    """Says whether the folder that the variable COURSE_DATA names holds a data set; ValueError if it is not there."""
    folder = data_folder()
    return folder is not None and (folder / f"{name}.npz").is_file()


def published(name: str, fetch: bool):
    """Returns a published network, as `course_utils.models.load_published` does, or None: a lesson goes on without it.

    Without `fetch` it is None at once. A network that is not to be had prints one sentence that says why.
    """
    from course_utils.models import PublishedError, load_published

    check("published", "fetch", bool, fetch)
    try:
        return load_published(name) if fetch else None
    except PublishedError as error:
        print(f"Not shown: {error}.")
        return None
