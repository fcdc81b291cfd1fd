"""The window as a screen reader hears it: the way to read a page that no WebDriver started."""
import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

# A program that was killed stays in the registry for a while and answers nothing.
ANSWER_MS = 300
Atspi.set_timeout(ANSWER_MS, ANSWER_MS)

# Deeper than any page of ours; a tree that never ends is a broken one.
DEPTH = 40


def says(program, text):
    """Whether anything in the program's windows has this text in its name or content."""
    return any(text in heard for heard in everything(program))


def everything(program):
    """All names and texts in the windows of the program with this process number."""
    try:
        desktop = Atspi.get_desktop(0)
        for index in range(desktop.get_child_count()):
            application = desktop.get_child_at_index(index)
            if application and application.get_process_id() == program:
                yield from _below(application, DEPTH)
    except GLib.Error:
        return  # the page is being rebuilt while we listen


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
