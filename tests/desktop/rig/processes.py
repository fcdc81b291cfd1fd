"""Processes below ours, read from /proc."""
import os
import signal
from pathlib import Path


def children(parent):
    """The numbers of all processes below this one."""
    below = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        number, above = int(text.split(" ", 1)[0]), int(text.rpartition(")")[2].split()[1])
        below.setdefault(above, []).append(number)
    found, ahead = [], [parent]
    while ahead:
        next_ones = below.get(ahead.pop(), [])
        found += next_ones
        ahead += next_ones
    return found


def name(process):
    """The process's name, at most 15 characters; empty if it is gone."""
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""


def named(parent, start):
    """The processes below this one whose name begins so."""
    return [process for process in children(parent) if name(process).startswith(start)]


def memory(parent):
    """RSS and PSS in bytes of this process and all below, by name."""
    figures = {}
    for process in [parent, *children(parent)]:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        values = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith(("Rss", "Pss:"))}
        rss, pss = figures.get(name(process), (0, 0))
        figures[name(process)] = (rss + values.get("Rss", 0), pss + values.get("Pss", 0))
    return figures


def end(process):
    """Asks a process to end."""
    _send(process, signal.SIGTERM)


def kill(process):
    """Ends a process."""
    _send(process, signal.SIGKILL)


def _send(process, number):
    try:
        os.kill(process, number)
    except ProcessLookupError:
        pass
