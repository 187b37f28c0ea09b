"""How long a lesson takes: a last test in every notebook that nbval runs, so that nothing is run for the clock alone.

Other tests run beside a lesson and make it slower than it is. What that hardly changes is how long the kernel kept
processors busy. A lesson is too slow only if it is so by both measures.
"""

import contextlib
import os

import pytest

from tests.notebooks.asked import Asked

# Seconds for a lesson from top to bottom, profile quick, on two cores of today. A slower machine may say so for all of
# them: COURSE_LESSON_SECONDS=180 make test.
MOST_SECONDS = {
    "01_mlp_mixer": 60,
    "02_fnet": 90,
    "03_gmlp": 90,
    "04_vit": 90,
    "05_small_data_vit": 90,
    "06_side_by_side": 150,
}
# How much longer a lesson keeps a processor busy while another one works, too: 4 to 7 % were measured with lesson 03.
BESIDE_OTHERS = 1.07
SPENT = pytest.StashKey[float]()


def most_seconds(lesson: str) -> float:
    """Returns how long a lesson may take."""
    return float(os.environ.get("COURSE_LESSON_SECONDS") or MOST_SECONDS[lesson])


@contextlib.contextmanager
def embedded_data():
    """Lets a kernel that starts meanwhile see no other data than the course's own: the limits are for those."""
    hidden = {name: os.environ.pop(name) for name in ("COURSE_DATA", "COURSE_DATASET") if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def note(item, seconds: float) -> None:
    """Notes what one cell took; the first one's time holds the start of the kernel."""
    stash = item.parent.stash
    stash[SPENT] = stash.get(SPENT, 0.0) + seconds


class Clock(Asked):
    """Asks the kernel that ran the lesson how long it was busy."""

    title = "the time it takes"

    def runtest(self):
        """Fails if the lesson took too long."""
        busy = self.answer("__import__('time').process_time()")
        lesson, wall = self.path.stem, self.parent.stash[SPENT]
        text = f"{lesson}, top to bottom, profile quick: {wall:.1f} s beside other tests"
        text += f", processors busy for {busy:.1f} s; {os.cpu_count()} cores"
        self.user_properties.append(("measured", text))
        most = most_seconds(lesson)
        assert min(wall, busy) <= most * BESIDE_OTHERS, f"{text}. It may take {most:.0f} s on its own"
