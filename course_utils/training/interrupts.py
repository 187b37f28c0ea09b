"""Ctrl-C while a network is trained: it ends what may be ended and nothing else, however often it is pressed."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stop(Exception):
    """Ends a run after its last finished epoch; the text says why."""


def _interruptible(work: Callable[[], None]) -> None:
    work()


def stopped(work: Callable[[], None]) -> str | None:
    """Does some work and returns why it ended early: "interrupted", or what a `Stop` says; None if it did not."""
    try:
        _interruptible(work)
    except KeyboardInterrupt:
        return "interrupted"
    except Stop as stop:
        return str(stop)
    return None


@contextmanager
def held() -> Iterator[None]:
    """Lets Ctrl-C end only what `stopped` does; all else inside is done to its end, and a Ctrl-C there is dropped."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # no handler can be set here, or Ctrl-C is ignored anyway
        return

    def handle(number, frame):
        inner = frame
        while inner is not None:
            if inner.f_code is _interruptible.__code__:
                return before(number, frame)
            inner = inner.f_back

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
