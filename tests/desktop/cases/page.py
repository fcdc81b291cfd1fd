"""The page in the window, worked by hand: add, pause, resume."""
import socket

from rig import screen
from rig.stage import MEGABYTE, digest
from rig.waiting import stays, until


def _row(page, name):
    """What the row of this name shows."""
    script = """
        const row = [...document.querySelectorAll("[data-job]")].find((row) => row.textContent.includes(arguments[0]));
        return row && { phase: row.dataset.phase, text: row.textContent };
    """
    return page.run(script, name) or {"phase": None, "text": ""}


def _phase(page, name):
    return _row(page, name)["phase"]


def _moved(page, name):
    """Bytes that the engine says have arrived."""
    jobs = page.call("snapshot")["jobs"]
    return next((job["progress"]["moved"] for job in jobs if job["name"] == name), 0)


def _add(page, address, **fields):
    """Adds a download as a user does: button, box, button."""
    page.button("Add")
    page.write("//textarea", address)
    if "limit" in fields:
        page.click("//summary[normalize-space(.)='More'] | //button[normalize-space(.)='More']")
        page.write("//label[contains(., 'Limit')]/following::input[1]", fields["limit"])
    page.button("Add download")


def a_download_added_in_the_dialog_completes(stage):
    page = stage.page()
    original = stage.served_file("disk image.bin", 24 * MEGABYTE)
    _add(page, f"{stage.serve()}/disk%20image.bin")
    until("the row is completed", lambda: _phase(page, "disk image.bin") == "completed")
    stage.keep("completed")
    assert digest(stage.downloads / "disk image.bin") == digest(original)
    row = _row(page, "disk image.bin")["text"]
    assert "100%" in row and "24.0 MiB" in row and "Completed" in row, row
    assert sorted(path.name for path in stage.downloads.iterdir()) == ["disk image.bin"], "nothing else is left behind"


def a_bad_address_is_explained_and_nothing_is_added(stage):
    page = stage.page()
    _add(page, "gopher://example.org/x")
    page.the("//*[contains(., 'gopher') and @role='alert'] | //li[contains(., 'gopher')]")
    stage.keep("refused")
    assert page.find("//*[@data-job]") == []


def a_download_is_paused_and_resumed_by_its_buttons(stage):
    page = stage.page()
    original = stage.served_file("footage.mov", 16 * MEGABYTE)
    _add(page, f"{stage.serve('--limit', '4M')}/footage.mov")
    until("bytes arrive", lambda: _moved(page, "footage.mov") > MEGABYTE)
    page.button("Pause: footage.mov")
    until("the row is paused", lambda: _phase(page, "footage.mov") == "paused")
    stage.keep("paused")
    kept = _moved(page, "footage.mov")
    assert MEGABYTE < kept < 16 * MEGABYTE, kept
    stays("a paused job stands still", lambda: _moved(page, "footage.mov") == kept, 1.5)
    page.button("Resume: footage.mov")
    until("the row is completed", lambda: _phase(page, "footage.mov") == "completed", 30)
    assert digest(stage.downloads / "footage.mov") == digest(original)


def all_downloads_are_paused_and_resumed_by_the_toolbar(stage):
    page = stage.page()
    address = stage.serve("--limit", "2M")
    for name in ("a.bin", "b.bin"):
        stage.served_file(name, 8 * MEGABYTE)
        _add(page, f"{address}/{name}")
    until("both run", lambda: [_phase(page, name) for name in ("a.bin", "b.bin")] == ["running", "running"])
    page.button("Pause all")
    until("both are paused", lambda: [_phase(page, name) for name in ("a.bin", "b.bin")] == ["paused", "paused"])
    page.button("Resume all")
    until("both go on", lambda: {_phase(page, name) for name in ("a.bin", "b.bin")} <= {"running", "completed"})


def the_page_cannot_reach_the_network_nor_make_code(stage):
    page = stage.page()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        attempt = """
            const [address] = arguments;
            const picture = new Image();
            const ends = [fetch(address, { mode: "no-cors" }), new Promise((yes, no) => { picture.onload = yes; picture.onerror = no; })];
            picture.src = address;
            return Promise.allSettled(ends).then((settled) => settled.map(({ status }) => status));
        """
        assert page.promised(attempt, address) == ["rejected", "rejected"]
        try:
            listener.accept()
            raise AssertionError("a request left the page")
        except BlockingIOError:
            pass
    made = page.run("try { return new Function('return 1')() } catch (refusal) { return refusal.name }")
    assert made == "EvalError", made


def the_page_has_no_other_way_to_the_shell(stage):
    page = stage.page()
    for command in ("plugin:dialog|open", "plugin:clipboard-manager|read_text", "plugin:window|close", "plugin:app|version"):
        attempt = "return window.__TAURI_INTERNALS__.invoke(arguments[0], {}).then(() => 'allowed', String)"
        answer = page.promised(attempt, command)
        assert "not allowed" in answer, (command, answer)


def a_folder_is_chosen_in_the_desktop_s_own_dialog(stage):
    page = stage.page()
    chosen = stage.folder / "a folder of mine"
    chosen.mkdir()
    page.button("Add")
    page.button("Browse…")
    until("the dialog is there", lambda: screen.windows(_FOLDER_DIALOG))
    # The first slash turns the list into a box for a path, and the letters typed meanwhile are lost.
    screen.press("slash")
    stage.keep("dialog")
    screen.write(f"{chosen}/".removeprefix("/"))
    screen.press("Return")
    until("the dialog is gone", lambda: not screen.windows(_FOLDER_DIALOG))
    fields = "return [...document.querySelectorAll('dialog input, [role=dialog] input')].map((field) => field.value)"
    until("the field has the folder", lambda: str(chosen) in page.run(fields))


_FOLDER_DIALOG = "^(Open Folder|Select Folder|Choose.*)$"


def rows_are_dragged_within_the_queue(stage):
    page = stage.page()
    options = {"headers": [], "priority": "normal", "paused": True}
    text = "\n".join(f"http://127.0.0.1:9/file-{number}.bin" for number in range(1, 5))
    page.call("job_add", text=text, options=options)
    until("the rows are there", lambda: _place(page, "file-4.bin"))
    # In an order by size the rows stay where they are; the list offers the order in which they can be moved.
    page.button("Size")
    page.drag(_place(page, "file-1.bin"), _place(page, "file-3.bin"))
    page.button("Sort by queue order")
    until("the first added is on top", lambda: _place(page, "file-1.bin")[1] < _place(page, "file-4.bin")[1])
    assert _queue(page) == [f"file-{number}.bin" for number in range(1, 5)]
    x, y = _place(page, "file-3.bin")
    page.drag(_place(page, "file-1.bin"), (x, y + ROW // 3))
    until("the row stands behind the third", lambda: _queue(page) == ["file-2.bin", "file-3.bin", "file-1.bin", "file-4.bin"])


ROW = 36


def _place(page, name):
    """A row's name in the page, in its pixels; nothing while there is no such row."""
    script = """
        const row = [...document.querySelectorAll("[data-job]")].find((row) => row.textContent.includes(arguments[0]));
        const box = row?.getBoundingClientRect();
        return box && [Math.round(box.x + 90), Math.round(box.y + box.height / 2)];
    """
    return page.run(script, name)


def _queue(page):
    jobs = page.call("snapshot")["jobs"]
    return [job["name"] for job in sorted(jobs, key=lambda job: job["position"])]
