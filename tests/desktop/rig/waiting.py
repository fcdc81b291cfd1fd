"""Waiting for what must become true, never for time to pass."""
import time

PATIENCE_S = 20.0
POLL_S = 0.05


class Missed(AssertionError):
    """What was waited for did not come."""


def until(what, condition, seconds=PATIENCE_S):
    """The first true answer of `condition`, asked again and again."""
    end = time.monotonic() + seconds
    last = None
    while True:
        last = condition()
        if last:
            return last
        if time.monotonic() > end:
            raise Missed(f"{what}: not within {seconds:g} s (last answer: {last!r})")
        time.sleep(POLL_S)


def stays(what, condition, seconds):
    """Fails as soon as `condition` is not true during these seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = condition()
        if not answer:
            raise Missed(f"{what}: no longer ({answer!r})")
        time.sleep(POLL_S)
