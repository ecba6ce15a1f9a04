"""How many jobs a worker asks for: its free slots, and a few more when jobs are short."""

from __future__ import annotations

MOST_AT_ONCE = 1_000
"""Jobs in one claim. With 2,000 or 4,000, there and in an ack, no more are run in a second."""

MOST_PREFETCHED = 4_000
"""Jobs held beyond the slots. With 1,000 the next claim begins too late to be back in time, where
claims and runs share the processors: 54 to 68 thousand jobs a second on PostgreSQL."""

SHORT = 0.05
"""A job shorter than this (seconds, on average) is short: more are claimed than there are slots."""

SHORTEST_LOOK = 0.001
"""Seconds of work that say something about how fast jobs go."""

AHEAD = 0.1
"""Seconds of work to have at hand when jobs are short, so that no slot waits for a claim."""

MOST_AHEAD = 0.5
"""Seconds of work held at most, however few jobs that are: more would lie here for too long."""

FORGET_AFTER = 3.0
"""Seconds without a job's end after which nothing is known of the jobs any longer."""


class Demand:
    """How many jobs to ask for: free slots, plus a prefetch that follows how long jobs take."""

    def __init__(self, slots: int) -> None:
        """Begin without prefetch: nothing is known of the jobs yet."""
        self.slots = slots
        self.busy = 0
        self._per_second = 0.0
        self._mean = SHORT
        self._silence = 0.0

    def forget(self) -> None:
        """Know nothing of the jobs, as at the beginning: what was known was of others."""
        self._per_second = 0.0
        self._mean = SHORT
        self._silence = 0.0

    def observe(self, count: int, seconds: float, *, is_full: bool = True) -> None:
        """Learn that `count` jobs ended in the last `seconds`.

        When the worker was not full of work (`is_full`), it could have done more: an idle
        stretch says nothing against what is known, until it has lasted so long that the next
        jobs may be others; and none ended says that jobs are long only when there were jobs.
        """
        if seconds < SHORTEST_LOOK:
            return
        self._silence = 0.0 if count else self._silence + seconds
        if self._silence >= FORGET_AFTER:
            self.forget()
            return
        seen, known = count / seconds, self._per_second
        if is_full and known:
            self._per_second = 0.7 * known + 0.3 * seen
        else:
            self._per_second = max(known, seen)
        self._mean = self.slots / self._per_second if self._per_second else SHORT

    @property
    def prefetch(self) -> int:
        """How many jobs to hold beyond the slots; none when jobs are long."""
        if self._mean >= SHORT:
            return 0
        fewest = min(50, int(self._per_second * MOST_AHEAD))
        return min(MOST_PREFETCHED, max(fewest, int(self._per_second * AHEAD)))

    def wanted(self, buffered: int) -> int:
        """How many to claim now; 0 while there is enough at hand."""
        room = self.slots - self.busy + self.prefetch - buffered
        if room <= 0 or (self.prefetch and buffered > self.prefetch // 2):
            return 0
        return min(room, MOST_AT_ONCE)
