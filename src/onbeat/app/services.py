"""Commands on the services of all processes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial

from onbeat.app.context import Context
from onbeat.domain.errors import Conflict, InvalidInput
from onbeat.domain.processes import (
    Action,
    FleetHealth,
    SeenService,
    Wish,
    chosen,
    health,
    patience,
    seen_in,
)
from onbeat.domain.workers import DEFAULT_HEARTBEAT
from onbeat.store import processes as stored
from onbeat.store.wakeups import SERVICES

LOOK_EVERY = 0.05
"""Seconds between two looks at what came of a wish."""

LONGEST_WHO = 200


class Came(StrEnum):
    """What came of a wish."""

    DONE = "done"
    REFUSED = "refused"
    """The process found that it cannot be done."""
    GONE = "gone"
    """The process has ended meanwhile."""
    WISHED = "wished"
    """The process has not said yet; it does it as soon as it hears of it."""


@dataclass(frozen=True, slots=True)
class Wished:
    """A wish, the service it is about, and what came of it."""

    service: SeenService
    action: Action
    came: Came
    error: str | None = None


class Services:
    """`ob.services`: what runs in which process, and what it is to do."""

    def __init__(self, context: Context, heartbeat: timedelta = DEFAULT_HEARTBEAT) -> None:
        """Made by the application; processes are heard of once in a `heartbeat`."""
        self._context = context
        self._patience = patience(heartbeat).total_seconds()

    async def list(self) -> Sequence[SeenService]:
        """The services of all processes that are heard of."""
        return seen_in(await self._context.read(stored.list_processes))

    async def find(self, service: str) -> Sequence[SeenService]:
        """Those of a kind, as `scheduler`, or the one of a process, as `scheduler@5d0c2f1a`.

        Raises NotFound.
        """
        return chosen(await self._context.read(stored.list_processes), service)

    async def health(self) -> FleetHealth:
        """How all of them are, taken together."""
        return health(await self._context.read(stored.list_processes))

    async def act(
        self, service: str, action: str, by: str, *, wait: timedelta | None = None
    ) -> Sequence[Wished]:
        """Wish something of a service, or of all of a kind, and wait for what comes of it.

        What a process has not done by then stays wished, and is done when it hears of it. Raises
        InvalidInput, NotFound, and Conflict where none of them can do it.
        """
        wanted, store = read_action(action), await self._context.store()
        found = await self.find(service)
        wishes = {str(store.new_id()): each for each in found}
        asked = [
            Wish(id=wish, process=each.process.id, service=each.snapshot.id, action=wanted,
                 asked_by=by[:LONGEST_WHO])
            for wish, each in wishes.items()
        ]  # fmt: skip
        await self._context.change(
            f"service.{wanted}", ("service", service), partial(stored.wish, asked=asked)
        )
        store.wakeups.send([SERVICES])
        seconds = self._patience if wait is None else wait.total_seconds()
        seen_to = await self._seen_to(list(wishes), seconds)
        came = [_came(each, wanted, seen_to.get(wish)) for wish, each in wishes.items()]
        if all(each.came in (Came.REFUSED, Came.GONE) for each in came):
            told = "; ".join(f"{each.service.id}: {each.error}" for each in came)
            raise Conflict(f"{wanted} was not possible: {told}")
        return came

    async def _seen_to(self, wishes: Sequence[str], seconds: float) -> dict[str, Wish]:
        """The wishes that are on record, once they are seen to or time is up."""
        store = await self._context.store()
        give_up = store.timing.monotonic() + seconds
        while True:
            found = await store.read(partial(stored.find_wishes, ids=wishes))
            if all(each.done_at is not None for each in found):
                break
            if store.timing.monotonic() >= give_up:
                break
            await store.timing.wait(asyncio.Event(), LOOK_EVERY)
        return {each.id: each for each in found}


def _came(service: SeenService, action: Action, found: Wish | None) -> Wished:
    if found is None:
        return Wished(service, action, Came.GONE, "its process has ended")
    if found.done_at is None:
        return Wished(service, action, Came.WISHED)
    came = Came.DONE if found.error is None else Came.REFUSED
    return Wished(service, action, came, found.error)


def read_action(text: str) -> Action:
    """What is wished. Raises InvalidInput."""
    try:
        return Action(text)
    except ValueError:
        known = ", ".join(Action)
        raise InvalidInput("action", f"{text!r} is not known; give one of {known}") from None
