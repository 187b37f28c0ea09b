"""Fetch one file whose SHA-256 is known.

It is gathered in memory and given back only when it is right, so nothing half or wrong is ever on the disk, where it
might be taken for the whole. A broken transfer goes on where it stopped, in the next call of this session, too.
`keras.utils.get_file` would start again from zero and wait for a silent server without end; it writes straight to the
final name, through a link that somebody has put there, and two processes at once into one file.
"""

import hashlib
import http.client
import time
import urllib.error
import urllib.request

from course_utils.data.progress import ProgressBar

ATTEMPTS = 4  # how often to connect in all; each goes on where the last one broke off
WAIT_S = 1.0  # seconds before the second attempt; doubles with each further one
TIMEOUT_S = 30.0  # seconds without a byte after which a connection counts as broken
LIMIT_S = 3600.0  # seconds for all of it: a server that sends a byte now and then is given up
_BLOCK = 1 << 18  # bytes read at a time: small enough for a steady progress bar, large enough to be fast
_begun: dict[str, bytearray] = {}  # address -> what a transfer that broke off has brought


class DownloadError(OSError):
    """A file could not be fetched; the message says what, from where, and what to do."""


class _Wrong(Exception):
    """It is not the file that was expected."""


def fetch(url: str, size: int, sha256: str, advice: str = "") -> bytes:
    """Fetch what a file of so many bytes holds, and show how far it is.

    DownloadError if there is no network, or it is not found, too slow, or not the file whose SHA-256 is given, in
    hexadecimal; the error ends with `advice`.
    """
    name, got, reason = url.rpartition("/")[2], _begun.pop(url, bytearray()), ""
    show, deadline = ProgressBar(name), time.monotonic() + LIMIT_S
    try:
        for attempt in range(ATTEMPTS):
            time.sleep(WAIT_S * 2 ** (attempt - 1) if attempt else 0)
            begun = len(got)
            try:
                _go_on(url, got, size, show, deadline)
                if hashlib.sha256(got).hexdigest() == sha256:
                    return bytes(got)
                raise _Wrong("its content is not what was published (SHA-256 differs)")
            except _Wrong as error:
                reason = str(error)
                got.clear()
                if not begun:  # else a server that went on elsewhere may be to blame
                    break
            except urllib.error.HTTPError as error:
                error.close()
                reason = f"the server answered {error.code} {error.reason}"
                if error.code == 416:  # it has no rest
                    got.clear()
                elif error.code < 500 and error.code not in (408, 429):
                    break  # asking again will not change a "not found"
            except (OSError, http.client.HTTPException) as error:
                reason = f"the connection failed ({getattr(error, 'reason', None) or error or type(error).__name__})"
            if time.monotonic() > deadline:
                reason = "the server is too slow: the time allowed is over"
                break
    finally:
        if len(got) < size:
            _begun[url] = got
    kept = f"{len(got) / 1e6:.1f} MB are kept: call again and it goes on from there." if got else ""
    said = f"{name} ({size / 1e6:.1f} MB) could not be fetched from {url}: {reason}."
    raise DownloadError(" ".join(filter(None, (said, kept, advice))))


def _go_on(url: str, got: bytearray, size: int, show: ProgressBar, deadline: float) -> None:
    """Asks for what is lacking and puts it to what is here."""
    headers = {"User-Agent": "course-utils", "Accept-Encoding": "identity"}
    headers |= {"Range": f"bytes={len(got)}-"} if got else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S) as response:
        if response.status != 206:  # a server without Range sends everything
            got.clear()
        offered = response.headers.get("Content-Length")
        if offered not in (None, str(size - len(got))):
            raise _Wrong(f"the server offers {offered} bytes instead of {size - len(got)}")
        show(len(got), size)
        while block := response.read1(min(_BLOCK, size + 1 - len(got))):  # what is too long shows by its SHA-256
            got += block
            show(min(len(got), size), size)
            if time.monotonic() > deadline:
                break
    if len(got) < size:
        raise OSError("it broke off")
