"""A client's breaker: one for the fleet, in the store, and looked at before each request.

While all goes well it is read once a second, and nothing is told. A failure is told at once, and
nobody is held back by what is not so now, or by a store that cannot say.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
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
from onbeat.store import breakers
from onbeat.store.store import Store

T = TypeVar("T")

LOOK_EVERY: Final = 1.0
"""Seconds for which a breaker that was closed is believed to be."""

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
        self._trying = 0
        """Requests that try whether the API is back."""

    async def through(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` gives. Raises CallHeldBack where nobody is to ask now, and what it raises."""
        store = await self._reached()
        if store is None:
            return await ask()
        is_trial = await self._enter(store)
        began = store.timing.monotonic()
        try:
            answer = await ask()
        except CallError as error:
            is_trouble = isinstance(error, Transient | RateLimited)
            await self._tell(store, began, str(error) if is_trouble else None)
            raise
        else:
            await self._tell(store, began, None)
            return answer
        finally:
            self._trying -= is_trial

    async def _reached(self) -> Store | None:
        with suppress(StoreError):
            return await self._store()
        return None

    async def _enter(self, store: Store) -> bool:
        """Whether it is a trial, that may end the rest of the API."""
        look = await self._looked(store)
        if look is None or look.state is BreakerState.CLOSED:
            return False
        if look.state is BreakerState.OPEN:
            raise self._shut(f"is open: {look.standing.reason}", look.opens_in)
        if self._trying >= self.breaker.probes:
            raise self._shut("is half open, and others try", WHILE_TRIED)
        self._trying += 1
        return True

    def _shut(self, how: str, seconds: float) -> CallHeldBack:
        return held_back(self._client, f"breaker {self.breaker.name} {how}", seconds)

    async def _looked(self, store: Store) -> Look | None:
        """How it stands; as it was last seen where the store cannot be reached."""
        look = self._look
        if look is None or not look.is_believed(store.timing.monotonic()):
            with suppress(StoreError):
                look = self._look = await self._read(store)
        return look

    async def _read(self, store: Store) -> Look:
        read = partial(_standing, name=self.breaker.name)
        try:
            found = await store.read(read)
        except NotFound:  # no service of this application has begun yet
            await self._declare()
            found = await store.read(read)
        return Look(*found, store.timing.monotonic())

    async def _tell(self, store: Store, began: float, failure: str | None) -> None:
        """Tell the fleet of a request; a success says nothing where there was no failure."""
        is_well = self._look is None or self._look.standing == CLOSED
        if failure is None and is_well:
            return
        ago = timedelta(seconds=max(0.0, store.timing.monotonic() - began))
        work = partial(_observed, name=self.breaker.name, ago=ago, failure=failure)
        with suppress(StoreError):
            heard = await store.write(work)
            if heard is not None:
                self._hear(store, *heard)

    def _hear(
        self, store: Store, before: Standing, found: tuple[Standing, BreakerState, float]
    ) -> None:
        after = found[0]
        self._look = Look(*found, store.timing.monotonic())
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
