"""Stores acks in batches: as many as came while the batch before was on its way.

An ack whose commit is unknown is sent again until the store answers; its token makes that safe.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import msgspec

from onbeat.domain.attempts import Failure
from onbeat.domain.errors import StoreRefused
from onbeat.domain.events import AckRefused, AcksDelayed, Emit
from onbeat.domain.outcomes import Ack
from onbeat.domain.services import retry_delay
from onbeat.store.store import Store
from onbeat.timing import within

LARGEST_BATCH = 1_000
REFUSALS = (StoreRefused, TypeError, ValueError, msgspec.MsgspecError)
"""What says that a value of an ack cannot be stored or encoded, now or later."""

LINGER = 0.002
"""Seconds a first ack waits for company."""


class Acker:
    """One batch under way at a time; the next gathers meanwhile."""

    def __init__(self, store: Store, emit: Emit) -> None:
        """Store into `store`; acks that came too late are told to `emit`."""
        self._store = store
        self._emit = emit
        self.stored: Callable[[], None] = lambda: None
        """Called each time a batch is."""
        self._waiting: list[Ack] = []
        self._sent: list[Ack] = []
        self._some = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self._task = asyncio.create_task(self._work(), name="onbeat-acker")

    def add(self, ack: Ack) -> None:
        """Take an ack to be stored soon."""
        self._waiting.append(ack)
        if len(self._waiting) == 1:
            self._some.set()
        elif len(self._waiting) >= LARGEST_BATCH:
            self._hurry.set()

    @property
    def tokens(self) -> set[int]:
        """The leases whose end is still to be stored."""
        return {ack.token for ack in self._waiting} | {ack.token for ack in self._sent}

    @property
    def count(self) -> int:
        """How many ends are still to be stored."""
        return len(self._waiting) + len(self._sent)

    async def close(self, grace: float) -> None:
        """Store what is left, for at most `grace` seconds while the store is out of reach."""
        self._closing = True
        self._some.set()
        self._hurry.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                async with within(grace):
                    await asyncio.shield(self._task)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            await self._some.wait()
            if not self._closing and len(self._waiting) < LARGEST_BATCH:
                await self._store.timing.wait(self._hurry, LINGER)
            self._some.clear()
            self._hurry.clear()
            self._sent, self._waiting = self._waiting, []
            if self._sent:
                await self._settle(self._sent)
                self._sent = []
                self.stored()
            if self._waiting:
                self._some.set()
            elif self._closing:
                return

    async def _settle(self, batch: Sequence[Ack], tries: int = 0) -> None:
        """Send `batch` until the store answers; one that it refuses does not hold up the others."""
        while True:
            try:
                applied = await self._store.ack(batch)
            except REFUSALS as error:
                await self._settle_apart(batch, error, tries)
                return
            except Exception as error:
                # Out of reach, read-only for a failover, or in a state nobody foresaw: whatever it
                # is, it says nothing about the jobs. Their outcomes wait, and are told of.
                tries += 1
                await self._rest_after(error, len(batch), tries)
            else:
                break
        if not tries:  # of a batch sent twice, what is missing may have been applied the first time
            for ack in batch:
                if ack.token not in applied:
                    self._emit(AckRefused(ack.token))

    async def _rest_after(self, error: Exception, count: int, tries: int) -> None:
        if _is_worth_saying(tries):
            self._emit(AcksDelayed(count, tries, f"{type(error).__name__}: {error}"))
        never = asyncio.Event()
        await self._store.timing.wait(never, retry_delay(tries).total_seconds())

    async def _settle_apart(self, batch: Sequence[Ack], error: Exception, tries: int) -> None:
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._settle(batch[:middle], tries)
            await self._settle(batch[middle:], tries)
            return
        message = f"the outcome could not be stored: {error}"[:500]
        failure = Failure(type=type(error).__name__, message=message)
        plain = msgspec.structs.replace(
            batch[0],
            move="bury",
            outcome="failed",
            reason=message,
            failure=failure,
            result=None,
            delay=None,
        )
        if batch[0].failure == failure:
            self._emit(AckRefused(batch[0].token))
        else:
            await self._settle([plain], tries)


def _is_worth_saying(tries: int) -> bool:
    """The 1st, 2nd, 4th, 8th, … try: an outage of an hour is a dozen lines, not thousands."""
    return tries & (tries - 1) == 0
