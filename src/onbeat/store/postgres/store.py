"""The store on PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, literal, text
from sqlalchemy.ext.asyncio import AsyncConnection

from onbeat.crash_points import CrashPoint, reach
from onbeat.domain.errors import StoreDeadlock, StoreUnavailable
from onbeat.domain.jobs import ClaimedJob, JobId, NewJob
from onbeat.domain.outcomes import Ack
from onbeat.domain.pools import Pool
from onbeat.domain.uniqueness import holders, once_each
from onbeat.domain.workers import Pulse, StopRequest
from onbeat.store import schema_state
from onbeat.store.column_types import Moment, from_micros, to_micros
from onbeat.store.due import due_row
from onbeat.store.jobs import free_keys_of_ended
from onbeat.store.payloads import (
    FiringRows,
    decode_refused,
    encode,
    encode_acks,
    encode_fired,
    encode_jobs,
    job_values,
    micros,
    unique_values,
)
from onbeat.store.postgres import enqueueing, statements
from onbeat.store.postgres.addresses import read_address
from onbeat.store.postgres.claims import Claims, Hands
from onbeat.store.postgres.connections import (
    HOT_SECONDS,
    is_connection_lost,
    leaves_sound,
    translated,
)
from onbeat.store.postgres.pools import Connections
from onbeat.store.postgres.wakeups import Listener
from onbeat.store.rendering import numbered
from onbeat.store.store import Look, NextDue, Planner, Promoted, Store, T, Work
from onbeat.store.timed import timed
from onbeat.store.wakeups import ENDS, Hearing, Wakeups
from onbeat.timing import Ids, Timing

TRIES = 3
"""How often a statement is tried that the database ends to resolve a deadlock."""

CONTESTED = 100
"""How many unique jobs after one whose key another had are sent as if theirs were another's too.

The statement that takes them for free fails where one is not, and the server's log tells of that.
"""

_names = msgspec.json.Decoder(frozenset[str])
_stops = msgspec.json.Decoder(list[tuple[int, str]])


class PostgresStore(Store):
    """Cold work through SQLAlchemy; hot statements on the driver's own connection, autocommit."""

    engine = "postgresql"
    ticks_at_once = 2  # while one is planned here, the server works on the other
    hot_seconds: float = HOT_SECONDS
    """After how long a hot statement is given up, its connection with it."""

    def __init__(self, url: str, timing: Timing, ids: Ids, randomness: random.Random) -> None:
        """Read the URL; nothing is opened yet."""
        super().__init__(url, timing, ids, randomness)
        address = read_address(url)
        self.where = address.shown
        self._schema = address.schema
        self.connections = Connections(address)
        self._engine = self.connections.engine
        self.wakeups = Wakeups()
        hands = Hands(self._again, self._all, self._fetch, self._driver, self._transaction)
        self.claims = Claims(timing, hands)
        self._listener = Listener(address, self.wakeups)
        self._contested = 0
        """How many of the next unique jobs are thought to meet keys that others have."""

    async def open(self) -> None:
        """Connect and check the schema; `onbeat db migrate` makes it."""
        await self.read(lambda connection, _: schema_state.check(connection))

    async def listen(self) -> None:
        """Take hints from other processes, and send ours to them."""
        self._listener.start()

    @property
    def hearing(self) -> Hearing | None:
        """Over a connection of its own."""
        return self._listener.hearing

    @property
    def pool(self) -> Pool:
        """Those for hot statements and for cold work."""
        return self.connections.pool

    async def close(self) -> None:
        """Stop listening and empty the pool."""
        await self._listener.close()
        await self.connections.close()

    @timed
    async def read(self, work: Work[T]) -> T:
        """Run `work` in a read-only transaction."""

        async def once() -> T:
            async with self._engine.connect() as connection:
                await connection.execution_options(postgresql_readonly=True)
                return await self._work(connection, work)

        return await self._again(once, is_repeatable=True)

    @timed
    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction."""

        async def once() -> T:
            async with self._engine.begin() as connection:
                result = await self._work(connection, work)
                reach(CrashPoint.WRITE_BEFORE_COMMIT)
            reach(CrashPoint.WRITE_AFTER_COMMIT)
            return result

        return await self._again(once)

    async def look(self, look: Look) -> Row[Any] | None:
        """Look outside any transaction; the statement locks what it reads."""
        moment = literal(self._now, Moment) if self._now else func.clock_timestamp(type_=Moment)

        async def once() -> Row[Any] | None:
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                return await self._guarded(
                    connection, lambda core: core.execute(look(moment)).first()
                )

        return await self._again(once, is_repeatable=True)

    @timed
    async def enqueue(self, jobs: Sequence[NewJob]) -> int:
        """Book and place the jobs."""
        reach(CrashPoint.ENQUEUE_SENDING)
        new = await self._enqueue_one(jobs[0]) if _is_one_for_now(jobs) else None
        if new is None:
            values = {"jobs": encode_jobs(jobs, to_micros)}
            new = (await self._all(enqueueing.ENQUEUE, is_repeatable=True, **values))[0][0]
        reach(CrashPoint.ENQUEUE_ANSWERED)
        return int(new)

    async def _enqueue_one(self, job: NewJob) -> int | None:
        """1 when it is stored; None when it is not, or that was not heard.

        The general statement then says why, or that it is in the book already.
        """
        rows = await self._send_one(enqueueing.ENQUEUE_ONE, job_values(job))
        return None if rows is None else 1

    async def _send_one(self, statement: str, values: dict[str, Any]) -> list[Any] | None:
        """The rows; None where it was refused, or is not known. A way of its own, with as few
        frames as can be: 5 us of the 400 that a job takes.
        """
        rendered, names = numbered(statement, self._schema)
        values["now"] = self._now
        with translated(self.where):
            driver = await self.connections.take()
            try:
                rows: list[Any] = await driver.fetch(
                    rendered, *[values[name] for name in names], timeout=self.hot_seconds
                )
            except BaseException as error:
                self.connections.drop(driver, error)
                if leaves_sound(error) or is_connection_lost(error):
                    return None
                raise
            finally:
                self.connections.give_back(driver)
        return rows

    @timed
    async def enqueue_with_conditions(self, jobs: Sequence[NewJob]) -> dict[JobId, JobId]:
        """Book and place the jobs that have their keys."""
        kept, twice = once_each(jobs)
        reach(CrashPoint.ENQUEUE_SENDING)
        refused = await self._enqueue_unique(kept)
        if refused is None:
            values = {"jobs": encode_jobs(kept, to_micros)}
            statement = enqueueing.enqueue_statement(kept)
            [(new, told)] = await self._all(statement, is_repeatable=True, **values)
            refused = decode_refused(told)
            if new + len(refused) < len(kept):
                await self.write(partial(free_keys_of_ended, among=[job.id for job in kept]))
        self._contested = CONTESTED if refused else max(self._contested - len(kept), 0)
        reach(CrashPoint.ENQUEUE_ANSWERED)
        return holders(twice, refused)

    async def _enqueue_unique(self, jobs: Sequence[NewJob]) -> dict[JobId, JobId] | None:
        """What was refused of jobs without deadlines and marks; None when that was not heard, or
        some were and it is not known which: then nothing is stored.
        """
        if any(_has_more_than_a_key(job) for job in jobs):
            return None
        is_one = _is_one_for_now(jobs) and jobs[0].unique is not None
        if self._contested:
            return await self._enqueue_one_unique(jobs[0]) if is_one else None
        if await self._enqueue_free(jobs, is_one=is_one):
            return {}
        self._contested = CONTESTED
        return None

    async def _enqueue_free(self, jobs: Sequence[NewJob], *, is_one: bool) -> bool:
        """Whether they were stored, which they are where all keys are free."""
        if is_one:
            values = unique_values(jobs[0])
            return await self._send_one(enqueueing.ENQUEUE_ONE_FREE, values) is not None
        values = {"jobs": encode_jobs(jobs, to_micros)}
        rows = await self._send_one(enqueueing.ENQUEUE_UNIQUE, values)
        return rows is not None and rows[0][0] == len(jobs)

    async def _enqueue_one_unique(self, job: NewJob) -> dict[JobId, JobId] | None:
        """As `_enqueue_one`: what was refused; None when that was not heard."""
        rows = await self._send_one(enqueueing.ENQUEUE_ONE_UNIQUE, unique_values(job))
        if rows is None:
            return None
        holder = JobId(rows[0][0].hex)
        return {} if holder == job.id else {job.id: holder}

    @timed
    async def claim(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool = True
    ) -> list[ClaimedJob]:
        """Take the next jobs nobody else has; within limits where something is limited."""
        claimed = await self.claims.claim(session, queues, limit, far=far)
        self.sight = self.claims.sight
        return claimed

    @timed
    async def ack(self, acks: Sequence[Ack]) -> Collection[int]:
        """End leases and write what became of the jobs."""
        completed, others = encode_acks(acks)
        reach(CrashPoint.ACK_SENDING)
        async with self.claims.in_turn():
            rows = await self._all(statements.ACK, completed=completed, acks=others)
        reach(CrashPoint.ACK_ANSWERED)
        self.wakeups.send({queue for _, queue, _ in rows if queue is not None})
        if any(is_waited_for for *_, is_waited_for in rows):
            self.wakeups.deliver([ENDS])
        return {row[0] for row in rows}

    @timed
    async def tick(self, planner: Planner, limit: int) -> FiringRows:
        """Lock due schedules that no other scheduler has, plan, fire, commit."""
        async with self._driver() as driver, self._transaction(driver):
            due = await self._fetch(driver, statements.DUE, limit=limit)
            if not due:
                return FiringRows([], [])
            rows = planner([due_row(row) for row in due], from_micros(due[0][-1]))
            [fired] = await self._fetch(driver, statements.FIRE, rows=encode(rows).decode())
            if fired[0]:
                await self._fetch(driver, statements.SETTLE_FIRED, jobs=encode_fired(rows))
            reach(CrashPoint.TICK_FIRED)
        reach(CrashPoint.TICK_COMMITTED)
        return rows

    @timed
    async def promote(self, limit: int) -> Promoted:
        """Move due jobs to the line."""
        reach(CrashPoint.PROMOTE_SENDING)
        count, queues = await self._one(statements.PROMOTE, limit=limit)
        if count:
            reach(CrashPoint.PROMOTE_ANSWERED)
        return Promoted(count, _names.decode(queues))

    async def next_due(self) -> NextDue:
        """Look at the head of two indexes."""
        *moments, backfills, ends, now = await self._one(statements.NEXT_DUE)
        schedule_at, job_at, resume_at, expires_at = map(_utc, moments)
        at = now.astimezone(UTC)
        return NextDue(schedule_at, job_at, resume_at, backfills, ends, at, expires_at)

    @timed
    async def heartbeat(self, session: str, expires_in: timedelta) -> Pulse:
        """Put the session's end further away."""
        alive, stops = await self._one(
            statements.HEARTBEAT, session=session, expires_in=micros(expires_in)
        )
        return Pulse(
            alive == 1, tuple(StopRequest(token, why) for token, why in _stops.decode(stops))
        )

    async def _work(self, connection: AsyncConnection, work: Work[T]) -> T:
        return await self._guarded(connection, lambda core: self._run(core, work))

    async def _guarded(self, connection: AsyncConnection, work: Callable[[Connection], T]) -> T:
        """Do cold work; a connection it finds to be dead is closed, or its rollback would hang."""
        driver = (await connection.get_raw_connection()).driver_connection
        try:
            return await connection.run_sync(work)
        except BaseException as error:
            self.connections.drop(driver, error)
            raise

    def _run(self, connection: Connection, work: Work[T]) -> T:
        if not self.timing.is_real:
            return work(connection, self.timing.now())
        now = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return work(connection, now.astimezone(UTC))

    @property
    def _now(self) -> datetime | None:
        return None if self.timing.is_real else self.timing.now()

    async def _again(self, once: Callable[[], Awaitable[T]], *, is_repeatable: bool = False) -> T:
        """Do it again when the database ended it to resolve a deadlock: nothing of it was kept.

        What is repeatable changes nothing when it comes twice: that is also done again when the
        connection ended under it, and whether it was kept is not known. An ack is not: who sends it
        must know that it was sent twice, for what was applied the first time was not refused.
        """
        for left in range(TRIES - 1, -1, -1):
            try:
                with translated(self.where):
                    return await once()
            except StoreUnavailable as error:
                again = isinstance(error, StoreDeadlock)
                again = again or (is_repeatable and is_connection_lost(error))
                if left == 0 or not again:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _all(
        self, statement: str, *, is_repeatable: bool = False, **values: Any
    ) -> list[Any]:
        async def once() -> list[Any]:
            async with self._driver() as driver:
                return await self._fetch(driver, statement, **values)

        return await self._again(once, is_repeatable=is_repeatable)

    async def _one(self, statement: str, **values: Any) -> Any:
        return (await self._all(statement, **values))[0]

    async def _fetch(self, driver: Any, statement: str, **values: Any) -> list[Any]:
        rendered, names = numbered(statement, self._schema)
        values["now"] = self._now
        given = (values[name] for name in names)
        rows: list[Any] = await driver.fetch(rendered, *given, timeout=self.hot_seconds)
        return rows

    @asynccontextmanager
    async def _transaction(self, driver: Any) -> AsyncIterator[None]:
        """A transaction whose ROLLBACK is not sent into a dead connection, where it would hang."""
        await driver.execute("BEGIN", timeout=self.hot_seconds)
        try:
            yield
            await driver.execute("COMMIT", timeout=self.hot_seconds)
        except BaseException as error:
            if leaves_sound(error) and not driver.is_closed():
                await driver.execute("ROLLBACK", timeout=self.hot_seconds)
            raise

    @asynccontextmanager
    async def _driver(self) -> AsyncIterator[Any]:
        """The driver's own connection, outside any transaction of SQLAlchemy's."""
        with translated(self.where):
            driver = await self.connections.take()
            try:
                yield driver
            except BaseException as error:
                self.connections.drop(driver, error)
                raise
            finally:
                self.connections.give_back(driver)


def _is_one_for_now(jobs: Sequence[NewJob]) -> bool:
    return len(jobs) == 1 and jobs[0].delay is None and jobs[0].due_at is None


def _has_more_than_a_key(job: NewJob) -> bool:
    return job.is_marked or job.start_within is not None or job.start_by is not None


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
