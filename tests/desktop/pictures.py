#!/usr/bin/env python3
"""Makes the pictures of the README: pictures.py

A real window moves real files, both ways, over the loopback; the names are made up. Writes
docs/screenshots/window-light.png and window-dark.png.
"""
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SYSTEM_PYTHON = "/usr/bin/python3"
if importlib.util.find_spec("gi") is None and Path(sys.executable).resolve() != Path(SYSTEM_PYTHON).resolve():
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, __file__, *sys.argv[1:]])
sys.dont_write_bytecode = True

from rig import bus, runner, session  # noqa: E402  (only the system's own Python has what these need)
from rig.stage import MEGABYTE, Stage, programs  # noqa: E402
from rig.waiting import until  # noqa: E402

PICTURES = runner.ROOT / "docs" / "screenshots"
COLOURS = 256

# Name, megabytes, share that is there when the picture is taken, then bytes a second or what happens to the job. The
# list shows the newest first.
DOWNLOADS = (
    ("thesis-data.tar.zst", 25, 1, "completed"),
    ("field-recordings-2026-10.flac.tar", 40, 1, "completed"),
    ("model-weights-7b.safetensors", 700, 0.31, "paused"),
    ("openstreetmap-europe.osm.pbf", 1400, 0.18, 9 * MEGABYTE),
    ("ubuntu-26.04-desktop-amd64.iso", 2400, 0.2, 12 * MEGABYTE),
)
UPLOAD = ("footage-day-3.mov", 1200, 0.1, 6 * MEGABYTE)
WAITING = ("photos-october.zip", "backup-2026-11-20.tar")
SHOWN = DOWNLOADS[-1][0]
# What the shown download is limited to, one after the other, so that its graph has something to tell.
RATES = (14, 19, 24, 21, 23, 21)
RATE_SAMPLES = 8
# Seen in the picture, so it has a name that looks like a user's.
DOWNLOAD_FOLDER = Path("/tmp/Downloads")


def prepare(stage, address):
    """Moves every file as far as the picture wants it, at full speed."""
    page = stage.page()
    settings = page.call("snapshot")["settings"]
    target = page.call("target_save", name="Studio NAS", address=f"{address}/")
    page.call("target_save", name="Archive", address=f"{address}/archive/")
    # One server has it all here: three transfers with eight connections each.
    limits = {"running_jobs": 3, "server_connections": 24}
    page.call("settings_set", **settings | limits | {"download_folder": str(DOWNLOAD_FOLDER)})
    page.call("job_add", text=f"{address}/press-kit.zip")
    until("the missing file fails", lambda: _job(page, "press-kit.zip")["phase"]["kind"] == "failed")
    for name in WAITING:
        page.call("job_add", text=f"{address}/{name}", options={"paused": True, "priority": "low"})
    for name, _, share, then in DOWNLOADS:
        page.call("job_add", text=f"{address}/{name}")
        _bring(page, name, share, then)
    name, _, share, then = UPLOAD
    page.call("upload_add", paths=[str(stage.folder / name)], target_id=target["id"])
    _bring(page, name, share, then)
    page.call("job_resume", ids=[_job(page, name)["id"] for name in WAITING])
    page.close()
    stage.pages.remove(page)


def scene(stage):
    """The window amid its work, started again: it goes on where it was, and its graphs know no other speed."""
    address = stage.serve()
    for name, megabytes, *_ in DOWNLOADS:
        _sparse(stage.served / name, megabytes)
    for name in WAITING:
        _sparse(stage.served / name, 300)
    _sparse(stage.folder / UPLOAD[0], UPLOAD[1])
    prepare(stage, address)
    page = stage.page()
    page.click(f"//*[@data-job][contains(., '{SHOWN}')]//*[@role='gridcell'][1]")
    page.press("enter")
    number = _job(page, SHOWN)["id"]
    samples = lambda: len(page.call("job_detail", id=number)["speed"])  # noqa: E731
    for count, rate in enumerate(RATES, 1):
        page.call("job_change", ids=[number], rate_limit=rate * MEGABYTE)
        until("the graph has grown", lambda wanted=count * RATE_SAMPLES: samples() >= wanted, 60)
    return page


def _bring(page, name, share, then):
    """Lets a job move its share at full speed, then goes on as the picture wants it."""
    number = _job(page, name)["id"]
    reached = lambda: _share(page, name) >= share  # noqa: E731
    until(f"{name} has its share", reached, 120)
    if then == "paused":
        page.call("job_pause", ids=[number])
    elif then != "completed":
        page.call("job_change", ids=[number], rate_limit=then)
    else:
        until(f"{name} is completed", lambda: _job(page, name)["phase"]["kind"] == "completed")


def _share(page, name):
    progress = _job(page, name)["progress"]
    return progress["moved"] / progress["length"] if progress["length"] else 0


def _job(page, name):
    return next((job for job in page.call("snapshot")["jobs"] if job["name"] == name), None)


def _sparse(file, megabytes):
    with open(file, "wb") as content:
        content.truncate(megabytes * MEGABYTE)


def take(page, theme):
    """One picture, small enough for a README."""
    settings = page.call("snapshot")["settings"]
    page.call("settings_set", **settings | {"theme": theme})
    until("the page has its colours", lambda: page.run("return document.documentElement.dataset.theme") == theme)
    page.paint()
    picture = PICTURES / f"window-{theme}.png"
    page.keep(picture)
    reduce = ["convert", picture, "-strip", "+dither", "-colors", str(COLOURS), "-define", "png:compression-level=9", picture]
    subprocess.run(list(map(str, reduce)), check=True)


def take_all():
    PICTURES.mkdir(parents=True, exist_ok=True)
    DOWNLOAD_FOLDER.mkdir()
    try:
        _take_all()
    finally:
        shutil.rmtree(DOWNLOAD_FOLDER)


def _take_all():
    with bus.Desktop() as desktop, runner.window_manager(), tempfile.TemporaryDirectory() as logs:
        with Stage(desktop, programs(runner.ROOT), Path(logs)) as stage:
            page = scene(stage)
            for theme in ("light", "dark"):
                take(page, theme)


if __name__ == "__main__":
    if os.environ.get(session.INSIDE):
        take_all()
    else:
        sys.exit(session.enter(Path(__file__), sys.argv[1:]))
