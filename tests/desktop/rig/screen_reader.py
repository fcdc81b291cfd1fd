#!/usr/bin/env python3
"""The window as a screen reader hears it: screen_reader.py PROCESS TEXT

Ends with code 0 if anything in the windows of the program with this process number has the text in its name or content,
else with 1. A program of its own: the accessibility library keeps a copy of every window's tree and can crash when a
program ends while it listens, which must not take the cases with it.
"""
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

# A program that was killed stays in the registry for a while and answers nothing.
ANSWER_MS = 300

# Deeper than any page of ours; a tree that never ends is a broken one.
DEPTH = 40


def everything(program):
    """All names and texts in the windows of the program with this process number."""
    desktop = Atspi.get_desktop(0)
    for index in range(desktop.get_child_count()):
        application = desktop.get_child_at_index(index)
        if application and application.get_process_id() == program:
            yield from _below(application, DEPTH)


def _below(node, depth):
    yield node.get_name() or ""
    text = node.get_text_iface()
    if text:
        yield Atspi.Text.get_text(text, 0, -1)
    if depth:
        for index in range(node.get_child_count()):
            child = node.get_child_at_index(index)
            if child:
                yield from _below(child, depth - 1)


if __name__ == "__main__":
    Atspi.set_timeout(ANSWER_MS, ANSWER_MS)
    try:
        sys.exit(0 if any(sys.argv[2] in heard for heard in everything(int(sys.argv[1]))) else 1)
    except GLib.Error:
        sys.exit(1)  # the page is being rebuilt while we listen
