"""A hub on this machine, and what one process of the course gets from it.

    HF_ENDPOINT=… HF_HOME=… python -m tests.models.hub NAME NAME …

prints, as JSON, for each name what `load_published` says, and how long it took.
"""

import contextlib
import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from course_utils.models import CONFIGS, Config, published

FILES = Path(__file__).parent / "timm"
SMALL = {
    "vit_ti16": Config("vit", 8, 24, 2, 48, num_heads=3, position_embedding=True, pool="class_token"),
    "mixer_b16": Config("mixer", 8, 24, 2, channels_mlp_dim=48, tokens_mlp_dim=12),
    "gmlp_s16": Config("gmlp", 8, 24, 2, channels_mlp_dim=96),
}
"""The sizes of the files in `FILES`."""
LABELS = [f"label {k}, another word for it" for k in range(10)]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextlib.contextmanager
def hub():
    """Serves `FILES` as the hub does; a repository whose name ends on a defect has that defect. Yields its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            repository, _, file = self.path.partition("/resolve/main/")
            file = file.partition("?")[0]
            name, _, defect = repository.rpartition("/")[2].partition("_but_")
            path = FILES / next((ours for ours, theirs in published.PUBLISHED.items() if theirs.endswith(name)), "")
            if repository == f"/datasets/{published._LABELS[0]}":
                content = json.dumps(dict(enumerate(LABELS))).encode()
            elif defect == "silent":
                time.sleep(30)
                return
            elif defect == "gated":
                return self.refuse(403, "GatedRepo")
            elif defect == "private":
                return self.refuse(401, "RepoNotFound")
            elif defect == "forbidden":
                return self.refuse(403, "")
            elif defect == "down":
                return self.refuse(503, "")
            elif defect == "no_hub":
                content = b"<html>Please log in.</html>"
            elif not (path / file).is_file() or (defect == "missing" and file == "model.safetensors"):
                return self.refuse(404, "EntryNotFound")
            else:
                content = (path / file).read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if defect == "tampered" and file == "model.safetensors":
                content = content[:-1] + bytes([content[-1] ^ 1])
            self.send_response(200)
            if defect != "no_hub":
                self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{digest}"')
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                if defect == "truncated" and file == "model.safetensors":
                    content, self.close_connection = content[: len(content) // 2], True
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(content)

        do_HEAD = do_GET

        def refuse(self, status, code):
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def main(names: list[str]) -> dict:
    """Loads each; "vit_ti16:gated" is its repository with a defect."""
    CONFIGS.update(SMALL)
    answers = {}
    for name in names:
        began = time.monotonic()
        known, _, defect = name.partition(":")
        if defect:
            published.PUBLISHED[name], CONFIGS[name] = f"{published.PUBLISHED[known]}_but_{defect}", CONFIGS[known]
        try:
            network = published.load_published(name)
        except published.PublishedError as error:
            answers[name] = {"said": str(error)}
        else:
            expected = np.load(FILES / known / "expected.npz")
            logits = np.asarray(network.model(network.prepare(expected["photograph_0"])))[0]
            far = float(np.abs(logits - expected["logits"][0]).max())
            answers[name] = {"far": far, "class_names": network.class_names, "said": ""}
        answers[name]["seconds"] = time.monotonic() - began
    return answers


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
