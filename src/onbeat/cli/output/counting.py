"""How far long work is, on a terminal, on one line that is written over."""

from __future__ import annotations

import sys


class Counting:
    """Says how many are done; nothing where nobody would see it."""

    def __init__(self, what: str) -> None:
        """`what` is said behind the number."""
        self._what = what
        self._is_seen = sys.stderr.isatty()

    def tell(self, count: int) -> None:
        """So many are done."""
        if self._is_seen:
            sys.stderr.write(f"\r\033[K{count:,} {self._what}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line as it was."""
        if self._is_seen:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
