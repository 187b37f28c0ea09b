"""A small server on this machine that misbehaves on demand."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from course_utils.data import download


@pytest.fixture
def server(monkeypatch):
    """Serves `files`; `breaks` says after how many bytes the first, second, ... answers break off."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "WAIT_S", 0)
    monkeypatch.setattr(download, "TIMEOUT_S", 5)
    monkeypatch.setattr(download, "_begun", {})
    state = SimpleNamespace(files={}, ranges=True, breaks=[], status=200, asked=[], elsewhere=0, drip_s=0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted, whole = self.headers.get("Range"), state.files[self.path[1:]]
            state.asked.append(wanted)
            start = int(wanted[6:-1]) if wanted and state.ranges else 0
            if state.status != 200 or start >= len(whole):
                self.send_error(state.status if state.status != 200 else 416)
                return
            body = whole[start + state.elsewhere if start else 0 :]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            body = body[: state.breaks.pop(0)] if state.breaks else body
            step = len(body) // 20 or 1
            with contextlib.suppress(ConnectionError):
                for begin in range(0, len(body), step):
                    self.wfile.write(body[begin : begin + step])
                    time.sleep(state.drip_s)

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}/"
    yield state
    http.shutdown()
    thread.join()
    http.server_close()
