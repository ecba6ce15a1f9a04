"""Which tokens come twice, among any number of them, in a bit each.

Tokens are given out one after the other, so the bits lie close: 100 million take 12 MB. There is no
index by token, for nothing else would need it, and a sort of all attempts would hold a snapshot
for as long as it takes.
"""

from __future__ import annotations

from collections.abc import Iterable

PAGE = 1 << 16


class Seen:
    """The tokens that were seen so far."""

    def __init__(self) -> None:
        """Begin with none."""
        self._pages: dict[int, bytearray] = {}
        self.twice: set[int] = set()

    def add(self, tokens: Iterable[int]) -> None:
        """See `tokens`; those that were seen before are kept in `twice`."""
        pages = self._pages
        for token in tokens:
            number, place = divmod(token, PAGE)
            page = pages.get(number)
            if page is None:
                page = pages[number] = bytearray(PAGE // 8)
            bit = 1 << (place & 7)
            if page[place >> 3] & bit:
                self.twice.add(token)
            else:
                page[place >> 3] |= bit
