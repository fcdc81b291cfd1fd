"""What a screen reader hears in the window: the way to read a page that no WebDriver started."""
import subprocess
import sys
from pathlib import Path

SCREEN_READER = Path(__file__).with_name("screen_reader.py")


def says(program, text):
    """Whether anything in the program's windows has this text in its name or content.

    A screen reader that crashed heard nothing; whoever waits for the text asks again.
    """
    reader = subprocess.run([sys.executable, SCREEN_READER, str(program), text], stderr=subprocess.DEVNULL, check=False)
    return reader.returncode == 0
