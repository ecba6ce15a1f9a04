"""The store on a SQLite file, or in memory for tests."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, literal

from onbeat.crash_points import CrashPoint, reach
from onbeat.domain.jobs import ClaimedJob, JobId, NewJob
from onbeat.domain.outcomes import Ack
from onbeat.domain.pools import Pool
from onbeat.domain.workers import Pulse, StopRequest
from onbeat.store import schema_state
from onbeat.store.column_types import Moment, from_micros, to_micros
from onbeat.store.due import decode_due
from onbeat.store.granting import AGAIN_AFTER, LOOKS, Round, Sight
from onbeat.store.payloads import (
    FiringRows,
    advances,
    decode_claimed,
    encode_ack_arrays,
    encode_firing,
    encode_job_arrays,
    encode_names,
    micros,
)
from onbeat.store.sqlite import limited, statements
from onbeat.store.sqlite.connections import check_version, database_path
from onbeat.store.sqlite.enqueueing import prepare, send, settle_fired
from onbeat.store.sqlite.readers import Reader, Readers
from onbeat.store.sqlite.wakeups import Listener
from onbeat.store.sqlite.writer import Access, Hands, InlineWriter, T, ThreadWriter, Writer
from onbeat.store.store import Look, NextDue, Planner, Promoted, Store, Work
from onbeat.store.timed import timed
from onbeat.store.wakeups import ENDS, Hearing, Wakeups
from onbeat.timing import Ids, Timing

NOTHING = "[]"

_tokens = msgspec.json.Decoder(set[int])
_stops = msgspec.json.Decoder(list[tuple[int, str]])
_names = msgspec.json.Decoder(frozenset[str])
_decode_names = msgspec.json.Decoder(list[str]).decode


class SqliteStore(Store):
    """One writer, a few readers; a database in memory is read and written inline."""

    engine = "sqlite"

    def __init__(
        self,
        url: str,
        timing: Timing,
        ids: Ids,
        randomness: random.Random,
        access: Access | None = None,
    ) -> None:
        """Read the URL; nothing is opened yet. With `access` everything goes by way of that."""
        super().__init__(url, timing, ids, randomness)
        check_version()
        self.path = database_path(url)
        self.wakeups = Wakeups()
        self._listener = None if self.path is None else Listener(self.path, self.wakeups)
        self._is_limited = False
        """Whether the last claim saw something that a limit binds."""
        self._fitting = AGAIN_AFTER
        """How many claims in a row there was room for all that they saw of that."""
        self._clock = timing.now if access is None else access.now
        self._writer: Writer | Access
        self._reader: Reader
        if access is not None:
            self._writer = self._reader = access
        elif self.path is None:
            self._writer = self._reader = InlineWriter(None)
        else:
            self._writer, self._reader = ThreadWriter(self.path), Readers(self.path)

    async def open(self) -> None:
        """Check the schema, which needs no lock; a file without tables is given them, which does.

        A current schema is not written to: the writer connects for the first write.
        """
        if await self._has_tables():
            await self.read(lambda connection, _: schema_state.check(connection))
            return
        now = self._clock()
        await self._writer.run(lambda hands: schema_state.prepare(hands.core, now))

    async def listen(self) -> None:
        """Take hints from other processes on the file, and send ours to them."""
        if self._listener is not None:
            self._listener.start()

    @property
    def hearing(self) -> Hearing | None:
        """From a file that is watched once somebody waits."""
        return None if self._listener is None else self._listener.hearing

    @property
    def pool(self) -> Pool:
        """Its readers; the one writer is none of them."""
        return self._reader.pool if isinstance(self._reader, Readers) else Pool()

    async def close(self) -> None:
        """Readers first, so that the writer's connection is the last and checkpoints."""
        if self._listener is not None:
            self._listener.close()
        await self._reader.close()
        await self._writer.close()

    @timed
    async def read(self, work: Work[T]) -> T:
        """Run `work` on a reader."""
        return await self._reader.read(lambda connection: work(connection, self._clock()))

    @timed
    async def write(self, work: Work[T]) -> T:
        """Run `work` on the writer."""

        def request(hands: Hands) -> T:
            result = work(hands.core, self._clock())
            reach(CrashPoint.WRITE_BEFORE_COMMIT)
            return result

        result = await self._writer.run(request)
        reach(CrashPoint.WRITE_AFTER_COMMIT)
        return result

    async def look(self, look: Look) -> Row[Any] | None:
        """Look from the writer, whose turn must come."""
        return await self._writer.run(
            lambda hands: hands.core.execute(look(literal(self._clock(), Moment))).first()
        )

    @timed
    async def enqueue(self, jobs: Sequence[NewJob]) -> int:
        """Book the jobs, then place those that are new."""
        rows, later = encode_job_arrays(jobs, to_micros)
        asked = {"jobs": rows, "later": later}
        reach(CrashPoint.ENQUEUE_SENDING)
        new = await self._hot(lambda raw, now: _enqueue(raw, {**asked, "now": now}))
        reach(CrashPoint.ENQUEUE_ANSWERED)
        return new

    @timed
    async def enqueue_with_conditions(self, jobs: Sequence[NewJob]) -> dict[JobId, JobId]:
        """Take the keys, then book and place the jobs that have theirs."""
        asked = prepare(jobs)
        reach(CrashPoint.ENQUEUE_SENDING)
        refused = await self._hot(lambda raw, now: send(raw.execute, asked, now))
        reach(CrashPoint.ENQUEUE_ANSWERED)
        return refused

    @timed
    async def claim(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool = True
    ) -> list[ClaimedJob]:
        """Lease the next jobs, and take them out of the line."""
        asked = {"session": session, "queues": encode_names(queues), "limit": limit, "far": far}
        reach(CrashPoint.CLAIM_SENDING)
        text = await self._hot(lambda raw, now: self._claim(raw, {**asked, "now": now}))
        if text:
            reach(CrashPoint.CLAIM_ANSWERED)
        return decode_claimed(text) if text else []

    def _claim(self, raw: sqlite3.Connection, asked: dict[str, Any]) -> str | None:
        """Plainly, and within limits where something is limited."""
        lease, take_out, show = statements.CLAIM
        last = {"last": raw.execute(statements.LAST_TOKEN).fetchone()[0]}
        taken, left = 0, asked["limit"]
        opens_at, is_bound = raw.execute(limited.IS_BOUND, asked).fetchone()
        asked |= {"opens_at": opens_at, "is_bound": is_bound}
        self.sight = Sight(None if opens_at is None else max(opens_at - asked["now"], 0) / 1e6)
        if not is_bound and not self._is_limited and self.sight.opens_in != 0:
            taken = raw.execute(lease, asked).rowcount
            if taken:
                raw.execute(take_out, last)
            left -= taken
            left = left if left and raw.execute(limited.LEFT_BEHIND, asked).fetchone()[0] else 0
        if left:
            taken += self._claim_within_limits(raw, {**asked, "limit": left})
        if not taken:
            return None
        shown, is_any_due = raw.execute(show, last).fetchone()
        for statement in statements.CLAIM_TIED if is_any_due else ():
            raw.execute(statement, last)
        return str(shown)

    def _claim_within_limits(self, raw: sqlite3.Connection, asked: dict[str, Any]) -> int:
        """Look again while jobs make way for others; how many were leased."""
        taken, queues, slots_needed = 0, _decode_names(asked["queues"]), 0
        for turn in range(LOOKS):
            wanted = asked["limit"] - taken
            is_first = turn == 0
            look = Round(
                queues, wanted, is_first=is_first, far=asked["far"],
                is_narrow=self._fitting > 0, may_fit=is_first and self._fitting >= AGAIN_AFTER,
            )  # fmt: skip
            last = raw.execute(statements.LAST_TOKEN).fetchone()[0]
            more = limited.take_within_limits(raw, {**asked, "last": last}, look)
            taken += more
            slots_needed = max(slots_needed, look.slots_needed)
            self._fitting = self._fitting + 1 if look.has_fit else 0
            opens_in = None if look.opens_at is None else (look.opens_at - look.now) / 1e6
            self.sight = Sight(opens_in, is_used_up=look.is_used_up)
            if taken == asked["limit"] or not look.leaves_more:
                break
        self._is_limited = slots_needed > 0
        return taken

    @timed
    async def ack(self, acks: Sequence[Ack]) -> Collection[int]:
        """Write what became of the jobs, and end their leases."""
        completed, others = encode_ack_arrays(acks)
        asked = {"completed": completed, "acks": others}
        reach(CrashPoint.ACK_SENDING)
        acked = await self._hot(lambda raw, now: _ack(raw, {**asked, "now": now}))
        reach(CrashPoint.ACK_ANSWERED)
        self.wakeups.send(_names.decode(acked.tied))
        if acked.ends:
            self.wakeups.deliver([ENDS])
        return _tokens.decode(acked.applied)

    @timed
    async def tick(self, planner: Planner, limit: int) -> FiringRows:
        """Plan and fire in the writer's transaction: no other scheduler can come between."""
        rows = await self._hot(lambda raw, now: _tick(raw, planner, now, limit))
        if rows.schedules:
            reach(CrashPoint.TICK_COMMITTED)
        return rows

    @timed
    async def promote(self, limit: int) -> Promoted:
        """Move due jobs to the line."""
        reach(CrashPoint.PROMOTE_SENDING)
        moved = await self._hot(lambda raw, now: _promote(raw, {"now": now, "limit": limit}))
        if moved.count:
            reach(CrashPoint.PROMOTE_ANSWERED)
        return moved

    async def next_due(self) -> NextDue:
        """Look at the head of two indexes."""
        return await self.read(_next_due)

    @timed
    async def heartbeat(self, session: str, expires_in: timedelta) -> Pulse:
        """Put the session's end further away."""
        asked = {"session": session, "expires_in": micros(expires_in)}
        return await self._hot(lambda raw, now: _heartbeat(raw, {**asked, "now": now}))

    async def _has_tables(self) -> bool:
        """Whether there is a schema; a file that is not there is not made by looking."""
        if self.path is None or not self.path.exists():
            return False
        found = await self.read(lambda connection, _: schema_state.status(connection))
        return found.current is not None

    async def _hot(self, operation: Callable[[sqlite3.Connection, int], T]) -> T:
        return await self._writer.run(lambda hands: operation(hands.raw, self._now()))

    def _now(self) -> int:
        return to_micros(self._clock())


def _enqueue(raw: sqlite3.Connection, asked: dict[str, Any]) -> int:
    asked["last"] = raw.execute(statements.LAST_JOB).fetchone()[0]
    new, *_ = (raw.execute(statement, asked).rowcount for statement in statements.ENQUEUE)
    return new


class _Acked(NamedTuple):
    """What an ack did."""

    applied: str
    """The tokens."""
    tied: str
    """The queues in which slots were let go of."""
    ends: int
    """How many ends were told that somebody waits for."""


def _ack(raw: sqlite3.Connection, asked: dict[str, Any]) -> _Acked:
    raw.execute(statements.ACK_INPUT)
    only_successes = asked["acks"] == NOTHING
    for statement in statements.ACK_SUCCESSES if only_successes else statements.ACK:
        raw.execute(statement, asked)
    have_slots, tied, have_ends, have_keys = raw.execute(statements.TIED).fetchone()
    if have_slots:
        raw.execute(statements.LET_GO)
    ends = raw.execute(statements.TELL_ENDS, asked).rowcount if have_ends else 0
    if have_keys:
        raw.execute(statements.FREE_KEYS)
    applied = _one(raw, statements.ACK_APPLIED, {})
    for statement in statements.ACK_DONE:
        raw.execute(statement)
    return _Acked(applied, tied, ends)


def _tick(raw: sqlite3.Connection, planner: Planner, now: int, limit: int) -> FiringRows:
    due = decode_due(_one(raw, statements.DUE, {"now": now, "limit": limit}))
    rows = planner(due, from_micros(now))
    if rows.schedules:
        occurrences, later = encode_firing(rows)
        last = raw.execute(statements.LAST_JOB).fetchone()[0]
        asked = {"occurrences": occurrences, "later": later, "last": last, "now": now}
        for statement in statements.FIRE:
            raw.execute(statement, asked)
        raw.executemany(statements.ADVANCE, advances(rows, now))
        settle_fired(raw.execute, last, now)
        reach(CrashPoint.TICK_FIRED)
    return rows


def _promote(raw: sqlite3.Connection, asked: dict[str, Any]) -> Promoted:
    count, queues = raw.execute(statements.PROMOTABLE, asked).fetchone()
    if count:
        for statement in statements.PROMOTE:
            raw.execute(statement, asked)
    return Promoted(count, _names.decode(queues))


def _next_due(connection: Connection, now: datetime) -> NextDue:
    row = connection.exec_driver_sql(statements.NEXT_DUE).one()
    *moments, backfills, ends = row
    schedule_at, job_at, resume_at, expires_at = (
        None if at is None else from_micros(at) for at in moments
    )
    return NextDue(schedule_at, job_at, resume_at, bool(backfills), bool(ends), now, expires_at)


def _heartbeat(raw: sqlite3.Connection, asked: dict[str, Any]) -> Pulse:
    alive = raw.execute(statements.HEARTBEAT, asked).rowcount == 1
    stops = _stops.decode(_one(raw, statements.STOPS, asked))
    return Pulse(alive, tuple(StopRequest(token, reason) for token, reason in stops))


def _one(raw: sqlite3.Connection, statement: str, asked: dict[str, Any]) -> str:
    return str(raw.execute(statement, asked).fetchone()[0])
