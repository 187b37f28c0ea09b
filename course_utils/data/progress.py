"""How far a transfer or a reading is."""

import sys
import time


class ProgressBar:
    """Shows how far something is: per cent, megabytes or images, time left.

    In a terminal or a notebook one line is drawn over and over; elsewhere a plain line appears at every tenth.

    Args:
        name: what is fetched or read.
        stream: where to write; None is standard output.
        live: redraw one line? None finds out.
        unit: what is counted; "MB" are bytes.
        after_s: nothing is shown of what takes fewer seconds.
    """

    def __init__(self, name: str, stream=None, live: bool | None = None, *, unit: str = "MB", after_s: float = 0):
        self.name, self.stream, self.unit, self.after_s = name, stream or sys.stdout, unit, after_s
        self.live = _is_watched(self.stream) if live is None else live
        self._began: float | None = None
        self._first, self._shown = 0, object()

    def __call__(self, have: int, size: int) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began, self._first = now, have
        tenth = 10 * have // size
        step = (int(now * 10), have == size) if self.live else tenth
        if step == self._shown or now - self._began < self.after_s:
            return
        self._shown = step
        here, whole = (f"{n / 1e6:.1f}" if self.unit == "MB" else f"{n:,}" for n in (have, size))
        text = f"{self.name}: {100 * have // size:3d} %, {here} of {whole} {self.unit}"
        done, seconds = have - self._first, now - self._began
        if have == size:
            text += f", {seconds:.0f} s"
        elif done > 0:
            text += f", {_duration((size - have) / done * seconds)} left"
        if self.live:
            bar = "█" * (2 * tenth) + "░" * (20 - 2 * tenth)
            self.stream.write(f"\r{bar} {text:<70}" + ("\n" if have == size else ""))
        else:
            self.stream.write(text + "\n")
        self.stream.flush()


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _is_watched(stream) -> bool:
    if getattr(stream, "isatty", lambda: False)():
        return True
    # ipykernel's stream is no terminal, yet a notebook understands "\r".
    return type(stream).__module__.startswith("ipykernel.")
