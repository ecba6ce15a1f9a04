"""Commands on objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from onbeat.app.context import Context
from onbeat.app.facts.objectives import said_data
from onbeat.app.looking import looking
from onbeat.domain.health import Kind
from onbeat.domain.objectives import (
    Budget,
    Objective,
    Whose,
    parse_whose,
    read_declared,
    read_objective,
)
from onbeat.domain.unheard import unheard_of
from onbeat.store import objectives as stored
from onbeat.store.names import known as known_names


class Objectives:
    """`ob.objectives`: how well things are to do; "task/NAME", "schedule/NAME" and "queue/NAME" say
    whose.
    """

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context
        self._declared: dict[Whose, Objective] = {}

    def declare(self, kind: str, name: str, objective: float | str | None) -> None:
        """Let such a part complete, as code says; brought into the store when a process starts.

        Raises InvalidInput.
        """
        if objective is not None:
            self._declared[Whose(Kind(kind), name)] = read_declared(objective)

    async def reconcile(self) -> None:
        """Bring what the code says into the store."""
        by = f"{stored.BY_CODE}{self._context.name}"
        await self._context.write(partial(stored.declare, wanted=self._declared, by=by))

    async def list(self) -> Sequence[Budget]:
        """All that somebody set, with what is left of their budgets."""
        return await self._context.read(stored.list_budgets)

    async def find(self, subject: str) -> Budget:
        """What holds for the subject: the default where nobody set one. Raises InvalidInput."""
        whose = parse_whose(subject)

        def look(connection: Connection, now: datetime) -> Budget:
            found = stored.all_set(connection, whose.kind)
            return stored.budgets(connection, now, whose.kind, [whose.name], found)[0]

        return await self._context.read(look)

    async def of(self, kind: Kind, names: Sequence[str]) -> Mapping[str, Budget]:
        """What holds for each of these, and what is left of it."""

        def look(connection: Connection, now: datetime) -> Sequence[Budget]:
            return stored.budgets(connection, now, kind, names, stored.all_set(connection, kind))

        return {each.name: each for each in await self._context.read(look)}

    async def warnings(self, subject: str) -> Sequence[str]:
        """What may not be meant by a subject that nobody knows, and which known one is nearest: its
        objective holds once there is one. Raises InvalidInput.
        """
        whose = parse_whose(subject)
        known = await self._context.read(partial(known_names, kind=whose.kind, name=whose.name))
        if whose.kind is Kind.TASK:
            known |= {*self._context.registry.names()}
        told = unheard_of(whose.kind, whose.name, known)
        return () if told is None else (f"{told}; the objective holds once there is one",)

    async def set(
        self, subject: str, target: float | str, by: str, *, window: str | timedelta | None = None
    ) -> Budget:
        """Let such a part of its jobs complete, 0.999 or "99.9%", over a window, 30 days unless it
        is said; a deploy does not undo it. Raises InvalidInput.
        """
        whose, wanted = parse_whose(subject), read_objective(target, window)
        return await self._context.change(
            "objective.set", ("objective", str(whose)),
            partial(stored.put, whose=whose, wanted=wanted, by=by),
            look=looking(partial(stored.find, whose=whose), said_data),
        )  # fmt: skip

    async def remove(self, subject: str) -> None:
        """Let the default hold again; where code says one, that does from its next start on.

        Raises NotFound, InvalidInput.
        """
        whose = parse_whose(subject)
        await self._context.change(
            "objective.remove", ("objective", str(whose)), partial(stored.remove, whose=whose),
            look=looking(partial(stored.find, whose=whose), said_data),
        )  # fmt: skip
