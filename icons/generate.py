#!/usr/bin/env python3
"""Makes every icon from ropeway.svg: generate.py [--check]

Needs rsvg-convert (Debian: librsvg2-bin). With --check nothing is drawn: it fails if the icons were made from another
drawing or by another version of this script.
"""
import hashlib
import re
import struct
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SOURCE = FOLDER / "ropeway.svg"
STAMP = FOLDER / "made-from.sha256"

# Sizes in pixels of the images that a desktop file, a package or a window wants.
PNG_SIZES = (16, 32, 48, 64, 128, 256, 512)
ICO_SIZES = (16, 24, 32, 48, 64, 256)
# Apple's chunk names and the pixels each holds.
ICNS_CHUNKS = (("icp4", 16), ("icp5", 32), ("ic07", 128), ("ic08", 256), ("ic09", 512), ("ic11", 32), ("ic12", 64), ("ic13", 256), ("ic14", 512))
TRAY_SIZE = 64
# Seen on a light and on a dark panel: contrast of at least 4:1 with white and with black.
TRAY_COLOUR = "#2f7fd6"
# macOS recolours a black template by itself.
TEMPLATE_COLOUR = "#000000"


def draw(svg: str, size: int) -> bytes:
    """The drawing as a PNG of `size` × `size` pixels."""
    return subprocess.run(
        ["rsvg-convert", "--width", str(size), "--height", str(size)], input=svg.encode(), stdout=subprocess.PIPE, check=True
    ).stdout


def one_colour(svg: str, colour: str) -> str:
    """The mark alone, without its tile, filling the square."""
    without_tile, tiles = re.subn(r'<rect id="tile"[^>]*/>', "", svg)
    coloured, marks = re.subn(r'(<g id="mark" fill=")[^"]*', rf"\g<1>{colour}", without_tile)
    assert (tiles, marks) == (1, 1), "ropeway.svg has one #tile and one #mark with a fill"
    return coloured.replace('viewBox="0 0 64 64"', 'viewBox="3 2 58 58"')


def ico(images: dict[int, bytes]) -> bytes:
    """A Windows icon that holds PNGs."""
    offset = 6 + 16 * len(images)
    directory, bodies = struct.pack("<HHH", 0, 1, len(images)), b""
    for size, image in images.items():
        directory += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(image), offset + len(bodies))
        bodies += image
    return directory + bodies


def icns(images: dict[int, bytes]) -> bytes:
    """An Apple icon that holds PNGs."""
    chunks = b"".join(name.encode() + struct.pack(">I", 8 + len(images[size])) + images[size] for name, size in ICNS_CHUNKS)
    return b"icns" + struct.pack(">I", 8 + len(chunks)) + chunks


def stamp() -> str:
    """Names the drawing and this script by their content."""
    return hashlib.sha256(SOURCE.read_bytes() + Path(__file__).read_bytes()).hexdigest() + "\n"


def generate() -> None:
    svg = SOURCE.read_text()
    images = {size: draw(svg, size) for size in sorted({*PNG_SIZES, *ICO_SIZES, *(size for _, size in ICNS_CHUNKS)})}
    for size in PNG_SIZES:
        (FOLDER / f"ropeway-{size}.png").write_bytes(images[size])
    (FOLDER / "ropeway.ico").write_bytes(ico({size: images[size] for size in ICO_SIZES}))
    (FOLDER / "ropeway.icns").write_bytes(icns(images))
    (FOLDER / "tray.png").write_bytes(draw(one_colour(svg, TRAY_COLOUR), TRAY_SIZE))
    (FOLDER / "tray-template.png").write_bytes(draw(one_colour(svg, TEMPLATE_COLOUR), TRAY_SIZE))
    STAMP.write_text(stamp())


if sys.argv[1:] == ["--check"]:
    if not STAMP.exists() or STAMP.read_text() != stamp():
        sys.exit("the icons are older than ropeway.svg: run icons/generate.py")
elif sys.argv[1:]:
    sys.exit(__doc__)
else:
    generate()
