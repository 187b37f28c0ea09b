"""The downloader, against a small server on this machine that misbehaves on demand."""

import contextlib
import errno
import hashlib
import io
import os
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from course_utils.data.download import DownloadError, fetch
from course_utils.data.progress import ProgressBar

CONTENT = np.random.default_rng(0).bytes(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch):
    """Serves `content`; `breaks` says after how many bytes the first, second, ... answers break off."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = SimpleNamespace(content=CONTENT, ranges=True, breaks=[], status=200, asked=[], says_range=None, drip_s=0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            if state.status != 200:
                self.send_error(state.status)
                return
            start = int(wanted[6:-1]) if wanted and state.ranges else 0
            if start >= len(state.content):
                self.send_error(416)
                return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            if start:
                said = f"bytes {start}-{len(state.content) - 1}/{len(state.content)}"
                self.send_header("Content-Range", state.says_range or said)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            body = body[: state.breaks.pop(0)] if state.breaks else body
            with contextlib.suppress(ConnectionError):
                for start in range(0, len(body), len(body) // 20 or 1):
                    self.wfile.write(body[start : start + (len(body) // 20 or 1)])
                    time.sleep(state.drip_s)

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}/data.tar.gz"
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def get(server, tmp_path):
    def get(**changes):
        options = {"size": len(CONTENT), "sha256": SHA256, "wait_s": 0, "timeout_s": 5, "progress": lambda *_: None}
        return fetch(changes.pop("url", server.url), tmp_path / "cache" / "data.tar.gz", **(options | changes))

    return get


def left_behind(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").iterdir())


def start_part(tmp_path, content):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "data.tar.gz.part").write_bytes(content)


def test_whole_file_arrives_and_is_not_fetched_twice(server, get, tmp_path):
    seen = []
    assert get(progress=lambda *step: seen.append(step)).read_bytes() == CONTENT
    assert left_behind(tmp_path) == ["data.tar.gz"]
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    get()
    assert server.asked == [None]


def test_broken_transfer_goes_on_where_it_stopped(server, get):
    server.breaks = [300_000, 100_000]
    assert get().read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=400000-"]


def test_next_call_goes_on_where_the_last_gave_up(server, get, tmp_path):
    server.breaks = [300_000]
    with pytest.raises(DownloadError, match=r"connection failed.*0\.3 MB are kept: call again"):
        get(attempts=1)
    assert left_behind(tmp_path) == ["data.tar.gz.part"], "nothing that looks like the whole file"
    assert get().read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-"]
    assert left_behind(tmp_path) == ["data.tar.gz"]


def test_server_without_range_sends_all_again(server, get):
    server.ranges, server.breaks = False, [300_000]
    assert get().read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-"]


@pytest.mark.parametrize("part", [b"x" * 1000, b"x" * 700_000, b"x" * 700_001], ids=["short", "full", "too long"])
def test_part_that_does_not_fit_is_started_over(get, tmp_path, part):
    start_part(tmp_path, part)
    assert get().read_bytes() == CONTENT
    assert left_behind(tmp_path) == ["data.tar.gz"]


def test_complete_part_is_only_checked(server, get, tmp_path):
    start_part(tmp_path, CONTENT)
    assert get().read_bytes() == CONTENT
    assert server.asked == []


def test_server_that_continues_elsewhere_is_not_believed(server, get, tmp_path):
    start_part(tmp_path, CONTENT[:1000])
    server.says_range = "bytes 0-699999/700000"
    assert get().read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-", None]


def test_wrong_content_is_never_kept(server, get, tmp_path):
    server.content = bytes(reversed(CONTENT))
    with pytest.raises(DownloadError, match=r"not what was published \(SHA-256 differs\)"):
        get()
    assert left_behind(tmp_path) == []
    assert len(server.asked) == 1


@pytest.mark.parametrize("length", [699_999, 700_001])
def test_wrong_length_is_noticed_before_the_transfer(server, get, tmp_path, length):
    server.content = (CONTENT + b"x")[:length]
    with pytest.raises(DownloadError, match=f"offers {length} bytes instead of 700000"):
        get()
    assert left_behind(tmp_path) == []


def test_damaged_file_under_the_final_name_is_replaced(get, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "data.tar.gz").write_bytes(CONTENT[:-1] + b"?")
    assert get().read_bytes() == CONTENT


def test_not_found_is_said_at_once(server, get):
    server.status = 404
    with pytest.raises(DownloadError, match=r"answered 404 Not Found\. Use the other set\."):
        get(advice="Use the other set.")
    assert len(server.asked) == 1


def test_server_in_trouble_is_asked_again(server, get):
    server.status = 503
    with pytest.raises(DownloadError, match="answered 503"):
        get(attempts=3)
    assert len(server.asked) == 3


def test_no_network_says_what_from_where_to_where_and_what_to_do(get, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/data.tar.gz"
    with pytest.raises(DownloadError) as caught:
        get(url=url, advice="Set COURSE_DATA.")
    for part in ("data.tar.gz (0.7 MB)", url, str(tmp_path / "cache"), "connection failed", "Set COURSE_DATA."):
        assert part in str(caught.value)
    assert isinstance(caught.value, OSError)


def test_silent_server_counts_as_broken(tmp_path, get):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(DownloadError, match="timed out"):
            get(url=f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=0.1, attempts=1)


class FullDisk(io.FileIO):
    """A file on a disk that has room for 300,000 bytes."""

    def write(self, block):
        if self.tell() + len(block) > 300_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(block)


def test_full_disk_is_named_and_given_its_room_back(server, get, tmp_path):
    with pytest.raises(DownloadError, match=r"disk is full.*has been removed\. Free some disk space"):
        get(opener=FullDisk)
    assert left_behind(tmp_path) == []
    assert len(server.asked) == 1


def test_too_little_room_is_noticed_before_the_transfer(server, get, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=600_000))
    with pytest.raises(DownloadError, match=r"not enough room: 0\.6 MB are free"):
        get()
    assert server.asked == []


def test_folder_that_cannot_be_made_is_named(get, tmp_path):
    (tmp_path / "cache").write_text("a file is in the way")
    with pytest.raises(DownloadError, match="cannot be saved"):
        get()


@pytest.mark.parametrize("make", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_link_that_was_planted_is_not_written_to(get, tmp_path, make):
    (tmp_path / "cache").mkdir()
    (tmp_path / "somebodys").write_bytes(b"theirs")
    make(tmp_path / "somebodys", tmp_path / "cache" / "data.tar.gz.part")
    assert get().read_bytes() == CONTENT
    assert (tmp_path / "somebodys").read_bytes() == b"theirs"
    assert left_behind(tmp_path) == ["data.tar.gz"]


def test_the_target_may_be_a_planted_link(get, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "somebodys").write_bytes(b"theirs")
    (tmp_path / "cache" / "data.tar.gz").symlink_to(tmp_path / "somebodys")
    assert get().read_bytes() == CONTENT
    assert (tmp_path / "somebodys").read_bytes() == b"theirs"


def test_several_at_once_each_get_the_file(server, get, tmp_path):
    start_part(tmp_path, CONTENT[:1000])
    server.drip_s = 0.005
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(get) for _ in range(4)]:
            assert done.result().read_bytes() == CONTENT
    assert left_behind(tmp_path) == ["data.tar.gz"]
    assert sorted(server.asked, key=str) == [None, None, None, "bytes=1000-"], "one went on with what was kept"


def test_a_server_that_drips_is_given_up_and_what_came_is_kept(server, get, tmp_path):
    server.drip_s = 0.05
    with pytest.raises(DownloadError, match=r"too slow: the time allowed is over\. 0\.\d MB are kept"):
        get(limit_s=0.2)
    assert len(server.asked) == 1
    assert left_behind(tmp_path) == ["data.tar.gz.part"]


def test_an_interruption_keeps_what_came(server, get, tmp_path):
    def stop(have, _):
        if have > 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(progress=stop)
    assert left_behind(tmp_path) == ["data.tar.gz.part"]
    assert get().read_bytes() == CONTENT
    assert server.asked[1].startswith("bytes=")


def test_plain_progress_is_ten_lines_with_time_left():
    stream = io.StringIO()
    bar = ProgressBar("cifar", stream)
    for have in range(0, 1_000_001, 1_000):
        bar(have, 1_000_000)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[0] == "cifar:   0 %, 0.0 of 1.0 MB"
    assert re.fullmatch(r"cifar:  50 %, 0\.5 of 1\.0 MB, \d+ s left", lines[5])
    assert re.fullmatch(r"cifar: 100 %, 1\.0 of 1\.0 MB, \d+ s", lines[10])


def test_live_progress_stays_on_one_line():
    stream = io.StringIO()
    bar = ProgressBar("cifar", stream, live=True)
    for have in range(0, 1_000_001, 100_000):
        bar(have, 1_000_000)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert "█" * 20 in text
    assert text.startswith("\r")


def test_time_left_counts_only_what_this_call_fetched(monkeypatch):
    clock = iter([0.0, 10.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    stream = io.StringIO()
    bar = ProgressBar("cifar", stream)
    bar(800_000, 1_000_000)  # resumed here
    bar(900_000, 1_000_000)
    assert stream.getvalue().splitlines()[1].endswith("90 %, 0.9 of 1.0 MB, 10 s left")
