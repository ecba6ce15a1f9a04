"""Counts, durations and foreign text as they stand in sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

NONE = "-"
SPANS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def one_line(text: str) -> str:
    """`text` on one line, and without anything that a terminal would obey."""
    return visible(" ".join(text.split()))


def visible(text: str) -> str:
    """`text` with control characters written out: what a job logged must not move the cursor."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in text
    )


def lasting(duration: timedelta | None) -> str:
    """A duration in at most two units: "12 ms", "1.5 s", "3 m 5 s", "2 h 4 m"."""
    if duration is None:
        return NONE
    seconds = duration.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    for (size, unit), (smaller, below) in pairwise(SPANS):
        if seconds >= size:
            rest = int(seconds % size // smaller)
            return f"{int(seconds // size)} {unit}" + (f" {rest} {below}" if rest else "")
    return f"{seconds:.0f} s"


def moment(at: datetime) -> str:
    """A moment to the second, as `2027-01-04 08:00:00 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def many(count: int, word: str) -> str:
    """Count and noun: "1 job", "3 jobs"."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")
