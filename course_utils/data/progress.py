"""How far a transfer or a reading is."""

import sys
import time


class ProgressBar:
    """Shows how far something is, if it takes longer than `after_s` seconds: per cent, megabytes or images, time left.

    In a terminal or a notebook one line is drawn over and over; elsewhere a plain line appears at every tenth.
    """

    def __init__(self, name: str, unit: str = "MB", after_s: float = 0):
        self.name, self.unit, self.after_s = name, unit, after_s
        # ipykernel's stream is no terminal, yet a notebook understands "\r".
        self.live = getattr(sys.stdout, "isatty", bool)() or type(sys.stdout).__module__.startswith("ipykernel.")
        self._began: float | None = None
        self._first, self._shown = 0, object()

    def __call__(self, have: int, size: int) -> None:
        """Show that so many of all are here, in bytes if the unit is "MB"."""
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
            left = (size - have) / done * seconds
            text += f", {left:.0f} s left" if left < 90 else f", {left / 60:.0f} min left"
        if self.live:
            text = f"\r{'#' * (2 * tenth):.<20} {text:<70}"
        print(text, end="" if self.live and have < size else "\n", flush=True)
