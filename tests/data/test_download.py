"""The downloader, against a small server on this machine that misbehaves on demand."""

import hashlib
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from course_utils.data import download
from course_utils.data.download import DownloadError, fetch
from course_utils.data.progress import ProgressBar

CONTENT = np.random.default_rng(0).bytes(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def data(server):
    server.files["data.gz"] = CONTENT


@pytest.fixture
def get(server):
    return lambda url=server.url + "data.gz": fetch(url, len(CONTENT), SHA256, "Set COURSE_DATA.")


def test_whole_file_arrives_and_the_way_is_shown(server, get, capsys):
    assert get() == CONTENT
    assert server.asked == [None]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "data.gz:   0 %, 0.0 of 0.7 MB"
    assert lines[-1].startswith("data.gz: 100 %, 0.7 of 0.7 MB")


@pytest.mark.parametrize(
    ("misbehaves", "asked"),
    [
        ({"breaks": [300_000, 100_000]}, [None, "bytes=300000-", "bytes=400000-"]),
        ({"breaks": [300_000], "ranges": False}, [None, "bytes=300000-"]),
        ({"breaks": [300_000], "elsewhere": -1000}, [None, "bytes=300000-", None]),
        ({"breaks": [300_000], "elsewhere": -1000, "ranges": False}, [None, "bytes=300000-"]),
    ],
)
def test_broken_transfer_goes_on_where_it_stopped_or_starts_over(server, get, misbehaves, asked):
    vars(server).update(misbehaves)
    assert get() == CONTENT
    assert server.asked == asked


@pytest.mark.parametrize("begun", [b"x" * 1000, b"x" * 699_999, b"x" * 700_000, b"x" * 700_001], ids=len)
def test_what_was_begun_and_does_not_fit_is_started_over(server, get, begun):
    download._begun[server.url + "data.gz"] = bytearray(begun)
    assert get() == CONTENT
    assert server.asked[-1] is None
    assert not download._begun


def test_next_call_goes_on_where_the_last_gave_up(server, get, monkeypatch):
    server.breaks = [300_000]
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    with pytest.raises(DownloadError, match=r"connection failed \(it broke off\)\. 0\.3 MB are kept: call again"):
        get()
    assert get() == CONTENT
    assert server.asked == [None, "bytes=300000-"]


def test_an_interruption_keeps_what_came(server, get, monkeypatch):
    def stop(_, have, size):
        if have > 300_000:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressBar, "__call__", stop)
        with pytest.raises(KeyboardInterrupt):
            get()
    assert get() == CONTENT
    assert server.asked[1].startswith("bytes=")


@pytest.mark.parametrize(
    ("misbehaves", "message", "asked"),
    [
        ({"files": {"data.gz": CONTENT[::-1]}}, r"not what was published \(SHA-256 differs\)", 1),
        ({"files": {"data.gz": CONTENT[:-1]}}, "offers 699999 bytes instead of 700000", 1),
        ({"files": {"data.gz": CONTENT + b"x"}}, "offers 700001 bytes instead of 700000", 1),
        ({"status": 404}, r"answered 404 Not Found\. Set COURSE_DATA\.", 1),
        ({"status": 503}, "answered 503", 4),
    ],
)
def test_what_is_not_to_be_had_is_named(server, get, misbehaves, message, asked):
    vars(server).update(misbehaves)
    with pytest.raises(DownloadError, match=message):
        get()
    assert len(server.asked) == asked
    assert not any(download._begun.values())


def test_a_server_that_drips_is_given_up_and_what_came_is_kept(server, get, monkeypatch):
    server.drip_s = 0.05
    monkeypatch.setattr(download, "LIMIT_S", 0.2)
    with pytest.raises(DownloadError, match=r"too slow: the time allowed is over\. 0\.\d MB are kept"):
        get()
    assert len(server.asked) == 1


def test_no_network_says_what_from_where_and_what_to_do(get):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/data.gz"
    with pytest.raises(
        DownloadError, match=rf"data\.gz \(0\.7 MB\).* {url}: the connection failed.*Set COURSE"
    ) as error:
        get(url)
    assert isinstance(error.value, OSError)


def test_silent_server_counts_as_broken(get, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_S", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(DownloadError, match="timed out"):
            get(f"http://127.0.0.1:{silent.getsockname()[1]}/")


def test_several_at_once_each_get_the_file(server, get):
    download._begun[server.url + "data.gz"] = bytearray(CONTENT[:1000])
    server.drip_s = 0.005
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(get) for _ in range(4)]:
            assert done.result() == CONTENT
    assert sorted(server.asked, key=str) == [None, None, None, "bytes=1000-"], "one went on with what was kept"


def test_plain_progress_is_ten_lines_with_time_left(capsys):
    bar = ProgressBar("cifar")
    for have in range(0, 1_000_001, 1_000):
        bar(have, 1_000_000)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[0] == "cifar:   0 %, 0.0 of 1.0 MB"
    assert re.fullmatch(r"cifar:  50 %, 0\.5 of 1\.0 MB, \d+ s left", lines[5])
    assert re.fullmatch(r"cifar: 100 %, 1\.0 of 1\.0 MB, \d+ s", lines[10])


def test_live_progress_stays_on_one_line(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    bar = ProgressBar("cifar")
    for have in range(0, 1_000_001, 100_000):
        bar(have, 1_000_000)
    first, *_, last = capsys.readouterr().out.split("\r")[1:]
    assert first.startswith("." * 20 + " cifar:   0 %")
    assert last.startswith("#" * 20 + " cifar: 100 %")
    assert last.endswith("\n")
    assert "\n" not in first


def test_time_left_counts_only_what_this_call_fetched(monkeypatch, capsys):
    clock = iter([0.0, 10.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    bar = ProgressBar("cifar")
    bar(800_000, 1_000_000)  # resumed here
    bar(900_000, 1_000_000)
    assert capsys.readouterr().out.splitlines()[1].endswith("90 %, 0.9 of 1.0 MB, 10 s left")
