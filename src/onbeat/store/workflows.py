"""Workflows, cold: stored, listed, looked at, called off."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    delete,
    func,
    insert,
    null,
    select,
    text,
    update,
)

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.jobs import JobId
from onbeat.domain.states import State
from onbeat.domain.workflows import (
    MOST_JOBS,
    Member,
    NewWorkflow,
    On,
    OnFailure,
    Parent,
    Workflow,
    WorkflowJob,
    waits_for_text,
)
from onbeat.store import ends, keys, limits
from onbeat.store import jobs as stored_jobs
from onbeat.store.among import among, found_by
from onbeat.store.column_types import to_micros
from onbeat.store.payloads import book_row, encode
from onbeat.store.revivals import has_yet_to_count
from onbeat.store.schema import (
    blocked,
    delayed,
    dependencies,
    finished,
    jobs,
    leases,
    members,
    ready,
    workflows,
)

T = TypeVar("T")

ROWS_AT_ONCE = 5_000
"""Rows of one statement; a workflow is stored in several, in one transaction."""


def start(connection: Connection, now: datetime, wanted: NewWorkflow) -> frozenset[str]:
    """Store a workflow with its jobs; the queues of those that may run at once.

    One that is on record, by its id, is left as it is. Raises Conflict where another job has the
    unique key of one of them.
    """
    if connection.execute(select(workflows.c.id).where(workflows.c.id == wanted.id)).first():
        return frozenset()
    connection.execute(
        insert(workflows).values(
            id=wanted.id, name=wanted.name, on_failure=str(wanted.on_failure),
            total=len(wanted.members), ended=0, failed=0, cancelled=0, created_at=now,
        )
    )  # fmt: skip
    _take_keys(connection, now, wanted.members)
    parents = _parents_by_job(wanted)
    for some in _batched(wanted.members):
        rows = [_member_row(each, parents.get(each.job.id, []), now) for each in some]
        marked = ["MARK"] if any(each.job.is_marked for each in some) else []
        _run(
            connection, now, ("BOOK", *_needed(rows), "ENROL", *marked), rows=encode(rows).decode(),
            flow=wanted.id,
        )  # fmt: skip
    for edges in _batched(wanted.edges):
        _run(connection, now, ("TIE",), rows=encode(edges).decode())
    return frozenset(
        each.job.queue for each in wanted.members if each.job.id not in parents
    )  # fmt: skip


def _take_keys(connection: Connection, now: datetime, wanted: Sequence[Member]) -> None:
    keyed = [each for each in wanted if each.job.unique is not None]
    # In the order of the keys, so that of two who want the same ones neither waits for the other.
    for member in sorted(keyed, key=_key_of):
        unique = member.job.unique
        assert unique is not None  # noqa: S101 - only those are looked at
        holder = keys.take(connection, now, member.job.id, unique.key, unique.within)
        if holder != member.job.id:
            raise Conflict(
                f"job {holder} has the unique key of {member.label!r}; nothing of the workflow is "
                "stored: wait until its time is over, or give task.opts(unique=False)"
            )


def _key_of(member: Member) -> str:
    return "" if member.job.unique is None else member.job.unique.key


def _batched(all_of_them: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(all_of_them), ROWS_AT_ONCE):
        yield all_of_them[first : first + ROWS_AT_ONCE]


def _parents_by_job(wanted: NewWorkflow) -> dict[JobId, list[str]]:
    labels = {each.job.id: each.label for each in wanted.members}
    found: defaultdict[JobId, list[str]] = defaultdict(list)
    for edge in wanted.edges:
        found[edge.job].append(labels[edge.parent])
    return dict(found)


def _member_row(member: Member, parents: Sequence[str], now: datetime) -> list[Any]:
    """In the order in which the statements read it."""
    reason = waits_for_text(parents) if parents else None
    job = member.job
    due_at = max(job.due_at or now, now + (job.delay or timedelta()))
    due = to_micros(due_at) if due_at > now else None
    return [*book_row(job), due, member.label, len(parents), reason]


def _needed(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """The statements that place these rows: each takes all of the text apart, and most have
    nothing to do.
    """
    waits = [row[-2] for row in rows]
    if any(waits):
        yield "BLOCK"
    if not all(waits):
        yield from ("PLACE", "DELAY")


def _run(connection: Connection, now: datetime, names: Iterable[str], **asked: str) -> None:
    """Run statements of the engine's own."""
    if connection.dialect.name == "postgresql":
        from onbeat.store.postgres import workflows as texts  # noqa: PLC0415 - one engine is loaded

        at = str(to_micros(now))
        values: dict[str, Any] = {**asked, "at": at, "order_key": at}
    else:
        from onbeat.store.sqlite import workflows as texts  # type: ignore[no-redef] # noqa: PLC0415

        values = {**asked, "at": to_micros(now), "order_key": to_micros(now)}
    for name in names:
        statement = text(getattr(texts, name))
        given = {key: values[key] for key in statement._bindparams}
        connection.execute(statement, given)


def find(connection: Connection, now: datetime, identity: str) -> Workflow:
    """One workflow. Raises NotFound."""
    row = connection.execute(select(workflows).where(workflows.c.id == identity)).first()
    if row is None:
        raise NotFound(f"no workflow {identity}", "workflows")
    return _workflow(row)


def list_workflows(
    connection: Connection, now: datetime, *, name: str | None, limit: int,
    after: str | None = None, job: JobId | None = None,
) -> list[Workflow]:  # fmt: skip
    """The newest first; those older than `after`, and that `job` belongs to, where they are
    given.
    """
    query = select(workflows).order_by(workflows.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(workflows.c.id < after)
    if name is not None:
        query = query.where(workflows.c.name == name)
    if job is not None:
        of_job = select(members.c.workflow).where(members.c.job == job)
        query = query.where(workflows.c.id.in_(of_job))
    return [_workflow(row) for row in connection.execute(query)]


def _workflow(row: Row[Any]) -> Workflow:
    return Workflow(
        id=row.id, name=row.name, on_failure=OnFailure(row.on_failure), total=row.total,
        ended=row.ended, failed=row.failed, cancelled=row.cancelled, created_at=row.created_at,
        ended_at=row.ended_at,
    )  # fmt: skip


def graph(
    connection: Connection,
    now: datetime,
    identity: str,
    *,
    limit: int = MOST_JOBS,
    after: str | None = None,
) -> list[WorkflowJob]:
    """The jobs of a workflow in the order they were added, each with its parents; those behind the
    job `after`, where that is given. Raises NotFound.
    """
    find(connection, now, identity)
    shown = select(members.c.job, members.c.label).where(members.c.workflow == identity)
    shown = shown.where(members.c.job > after) if after is not None else shown
    page = shown.order_by(members.c.job).limit(limit)
    # Each statement sees a state of its own on PostgreSQL: the page is settled by the first.
    labels: dict[str, str] = {row.job: row.label for row in connection.execute(page)}
    parents: defaultdict[str, dict[str, On]] = defaultdict(dict)
    edges = (
        select(members.c.label, dependencies.c.job, dependencies.c.on)
        .join(members, members.c.job == dependencies.c.parent)
        .where(among(connection, dependencies.c.job, labels))
    )
    for label, job, on in connection.execute(edges):
        parents[job][label] = On(on)
    known = select(jobs.c.id).where(among(connection, jobs.c.id, labels))
    standing = stored_jobs.standing_of(connection, known)
    return [
        WorkflowJob(
            id=job.id, label=labels[job.id], task=job.task, state=job.state, reason=job.reason,
            parents=parents.get(job.id, {}),
        )
        for job in standing
    ]  # fmt: skip


def open_parents(connection: Connection, job: JobId, limit: int) -> tuple[list[Parent], int]:
    """The parents a job waits for, those that run or may run first; and how many there are."""
    of_it = dependencies.c.job == job
    query = (
        select(dependencies.c.parent, dependencies.c.on, members.c.label)
        .join(members, members.c.job == dependencies.c.parent)
        .where(of_it, has_yet_to_count(dependencies.c.parent))
    )
    waits = select(blocked.c.job).where(blocked.c.job == dependencies.c.parent).exists()
    rows = connection.execute(query.order_by(waits, dependencies.c.parent).limit(limit)).all()
    count = connection.scalar(
        select(func.count()).select_from(dependencies).where(
            of_it, has_yet_to_count(dependencies.c.parent)
        )
    ) or 0  # fmt: skip
    ids = [row.parent for row in rows]
    states = {
        each.id: each.state
        for each in stored_jobs.standing_of(
            connection, select(jobs.c.id).where(among(connection, jobs.c.id, ids))
        )
    }
    found = [
        Parent(JobId(row.parent), row.label, states[JobId(row.parent)], On(row.on))
        for row in rows
        if row.parent in states
    ]
    return found, count


def workflow_of(connection: Connection, job: JobId) -> Workflow | None:
    """The workflow that a job belongs to."""
    row = connection.execute(
        select(workflows)
        .join(members, members.c.workflow == workflows.c.id)
        .where(members.c.job == job)
    ).first()
    return None if row is None else _workflow(row)


def cancel(connection: Connection, now: datetime, identity: str, reason: str) -> tuple[int, int]:
    """Call off all that waits, and ask what runs to stop; how many of each. Raises NotFound and
    Conflict.
    """
    held = connection.execute(
        select(workflows).where(workflows.c.id == identity).with_for_update()
    ).first()
    if held is None:
        find(connection, now, identity)
    elif held.ended_at is not None:
        raise Conflict(
            f"workflow {identity} has ended: {_workflow(held).state}; nothing is left to cancel"
        )
    of_it = select(members.c.job).where(members.c.workflow == identity)
    gone = asked = 0
    for _ in range(stored_jobs.LOOKS):  # a job may move to a place that was looked at already
        gone += sum(
            _call_off(connection, now, table, of_it, reason) for table in (blocked, delayed, ready)
        )
        runs = update(leases).where(found_by(connection, leases.c.job, of_it))
        asked = connection.execute(runs.values(stop_asked=reason)).rowcount
        if not _waits(connection, of_it):
            break
    return gone, asked


def _waits(connection: Connection, of_it: Select[Any]) -> bool:
    """Whether one of the jobs waits: a running one may have come to, while it was asked to stop."""
    return any(
        connection.execute(
            select(table.c.job).where(found_by(connection, table.c.job, of_it)).limit(1)
        ).first()
        for table in (blocked, delayed, ready)
    )


def _call_off(
    connection: Connection, now: datetime, table: Table, of_it: Select[Any], reason: str
) -> int:
    slot = blocked.c.slot if table is blocked else null().label("slot")
    taken: Sequence[Row[Any]] = connection.execute(  # type: ignore[assignment] # of five columns
        delete(table)
        .where(found_by(connection, table.c.job, of_it))
        .returning(table.c.job, table.c.queue, table.c.lane, table.c.attempt, slot)
    ).all()
    if not taken:
        return 0
    ids = [JobId(row.job) for row in taken]
    of_them = select(jobs.c.id, jobs.c.task).where(among(connection, jobs.c.id, ids))
    tasks = {row.id: row.task for row in connection.execute(of_them)}
    connection.execute(insert(finished), [_ended(row, tasks, now, reason) for row in taken])
    # By name, as claims lock them.
    for name, count in sorted(Counter(row.slot for row in taken if row.slot).items()):
        limits.leave(connection, name, count)
    ends.tell(connection, now, ids, State.CANCELLED)
    return len(taken)


def _ended(row: Row[Any], tasks: dict[str, str], now: datetime, reason: str) -> dict[str, Any]:
    return {
        "job": row.job, "finished_at": now, "task": tasks[row.job], "queue": row.queue,
        "lane": row.lane, "outcome": str(State.CANCELLED), "attempts": row.attempt,
        "reason": reason,
    }  # fmt: skip
