"""What a command writes: lines into the run's log as they come, and the last ones for its record.

However much it writes, only so much is held: past a limit its lines are no longer made, and of
each piece that arrives just the end is looked at.
"""

from __future__ import annotations

import asyncio
from collections import deque

from onbeat.runtime.run import RunLog

MOST_LOGGED = 1024 * 1024
"""Bytes of a run's output that go into its log."""

MOST_LINES = 5_000
LONGEST_LINE = 4_096
"""Bytes; what is over it is cut."""

PIECE = 64 * 1024
END = 4_096
"""Bytes looked at of a piece, once the log is full."""

TAIL_LINES = 20
LONGEST_TAIL_LINE = 200
"""Characters; the tail must fit into an attempt's error, whose message holds 4,096."""


class Output:
    """Both streams of one command."""

    def __init__(self, log: RunLog) -> None:
        """Write lines into `log`."""
        self._log = log
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._lines = 0
        self._is_cut = False
        self.size = 0
        """Bytes that were written in all."""

    @property
    def tail(self) -> list[str]:
        """The last lines, each cut."""
        return list(self._tail)

    @property
    def _is_full(self) -> bool:
        return self.size > MOST_LOGGED or self._lines >= MOST_LINES

    async def follow(self, stream: asyncio.StreamReader, level: str) -> None:
        """Take what `stream` gives until its end, at `level`."""
        rest = b""
        while piece := await stream.read(PIECE):
            rest = self._take(rest, piece, level)
        if rest:
            self._line(rest, level)

    def _take(self, rest: bytes, piece: bytes, level: str) -> bytes:
        """Make lines of what has come; give what has no end yet."""
        was_full = self._is_full
        self.size += len(piece)
        if was_full and len(piece) > END:
            rest, piece = b"", piece[-END:]
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            self._line(line, level)
        return rest[: LONGEST_LINE + 1]

    def _line(self, line: bytes, level: str) -> None:
        text = line[:LONGEST_LINE].decode(errors="replace").rstrip("\r")
        if len(line) > LONGEST_LINE:
            text += "…"
        self._tail.append(text[:LONGEST_TAIL_LINE])
        if not self._is_full:
            self._lines += 1
            self._log.line(level, text, {})
        elif not self._is_cut:
            self._is_cut = True
            self._log.warning("there is too much output; of what follows only the end is kept")
