"""A desktop session of our own: X server, session bus, folders."""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

INSIDE = "ROPEWAY_INSIDE_SESSION"
SCREEN = "1280x800x24"
NEEDED = {
    "Xvfb": "xvfb",
    "dbus-run-session": "dbus",
    "openbox": "openbox",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "WebKitWebDriver": "webkit2gtk-driver",
    "tauri-driver": "`cargo install tauri-driver --version 2.1.0 --locked`",
}


def enter(script, arguments):
    """Runs `script` again inside a new session; gives its exit code."""
    missing = [f"{program} ({where})" for program, where in NEEDED.items() if shutil.which(program) is None]
    if missing:
        print("The real window cannot be tried here, these are missing: " + ", ".join(missing), file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="ropeway-desktop-") as home, x_server() as display:
        environment = private_folders(Path(home)) | {
            INSIDE: "1",
            "DISPLAY": display,
            # The session must not reach into the one it was started from.
            "WAYLAND_DISPLAY": "",
            "GDK_BACKEND": "x11",
            "GTK_USE_PORTAL": "0",
            "LANG": "C.UTF-8",
            # Texts of the page follow the desktop's language, and the cases read English.
            "LANGUAGE": "en",
            "NO_PROXY": "127.0.0.1",
        }
        command = ["dbus-run-session", "--", sys.executable, str(script), *arguments]
        return subprocess.run(command, env=os.environ | environment, check=False).returncode


def private_folders(home):
    """A home where nothing of the user is read or written."""
    folders = {
        "HOME": home,
        "XDG_DATA_HOME": home / "data",
        "XDG_CONFIG_HOME": home / "config",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_RUNTIME_DIR": home / "runtime",
        "TMPDIR": home / "scratch",
    }
    for folder in folders.values():
        folder.mkdir(exist_ok=True, mode=0o700)
    return {name: str(folder) for name, folder in folders.items()}


@contextlib.contextmanager
def x_server():
    """An X server on a display that was free; gives its name."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as number:
            display = number.readline().strip()
        if not display:
            raise RuntimeError("Xvfb did not start")
        yield f":{display}"
    finally:
        server.terminate()
        server.wait()
