"""Finds the cases and runs them, each on a stage of its own."""
import importlib
import inspect
import pkgutil
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path

import cases
from rig import bus, screen
from rig.stage import Stage, programs
from rig.waiting import until

ROOT = Path(__file__).resolve().parents[3]
ARTEFACTS = ROOT / "tests" / "artefacts" / "desktop"


def run(wanted):
    """Runs the cases whose name contains one of `wanted`, or all; gives the exit code."""
    found = [case for case in all_cases() if not wanted or any(word in case.__name__ for word in wanted)]
    if not found:
        print("no case has such a name", file=sys.stderr)
        return 2
    built = programs(ROOT)
    shutil.rmtree(ARTEFACTS, ignore_errors=True)
    ARTEFACTS.mkdir(parents=True)
    with bus.Desktop() as desktop, window_manager():
        failed = [case.__name__ for case in found if not passes(case, desktop, built)]
    print(f"{len(found) - len(failed)} of {len(found)} cases passed" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def all_cases():
    """Every public function of the modules in cases/, in the order of the files and lines."""
    for module in sorted(pkgutil.iter_modules(cases.__path__), key=lambda found: found.name):
        members = vars(importlib.import_module(f"cases.{module.name}")).values()
        own = [member for member in members if inspect.isfunction(member) and member.__module__ == f"cases.{module.name}"]
        yield from (function for function in own if not function.__name__.startswith("_"))


def passes(case, desktop, built):
    """Runs one case and says how it went."""
    began = time.monotonic()
    folder = ARTEFACTS / case.__name__
    folder.mkdir()
    try:
        with Stage(desktop, built, folder) as stage:
            try:
                case(stage)
                stage.assert_no_page_errors()
            except BaseException:
                screen.keep(folder / "failed.png")
                raise
    except Exception as failure:  # every failure is this case's, the others still run
        (folder / "failure.txt").write_text(traceback.format_exc())
        place = traceback.extract_tb(failure.__traceback__)
        line = next((frame for frame in reversed(place) if "/cases/" in frame.filename), place[-1])
        print(f"FAIL {case.__name__}  ({Path(line.filename).name}:{line.lineno}) {type(failure).__name__}: {failure}", flush=True)
        return False
    print(f"ok   {case.__name__}  {time.monotonic() - began:.1f} s", flush=True)
    return True


class window_manager:
    """Openbox: without one, focus and drags misbehave."""

    def __enter__(self):
        self.process = subprocess.Popen(["openbox"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("the window manager is there", screen.has_window_manager)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
