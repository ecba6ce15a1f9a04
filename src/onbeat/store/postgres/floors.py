"""Where each line of the queue begins, so that a claim need not look for it among the dead.

A claimed row stays in the index until vacuum removes it, and vacuum cannot while anybody holds an
older snapshot: a forgotten console, a long report, a backup. A claim that walks from the index's
start then passes every row claimed since; measured, 50 rows behind 400,000 dead ones take 28 ms
in place of 0.4. So a claim begins where the last one found its first row, a little before it.

Rows can come to lie below that floor: a transaction that enqueued and was long in committing, a
claim that was taken back, a clock set back. So every so often one claim goes without floors. It
is as often as it is cheap: such claims may take a twentieth of the time. A committed row is found
after at most twenty times what one of them takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MARGIN = 250_000
"""Microseconds below the lowest key found: how long an enqueue of ours may be in committing."""

SHARE = 20
"""Claims without floors take at most one part in so many of the time."""

LONGEST_WITHOUT = 10.0
"""Seconds until the next claim without floors, at most: an outage makes one look slow."""

LANES = range(11)

Line = tuple[str, int]
"""A queue and one of its lanes."""


class Floors:
    """The floors of one process; order keys are microseconds on the database's clock."""

    def __init__(self) -> None:
        """Know nothing: the first claim goes without."""
        self._floors: dict[Line, int] = {}
        self._sweep_at = float("-inf")

    def next(self, now: float, queues: Iterable[str]) -> dict[str, dict[str, int]] | None:
        """The floors for the next claim, queue by lane; None when it is to go without."""
        if now >= self._sweep_at:
            return None
        return {
            queue: {
                str(lane): floor
                for lane in LANES
                if (floor := self._floors.get((queue, lane))) is not None
            }
            for queue in queues
        }

    def swept(self, began: float, ended: float) -> None:
        """A claim went without floors, from `began` to `ended` on the monotonic clock (s)."""
        self._sweep_at = ended + min(SHARE * (ended - began), LONGEST_WITHOUT)

    def learn(
        self, found: Sequence[tuple[str, int, int]], queues: Iterable[str], *, at: int | None
    ) -> None:
        """Note what a claim found: queue, lane and order key of each row, lowest keys first.

        `at` is when it looked if it found fewer than it wanted: it has then seen the end of every
        line, and those where it found nothing begin then. None if it was full.
        """
        lowest: dict[Line, int] = {}
        for queue, lane, key in found:
            if (queue, lane) not in lowest:
                lowest[queue, lane] = key
        if at is not None:
            for queue in queues:
                for lane in LANES:
                    lowest.setdefault((queue, lane), at)
        for line, key in lowest.items():
            self._floors[line] = key - MARGIN
