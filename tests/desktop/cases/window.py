"""The window's life: closed, shown again, started twice, ended and started again."""
import json
import signal

from rig import accessible, processes, screen
from rig.stage import MEGABYTE, WINDOW, digest, exit_code
from rig.waiting import stays, until

# The most bytes behind a hole that are fetched with it, to tell whether both are of one file.
LEAD = 4096


def _web_processes(program):
    return processes.named(program.pid, "WebKitWebProces")


def closing_frees_the_web_view_and_showing_brings_the_state_back(stage):
    stage.settings(download_folder=str(stage.downloads))
    program = stage.start_shown()
    stage.served_file("long way.bin", 16 * MEGABYTE)
    stage.ropeway("add", f"{stage.serve('--limit', '1M')}/long%20way.bin")
    until("the page shows the job", lambda: accessible.says(program.pid, "long way.bin"))
    assert _web_processes(program)

    screen.close(WINDOW)
    until("the window is gone", lambda: not screen.windows(WINDOW))
    until("the web view's process is gone", lambda: not _web_processes(program))
    until("the user is told", lambda: [notice.summary for notice in stage.desktop.notices] == ["Ropeway keeps running"])
    moved = _moved(stage)
    until("the transfer goes on", lambda: _moved(stage) > moved)

    stage.tray().click("Show Ropeway")
    until("the window is back", lambda: screen.windows(WINDOW))
    until("the page shows the job again", lambda: accessible.says(program.pid, "long way.bin"))
    stage.keep("shown-again")

    screen.close(WINDOW)
    until("the window is gone again", lambda: not screen.windows(WINDOW))
    stays("the user is told only once", lambda: len(stage.desktop.notices) == 1, 1)


def the_window_comes_back_where_it_was(stage):
    program = stage.start_shown()
    screen.move(WINDOW, 40, 50)
    screen.resize(WINDOW, 900, 640)
    until("the window has its new place", lambda: screen.place(WINDOW)[2:] == (900, 640))
    place = screen.place(WINDOW)
    for _ in range(2):
        screen.close(WINDOW)
        until("the window is gone", lambda: not screen.windows(WINDOW))
        stage.start()
        until("the window is back in its place", lambda: screen.windows(WINDOW) and screen.place(WINDOW) == place)
    program.send_signal(signal.SIGTERM)
    assert exit_code(program) == 0
    stage.start_shown()
    until("another start remembers", lambda: screen.place(WINDOW) == place)


def a_second_start_hands_its_addresses_and_files_over(stage):
    program = stage.start_shown()
    second = stage.start("https://example.org/a%2Fb.iso")
    assert exit_code(second) == 0
    until("the dialog has the address", lambda: accessible.says(program.pid, "https://example.org/a%2Fb.iso"))
    stage.keep("handed-over")


def metalinks_on_the_command_line_offer_their_downloads_one_after_the_other(stage):
    first, second = (stage.metalink(f"{name}.meta4", f"{name}.iso") for name in ("first", "second"))
    page = stage.page(str(first))
    until("the dialog names the first one's file", lambda: "first.iso" in page.dialog_text())
    assert "Metalink with 1 file" in page.dialog_text(), page.dialog_text()
    assert exit_code(stage.start(second.as_uri())) == 0
    stays("the open dialog stays", lambda: "first.iso" in page.dialog_text(), 1)
    page.press("escape")
    until("the second one's file is offered then", lambda: "second.iso" in page.dialog_text())
    stage.keep("second")
    assert page.call("snapshot")["jobs"] == []


def a_second_start_shows_a_hidden_window(stage):
    program = stage.start("--hidden")
    stage.tray()
    stays("no window opens", lambda: not screen.windows(WINDOW), 1)
    picture = stage.local_file("picture.raw", 1000)
    assert exit_code(stage.start(str(picture))) == 0
    until("the window opens", lambda: screen.windows(WINDOW))
    until("the dialog has the file", lambda: accessible.says(program.pid, "picture.raw"))


def quit_makes_the_transfers_durable_and_a_restart_goes_on(stage):
    program = stage.start_shown()
    original = stage.served_file("big.bin", 12 * MEGABYTE)
    stage.ropeway("add", f"{stage.serve('--limit', '2M')}/big.bin")
    until("bytes arrive", lambda: _moved(stage) > 3 * MEGABYTE)
    moved = _moved(stage)
    program.send_signal(signal.SIGTERM)
    assert exit_code(program) == 0
    assert not (stage.downloads / "big.bin").exists()

    stage.start("--hidden")
    stage.tray()
    job = until("the job is known again", stage.jobs)[0]
    durable = job["progress"]["durable"]
    segments = json.loads(stage.ropeway("show", str(job["id"]), "--json"))["segments"]
    # Where a hole ends, what lies behind it comes once more with it and is compared.
    compared = LEAD * len(segments)
    assert durable + compared >= moved, f"{moved} bytes had moved before the end, {durable} are there after it"
    until("the download completes", lambda: stage.jobs()[0]["phase"]["kind"] == "completed", 30)
    assert digest(stage.downloads / "big.bin") == digest(original)


def every_signal_of_an_ending_session_is_a_quit(stage):
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        program = stage.start_shown()
        program.send_signal(number)
        assert exit_code(program) == 0, number.name
        until("the window is gone", lambda: not screen.windows(WINDOW))


def a_queue_in_use_is_explained(stage):
    daemon = stage.daemon()
    program = stage.start()
    until("a dialog explains", lambda: screen.windows("^Ropeway cannot start$"))
    stage.keep("in-use")
    screen.press("Return")
    assert exit_code(program) == 1
    assert "already runs the queue" in (stage.artefacts / "desktop.log").read_text()
    assert daemon.poll() is None


def _moved(stage):
    return sum(job["progress"]["moved"] for job in stage.jobs())
