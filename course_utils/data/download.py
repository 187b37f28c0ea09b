"""Fetch one file so that a broken transfer never looks like a whole file.

`keras.utils.get_file` writes straight to the final name, starts from zero after every break, and believes a file
that is already there unless it is given a hash. Here the bytes go to a draft of this process's own; one that breaks off
is kept as ``<name>.part``, from which the next call goes on, and the file gets its name only once its length and its
SHA-256 are right. Several processes may fetch one file at once: each gets it.
"""

import errno
import hashlib
import http.client
import os
import shutil
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from course_utils import files
from course_utils.data.progress import ProgressBar

_BLOCK = 1 << 18  # bytes read at a time: small enough for a steady progress bar, large enough to be fast
_MB = 1e6


class DownloadError(OSError):
    """A file could not be fetched; the message says what, from where, and what to do."""


class _StartOver(Exception):
    """What is in the draft does not fit what the server has."""


class _TooSlow(Exception):
    """The time allowed is over."""


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
    limit_s: float = 3600.0,
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
        limit_s: seconds for all of it: a server that sends a byte now and then is given up.
        progress: called with (bytes here, bytes in all); None draws a progress bar.
        opener: how the draft is opened (tests put a full disk here).

    Returns:
        `target`.

    Raises:
        DownloadError: no network, not found, not the file that was expected, or no room or right to save it.
    """
    target = Path(target)
    if target.is_file() and target.stat().st_size == size and _sha256(target) == sha256:
        return target

    def failed(reason: str, remedy: str) -> DownloadError:
        what = f"{target.name} ({size / _MB:.1f} MB) could not be fetched from {url} to {target.parent}"
        return DownloadError(" ".join(filter(None, [f"{what}: {reason}.", remedy, advice])))

    def transfer(have: int) -> None:
        response = _answer(url, have, size, timeout_s)
        with response:
            have = have if response.status == 206 else 0  # a server without Range sends everything
            show(have, size)
            with opener(draft, "ab" if have else "wb") as file:
                while have < size:
                    if time.monotonic() > deadline:
                        raise _TooSlow("the server is too slow: the time allowed is over")
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
                    show(have, size)

    show, deadline, draft = progress or ProgressBar(target.name), time.monotonic() + limit_s, None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        files.remove_left_overs(target.parent)
        draft = _own_draft(target)
        free = shutil.disk_usage(target.parent).free
        if free < size - _length(draft):
            raise failed(f"there is not enough room: {free / _MB:.1f} MB are free", "Free some disk space.")
        reason = _attempt(transfer, draft, size, sha256, attempts, wait_s)
        if reason:
            kept = _length(draft)
            again = f"{kept / _MB:.1f} MB are kept: call again and it goes on from there." if kept else ""
            raise failed(reason, again)
        os.replace(draft, target)
    except DownloadError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and draft:
            # Leave the student the room back; going on is worth less than a disk that is not full.
            draft.unlink(missing_ok=True)
            said = "the disk is full; the part that was fetched has been removed"
            raise failed(said, "Free some disk space.") from error
        raise failed(f"it cannot be saved: {error}", "Check that the folder may be written to.") from error
    finally:
        if draft:
            with suppress(OSError):
                if _length(draft):  # neither whole nor given up: the next call goes on from it
                    os.replace(draft, _part(target))
            draft.unlink(missing_ok=True)
    return target


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _own_draft(target: Path) -> Path:
    """Makes a draft of this process's own, with what an earlier transfer has kept."""
    handle, draft = files.new_draft(target)
    os.close(handle)
    with suppress(OSError):
        os.replace(_part(target), draft)  # of several processes, one gets it
    found = draft.lstat()
    own = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    if not (own and stat.S_ISREG(found.st_mode) and found.st_nlink == 1):
        draft.unlink()  # a link, to a file of somebody else's perhaps
    return draft


def _attempt(transfer, draft: Path, size: int, sha256: str, attempts: int, wait_s: float) -> str:
    """Brings the draft to its full, right content; returns "", or why it is not."""
    reason = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(wait_s * 2 ** (attempt - 1))
        have = _length(draft)
        try:
            if have != size:
                transfer(have)
            if _sha256(draft) == sha256:
                return ""
            # What was kept of some earlier file can be to blame: then one more try from zero is due.
            os.truncate(draft, 0)
            reason = "its content is not what was published (SHA-256 differs)"
            if not have:
                break
        except _StartOver as error:
            draft.unlink(missing_ok=True)
            reason = str(error)
        except _TooSlow as error:
            return str(error)
        except urllib.error.HTTPError as error:
            reason = f"the server answered {error.code} {error.reason}"
            error.close()
            if error.code < 500 and error.code not in (408, 429):
                break  # asking again will not change a "not found"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = f"the connection failed ({getattr(error, 'reason', None) or error or type(error).__name__})"
    return reason


def _answer(url: str, have: int, size: int, timeout_s: float):
    """Asks for what is lacking, and returns the server's answer if it fits."""
    if have > size:
        raise _StartOver(f"the part is longer ({have} bytes) than the whole file")
    headers = {"User-Agent": "course-utils", "Accept-Encoding": "identity"}
    headers |= {"Range": f"bytes={have}-"} if have else {}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout_s)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # "range not satisfiable"
            error.close()
            raise _StartOver("the server does not have the rest of this part") from error
        raise
    offered, length = response.headers.get("Content-Range"), response.headers.get("Content-Length")
    if response.status == 206 and offered != f"bytes {have}-{size - 1}/{size}":
        response.close()
        raise _StartOver(f"the server offers {offered}, not bytes {have}-{size - 1}/{size}")
    if response.status != 206 and length not in (None, str(size)):
        response.close()
        raise _StartOver(f"the server offers {length} bytes instead of {size}")
    return response


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
