"""Operations, cold: begun, carried on a batch at a time, stopped.

A batch changes its jobs and says how far the operation has come in one transaction: who carries it
on after a crash begins where the last batch that was committed ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from onbeat.domain.access import Principal
from onbeat.domain.audit import Actor
from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.job_filters import JobFilter, read_filter
from onbeat.domain.jobs import JobId
from onbeat.domain.operations import (
    COUNTED,
    MOST_FAILURES,
    SHOWN,
    Action,
    Failure,
    Matched,
    Meant,
    Operation,
    Stage,
    Where,
    wanted_of,
)
from onbeat.domain.schedule_operations import ScheduleAction, SchedulesMeant
from onbeat.store import audit, bulk, schedule_operations
from onbeat.store.cleaning import AT_ONCE, Walk
from onbeat.store.list_conditions import let_in
from onbeat.store.listing import matching
from onbeat.store.payloads import encode
from onbeat.store.schema import operations
from onbeat.store.wakeups import SCHEDULER

PAGE = 1_000
"""Jobs that are counted in one go."""

MOST_PAGES = 60
"""How often is looked for jobs to count: where few of very many fit, it is not known how many."""

_where = msgspec.json.Decoder(Where).decode
_ids = msgspec.json.Decoder(list[str]).decode
_failures = msgspec.json.Decoder(list[tuple[str, str]]).decode


@dataclass(slots=True)
class Batch:
    """What a batch did."""

    looked_at: int = 0
    count: int = 0
    failures: list[Failure] = field(default_factory=list)
    queues: set[str] = field(default_factory=set)
    """In which jobs run again."""
    asked: int = 0
    """How many run, and were asked to stop."""
    is_last: bool = False


def count(connection: Connection, now: datetime, meant: Meant) -> Matched:
    """How many jobs fit now, counted no farther than to COUNTED, and the first of them."""
    if meant.ids:
        found = _fitting(connection, meant, now, meant.ids)
        return Matched(count=len(found), is_exact=True, ids=found[:SHOWN])
    ids: list[JobId] = []
    after: JobId | None = None
    for _ in range(MOST_PAGES):
        page, after = matching(connection, wanted_of(meant, now, after, PAGE))
        ids += page
        if after is None or len(ids) > COUNTED:
            break
    return Matched(
        count=min(len(ids), COUNTED), is_exact=after is None and len(ids) <= COUNTED,
        ids=ids[:SHOWN],
    )  # fmt: skip


def known(connection: Connection, meant: Meant) -> set[JobId]:
    """Which of the named jobs there are, of the owner's where it is of one."""
    if not meant.ids:
        return set()
    wanted = read_filter(JobFilter(owner=meant.owner))
    return {JobId(job) for job in let_in(connection, meant.ids, wanted, wanted.fields)}


def begin(
    connection: Connection, now: datetime, *, identity: str, meant: Meant | SchedulesMeant,
    found: Matched,
    actor: Actor | None, by: str,
) -> Operation:  # fmt: skip
    """Put an operation on record, to be carried on by whoever holds that duty.

    The jobs that were `found` have been counted before: it takes its time, and this is a write.
    """
    who = None if actor is None else actor.principal
    said = meant.where if isinstance(meant, Meant) else schedule_operations.said_of(meant)
    connection.execute(
        insert(operations).values(
            id=identity, action=meant.action, said=encode(said).decode(),
            ids=encode(list(meant.ids)).decode() if meant.ids else None, reason=meant.reason,
            owner=meant.owner, actor_kind=None if who is None else who.kind,
            actor=None if who is None else who.id, actor_name=None if who is None else who.name,
            by=by, created_at=now, total=found.count,
            is_total_exact=int(found.is_exact), done=0, failed=0, failures="[]", looked_at=0,
        )
    )  # fmt: skip
    return find(connection, now, identity)


def find(
    connection: Connection, now: datetime, identity: str, owner: str | None = None
) -> Operation:
    """The operation; of an owner, only its own. Raises NotFound."""
    row = connection.execute(select(operations).where(operations.c.id == identity)).first()
    if row is None or (owner is not None and row.owner != owner):
        raise NotFound(f"no operation {identity}", "operations")
    return _operation(row)


def list_operations(
    connection: Connection,
    now: datetime,
    *,
    owner: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Operation]:
    """The newest first; of an owner, only its own."""
    query = select(operations).order_by(operations.c.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(operations.c.owner == owner)
    if before is not None:
        query = query.where(operations.c.id < before)
    return [_operation(row) for row in connection.execute(query)]


def stop(
    connection: Connection, now: datetime, identity: str, owner: str | None = None
) -> Operation:
    """Change no more jobs; the batch under way ends first. Raises NotFound, Conflict."""
    find(connection, now, identity, owner)
    row = connection.execute(
        update(operations)
        .where(operations.c.id == identity, operations.c.ended_at.is_(None))
        .values(ended_at=now, stage=Stage.STOPPED)
        .returning(operations.c.id)
    ).first()
    stands = find(connection, now, identity)
    if row is None:
        raise Conflict(f"operation {identity} is {stands.stage}; there is nothing to stop")
    return stands


def under_way(connection: Connection, now: datetime) -> list[str]:
    """The operations that have not ended, the oldest first."""
    query = select(operations.c.id).where(operations.c.ended_at.is_(None))
    return list(connection.scalars(query.order_by(operations.c.id)))


def go_on(connection: Connection, now: datetime, *, identity: str, entry: str) -> Batch | None:
    """Do the next batch of an operation; None where it has ended, or somebody else does one.

    The last batch writes it down in the audit log, as `entry`.
    """
    row = connection.execute(
        select(operations)
        .where(operations.c.id == identity, operations.c.ended_at.is_(None))
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    meant = _meant(row)
    if isinstance(meant, SchedulesMeant):
        batch, place = _of_schedules(connection, now, meant, row)
    else:
        batch, place = _of_jobs(connection, now, meant, row)
    _note(connection, now, row, batch, place)
    if batch.is_last and row.actor_kind is not None:
        _write_down(connection, now, entry, find(connection, now, identity), row)
    return batch


def _of_schedules(
    connection: Connection, now: datetime, meant: SchedulesMeant, row: Row[Any]
) -> tuple[Batch, str | None]:
    step = schedule_operations.carry_out(
        connection, now, meant, operation=row.id, after=row.place, by=row.by
    )
    batch = Batch(step.looked_at, step.count, step.failures, {SCHEDULER})
    batch.is_last = step.place is None
    return batch, step.place


def _of_jobs(
    connection: Connection, now: datetime, meant: Meant, row: Row[Any]
) -> tuple[Batch, str | None]:
    at_once = AT_ONCE[connection.dialect.name]
    batch, place = Batch(), None
    if meant.ids:
        ids = meant.ids[row.looked_at : row.looked_at + at_once]
        fitting = _fitting(connection, meant, row.created_at, ids)
        left = set(ids) - set(fitting)
        batch.failures += [Failure(job, NO_LONGER) for job in ids if job in left]
        batch.is_last = row.looked_at + len(ids) >= len(meant.ids)
    else:
        wanted = wanted_of(meant, row.created_at, row.place, at_once)
        fitting, place = matching(connection, wanted)
        ids = fitting
        batch.is_last = place is None
    batch.looked_at = len(ids)
    _carry_out(connection, now, meant, fitting, batch)
    return batch, place


NO_LONGER = "it is not there, or no longer as it must be for that"


def _fitting(
    connection: Connection, meant: Meant, began: datetime, ids: Sequence[JobId]
) -> list[JobId]:
    """Those of the named jobs that fit."""
    wanted = wanted_of(meant, began, None, max(len(ids), 1))
    found = let_in(connection, ids, wanted, wanted.fields)
    return [job for job in ids if job in found]


def _carry_out(
    connection: Connection, now: datetime, meant: Meant, ids: Sequence[JobId], batch: Batch
) -> None:
    if not ids:
        return
    if meant.action is Action.CANCEL:
        called = bulk.CalledOff()
        bulk.call_off_many(connection, now, ids, meant.reason, called)
        batch.count, batch.asked = called.cancelled + called.asked, called.asked
        return
    states = [state for state in meant.action.states if state in meant.where.state]
    again = bulk.run_again(connection, now, ids, states)
    batch.count, batch.queues = again.count, again.queues
    batch.failures += [
        Failure(job, f"job {holder} has its unique key") for job, holder in again.refused.items()
    ]


def _note(
    connection: Connection, now: datetime, row: Row[Any], batch: Batch, place: str | None
) -> None:
    """Say how far it has come."""
    kept = [*_failures(row.failures), *((each.job, each.why) for each in batch.failures)]
    connection.execute(
        update(operations)
        .where(operations.c.id == row.id)
        .values(
            done=operations.c.done + batch.count, failed=operations.c.failed + len(batch.failures),
            failures=encode(kept[:MOST_FAILURES]).decode(), place=place,
            looked_at=operations.c.looked_at + batch.looked_at,
            ended_at=now if batch.is_last else None,
            stage=Stage.COMPLETED if batch.is_last else None,
        )
    )  # fmt: skip


def _write_down(
    connection: Connection, now: datetime, entry: str, ended: Operation, row: Row[Any]
) -> None:
    who = Actor(principal=Principal(kind=row.actor_kind, id=row.actor, name=row.actor_name))
    audit.record(
        connection, now, entry, who, "operation.end", ("operation", ended.id),
        after={"stage": ended.stage, "done": ended.done, "failed": ended.failed},
    )  # fmt: skip


def clean(connection: Connection, now: datetime, before: datetime, walk: Walk) -> Walk:
    """Remove operations that ended `before`."""
    at_once = AT_ONCE[connection.dialect.name]
    query = select(operations.c.id).where(operations.c.ended_at < before).limit(at_once)
    old = list(connection.scalars(query))
    if old:
        connection.execute(delete(operations).where(operations.c.id.in_(old)))
    return Walk(None, walk.seen, walk.removed + len(old), len(old) < at_once)


def _meant(row: Row[Any]) -> Meant | SchedulesMeant:
    if row.action in set(ScheduleAction):
        return schedule_operations.meant_by(
            row.said, action=row.action, reason=row.reason, owner=row.owner
        )
    return Meant(
        action=Action(row.action), where=_where(row.said),
        ids=[] if row.ids is None else [JobId(each) for each in _ids(row.ids)],
        reason=row.reason, owner=row.owner,
    )  # fmt: skip


def _operation(row: Row[Any]) -> Operation:
    return Operation(
        id=row.id, meant=_meant(row), by=row.by, created_at=row.created_at, total=row.total,
        is_total_exact=bool(row.is_total_exact), done=row.done, failed=row.failed,
        failures=[Failure(JobId(job), why) for job, why in _failures(row.failures)],
        stage=Stage.RUNNING if row.stage is None else Stage(row.stage), ended_at=row.ended_at,
    )  # fmt: skip
