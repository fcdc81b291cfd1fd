"""What one case has to itself: folders, programs, a server. Everything it started ends with it."""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from rig import processes, screen
from rig.page import Page
from rig.waiting import until

WINDOW = "^Ropeway$"
MEGABYTE = 1 << 20
END_S = 20


class Stage:
    """One case's world."""

    def __init__(self, desktop, built, artefacts):
        self.desktop, self.built, self.artefacts = desktop, built, artefacts
        self.folder = Path(tempfile.mkdtemp(prefix="stage-"))
        self.downloads = self.folder / "downloads"
        self.served = self.folder / "served"
        self.started = []
        self.pages = []
        self.pictures = 0

    def __enter__(self):
        self.desktop.forget()
        for folder in (self.downloads, self.served, self.folder / "config"):
            folder.mkdir()
        self.settings(download_folder=str(self.downloads), told_about_tray=True)
        return self

    def __exit__(self, *_):
        for page in self.pages:
            page.close()
        for process in self.started:
            _end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def settings(self, **values):
        """Writes the settings a program will start with."""
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        (self.folder / "config" / "settings.toml").write_text("\n".join(lines) + "\n")

    def environment(self):
        """Where this stage's programs keep what they remember."""
        own = {"ROPEWAY_DATA_DIR": str(self.folder / "data"), "ROPEWAY_CONFIG_DIR": str(self.folder / "config")}
        return os.environ | own

    def start(self, *arguments):
        """Starts the window's program; gives the process at once."""
        return self._spawn("desktop", [self.built["ROPEWAY_DESKTOP_BIN"], *arguments])

    def start_shown(self, *arguments):
        """Starts the window's program and waits for its window."""
        process = self.start(*arguments)
        until("the window is there", lambda: screen.windows(WINDOW))
        return process

    def page(self, *arguments):
        """Starts the window's program under WebDriver and waits for its page."""
        log = self.artefacts / "driver.log"
        page = Page(self.built["ROPEWAY_DESKTOP_BIN"], self.environment(), log, arguments)
        self.pages.append(page)
        page.the("//button[normalize-space(.)='Add']")
        page.watch_errors()
        return page

    def assert_no_page_errors(self):
        """Fails if a page made a mistake that no assertion of the case looked for."""
        reported = [error for page in self.pages for error in page.reported_errors()]
        assert not reported, f"the page reported: {reported}"

    def serve(self, *arguments, port=0):
        """Shares a folder with `ropeway serve`; gives its address."""
        program = self.built["ROPEWAY_BIN"]
        command = [program, "serve", "--root", self.served, "--bind", f"127.0.0.1:{port}", *arguments]
        server = self._spawn("serve", command, stdout=subprocess.PIPE)
        line = server.stdout.readline().decode()
        found = re.search(r"http://\S+", line)
        assert found, f"`ropeway serve` did not say its address: {line!r}"
        return found[0].rstrip("/")

    def daemon(self):
        """Runs the queue without a window; gives the process when it answers."""
        daemon = self._spawn("daemon", [self.built["ROPEWAY_BIN"], "daemon", "--bind", "127.0.0.1:0"])
        until("the daemon answers", lambda: (self.folder / "data" / "queue.db").exists())
        return daemon

    def served_file(self, name, size, seed=1):
        """A file of random bytes in the served folder."""
        return _fill(self.served / name, size, seed)

    def local_file(self, name, size, seed=1):
        """A file of random bytes elsewhere on the machine."""
        return _fill(self.folder / name, size, seed)

    def metalink(self, name, *files):
        """A Metalink document that names these files."""
        document = self.folder / name
        entries = "".join(f'<file name="{file}"><url>https://example.org/{file}</url></file>' for file in files)
        document.write_text(f'<?xml version="1.0"?><metalink xmlns="urn:ietf:params:xml:ns:metalink">{entries}</metalink>')
        return document

    def ropeway(self, *arguments):
        """What the command line says to the running program."""
        done = subprocess.run(
            [self.built["ROPEWAY_BIN"], *arguments], env=self.environment(), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"`ropeway {' '.join(arguments)}` ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def jobs(self):
        """The queue of the running program, as the command line reads it."""
        return [json.loads(line) for line in self.ropeway("list", "--json").splitlines()]

    def tray(self):
        """This stage's tray icon."""
        return until("a tray icon with its menu", self.desktop.tray)

    def keep(self, what):
        """Keeps a picture of the screen among the artefacts."""
        self.pictures += 1
        for page in self.pages:
            page.paint()
        screen.keep(self.artefacts / f"{self.pictures}-{what}.png")

    def drag_source(self, kind, *what):
        """A small window to drag from; gives the middle of it."""
        script = Path(__file__).with_name("drag_source.py")
        self._spawn("drag-source", ["/usr/bin/python3", script, kind, *map(str, what)])
        x, y, width, height = screen.place("^drag source$")
        return x + width // 2, y + height // 2

    def _spawn(self, name, command, stdout=None):
        with open(self.artefacts / f"{name}.log", "ab") as log:
            process = subprocess.Popen(list(map(str, command)), env=self.environment(), stdout=stdout or log, stderr=log)
        self.started.append(process)
        return process


def programs(root):
    """The built programs, by the variable that names them."""
    found = {
        "ROPEWAY_DESKTOP_BIN": Path(os.environ.get("ROPEWAY_DESKTOP_BIN", root / "target/debug/ropeway-desktop")),
        "ROPEWAY_BIN": Path(os.environ.get("ROPEWAY_BIN", root / "target/debug/ropeway")),
    }
    for variable, program in found.items():
        assert program.is_file(), f"{program} is not there: build it, or set {variable}"
    return {variable: program.resolve() for variable, program in found.items()}


def digest(file):
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def exit_code(process, seconds=END_S):
    """Waits for a program's end."""
    return until("the program ends", lambda: process.poll() is not None, seconds) and process.returncode


def _fill(file, size, seed):
    file.write_bytes(random.Random(seed).randbytes(size))
    return file


def _end(process):
    below = processes.children(process.pid)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()
    for left in below:
        processes.kill(left)
