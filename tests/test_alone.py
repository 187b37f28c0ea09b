"""A test that measures again, alone: while it does, no other test may run."""

import os
from pathlib import Path

import pytest

fcntl = pytest.importorskip("fcntl", reason="on Windows the tests run in one process")


def others_may_run() -> bool:
    """Says whether another test could enter the room now."""
    with open(Path(os.environ["COURSE_TEST_LOCKS"], "room"), "w") as room:
        try:
            fcntl.flock(room, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_others_run_beside_a_test_unless_it_asks_to_be_alone(alone):
    assert others_may_run()
    for _ in range(2):
        with alone():
            assert not others_may_run()
        assert others_may_run()


@pytest.mark.timing
def test_others_wait_for_a_test_that_measures_time():
    assert not others_may_run()
