"""Taking ended jobs, and old entries of the ledger, off the record, in bounded batches.

A batch reads at most `AT_ONCE` rows of an index and removes at most as many jobs, in one
transaction of milliseconds. Who asks for it begins the next where the last ended: what has to stay
is not looked at again and again. A job goes with its attempts, log lines and marks, or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal,
    select,
    tuple_,
    update,
)

from onbeat.domain.retention import RuleState, Subject, may_go
from onbeat.domain.ties import TieKind, keys_of
from onbeat.store import marks
from onbeat.store import retention as rules
from onbeat.store.among import among
from onbeat.store.schema import (
    attempts,
    blocked,
    dependencies,
    ends,
    finished,
    jobs,
    logs,
    members,
    occurrences,
    reruns,
    schedules,
    uniques,
    workflows,
)

AT_ONCE = {"sqlite": 200, "postgresql": 500}
"""By engine. 200 hold SQLite's writer for 13 ms at the median, 500 for 22; on a server 500 take
30 ms and 200 hardly less.
"""

SCHEDULES_AT_ONCE = 100

CLOCKS_DIFFER = timedelta(days=1)
"""By how much the moments of a job's attempts and log lines may lie outside of its own, by clocks
that were set or differ. PostgreSQL looks for nothing of it in other days: each is a partition, and
without this bound a batch looks into all of them since, for each of its jobs.
"""

JOB_IS_GONE = "its job is no longer kept"
"""How the ledger's reason ends where the job has been removed."""


@dataclass(frozen=True)
class Walk:
    """How far a walk has come, and what it has removed."""

    after: Any = None
    seen: Counter[str] = field(default_factory=Counter)
    removed: int = 0
    is_over: bool = False


def clean_rule(connection: Connection, now: datetime, state: RuleState, walk: Walk) -> Walk:
    """Go a step from the newest job of a rule's subject towards the oldest, and remove what need
    not be kept by the rule as it now is: it may have been changed since the walk began.
    """
    rule = rules.in_force(connection, state.subject)
    if rule is None:
        return replace(walk, is_over=True)
    at_once = AT_ONCE[connection.dialect.name]
    rows = connection.execute(_of_subject(state.subject, walk.after).limit(at_once)).all()
    seen = walk.seen.copy()
    gone = [
        (row.job, row.finished_at)
        for row in rows
        if row.outcome is not None and may_go(rule, row.outcome, row.finished_at, now, seen)
    ]
    after = (rows[-1].at, rows[-1].job) if rows else None
    return Walk(after, seen, walk.removed + _remove(connection, gone), len(rows) < at_once)


def _of_subject(subject: Subject, after: Any) -> Select[Any]:
    match subject.scope:
        case "task":
            return _of_task(subject.name, after)
        case "queue":
            return _of_queue(subject.name, after)
        case _:
            return _of_schedule(subject.name, after)


def _of_task(name: str, after: Any) -> Select[Any]:
    at, job = finished.c.finished_at, finished.c.job
    query = select(at.label("at"), job, at, finished.c.outcome).where(finished.c.task == name)
    if after is not None:
        last = (literal(after[0], at.type), literal(after[1], job.type))
        query = query.where(at <= last[0], tuple_(at, job) < tuple_(*last))
    return query.order_by(at.desc(), job.desc())


def _of_queue(name: str, after: Any) -> Select[Any]:
    query = (
        select(jobs.c.id.label("at"), jobs.c.id.label("job"), finished.c.finished_at,
               finished.c.outcome)
        .select_from(jobs.outerjoin(finished, finished.c.job == jobs.c.id))
        .where(jobs.c.queue == name)
    )  # fmt: skip
    if after is not None:
        query = query.where(jobs.c.id < after[0])
    return query.order_by(jobs.c.id.desc())


def _of_schedule(name: str, after: Any) -> Select[Any]:
    """By its ledger: what was made by hand beside its moments is its task's alone."""
    mine = select(schedules.c.id).where(schedules.c.name == name).scalar_subquery()
    query = (
        select(occurrences.c.due_at.label("at"), occurrences.c.job, finished.c.finished_at,
               finished.c.outcome)
        .select_from(occurrences.outerjoin(finished, finished.c.job == occurrences.c.job))
        .where(occurrences.c.schedule == mine)
    )  # fmt: skip
    if after is not None:
        query = query.where(occurrences.c.due_at < after[0])
    return query.order_by(occurrences.c.due_at.desc())


def clean_old(
    connection: Connection, now: datetime, outcome: str, before: datetime, walk: Walk
) -> Walk:
    """Go a step from the oldest job that ended so, and remove those that did `before`."""
    at, job = finished.c.finished_at, finished.c.job
    query = select(job, at).where(finished.c.outcome == outcome, at < before)
    if walk.after is not None:
        last = (literal(walk.after[0], at.type), literal(walk.after[1], job.type))
        query = query.where(at >= last[0], tuple_(at, job) > tuple_(*last))
    at_once = AT_ONCE[connection.dialect.name]
    rows = connection.execute(query.order_by(at, job).limit(at_once)).all()
    removed = walk.removed + _remove(connection, [(row.job, row.finished_at) for row in rows])
    after = (rows[-1].finished_at, rows[-1].job) if rows else None
    return Walk(after, walk.seen, removed, len(rows) < at_once)


def clean_ledger(connection: Connection, now: datetime, before: datetime, walk: Walk) -> Walk:
    """Go through the ledgers of some schedules, and remove entries of `before` without a job."""
    removed = walk.removed
    for _ in range(SCHEDULES_AT_ONCE):
        query = select(occurrences.c.schedule)
        if walk.after is not None:
            query = query.where(occurrences.c.schedule > walk.after)
        schedule = connection.scalar(query.order_by(occurrences.c.schedule).limit(1))
        if schedule is None:
            return replace(walk, removed=removed, is_over=True)
        count = _clean_ledger_of(connection, schedule, before)
        removed += count
        if count == AT_ONCE[connection.dialect.name]:
            return replace(walk, removed=removed)
        walk = replace(walk, after=schedule)
    return replace(walk, removed=removed)


def _clean_ledger_of(connection: Connection, schedule: str, before: datetime) -> int:
    mine = occurrences.c.schedule == schedule
    end = func.coalesce(occurrences.c.through_at, occurrences.c.due_at)
    old = connection.scalars(
        select(occurrences.c.due_at)
        .select_from(occurrences.outerjoin(jobs, jobs.c.id == occurrences.c.job))
        .where(mine, occurrences.c.due_at < before, end < before, jobs.c.id.is_(None))
        .order_by(occurrences.c.due_at)
        .limit(AT_ONCE[connection.dialect.name])
    ).all()
    if old:
        bounds = occurrences.c.due_at.between(old[0], old[-1])
        connection.execute(delete(occurrences).where(mine, bounds, occurrences.c.due_at.in_(old)))
    return len(old)


def _remove(connection: Connection, gone: Sequence[tuple[str, datetime]]) -> int:
    """Remove ended jobs but for those that something needs; how many.

    Whoever deletes the row of its end decides: a job that is run again meanwhile stays.
    """
    if not gone:
        return 0
    booked = connection.execute(
        select(jobs.c.id, jobs.c.ties, jobs.c.schedule, jobs.c.occurrence_at, jobs.c.created_at)
        .where(among(connection, jobs.c.id, [job for job, _ in gone]))
    ).all()  # fmt: skip
    needed = _needed(connection, booked)
    wanted = [job for job, _ in gone if job not in needed]
    ended = [at for _, at in gone]
    taken = connection.scalars(
        delete(finished)
        .where(
            among(connection, finished.c.job, wanted),
            finished.c.finished_at.between(min(ended), max(ended)),
        )
        .returning(finished.c.job)
    ).all()
    if taken:
        came_off = set(taken)
        mine = [row for row in booked if row.id in came_off]
        _remove_traces(connection, taken, mine, max(ended))
    return len(taken)


def _remove_traces(
    connection: Connection, taken: Sequence[str], booked: Sequence[Any], ended: datetime
) -> None:
    connection.execute(delete(jobs).where(among(connection, jobs.c.id, taken)))
    if booked:
        is_partitioned = connection.dialect.name == "postgresql"
        since = min(row.created_at for row in booked) - CLOCKS_DIFFER
        for job, at in ((attempts.c.job, attempts.c.finished_at), (logs.c.job, logs.c.at)):
            mine = among(connection, job, taken)
            near = [at.between(since, ended + CLOCKS_DIFFER)] if is_partitioned else []
            connection.execute(delete(job.table).where(mine, *near))
    marks.remove(connection, [(row.id, row.ties) for row in booked])
    _remove_from_workflows(connection, taken)
    entries = [
        {"of": row.schedule, "moment": row.occurrence_at, "made": row.id}
        for row in booked
        if row.schedule is not None and row.occurrence_at is not None
    ]
    if entries:
        connection.execute(_TELL_LEDGER, entries)


def _remove_from_workflows(connection: Connection, taken: Sequence[str]) -> None:
    flows = connection.scalars(
        select(members.c.workflow).where(among(connection, members.c.job, taken)).distinct()
    ).all()
    for each in (members.c.job, dependencies.c.job, dependencies.c.parent):
        connection.execute(delete(each.table).where(among(connection, each, taken)))
    if flows:
        left = exists().where(members.c.workflow == workflows.c.id)
        is_over = workflows.c.ended_at.is_not(None)
        of_them = among(connection, workflows.c.id, flows)
        connection.execute(delete(workflows).where(of_them, is_over, ~left))


_TELL_LEDGER = (
    update(occurrences)
    .where(
        occurrences.c.schedule == bindparam("of"),
        occurrences.c.due_at == bindparam("moment"),
        occurrences.c.job == bindparam("made"),
    )
    .values(reason=func.coalesce(cast(occurrences.c.reason, Text) + "; ", "") + JOB_IS_GONE)
)


def _needed(connection: Connection, booked: Sequence[Any]) -> set[str]:
    """Those that a unique key, a schedule, a backfill, a workflow, or who waits for it, needs."""
    ids = [row.id for row in booked]
    keys = [
        key.rpartition(":")[2]
        for row in booked
        for kind in (TieKind.UNIQUE, TieKind.WAITING, TieKind.WITHIN)
        for key in keys_of(row.ties, kind)
    ]
    of_schedules = {row.schedule for row in booked if row.schedule is not None}
    waits = exists().where(blocked.c.job == dependencies.c.job)
    queries = (
        select(uniques.c.job).where(among(connection, uniques.c.key, keys)),
        select(schedules.c.last_job).where(among(connection, schedules.c.id, of_schedules)),
        select(schedules.c.awaits_job).where(among(connection, schedules.c.id, of_schedules)),
        select(reruns.c.job).where(among(connection, reruns.c.job, ids), reruns.c.ended == 0),
        select(ends.c.job).where(among(connection, ends.c.job, ids)),
        select(dependencies.c.parent).where(among(connection, dependencies.c.parent, ids), waits),
        select(members.c.job)
        .join(workflows, workflows.c.id == members.c.workflow)
        .where(among(connection, members.c.job, ids), workflows.c.ended_at.is_(None)),
    )
    return {job for query in queries for job in connection.scalars(query) if job is not None}
