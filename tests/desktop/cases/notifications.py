"""Notifications: what ended, with the next step."""
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rig import screen
from rig.stage import MEGABYTE, WINDOW, digest
from rig.waiting import Missed, stays, until

# A person presses again where nothing comes of it.
PRESSES = 5
BETWEEN_PRESSES_S = 2


def _summaries(stage):
    return [notice.summary for notice in stage.desktop.notices]


def _press(stage, notice, action, what, condition):
    """Presses a button until something comes of it: the program listens for buttons only once the notice is out."""
    for _ in range(PRESSES):
        stage.desktop.invoke(notice, action)
        try:
            return until(what, condition, BETWEEN_PRESSES_S)
        except Missed:
            continue
    return until(what, condition)


def a_completed_download_is_told_and_shown_in_its_folder(stage):
    stage.start("--hidden")
    stage.tray()
    stage.served_file("sun & sea.mov", MEGABYTE)
    stage.ropeway("add", f"{stage.serve()}/sun%20%26%20sea.mov")
    until("the user is told", lambda: stage.desktop.notices)
    notice = stage.desktop.notices[0]
    assert notice.summary == "Downloaded: sun & sea.mov", notice
    assert notice.body.startswith("from 127.0.0.1"), notice
    assert notice.actions == ["default", "Show Ropeway", "reveal", "Show in folder"], notice
    _press(stage, notice, "reveal", "the file manager is asked", lambda: stage.desktop.shown_in_folder)
    shown = [Path(unquote(urlsplit(uri).path)) for uri in stage.desktop.shown_in_folder]
    assert shown == [stage.downloads / "sun & sea.mov"], shown


def a_failed_download_is_told_and_retried(stage):
    stage.start("--hidden")
    stage.tray()
    address = stage.serve()
    stage.ropeway("add", f"{address}/late.bin")
    until("the user is told", lambda: stage.desktop.notices)
    notice = stage.desktop.notices[0]
    assert notice.summary == "Transfer failed: late.bin", notice
    assert notice.actions[2:] == ["retry", "Retry"], notice
    original = stage.served_file("late.bin", MEGABYTE)
    _press(stage, notice, "retry", "the retry is told", lambda: _summaries(stage)[1:] == ["Downloaded: late.bin"])
    assert digest(stage.downloads / "late.bin") == digest(original)


def notifications_speak_the_language_of_the_window_and_keep_it(stage):
    page = stage.page()
    page.choose_language("de")
    until("the words are kept", lambda: "Beenden" in _kept_words(stage))
    page.close()
    # Nobody has opened a window yet that could say in which language.
    stage.start("--hidden")
    stage.tray()
    address = stage.serve()
    stage.served_file("da.bin", 1000)
    stage.ropeway("add", f"{address}/da.bin", f"{address}/fort.bin")
    until("both are told", lambda: len(stage.desktop.notices) == 2)
    done, failed = sorted(stage.desktop.notices, key=lambda notice: notice.summary)
    assert done.summary == "Heruntergeladen: da.bin", done
    assert done.body.startswith("von 127.0.0.1"), done
    assert done.actions == ["default", "Ropeway anzeigen", "reveal", "Im Ordner zeigen"], done
    assert failed.summary == "Übertragung gescheitert: fort.bin", failed
    host = address.removeprefix("http://")
    assert failed.body.startswith(f"{host} hat diese Datei nicht.\nPrüfen Sie die Adresse"), failed
    assert failed.actions[1::2] == ["Ropeway anzeigen", "Nochmals versuchen"], failed


def _kept_words(stage):
    words = stage.folder / "config" / "words.json"
    return words.read_text() if words.exists() else ""


def a_batch_is_told_in_one_sum(stage):
    stage.start("--hidden")
    stage.tray()
    address = stage.serve()
    names = [f"{number}.bin" for number in range(30)]
    for number, name in enumerate(names):
        stage.served_file(name, 1000, seed=number)
    stage.ropeway("add", *(f"{address}/{name}" for name in names))
    until("the sum is told", lambda: "Completed: 27" in _summaries(stage))
    assert len(stage.desktop.notices) == 4, _summaries(stage)
    _press(stage, stage.desktop.notices[-1], "default", "the sum opens the window", lambda: screen.windows(WINDOW))


def nothing_is_told_when_the_user_wants_it_so(stage):
    stage.settings(download_folder=str(stage.downloads), told_about_tray=True, notifications=False)
    stage.start("--hidden")
    stage.tray()
    stage.served_file("quiet.bin", 1000)
    stage.ropeway("add", f"{stage.serve()}/quiet.bin")
    until("the download completes", (stage.downloads / "quiet.bin").exists)
    stays("nobody is told", lambda: not stage.desktop.notices, 1)
