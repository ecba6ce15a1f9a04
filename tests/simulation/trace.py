"""What happened, in order: kept for whoever looks for the cause, and as one hash."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from typing import TextIO

LAST = 40
"""Lines that are kept to be shown when a promise was not kept."""


class Trace:
    """The lines of one run, each with its moment in virtual seconds."""

    def __init__(self, seconds: Callable[[], float], out: TextIO | None = None) -> None:
        """Take the moment from `seconds`; write each line to `out`, where somebody reads it."""
        self._seconds = seconds
        self._out = out
        self._hash = hashlib.blake2b(digest_size=16)
        self.lines = 0
        self.last: deque[str] = deque(maxlen=LAST)

    def add(self, who: str, what: str) -> None:
        """Add a line."""
        line = f"{self._seconds():12.6f} {who:10} {what}"
        self.lines += 1
        self._hash.update(line.encode() + b"\n")
        self.last.append(line)
        if self._out is not None:
            self._out.write(line + "\n")

    @property
    def hash(self) -> str:
        """What two runs share only when everything in them happened alike."""
        return self._hash.hexdigest()
