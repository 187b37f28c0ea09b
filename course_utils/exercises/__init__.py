"""The checks behind the exercises: each runs a student's function and says at once what is right or what is not yet.

A check never raises: an unfinished exercise must not stop a lesson that runs from top to bottom. It prints one line.
`check.passes(attempt)` says the same as True or False, for a test; `check.require(attempt)` raises AssertionError with
that line, for a grader.
"""

# ruff: noqa: F403
from course_utils.exercises.bug_hunt import *
from course_utils.exercises.fnet import *
from course_utils.exercises.gmlp import *
from course_utils.exercises.mixer import *
from course_utils.exercises.pretrained import *
from course_utils.exercises.small_data_vit import *
from course_utils.exercises.vit import *

__all__ = sorted(name for name in globals() if name.startswith("check_"))


def __dir__():
    return __all__
