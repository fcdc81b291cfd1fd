"""Things dragged from other programs onto the window."""
from rig import screen
from rig.stage import MEGABYTE, WINDOW, digest
from rig.waiting import until


def _middle(of=WINDOW):
    x, y, width, height = screen.place(of)
    return x + width // 2, y + height // 2


def a_file_dragged_onto_a_target_arrives_there(stage):
    original = stage.local_file("footage day 3.mov", 3 * MEGABYTE)
    address = stage.serve()
    page = stage.page()
    page.call("target_save", name="NAS", address=f"{address}/")
    page.the("//aside//*[contains(., 'NAS')] | //nav//*[contains(., 'NAS')]")
    source = stage.drag_source("files", original)

    def onto_the_zone():
        zone = until("the overlay offers the target", lambda: _zone(page, "NAS"))
        stage.keep("overlay")
        x, y, *_ = screen.place(WINDOW)
        target = (x + zone["x"], y + zone["y"])
        screen.point(target)
        screen.point((target[0] + 2, target[1] + 2))
        until("the zone is marked", lambda: _zone(page, "NAS")["over"])

    screen.drag(source, _middle(), hold=onto_the_zone)
    arrived = stage.served / original.name
    until("the file arrives", arrived.exists)
    stage.keep("uploaded")
    assert digest(arrived) == digest(original)
    until("the row is completed", lambda: [job["phase"]["kind"] for job in page.call("snapshot")["jobs"]] == ["completed"])


def _zone(page, name):
    """The middle of a zone of the overlay, in the page's pixels."""
    script = """
        const zone = [...document.querySelectorAll("[data-drop-target]")].find((zone) => zone.textContent.includes(arguments[0]));
        if (!zone) return null;
        const { x, y, width, height } = zone.getBoundingClientRect();
        return { x: Math.round(x + width / 2), y: Math.round(y + height / 2), over: zone.classList.contains("over") };
    """
    return page.run(script, name)


def files_dropped_beside_the_targets_open_the_dialog(stage):
    files = [stage.local_file(name, 1000) for name in ("one.txt", "two.txt")]
    page = stage.page()
    screen.drag(stage.drag_source("files", *files), _middle())
    page.the("//*[@role='dialog' or self::dialog]")
    box = until("the dialog has both files", lambda: page.dialog_text())
    assert all(str(file) in box for file in files), box


def a_link_dragged_from_a_browser_is_offered_unharmed(stage):
    link = "https://example.org/a%2Fb%20c.iso?sig=%2B"
    page = stage.page()
    screen.drag(stage.drag_source("uris", link), _middle())
    until("the link is in the box", lambda: link in page.dialog_text())
    stage.keep("link")
    assert page.call("snapshot")["jobs"] == []


def a_dropped_metalink_offers_the_files_it_names(stage):
    document = stage.metalink("set.meta4", "a.iso", "b.iso")
    page = stage.page()
    screen.drag(stage.drag_source("files", document), _middle())
    until("the dialog names its files", lambda: "Metalink with 2 files" in page.dialog_text())
    stage.keep("metalink")


def dropped_text_becomes_downloads(stage):
    original = stage.served_file("note.txt", 1000)
    address = stage.serve()
    page = stage.page()
    screen.drag(stage.drag_source("text", f"{address}/note.txt"), _middle())
    until("the download completes", (stage.downloads / "note.txt").exists)
    assert digest(stage.downloads / "note.txt") == digest(original)


def a_drag_that_leaves_the_window_leaves_nothing_behind(stage):
    page = stage.page()
    is_shown = "return document.querySelector('.overlay') !== null"
    x, y, width, height = screen.place(WINDOW)
    for kind, what in (("text", "https://example.org/x"), ("files", stage.local_file("x", 10))):
        source, process = stage.drag_source(kind, what), stage.started[-1]

        def out_again():
            until("the overlay is there", lambda: page.run(is_shown))
            for step in range(1, 6):
                screen.point((x + width // 2, y + height // 2 + step * (height // 2 + 20) // 5))
            until("the overlay is gone", lambda: not page.run(is_shown))

        screen.drag(source, _middle(), hold=out_again)
        process.terminate()
        process.wait()
    assert page.call("snapshot")["jobs"] == []
