"""Commands on circuit breakers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from onbeat.app.context import Context
from onbeat.app.facts.breakers import breaker_data
from onbeat.app.looking import looking
from onbeat.app.options import read_several
from onbeat.domain.breakers import Breaker, BreakerStanding
from onbeat.store import breakers as stored

T = TypeVar("T")

Breakers = Breaker | Sequence[Breaker] | None


def read_breakers(given: Breakers) -> tuple[Breaker, ...]:
    """Breakers as a user gives them: one, several, or none. Raises InvalidInput."""
    return read_several("breakers", given, Breaker, "Breaker('stripe')")


class BreakerCommands:
    """`ob.breakers`: see which dependencies are left alone, and decide it by hand."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def reconcile(self) -> None:
        """Bring what the code says into the store."""
        if wanted := self._context.registry.breakers():
            by = f"code:{self._context.name}"
            await self._write(partial(stored.declare, wanted=wanted, by=by))

    async def list(self) -> Sequence[BreakerStanding]:
        """All breakers in order of name."""
        return await self._context.read(stored.list_breakers)

    async def find(self, name: str) -> BreakerStanding:
        """One breaker. Raises NotFound."""
        return await self._context.read(partial(stored.find, name=name))

    async def trip(self, name: str, by: str) -> BreakerStanding:
        """Open it: its jobs wait from now on, for as long as it says. Raises NotFound."""
        return await self._change("breaker.open", name, partial(stored.trip, name=name, by=by))

    async def close(self, name: str, by: str) -> BreakerStanding:
        """Close it: its jobs go on at once. Raises NotFound."""
        return await self._change("breaker.close", name, partial(stored.close, name=name, by=by))

    async def _change(self, action: str, name: str, work: Callable[[Connection, datetime], T]) -> T:
        look = looking(partial(stored.find, name=name), breaker_data)
        result = await self._context.change(action, ("breaker", name), work, look=look)
        (await self._context.store()).wakeups.deliver_all()
        return result

    async def _write(self, work: Callable[[Connection, datetime], T]) -> T:
        result = await self._context.write(work)
        (await self._context.store()).wakeups.deliver_all()
        return result
