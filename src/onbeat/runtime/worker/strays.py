"""Jobs leased to this worker that it does not know of: a claim was committed, its answer was lost.

Nobody else would ever take them: the session they are leased to lives. So after a claim that
failed, the leases of the session are compared with what is held here, and what is not is given
back; again and again until no claim sent before can still be committed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from onbeat.domain.outcomes import Ack
from onbeat.store import workers
from onbeat.store.store import Store

LATEST = 35.0
"""Seconds after which the server has ended a claim we gave up on: its deadline is 30 s."""

LOOK_EVERY = 5.0

Held = Callable[[], Collection[int]]
"""The tokens of all jobs that lie, run, or wait for their outcome to be stored here."""


class Strays:
    """Finds and gives back the leases of a session that nobody here holds."""

    def __init__(self, store: Store, held: Held, give_back: Callable[[Ack], None]) -> None:
        """Compare the leases in `store` with those `held`."""
        self._store = store
        self._held = held
        self._give_back = give_back
        self._look_at = float("inf")
        self._until = float("-inf")

    def suspect(self) -> None:
        """A claim has failed; whether it was committed is not known."""
        now = self._store.timing.monotonic()
        self._look_at, self._until = now, now + LATEST

    async def settle(self, session: str) -> None:
        """Look, if there is reason to, and give back what is found."""
        now = self._store.timing.monotonic()
        if now < self._look_at:
            return
        # What ends meanwhile is held before and gone after; what comes, the other way round.
        before = frozenset(self._held())
        leases = await self._store.read(
            lambda connection, _: workers.leases_of(connection, session)
        )
        held = before.union(self._held())
        for lease in leases:
            if lease.token not in held:
                self._give_back(_unknown(lease.token, lease.attempt))
        self._look_at = now + LOOK_EVERY if now < self._until else float("inf")


def _unknown(token: int, attempt: int) -> Ack:
    return Ack(
        token=token,
        move="release",
        outcome="interrupted",
        spent=attempt - 1,
        reason="claimed, but the answer did not reach the worker",
    )
