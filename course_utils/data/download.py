"""Fetch one file so that a broken transfer never looks like a whole file.

`keras.utils.get_file` writes straight to the final name, starts from zero after every break, and believes a file
that is already there unless it is given a hash. Here the bytes go to ``<name>.part``, a broken transfer goes on where
it stopped, and the file gets its name only once its length and its SHA-256 are right.
"""

import errno
import hashlib
import http.client
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

_BLOCK = 1 << 18  # bytes read at a time: small enough for a steady progress bar, large enough to be fast
_MB = 1e6


class DownloadError(OSError):
    """A file could not be fetched; the message says what, from where, and what to do."""


class _StartOver(Exception):
    """What is in the .part file does not fit what the server has."""


def fetch(
    url: str,
    target: Path,
    *,
    size: int,
    sha256: str,
    advice: str = "",
    attempts: int = 4,
    wait_s: float = 1.0,
    timeout_s: float = 30.0,
    progress: Callable[[int, int], None] | None = None,
    opener: Callable = open,
) -> Path:
    """Fetch `url` into `target`, going on from an earlier broken transfer where there is one.

    Args:
        url: where the file is.
        target: where it shall be. A file already there is kept if length and hash are right, else fetched again.
        size: its length, bytes.
        sha256: its SHA-256, in hexadecimal.
        advice: a sentence for the error message: what to do without this file.
        attempts: how often to connect in all; each goes on where the last one broke off.
        wait_s: seconds before the second attempt; doubles with each further one.
        timeout_s: seconds without a byte after which a connection counts as broken.
        progress: called with (bytes here, bytes in all); None draws a progress bar.
        opener: how the .part file is opened (tests put a full disk here).

    Returns:
        `target`.

    Raises:
        DownloadError: no network, not found, not the file that was expected, or no room or right to save it.
    """
    target = Path(target)
    if target.is_file() and target.stat().st_size == size and _sha256(target) == sha256:
        return target
    part = target.with_name(target.name + ".part")
    progress = progress or ProgressBar(target.name)
    fail = _Failure(url, target, size, advice)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target.parent).free
        have = part.stat().st_size if part.exists() else 0
        if free < size - have:
            raise fail(f"there is not enough room: {free / _MB:.1f} MB are free", "Free some disk space.")
        _attempt(url, part, size, sha256, fail, attempts, wait_s, timeout_s, progress, opener)
        os.replace(part, target)
    except DownloadError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            # Leave the student the room back; going on is worth less than a disk that is not full.
            part.unlink(missing_ok=True)
            raise fail(
                "the disk is full; the part that was fetched has been removed", "Free some disk space."
            ) from error
        raise fail(f"it cannot be saved: {error}", "Check that the folder may be written to.") from error
    return target


def _attempt(url, part, size, sha256, fail, attempts, wait_s, timeout_s, progress, opener) -> None:
    """Bring `part` to its full, right content, or raise."""
    reason = None
    for attempt in range(attempts):
        if attempt:
            time.sleep(wait_s * 2 ** (attempt - 1))
        have = part.stat().st_size if part.exists() else 0
        try:
            if have != size:
                _transfer(url, part, have, size, timeout_s, progress, opener)
            if _sha256(part) == sha256:
                return
            # A part left from some earlier file can be to blame: then one more try from zero is due.
            part.unlink()
            reason = "its content is not what was published (SHA-256 differs)"
            if not have:
                break
        except _StartOver as error:
            part.unlink(missing_ok=True)
            reason = str(error)
        except urllib.error.HTTPError as error:
            reason = f"the server answered {error.code} {error.reason}"
            error.close()
            if error.code < 500 and error.code not in (408, 429):
                break  # asking again will not change a "not found"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = f"the connection failed ({getattr(error, 'reason', None) or error or type(error).__name__})"
    kept = part.stat().st_size if part.exists() else 0
    raise fail(reason, f"{kept / _MB:.1f} MB are kept: call again and it goes on from there." if kept else "")


def _transfer(url, part, have, size, timeout_s, progress, opener) -> None:
    """One connection: append to `part` what it lacks, or write it from the start."""
    if have > size:
        raise _StartOver(f"the part is longer ({have} bytes) than the whole file")
    request = urllib.request.Request(url, headers={"User-Agent": "course-utils", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # "range not satisfiable"
            error.close()
            raise _StartOver("the server does not have the rest of this part") from error
        raise
    with response:
        if response.status == 206:
            expected = f"bytes {have}-{size - 1}/{size}"
            if response.headers.get("Content-Range") != expected:
                raise _StartOver(f"the server offers {response.headers.get('Content-Range')}, not {expected}")
        else:
            have = 0  # a server without Range sends everything: so the part is written from the start
            length = response.headers.get("Content-Length")
            if length is not None and int(length) != size:
                raise _StartOver(f"the server offers {length} bytes instead of {size}")
        progress(have, size)
        with opener(part, "ab" if have else "wb") as file:
            while have < size:
                try:
                    block = response.read1(_BLOCK)
                except OSError as error:  # of any kind (TLS too): the network's, never the disk's
                    raise ConnectionError(error) from error
                if not block:
                    raise http.client.IncompleteRead(b"", size - have)
                if have + len(block) > size:
                    raise _StartOver(f"the server sends more than the {size} bytes expected")
                file.write(block)
                have += len(block)
                progress(have, size)


class _Failure:
    """Makes the error message, the same way for every cause."""

    def __init__(self, url: str, target: Path, size: int, advice: str):
        self.what = f"{target.name} ({size / _MB:.1f} MB) could not be fetched from {url} to {target.parent}"
        self.advice = advice

    def __call__(self, reason: str, remedy: str) -> DownloadError:
        return DownloadError(" ".join(filter(None, [f"{self.what}: {reason}.", remedy, self.advice])))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class ProgressBar:
    """Shows how far a transfer is: per cent, megabytes, time left.

    In a terminal or a notebook one line is drawn over and over; elsewhere a plain line appears at every tenth.

    Args:
        name: what is fetched.
        stream: where to write; None is standard output.
        live: redraw one line? None finds out.
    """

    def __init__(self, name: str, stream=None, live: bool | None = None):
        self.name, self.stream = name, stream or sys.stdout
        self.live = _is_watched(self.stream) if live is None else live
        self._began: float | None = None
        self._first, self._shown = 0, object()

    def __call__(self, have: int, size: int) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began, self._first = now, have
        tenth = 10 * have // size
        step = (int(now * 10), have == size) if self.live else tenth
        if step == self._shown:
            return
        self._shown = step
        text = f"{self.name}: {100 * have // size:3d} %, {have / _MB:.1f} of {size / _MB:.1f} MB"
        fetched, seconds = have - self._first, now - self._began
        if have == size:
            text += f", {seconds:.0f} s"
        elif fetched > 0:
            text += f", {_duration((size - have) / fetched * seconds)} left"
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
