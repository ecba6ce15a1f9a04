"""The service that listens to a source: one process does, and another takes over when it is gone.

    transport ── pump ──▶ backlog ── step ──▶ carry: a job, a clock, a schedule
       ▲  cut: again, 0.1 s to 1 s apart          │ store out of reach: the message stays first
       └──────────────── took ◀───────────────────┘

The pump goes on receiving while the store is out of reach, so that of what comes once as much as
the backlog holds is kept. A transport out of reach is no failure of the service: it is in ERROR,
says why, and goes on by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from onbeat.domain.errors import SourceUnavailable, StoreError
from onbeat.domain.events import MessagesDropped, SourceConnected, SourceCut
from onbeat.domain.services import Snapshot, retry_delay
from onbeat.domain.sources.listening import Carried, Listening
from onbeat.domain.sources.messages import Message
from onbeat.domain.sources.telling import told_aside
from onbeat.runtime.lease import Duty
from onbeat.sources.backlog import MOST_WAITING, Backlog
from onbeat.sources.connector import Connector, Transport
from onbeat.store.store import Store
from onbeat.timing import within

SERVICE: Final = "source:"
"""How the ids of these services begin; the name of the source follows."""

AT_ONCE: Final = 100
"""Messages that are taken in one transaction, and of which the transport is told together."""

SLICE: Final = 1.0
"""Seconds in which messages are taken before it is looked whether more can come."""

LOOK_EVERY: Final = 2.0
"""Seconds between two looks at what the transport still holds."""

LAST_WORK: Final = 5.0
"""Seconds in which a listener that ends takes what came and would not come again."""

OTHERS_AFTER: Final = 10.0
"""Seconds without a connection after which another process may try: the way there may be ours."""


Carry = Callable[[Sequence[Message]], Awaitable[Sequence[Carried]]]
"""Does what the first of some messages asks for, or the first few; what came of so many. Raises
StoreError where that cannot be stored now.
"""


class SourceListener(Duty):
    """Listens to one source, and has each message carried out, one after the other."""

    works_while_paused = True

    def __init__(
        self, store: Store, transport: Transport, make: Callable[[], Connector], carry: Carry,
        others_after: float = OTHERS_AFTER, **options: Any,
    ) -> None:  # fmt: skip
        """Listen by what `make` makes; `carry` does what a message asks for."""
        super().__init__(store, id=SERVICE + transport.name, **options)
        self._transport = transport
        self._connector = make()
        self._carry = carry
        self._backlog = Backlog()
        self._room = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._untold: list[Message] = []
        """What was taken, and the transport could not be told of yet."""
        self._heard = Listening(kind=transport.kind)
        self._cut_at: float | None = None
        self._ours_until = float("-inf")
        """When the lease that was taken last is over, and another may listen."""
        self._others_after = others_after
        self._turn_began: float | None = None
        """Since when the duty is ours."""
        self._rests_until = float("-inf")
        """Until when others may take the duty that was given up."""
        self._looked_at = float("-inf")

    async def step(self) -> float:
        """Listen if nobody else does; let others have it while this is paused."""
        if self.is_paused:
            await self._leave()
            return self.term.total_seconds()
        has_reached = self._pump is not None and self._cut_at is None
        if not has_reached and self.timing.monotonic() < self._rests_until:
            raise SourceUnavailable(self._heard.error or "")
        self._rests_until = float("-inf")
        rest = await super().step()
        if not self._holds:
            self._turn_began = None
            await self._hand_over()
        return rest

    async def perform(self) -> float:
        """Take what comes, until the duty is to be kept again.

        Raises SourceUnavailable while nothing can come, and StoreError.
        """
        now = self.timing.monotonic()
        pump = self._begin_turn(now)
        ends = now + self.term.total_seconds() / 3
        while (left := ends - self.timing.monotonic()) > 0:
            self.woken.clear()
            if self.draining or self.is_paused:
                break
            if pump.done():
                pump.result()
            await self._tell_taken()
            await self._take_all(self.timing.monotonic() + SLICE)
            await self._look()
            if self._cut_at is not None:
                await self._let_others_try(self._cut_at)
                raise SourceUnavailable(self._heard.error or "")
            if self._in_outage:
                break  # what was out of reach is there again: that is told at once
            if self._backlog:
                continue
            await self.timing.wait(self.woken, min(left, LOOK_EVERY))
        return 0.0

    async def clean_up(self) -> None:
        """Take what would not come again, hang up, and let another listen."""
        await self._leave()

    def resume(self) -> None:
        """Go on, and listen at once if nobody else does."""
        super().resume()
        self.wake()

    def snapshot(self) -> Snapshot:
        """How it stands; what it listens to is told by who listens."""
        seen = super().snapshot()
        return replace(seen, listening=self.listening) if self._holds else seen

    @property
    def listening(self) -> Listening:
        """How it stands with the source now."""
        if not self._backlog:
            return self._heard
        age = timedelta(seconds=self.timing.monotonic() - self._backlog.since)
        heard = self._heard
        return replace(
            heard, waiting=heard.waiting + len(self._backlog), behind=max(age, heard.behind)
        )

    async def _leave(self) -> None:
        if self._pump is not None:
            await self._hang_up()
        if self._backlog:
            with suppress(TimeoutError, StoreError):
                async with within(LAST_WORK):
                    await self._take_all(self.timing.monotonic() + LAST_WORK)
        if self.draining or self.is_paused:
            self._drop(len(self._backlog), "it ended before they could be stored")
            self._backlog.clear()
        self._turn_began = None
        if self._holds:
            self._holds = False
            await super().clean_up()

    def _begin_turn(self, now: float) -> asyncio.Task[None]:
        """Note for how long the duty is ours, and receive."""
        self._ours_until = now + self.term.total_seconds()
        if self._turn_began is None:
            self._turn_began = now
        if self._pump is None:
            self._pump = asyncio.create_task(self._receive(), name=f"onbeat-{self.id}-pump")
        return self._pump

    async def _let_others_try(self, cut_at: float) -> None:
        """Give the duty up where the source could not be reached for long. One that keeps nothing
        is still tried, and whoever reaches it competes for the duty at once.
        """
        now = self.timing.monotonic()
        if now - max(cut_at, self._turn_began or cut_at) < self._others_after:
            return
        await super().clean_up()
        self._holds, self._turn_began, self._ours_until = False, None, now
        if self._transport.redelivers:
            heard = self._heard
            await self._hang_up()  # what it was given now would be waited for by who listens
            self._cut_at, self._heard = cut_at, heard  # it is cut as before, which was said
        # Others look a third of a term apart.
        self._rests_until = now + self.term.total_seconds() / 2

    async def _hand_over(self) -> None:
        """Let another listen; what came before it did, and it could not hear, is still taken.

        Raises StoreError, and then what was not taken stays until the next step.
        """
        if self._pump is not None:
            await self._hang_up()
            late = self._backlog.drop_after(self._ours_until)
            self._drop(late, "they came after the lease was over; another may have heard them")
        self._cut_at = None
        if self._backlog:
            await self._take_all(self.timing.monotonic() + LAST_WORK)

    def _drop(self, count: int, why: str) -> None:
        if count:
            self.emit(MessagesDropped(self._transport.name, count, why))

    async def _hang_up(self) -> None:
        """Receive no more; what came and was not taken is another's, if it comes again."""
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.cancel()
            await asyncio.wait([pump])
            with suppress(SourceUnavailable):
                await self._tell_taken()
        self._untold.clear()
        if self._transport.redelivers:
            self._backlog.clear()
        else:
            self._keep(await self._connector.drain())
            self._drop(self._connector.lost, "there was no room for them as it hung up")
        await self._connector.close()
        self._room.set()
        self._cut_at = None
        self._heard = replace(self._heard, is_connected=False, since=None, waiting=0)

    async def _receive(self) -> None:
        """Connect, receive, and connect again where that is cut, for as long as it takes."""
        tries, never = 0, asyncio.Event()
        while True:
            try:
                await self._connector.connect()
                tries = 0
                self._connected()
                while True:
                    await self._await_room()
                    self._keep(await self._connector.receive())
            except SourceUnavailable as error:
                tries += 1
                self._cut(str(error))
                await self._connector.close()
            await self.timing.wait(never, retry_delay(tries).total_seconds())

    async def _await_room(self) -> None:
        while self._backlog.is_full:
            self._room.clear()
            await self._room.wait()

    def _keep(self, messages: Sequence[Message]) -> None:
        """Keep all of them, without a pause in which some could be lost."""
        self._backlog.add(messages, self.timing.monotonic())
        if messages:
            self.wake()

    def _connected(self) -> None:
        if self._transport.redelivers:
            self._backlog.clear()  # all of it comes again
            self._untold.clear()
        away = None if self._cut_at is None else self.timing.monotonic() - self._cut_at
        self._cut_at = None
        self._heard = replace(self._heard, is_connected=True, since=self._now(), error=None)
        self.emit(SourceConnected(
            self._transport.name, None if away is None else timedelta(seconds=away),
            may_have_lost=not self._transport.redelivers,
        ))  # fmt: skip
        self._tell()

    def _cut(self, error: str) -> None:
        is_new = self._cut_at is None
        if is_new:
            self._cut_at = self.timing.monotonic()
            self.emit(SourceCut(self._transport.name, error))
        since = self._now() if is_new else self._heard.since
        self._heard = replace(self._heard, is_connected=False, since=since, error=error)
        if is_new:
            self._tell()

    def _tell(self) -> None:
        self.told_change()
        self.wake()

    def _now(self) -> datetime:
        return self.timing.now()

    async def _take_all(self, ends: float) -> None:
        """Take what waits, in order. Raises StoreError, and then what was not taken stays."""
        while self._backlog and self.timing.monotonic() < ends:
            waiting = self._backlog.first(AT_ONCE)
            carried = await self._carry(waiting)
            taken = waiting[: len(carried)]
            for message, came in zip(taken, carried, strict=True):
                self._backlog.take(message)
                self._count(message, came)
            self._room.set()
            if self._transport.redelivers:
                self._untold += taken
                await self._tell_taken()

    async def _tell_taken(self) -> None:
        """A transport that cannot be told now is told later: what it would send again after longer
        than keys are kept would be done again. Raises SourceUnavailable where that is for many.
        """
        told = list(self._untold)
        if not told:
            return
        try:
            await self._connector.took(told)
        except SourceUnavailable:
            if len(told) >= MOST_WAITING:
                raise
        else:
            del self._untold[: len(told)]

    def _count(self, message: Message, carried: Carried) -> None:
        count = getattr(self._heard, carried.came) + 1
        self._heard = replace(self._heard, last_at=self._now(), **{carried.came: count})
        if carried.reason is not None:
            self.emit(told_aside(self._transport.name, message, carried.reason))

    async def _look(self) -> None:
        """See what the transport still holds."""
        now = self.timing.monotonic()
        if now - self._looked_at < LOOK_EVERY or not self._heard.is_connected:
            return
        self._looked_at = now
        with suppress(SourceUnavailable):
            held = await self._connector.behind()
            if held is not None:
                self._heard = replace(self._heard, waiting=held.waiting, behind=held.since)
