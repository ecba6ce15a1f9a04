"""How many jobs limits let a worker hold at once, and so how many it asks for.

With 1,000 keys of one at once each, a claim of all that has room leaves nothing to claim until all
of that has ended: the worker waits for the store, and the store for the worker. So it asks for half
of what it may hold: one half is claimed, and the ends of it are stored, while the other is run.
"""

from __future__ import annotations

from onbeat.runtime.worker.demand import MOST_AT_ONCE
from onbeat.store.granting import Sight

FEWEST = 100
"""Jobs that are worth to be claimed in halves: what a claim of fewer takes is mostly its own."""

LEARN_AGAIN_AFTER = 32
"""Claims after which all is asked for again: what others hold, and the limits, change meanwhile."""


class Share:
    """How many may be held, learned from claims behind which nobody had room."""

    def __init__(self) -> None:
        """Know of no limit."""
        self._most: int | None = None
        self._claims = 0

    def forget(self) -> None:
        """Know of no limit."""
        self._most = None
        self._claims = 0

    def learn(self, asked: int, got: int, held: tuple[int, int], sight: Sight) -> None:
        """See how a claim went, with so many `held` before and after, what it brought left out."""
        self._claims += 1
        before, after = held
        if sight.is_used_up:  # some may have ended before it looked, and some after
            self._hold((before + after) // 2 + got)
        elif got < asked or self._claims >= LEARN_AGAIN_AFTER:
            self.forget()
        elif sight.has_sole_slots and (self._most is not None or asked == MOST_AT_ONCE):
            # It may have waited for those slots until ends under way were stored.
            self._hold(max(after + got, self._most or 0))

    def _hold(self, most: int) -> None:
        self._most = most if most >= FEWEST else None

    def wanted(self, wanted: int, busy: int, ending: int) -> int:
        """How many of `wanted` to ask for; none while those that are `ending` will make room.

        Those that are `busy` may take long: nothing waits for them.
        """
        if self._most is None:
            return wanted
        half = self._most // 2
        if ending and self._most - busy - ending < half:
            return 0
        return min(wanted, half)
