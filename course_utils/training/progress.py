"""The live view of a training run: an image redrawn in the notebook, or plain lines where no one is watching.

The image is an SVG that replaces itself through the display protocol: no widget, so it works wherever a notebook
is shown, and the last one is what a saved notebook keeps.
"""

import os
import sys
import time
from typing import Literal
from xml.sax.saxutils import escape

import keras

from course_utils.checked import check

REDRAW_SECONDS = 0.25
_INK, _QUIET, _TRAIN, _VALIDATION = "#1f2933", "#5b6770", "#0b6bb5", "#b3470f"


def monitor_kind(kind: str | None) -> str:
    """Returns which of `MONITORS` is asked for, by `train`, or else by the variable COURSE_MONITOR."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    usual = "live" if hasattr(shell, "kernel") else "lines"  # a kernel: this is a notebook
    kind = kind or os.environ.get("COURSE_MONITOR") or usual
    return check("train", "COURSE_MONITOR", Literal[tuple(MONITORS)], kind)


def duration(seconds: float) -> str:
    """Returns a length of time for people: "8 s", "3 min 5 s", "1 h 2 min"."""
    minutes, seconds = divmod(round(seconds), 60)
    if not minutes:
        return f"{seconds} s"
    return f"{minutes} min {seconds} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _dry_run(run) -> str:
    """Returns what stands before every figure of a dry run, so that nobody takes it for a result."""
    return f"dry run on {run.dataset.train} images, no result: " if run.dry_run else ""


def closing_line(run) -> str:
    """Returns how a run ended, in words."""
    if not run.epochs:
        return f"{run.stopped or 'stopped'} before the first epoch was finished: the weights are as they were"
    text = _dry_run(run) + (f"{run.stopped}; " if run.stopped else "")
    text += f"kept: the weights of epoch {run.best_epoch}"
    if run.test:
        text += f"; test accuracy {100 * run.test.top1:.1f} %"
        if run.test.top5 is not None:
            text += f" (top-5 {100 * run.test.top5:.1f} %)"
    return text


class SilentMonitor(keras.callbacks.Callback):
    """Shows nothing."""

    every_step = False  # whether it wants to hear of every step: on a GPU each such step waits for the device

    def __init__(self, run, steps: int):
        super().__init__()
        self.run, self.steps = run, steps


class LinesMonitor(SilentMonitor):
    """One line of text for each epoch, and one for the end."""

    def on_train_begin(self, logs=None):
        if self.run.trained_before:
            print("this network has been trained before: the run goes on from its weights", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        last = {key: values[-1] for key, values in self.run.history.items()}
        print(
            f"{_dry_run(self.run)}epoch {self.run.epochs:>2}/{self.run.recipe.epochs}  loss {last['loss']:.3f}  "
            f"training accuracy {100 * last['accuracy']:.1f} %  "
            f"validation accuracy {100 * last['val_accuracy']:.1f} %  {last['seconds']:.1f} s",
            flush=True,
        )

    def on_train_end(self, logs=None):
        print(closing_line(self.run), flush=True)


class LiveMonitor(SilentMonitor):
    """A bar with epoch, step and time left, and the curves so far; redrawn at most four times a second."""

    every_step = True

    def __init__(self, run, steps):
        super().__init__(run, steps)
        self.began, self.before = time.perf_counter(), run.epochs
        self.drawn_at, self.epoch, self.done, self.logs, self.handle = 0.0, run.epochs, 0, {}, None
        self._draw()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch, self.done, self.logs = epoch, 0, {}

    def on_train_batch_end(self, batch, logs=None):
        self.done, self.logs = batch + 1, logs or {}
        if time.perf_counter() - self.drawn_at > REDRAW_SECONDS:
            self._draw()

    def on_epoch_end(self, epoch, logs=None):
        self._draw()

    def on_train_end(self, logs=None):
        self._draw(closing_line(self.run))

    def status(self) -> str:
        """Returns the line above the bar."""
        epochs = self.run.recipe.epochs
        left = (epochs - self.epoch) * self.steps - self.done
        done = (self.epoch - self.before) * self.steps + self.done  # of a run that goes on, since it does
        text = f"{_dry_run(self.run)}epoch {min(self.epoch + 1, epochs)}/{epochs}, step {self.done}/{self.steps}"
        if done:
            spent = time.perf_counter() - self.began
            text += f", {duration(spent * left / done)} left"
        if "loss" in self.logs:
            text += f", loss {float(self.logs['loss']):.3f}"
        return text

    def _draw(self, closing: str | None = None):
        self.drawn_at = time.perf_counter()
        done = self.run.epochs if closing else self.epoch + self.done / self.steps
        share, line = done / self.run.recipe.epochs, closing or self.status()
        bundle = {"image/svg+xml": progress_svg(self.run, line, share), "text/plain": line}
        if self.handle is None:
            from IPython.display import display

            self.handle = display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)


MONITORS = {"live": LiveMonitor, "lines": LinesMonitor, "none": SilentMonitor}


def progress_svg(run, line: str, share: float) -> str:
    """Returns the live view of a run as SVG text: a line of words, a bar of the share that is done, and curves."""
    title = escape(f"{run.label} on {run.dataset.name}" + (", trained before" if run.trained_before else ""))
    line = escape(line)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 270" width="720" height="270" role="img" '
        'style="max-width: 100%; height: auto" '
        f'font-family="system-ui, sans-serif" font-size="13"><title>{title}: {line}</title>'
        '<rect width="720" height="270" rx="6" fill="#ffffff" stroke="#c5ccd3"/>'
        f'<text x="16" y="24" font-weight="600" fill="{_INK}">{title}</text>'
        f'<text x="16" y="44" fill="{_QUIET}">{line}</text>'
        '<rect x="16" y="54" width="688" height="8" rx="4" fill="#e4e7eb"/>'
        f'<rect x="16" y="54" width="{688 * min(share, 1):.1f}" height="8" rx="4" fill="{_TRAIN}"/>'
        f"{_chart(run, 16, 'loss')}{_chart(run, 372, 'accuracy')}</svg>"
    )


def _chart(run, left: int, name: str) -> str:
    """Returns the curves of a quantity, 332 × 190 pixels at (left, 72), as SVG text."""
    x0, x1, y0, y1 = left + 40, left + 318, 230, 104
    epochs, percent = run.recipe.epochs, name == "accuracy"
    curves = {
        ("training", _TRAIN, left + 142): run.history.get(name, ()),
        ("validation", _VALIDATION, left + 230): run.history.get(f"val_{name}", ()),
    }
    top = 1.0 if percent else max((value for curve in curves.values() for value in curve), default=1.0) * 1.05 or 1.0
    parts = [f'<text x="{left}" y="90" font-weight="600" fill="{_INK}">{name}{" in %" * percent}</text>']
    for step in range(3):
        y, value = y0 - (y0 - y1) * step / 2, top * step / 2 * (100 if percent else 1)
        parts.append(
            f'<line x1="{x0}" x2="{x1}" y1="{y}" y2="{y}" stroke="#e4e7eb"/>'
            f'<text x="{x0 - 6}" y="{y + 4}" text-anchor="end" fill="{_QUIET}">{value:.3g}</text>'
        )
    for x, text in {x1: epochs, x0: 1, (x0 + x1) / 2: "epoch"}.items():
        if epochs > 1 or x != x1:
            parts.append(f'<text x="{x}" y="250" fill="{_QUIET}" text-anchor="middle">{text}</text>')
    for (label, colour, x), curve in curves.items():
        parts.append(
            f'<line x1="{x}" x2="{x + 16}" y1="86" y2="86" stroke="{colour}" stroke-width="2.5"/>'
            f'<text x="{x + 20}" y="90" fill="{colour}">{label}</text>'
        )
        places = [
            (f"{x0 + (x1 - x0) * i / max(epochs - 1, 1):.1f}", f"{y0 - (y0 - y1) * value / top:.1f}")
            for i, value in enumerate(curve)
        ]
        if len(places) > 1:
            points = " ".join(map(",".join, places))
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in places]
    return "".join(parts)
