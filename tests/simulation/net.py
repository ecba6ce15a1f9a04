"""Between a node and the database: requests and replies that are slow, late, or lost."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection

from onbeat.domain.errors import StoreUnavailable
from onbeat.store.sqlite.writer import Request
from onbeat.testing.shared_memory import SharedMemory
from onbeat.testing.virtual_time import Process, VirtualLoop, inside
from tests.simulation.trace import Trace

T = TypeVar("T")

LONGEST_PATIENCE = 5.0
"""Seconds after which a node has given up on a request; in life 10 s."""

SERVER_DEADLINE = 30.0
"""Seconds after which the server has ended a request that was given up on."""

AN_ADDRESS = re.compile(" at 0x[0-9a-f]+")
"""Where something lies in memory is no part of what happened."""


class Fate(StrEnum):
    """What becomes of a request."""

    DONE = "done"
    REFUSED = "refused"
    """The database is out of reach."""
    LOST = "lost"
    """It never arrives."""
    REPLY_LOST = "reply lost"
    """It is committed, and the node is told that it does not know."""
    LATE = "late"
    """It is committed after the node has given up on it."""


@dataclass
class Weather:
    """How likely what is, of all requests."""

    lost: float = 0.0
    reply_lost: float = 0.0
    late: float = 0.0
    slow: float = 0.0
    hint_lost: float = 0.0
    latency: float = 0.002


class Net:
    """Carries the requests of all nodes to the one database."""

    def __init__(
        self, loop: VirtualLoop, database: SharedMemory, luck: random.Random, trace: Trace
    ) -> None:
        """Lead to `database`; what becomes of each request is drawn from `luck`."""
        self._loop = loop
        self._luck = luck
        self._trace = trace
        self._inside = inside(Process("database"))
        self.database = database
        self.weather = Weather()
        self.down_until = 0.0
        """Until when, in virtual seconds, nobody reaches the database."""
        self._late: list[Parcel] = []
        self._is_clear = False
        self.is_over = False
        """Whether nothing reaches the database any more: the run is over."""

    def send(
        self, wire: Wire, word: str, request: Request[Any], reply: asyncio.Future[Any]
    ) -> None:
        """Let `request` go its way."""
        fate, there, back = self._draw(wire)
        parcel = Parcel(wire, word, request, reply, fate, back)
        self._later(there, self._arrive, parcel)

    def drop(self) -> bool:
        """Whether a hint is lost."""
        return self._luck.random() < self.weather.hint_lost

    def delay(self) -> float:
        """Seconds a message takes."""
        return self._luck.random() * self.weather.latency

    def _draw(self, wire: Wire) -> tuple[Fate, float, float]:
        """What becomes of it, and how long it takes there and back."""
        weather, chance = self.weather, self._luck.random()
        there, back = self.delay(), self.delay()
        if chance < weather.lost:
            return Fate.LOST, self._luck.random() * LONGEST_PATIENCE, 0
        chance -= weather.lost
        if chance < weather.reply_lost:
            return Fate.REPLY_LOST, there, self._luck.choice([0.0, self._luck.random() * 5])
        chance -= weather.reply_lost
        if chance < weather.late:
            given_up = self._luck.random() * LONGEST_PATIENCE
            return Fate.LATE, given_up, self._luck.random() * (SERVER_DEADLINE - given_up)
        chance -= weather.late
        if chance < weather.slow:
            there, back = self._luck.random() * 3, self._luck.random() * 3
        return Fate.DONE, there, back

    def _later(self, seconds: float, callback: Callable[..., object], *args: object) -> None:
        self._loop.call_later(seconds, callback, *args, context=self._inside)

    def _arrive(self, parcel: Parcel) -> None:
        if self.is_over or not self._reaches(parcel.wire):
            parcel.fate = Fate.REFUSED
        match parcel.fate:
            case Fate.DONE:
                parcel.do(self.database)
                self._later(parcel.back, self._answer, parcel)
            case Fate.REPLY_LOST:
                parcel.do(self.database)
                self._later(parcel.back, self._fail, parcel)
            case Fate.LATE:
                self._fail(parcel)
                self._late.append(parcel)
                self._later(0 if self._is_clear else parcel.back, self._arrive_late, parcel)
            case _:
                self._fail(parcel)

    def clear_up(self) -> None:
        """Nothing is lost or late from now on; what is late already arrives now."""
        self.weather = Weather()
        self.down_until = 0.0
        self._is_clear = True
        for parcel in list(self._late):
            self._arrive_late(parcel)

    def _arrive_late(self, parcel: Parcel) -> None:
        if parcel not in self._late:
            return
        self._late.remove(parcel)
        if not self.is_over and self._reaches(parcel.wire):
            parcel.error = None
            parcel.do(self.database)
            self._note(parcel, "after all: ")

    def _reaches(self, wire: Wire) -> bool:
        return self._loop.time() >= max(self.down_until, wire.cut_until)

    def _answer(self, parcel: Parcel) -> None:
        if not self._reaches(parcel.wire):
            parcel.fate = Fate.REPLY_LOST
            self._fail(parcel)
            return
        self._note(parcel)
        parcel.settle()

    def _fail(self, parcel: Parcel) -> None:
        self._note(parcel)
        parcel.error = StoreUnavailable(f"the network: {parcel.fate}")
        parcel.settle()

    def _note(self, parcel: Parcel, how: str = "") -> None:
        told = repr(parcel.result if parcel.error is None else parcel.error)
        told = AN_ADDRESS.sub("", told)[:160]
        self._trace.add(parcel.wire.name, f"{how}{parcel.word} {parcel.fate} {told}")


class Parcel:
    """One request under way."""

    def __init__(
        self,
        wire: Wire,
        word: str,
        request: Request[Any],
        reply: asyncio.Future[Any],
        fate: Fate,
        back: float,
    ) -> None:
        """Take `request` there, and what it gives `back` after so many seconds."""
        self.wire = wire
        self.word = word
        self.request = request
        self.reply = reply
        self.fate = fate
        self.back = back
        self.result: Any = None
        self.error: Exception | None = None

    def do(self, database: SharedMemory) -> None:
        """Have it done, and keep what comes of it."""
        try:
            self.result = database.do(self.request)
        except Exception as error:
            self.error = error

    def settle(self) -> None:
        """Hand over what came of it; a caller that has gone is left alone."""
        if self.reply.done():
            return
        if self.error is not None:
            self.reply.set_exception(self.error)
            self.reply.exception()  # seen, whether or not the caller lives to see it
        else:
            self.reply.set_result(self.result)


class Wire:
    """The way of one node's store to the database."""

    def __init__(self, net: Net, name: str) -> None:
        """Belong to the node called `name`."""
        self._net = net
        self.name = name
        self.word = "?"
        """What the store asks for next; for the trace."""
        self.cut_until = 0.0
        """Until when, in virtual seconds, this node does not reach the database."""

    def now(self) -> datetime:
        """The database's time."""
        return self._net.database.timing.now()

    async def run(self, request: Request[T]) -> T:
        """Send `request`, and wait for the reply."""
        reply: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._net.send(self, self.word, request, reply)
        return await reply

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Send a read, and wait for the reply."""
        return await self.run(lambda hands: work(hands.core))

    async def close(self) -> None:
        """Leave the database to the others."""
