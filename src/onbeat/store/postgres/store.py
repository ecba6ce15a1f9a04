"""The store on PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from onbeat.domain.errors import StoreDeadlock
from onbeat.domain.jobs import ClaimedJob, JobId, NewJob
from onbeat.domain.outcomes import Ack
from onbeat.domain.workers import Pulse, StopRequest
from onbeat.store import schema_state
from onbeat.store.due import DueRow
from onbeat.store.payloads import (
    FiringRows,
    encode,
    encode_acks,
    encode_jobs,
    encode_names,
    micros,
)
from onbeat.store.postgres import statements
from onbeat.store.postgres.connections import (
    create_engine,
    engine_url,
    is_closed,
    shown,
    translated,
)
from onbeat.store.postgres.wakeups import Listener
from onbeat.store.rendering import numbered
from onbeat.store.schema import from_micros, to_micros
from onbeat.store.store import NextDue, Planner, Promoted, Store, T, Work
from onbeat.store.wakeups import Wakeups
from onbeat.timing import Ids, Timing

TRIES = 3
"""How often a statement is tried that the database ends to resolve a deadlock."""

_names = msgspec.json.Decoder(frozenset[str])
_stops = msgspec.json.Decoder(list[tuple[int, str]])


class PostgresStore(Store):
    """Cold work through SQLAlchemy; hot statements on the driver's own connection, autocommit."""

    engine = "postgresql"

    def __init__(self, url: str, timing: Timing, ids: Ids, randomness: random.Random) -> None:
        """Read the URL; nothing is opened yet."""
        super().__init__(url, timing, ids, randomness)
        parsed = engine_url(url)
        self.where = shown(parsed)
        self._engine = create_engine(parsed)
        self.wakeups = Wakeups()
        self._listener = Listener(parsed, self.wakeups)

    async def open(self) -> None:
        """Connect and check the schema; `onbeat db migrate` makes it."""
        await self.read(lambda connection, _: schema_state.check(connection))

    async def listen(self) -> None:
        """Take hints from other processes, and send ours to them."""
        self._listener.start()

    async def close(self) -> None:
        """Stop listening and empty the pool."""
        await self._listener.close()
        await self._engine.dispose()

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a read-only transaction."""

        async def once() -> T:
            async with self._engine.connect() as connection:
                await connection.execution_options(postgresql_readonly=True)
                return await connection.run_sync(self._run, work)

        return await self._again_if_deadlocked(once)

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction."""

        async def once() -> T:
            async with self._engine.begin() as connection:
                return await connection.run_sync(self._run, work)

        return await self._again_if_deadlocked(once)

    async def enqueue(self, jobs: Sequence[NewJob]) -> int:
        """Book and place the jobs."""
        rows = encode_jobs(jobs, to_micros)
        return int((await self._one(statements.ENQUEUE, jobs=rows))[0])

    async def claim(self, session: str, queues: Sequence[str], limit: int) -> list[ClaimedJob]:
        """Take the next jobs nobody else has."""
        rows = await self._all(
            statements.CLAIM, session=session, queues=encode_names(queues), limit=limit
        )
        return [_claimed(row) for row in rows]

    async def ack(self, acks: Sequence[Ack]) -> Collection[int]:
        """End leases and write what became of the jobs."""
        completed, others = encode_acks(acks)
        rows = await self._all(statements.ACK, completed=completed, acks=others)
        return {row[0] for row in rows}

    async def tick(self, planner: Planner, limit: int) -> FiringRows:
        """Lock due schedules that no other scheduler has, plan, fire, commit."""
        async with self._driver() as driver, driver.transaction():
            due = await self._fetch(driver, statements.DUE, limit=limit)
            if not due:
                return FiringRows([], [])
            rows = planner([_due_row(row) for row in due], from_micros(due[0][-1]))
            await self._fetch(driver, statements.FIRE, rows=encode(rows).decode())
            return rows

    async def promote(self, limit: int) -> Promoted:
        """Move due jobs to the line."""
        count, queues = await self._one(statements.PROMOTE, limit=limit)
        return Promoted(count, _names.decode(queues))

    async def next_due(self) -> NextDue:
        """Look at the head of two indexes."""
        schedule_at, job_at, now = await self._one(statements.NEXT_DUE)
        return NextDue(_utc(schedule_at), _utc(job_at), now.astimezone(UTC))

    async def heartbeat(self, session: str, expires_in: timedelta) -> Pulse:
        """Put the session's end further away."""
        alive, stops = await self._one(
            statements.HEARTBEAT, session=session, expires_in=micros(expires_in)
        )
        return Pulse(
            alive == 1, tuple(StopRequest(token, why) for token, why in _stops.decode(stops))
        )

    def _run(self, connection: Connection, work: Work[T]) -> T:
        if not self.timing.is_real:
            return work(connection, self.timing.now())
        now = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return work(connection, now.astimezone(UTC))

    @property
    def _now(self) -> datetime | None:
        return None if self.timing.is_real else self.timing.now()

    async def _again_if_deadlocked(self, once: Callable[[], Awaitable[T]]) -> T:
        """Do it again when the database ended it to resolve a deadlock: nothing of it was kept."""
        for left in range(TRIES - 1, -1, -1):
            try:
                with translated(self.where):
                    return await once()
            except StoreDeadlock:
                if left == 0:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _all(self, statement: str, **values: Any) -> list[Any]:
        async def once() -> list[Any]:
            async with self._driver() as driver:
                return await self._fetch(driver, statement, **values)

        return await self._again_if_deadlocked(once)

    async def _one(self, statement: str, **values: Any) -> Any:
        return (await self._all(statement, **values))[0]

    async def _fetch(self, driver: Any, statement: str, **values: Any) -> list[Any]:
        rendered, names = numbered(statement)
        values["now"] = self._now
        rows: list[Any] = await driver.fetch(rendered, *(values[name] for name in names))
        return rows

    @asynccontextmanager
    async def _driver(self) -> AsyncIterator[Any]:
        """The driver's own connection, outside any transaction of SQLAlchemy's.

        A connection that was lost is taken out of the pool, or the next to borrow it would fail.
        """
        with translated(self.where):
            connection = await self._engine.raw_connection()
            driver: Any = connection.driver_connection
            try:
                yield driver
            finally:
                if is_closed(driver):
                    connection.invalidate()
                connection.close()


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _claimed(row: Any) -> ClaimedJob:
    job, token, task, queue, attempt, max_attempts, args, options, occurrence_at = row
    return ClaimedJob(
        id=JobId(job.hex), token=token, task=task, queue=queue, attempt=attempt,
        max_attempts=max_attempts, args=args, options=options, occurrence_at=occurrence_at,
    )  # fmt: skip


def _due_row(row: Any) -> DueRow:
    return DueRow(row[0].replace("-", ""), *row[1:-1])
