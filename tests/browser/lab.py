"""JupyterLab and a real browser, for tests: nothing of the user's own settings, nothing from the network."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tools.build_notebooks import clean_environment

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "lesson"
# JupyterLab would otherwise ask a website for news and for updates.
QUIET = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}


def find_chromium() -> str | None:
    """Returns the path of an installed Chromium, or None."""
    return next((path for name in CHROMIUMS if (path := shutil.which(name))), None)


def free_port() -> int:
    """Returns a free port of the loopback interface."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def jupyterlab(scratch: Path, notebooks: list[Path], **changes: str):
    """Starts JupyterLab on copies of notebooks; yields a function from a file's name to the address to open.

    Args:
        scratch: an empty folder for the server's root, its settings and its log.
        notebooks: the notebooks to copy.
        changes: variables to set in the environment of the kernels.
    """
    root, home = scratch / "lessons", scratch / "home"
    root.mkdir()
    for notebook in notebooks:
        shutil.copy(notebook, root)
    settings = scratch / "settings"
    quiet = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text(json.dumps(QUIET), encoding="utf-8")
    home.mkdir()
    environment = clean_environment(home / "ipython", **changes) | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(scratch / "workspaces"),
    }
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"]
    command += ["--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"]
    # A test run that is killed cannot stop its server: then it stops itself.
    command += ["--MappingKernelManager.cull_idle_timeout=600", "--ServerApp.shutdown_no_activity_timeout=900"]
    log = scratch / "jupyterlab.log"
    with open(log, "wb") as output:
        server = subprocess.Popen(command, cwd=root, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for_server(server, f"http://127.0.0.1:{port}/api/status?token={TOKEN}", log)
        yield lambda name: f"http://127.0.0.1:{port}/lab/tree/{name}?token={TOKEN}&reset"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for_server(server: subprocess.Popen, address: str, log: Path, seconds: int = 60) -> None:
    """Waits until the server answers.

    Raises:
        RuntimeError: it ended, or did not answer in time; with the end of its log.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text(encoding='utf-8')[-3000:]}")


# The idle indicator lies before a kernel is attached: wait for the session itself.
READY = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
}"""

# Runs all cells without waiting for them: a failing cell must not hang the test.
RUN_ALL = """async () => {
  const { commands } = window.jupyterapp;
  await commands.execute("notebook:clear-all-cell-outputs");
  window.lessonDone = false;
  commands.execute("notebook:run-all-cells").finally(() => { window.lessonDone = true; });
}"""

SHUT_DOWN = """() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"""

CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.toJSON())"""


@dataclass
class Lesson:
    """A lesson open in the browser."""

    page: object  # playwright.sync_api.Page
    name: str
    seconds: float = 0.0
    stored: bool = False

    def open(self, address: str) -> None:
        """Opens the address and waits until the kernel is there."""
        self.page.goto(address)
        self.page.wait_for_selector(".jp-CodeCell", timeout=90_000)
        self.page.evaluate(READY)

    def shows_stored_image(self, seconds: int = 20) -> bool:
        """Says whether a stored image is on the page; JupyterLab draws what is off the screen a while later."""
        from playwright.sync_api import TimeoutError as TooLong

        try:
            self.page.wait_for_selector(".jp-OutputArea-output img", state="attached", timeout=seconds * 1000)
        except TooLong:
            return False
        return True

    def run_all(self, seconds: int = 300) -> None:
        """Runs all cells and waits until they are done."""
        start = time.perf_counter()
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function("() => window.lessonDone", timeout=seconds * 1000, polling=200)
        self.seconds = time.perf_counter() - start

    def shut_down(self) -> None:
        """Ends the kernel, so that the next lesson has the machine for itself."""
        self.page.evaluate(SHUT_DOWN)

    def cells(self) -> list[dict]:
        """Returns all cells with their outputs, as the notebook would be saved now."""
        return self.page.evaluate(CELLS)

    def theme(self, name: str) -> None:
        """Changes JupyterLab's theme and waits until it is there."""
        self.page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name, timeout=20_000)
