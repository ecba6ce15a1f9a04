"""A client's breaker: one for the fleet, in the store, and looked at before each request.

While all goes well it is read once a second, and nothing is told. A failure is told at once, and
nobody is held back by what is not so now, or by a store that cannot say; nor for long by one that
is slow to, which is then believed to be away for some seconds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection

from onbeat.domain.breakers import CLOSED, Breaker, BreakerState, Standing
from onbeat.domain.client_errors import CallError, CallHeldBack, held_back
from onbeat.domain.error_classes import RateLimited, Transient
from onbeat.domain.errors import NotFound, StoreError
from onbeat.domain.events import BreakerClosed, BreakerOpened, Emit, discard
from onbeat.domain.keeping import Trust
from onbeat.store import breakers
from onbeat.store.store import Store
from onbeat.timing import SystemTiming, within

T = TypeVar("T")

LOOK_EVERY: Final = 1.0
"""Seconds for which a breaker that was closed is believed to be."""

LOOK_WITHIN: Final = 1.0
"""Seconds for which a request waits to hear how the breaker stands."""

TELL_WITHIN: Final = 5.0
"""Seconds for which one that failed waits until the fleet is told."""

WHILE_TRIED: Final = 1.0
"""Seconds for which a request waits while others try whether the API is back."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the breaker stood, and when that was by the monotonic clock."""

    standing: Standing
    state: BreakerState
    opens_in: float
    """Seconds until it lets anybody through."""
    at: float

    def is_believed(self, now: float) -> bool:
        """Whether nobody need look again. One that holds requests back does so now: what it was a
        moment ago would send a job away for as long as it was to be open then.
        """
        return self.state is BreakerState.CLOSED and now - self.at < LOOK_EVERY


class Guard:
    """Lets requests through while the breaker does, and tells it what came of them."""

    def __init__(
        self,
        client: str,
        breaker: Breaker,
        store: Callable[[], Awaitable[Store]],
        declare: Callable[[], Awaitable[None]],
    ) -> None:
        """Stand before `client`; `declare` brings what the code says into the store."""
        self.breaker = breaker
        self.emit: Emit = discard
        """Who hears that it opens and closes."""
        self._client = client
        self._store = store
        self._declare = declare
        self._look: Look | None = None
        self._now = SystemTiming().monotonic
        self._trust = Trust()
        """Whether the store is asked."""
        self._trying = 0
        """Requests that try whether the API is back."""

    async def check(self) -> None:
        """Raise CallHeldBack where it is open; one that waits for its turn need not."""
        look = await self._looked()
        if look is not None and look.state is BreakerState.OPEN:
            left = look.opens_in - (self._now() - look.at)
            if look.opens_in and left <= 0:  # the store is away, and cannot say how it stands now
                return
            raise self._shut(f"is open: {look.standing.reason}", left)

    async def through(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` gives. Raises CallHeldBack where nobody is to ask now, and what it raises;
        of anything but an answer and a CallError the breaker hears nothing.
        """
        is_trial = await self._enter()
        began = self._now()
        try:
            answer = await ask()
        except CallError as error:
            is_trouble = isinstance(error, Transient | RateLimited)
            await self._tell(began, str(error) if is_trouble else None)
            raise
        else:
            await self._tell(began, None)
            return answer
        finally:
            self._trying -= is_trial

    async def _enter(self) -> bool:
        """Whether it is a trial, that may end the rest of the API."""
        await self.check()
        look = self._look
        if look is None or look.state is not BreakerState.HALF_OPEN:
            return False
        if self._trying >= self.breaker.probes:
            raise self._shut("is half open, and others try", WHILE_TRIED)
        self._trying += 1
        return True

    def _shut(self, how: str, seconds: float) -> CallHeldBack:
        return held_back(self._client, f"breaker {self.breaker.name} {how}", seconds)

    async def _looked(self) -> Look | None:
        """How it stands; as it was last seen where the store cannot be reached."""
        look, now = self._look, self._now()
        if (look is not None and look.is_believed(now)) or not self._trust.asks(now):
            return look
        self._trust = self._trust.asking(now)
        try:
            async with within(LOOK_WITHIN):
                self._look = await self._read(await self._store())
            self._trust = Trust()
        except (StoreError, TimeoutError):
            self._trust = self._trust.failed(self._now())
        return self._look

    async def _read(self, store: Store) -> Look:
        read = partial(_standing, name=self.breaker.name)
        try:
            found = await store.read(read)
        except NotFound:  # no service of this application has begun yet
            await self._declare()
            found = await store.read(read)
        return Look(*found, self._now())

    async def _tell(self, began: float, failure: str | None) -> None:
        """Tell the fleet of a request; a success says nothing where there was no failure."""
        is_well = self._look is None or self._look.standing == CLOSED
        if (failure is None and is_well) or not self._trust.asks(self._now()):
            return
        ago = timedelta(seconds=max(0.0, self._now() - began))
        work = partial(_observed, name=self.breaker.name, ago=ago, failure=failure)
        try:
            async with within(TELL_WITHIN):
                store = await self._store()
                heard = await store.write(work)
        except (StoreError, TimeoutError):
            self._trust = self._trust.failed(self._now())
            return
        if heard is not None:
            self._hear(store, *heard)

    def _hear(
        self, store: Store, before: Standing, found: tuple[Standing, BreakerState, float]
    ) -> None:
        after = found[0]
        self._look = Look(*found, self._now())
        if after.opened_at is not None and after.opened_at != before.opened_at:
            self.emit(BreakerOpened(self.breaker.name, after.reason or "", after.open_until))
        elif after.opened_at is None and before.opened_at is not None:
            store.wakeups.deliver_all()
            self.emit(BreakerClosed(self.breaker.name))


def _standing(
    connection: Connection, now: datetime, name: str
) -> tuple[Standing, BreakerState, float]:
    return _seen(breakers.find(connection, now, name).standing, now)


def _observed(
    connection: Connection, now: datetime, name: str, ago: timedelta, failure: str | None
) -> tuple[Standing, tuple[Standing, BreakerState, float]] | None:
    change = breakers.observed(connection, now, name, [(ago, failure)])
    return None if change is None else (change[0], _seen(change[1], now))


def _seen(standing: Standing, now: datetime) -> tuple[Standing, BreakerState, float]:
    until = standing.open_until
    opens_in = 0.0 if until is None else max(0.0, (until - now).total_seconds())
    return standing, standing.state(now), opens_in
