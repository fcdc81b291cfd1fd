#!/usr/bin/env python3
"""A small window to drag from: drag_source.py files PATH … | uris URI … | text TEXT

Its title is "drag source"; it lies at 0,0. Prints `begin`, `get` and `end` as the drag goes on.
"""
import sys
from pathlib import Path

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402

TITLE = "drag source"
kind, *what = sys.argv[1:]


def fill(_box, _context, selection, *_):
    if kind == "text":
        selection.set_text(what[0], -1)
    else:
        selection.set_uris([Path(path).resolve().as_uri() for path in what] if kind == "files" else what)
    print("get", flush=True)


window = Gtk.Window(title=TITLE)
window.set_default_size(90, 60)
window.set_decorated(False)
window.move(0, 0)
box = Gtk.EventBox()
box.add(Gtk.Label(label="drag me"))
window.add(box)
box.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
if kind == "text":
    box.drag_source_add_text_targets()
else:
    box.drag_source_add_uri_targets()
box.connect("drag-begin", lambda *_: print("begin", flush=True))
box.connect("drag-data-get", fill)
box.connect("drag-end", lambda *_: print("end", flush=True))
window.show_all()
Gtk.main()
