"""The tray: what is needed without the window."""
import subprocess

from rig import accessible, processes, screen
from rig.stage import MEGABYTE, WINDOW, exit_code
from rig.waiting import stays, until


def _phases(stage):
    return [job["phase"]["kind"] for job in stage.jobs()]


def _start_two_downloads(stage):
    address = stage.serve("--limit", "1M")
    for name in ("a.bin", "b.bin"):
        stage.served_file(name, 16 * MEGABYTE)
        stage.ropeway("add", f"{address}/{name}")
    until("both run", lambda: _phases(stage) == ["running", "running"])


def pause_all_and_resume_all_in_the_tray_reach_every_job(stage):
    program = stage.start_shown()
    _start_two_downloads(stage)
    tray = stage.tray()
    tray.click("Pause all")
    until("both are paused", lambda: _phases(stage) == ["paused", "paused"])
    until("the window shows it", lambda: accessible.says(program.pid, "Paused"))
    stage.keep("all-paused")
    tray.click("Resume all")
    until("both run again", lambda: _phases(stage) == ["running", "running"])


def the_tray_tells_the_speed_and_the_taskbar_the_progress(stage):
    stage.start("--hidden")
    tray = stage.tray()
    assert tray.labels()[0] == "Nothing is moving", tray.labels()
    _start_two_downloads(stage)
    until("the menu shows a speed", lambda: tray.labels()[0].startswith("↓ "))
    until("the label shows a speed", lambda: tray.properties()["XAyatanaLabel"].startswith("↓ "))
    until("the taskbar shows progress", lambda: any(fraction for fraction in stage.desktop.fractions))
    tray.click("Pause all")
    until("the speed goes", lambda: tray.labels()[0] == "Nothing is moving")
    until("the progress goes", lambda: stage.desktop.fractions[-1] is None)


def a_limit_chosen_in_the_tray_holds(stage):
    stage.start("--hidden")
    tray = stage.tray()
    until("no limit is marked", lambda: _marked(tray) == ["No limit"])
    tray.click("Download limit", "5 MiB/s")
    until("the limit is marked", lambda: _marked(tray) == ["5 MiB/s"])
    until("the menu names the limit", lambda: _limits(tray)[0].label == "Now: 5.0 MiB/s")
    settings = (stage.folder / "config" / "settings.toml").read_text()
    assert f"download_limit = {5 * MEGABYTE}" in settings, settings
    tray.click("Download limit", "5 MiB/s")
    stays("the mark stays when it is clicked again", lambda: _marked(tray) in (["5 MiB/s"], []), 0.5)
    until("the mark is back", lambda: _marked(tray) == ["5 MiB/s"])


def the_tray_speaks_the_language_of_the_window_and_keeps_it(stage):
    page = stage.page()
    page.choose_language("de")
    tray = stage.tray()
    german = {"Keine Übertragung", "Ropeway anzeigen", "Alle anhalten", "Download-Limit", "Beenden"}
    until("the tray speaks German", lambda: german <= set(tray.labels()))
    until("its limits do", lambda: _named(tray, "Download-Limit").entries[0].label == "Jetzt: Unbegrenzt")
    stage.keep("german")
    page.close()
    # Nobody has opened a window yet that could say in which language.
    stage.start("--hidden")
    until("the tray speaks German again", lambda: german <= set(stage.tray().labels()))


def _named(tray, label):
    return next(entry for entry in tray.menu() if entry.label == label)


def _limits(tray):
    return _named(tray, "Download limit").entries


def _marked(tray):
    return [entry.label for entry in _limits(tray) if entry.checked]


def add_from_clipboard_opens_the_dialog_with_its_text(stage):
    program = stage.start("--hidden")
    tray = stage.tray()
    owner = subprocess.Popen(["/usr/bin/python3", "-c", _CLIPBOARD, "https://example.org/from%20clipboard.iso"])
    try:
        until("the clipboard is owned", lambda: processes.name(owner.pid) and screen.windows("^clipboard owner$"))
        tray.click("Add from clipboard")
        until("the window opens", lambda: screen.windows(WINDOW))
        until("the dialog has the text", lambda: accessible.says(program.pid, "https://example.org/from%20clipboard.iso"))
        stage.keep("from-clipboard")
    finally:
        owner.kill()
        owner.wait()


_CLIPBOARD = """
import sys, gi
gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk
Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).set_text(sys.argv[1], -1)
Gtk.Window(title="clipboard owner").show_all()
Gtk.main()
"""


def quit_in_the_tray_ends_the_program(stage):
    program = stage.start_shown()
    stage.tray().click("Quit")
    assert exit_code(program) == 0
    assert screen.windows(WINDOW) == []
