"""What is on the screen, and the pointer over it."""
import subprocess
import time

from rig.waiting import until

# A hand moves; a toolkit that sees only the start and the end of a drag takes it for none.
STEPS = 12
STEP_S = 0.04
# A page is painted some frames after its content has changed.
PICTURE_S = 0.2
MOST_PICTURES = 8


def has_window_manager():
    shown = _output("xprop", "-root", "_NET_SUPPORTING_WM_CHECK")
    return "window id" in shown


def keep(picture):
    """Keeps a picture of the whole screen, once it stands still or has moved for a while."""
    last = None
    for _ in range(MOST_PICTURES):
        now = subprocess.run(["import", "-window", "root", "ppm:-"], check=False, capture_output=True).stdout
        if now == last:
            break
        last = now
        time.sleep(PICTURE_S)
    subprocess.run(["convert", "ppm:-", str(picture)], input=last, check=False)


def windows(title):
    """The numbers of the visible windows whose title matches this regular expression."""
    return _output("xdotool", "search", "--onlyvisible", "--name", title).split()


def place(title):
    """Corner and size of a visible window's inside: x, y, width, height."""
    number = until(f"a window {title}", lambda: windows(title))[-1]
    shell = _output("xdotool", "getwindowgeometry", "--shell", number)
    values = dict(line.split("=") for line in shell.splitlines())
    return tuple(int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))


def close(title):
    """Closes a window as its frame's button does."""
    number = until(f"a window {title}", lambda: windows(title))[-1]
    _do("wmctrl", "-i", "-c", number)


def resize(title, width, height):
    number = until(f"a window {title}", lambda: windows(title))[-1]
    _do("xdotool", "windowsize", "--sync", number, str(width), str(height))


def move(title, x, y):
    number = until(f"a window {title}", lambda: windows(title))[-1]
    _do("xdotool", "windowmove", "--sync", number, str(x), str(y))


def drag(start, end, hold=None):
    """Drags from one place to another; `hold` is called before the button is let go."""
    _do("xdotool", "mousemove", *map(str, start))
    time.sleep(STEP_S)
    _do("xdotool", "mousedown", "1")
    for step in range(1, STEPS + 1):
        at = [round(a + (b - a) * step / STEPS) for a, b in zip(start, end)]
        _do("xdotool", "mousemove", *map(str, at))
        time.sleep(STEP_S)
    try:
        if hold:
            hold()
    finally:
        _do("xdotool", "mouseup", "1")


def point(at):
    """Moves the pointer, as the hand does while it holds something."""
    _do("xdotool", "mousemove", *map(str, at))


def press(*keys):
    """Presses keys in the window that has the focus."""
    for key in keys:
        _do("xdotool", "key", "--clearmodifiers", key)


def write(text):
    """Types into the window that has the focus."""
    _do("xdotool", "type", "--clearmodifiers", text)


def _do(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _output(*command):
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
