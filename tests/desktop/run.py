#!/usr/bin/env python3
"""The real window, without a screen: run.py [NAME …]

Starts an X server, a session bus and a window manager of its own, then runs every case (or those whose name contains
one of NAME) against the built programs. Prints one line a case; ends with code 0 if all passed. Screenshots and logs
stay in tests/artefacts/desktop.

ROPEWAY_DESKTOP_BIN and ROPEWAY_BIN name the programs; without them target/debug is looked at.
"""
import importlib.util
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SYSTEM_PYTHON = "/usr/bin/python3"

if importlib.util.find_spec("gi") is None and Path(sys.executable).resolve() != Path(SYSTEM_PYTHON).resolve():
    # The bindings of GTK belong to the system's own Python, which need not be the first in PATH.
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, __file__, *sys.argv[1:]])

sys.dont_write_bytecode = True
sys.path.insert(0, str(FOLDER))

from rig import runner, session  # noqa: E402  (the path is set above)

if __name__ == "__main__":
    if os.environ.get(session.INSIDE):
        sys.exit(runner.run(sys.argv[1:]))
    if {"-h", "--help"} & set(sys.argv[1:]):
        sys.exit(__doc__)
    sys.exit(session.enter(Path(__file__), sys.argv[1:]))
