"""Jobs of workflows that are run again after their end: what was called off waits for them anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from onbeat.domain.jobs import JobId
from onbeat.domain.states import State
from onbeat.domain.workflows import Edge, OnFailure, still_off
from onbeat.store.among import among
from onbeat.store.column_types import Moment
from onbeat.store.ends import add_to_totals
from onbeat.store.schema import (
    blocked,
    delayed,
    dependencies,
    ends,
    finished,
    leases,
    members,
    ready,
    workflows,
)

AGAIN = "waits for jobs that run again"


def take_back(connection: Connection, now: datetime, job: JobId, state: State) -> None:
    """Count the end of a job as not happened, for it runs again; it is in its new place already.

    What had been called off because of it waits for it once more, unless another job that it needs
    did not succeed either. What had gone on since is left as it is.
    """
    was_followed = not connection.execute(delete(ends).where(ends.c.job == job)).rowcount
    flow = connection.execute(
        select(workflows.c.id, workflows.c.on_failure)
        .join(members, members.c.workflow == workflows.c.id)
        .where(members.c.job == job)
        .with_for_update(of=workflows)
    ).first()
    if flow is None or not was_followed:
        return
    _set_cause(connection, {job: None})
    again = _wait_again(connection, now, flow.id, job, OnFailure(flow.on_failure))
    _recount(connection, [job, *again])
    counted = Counter({str(state): -1})
    counted[State.CANCELLED] -= len(again)
    add_to_totals(connection, now, flow.id, counted)


def _wait_again(
    connection: Connection, now: datetime, workflow: str, job: JobId, policy: OnFailure
) -> list[JobId]:
    """Block anew what was called off because of the job; which jobs that are."""
    is_off = (members.c.workflow == workflow) & (members.c.called_off_by == job)
    off = {
        JobId(row.job)
        for row in connection.execute(
            select(members.c.job).join(finished, finished.c.job == members.c.job).where(is_off)
        )
    }
    if not off:
        return []
    columns = (dependencies.c.parent, dependencies.c.job, dependencies.c.on)
    rows = connection.execute(select(*columns).where(among(connection, dependencies.c.job, off)))
    edges = [Edge(*row) for row in rows]
    causes = _causes(connection, {edge.parent for edge in edges})
    stay = still_off(job, off, edges, causes, policy)
    again = sorted(off - stay.keys())
    _set_cause(connection, {**stay, **dict.fromkeys(again)})
    _block(connection, now, again)
    return again


def _causes(connection: Connection, parents: set[JobId]) -> dict[JobId, JobId]:
    """Of jobs that ended without success, the one that called each off, or itself."""
    rows = connection.execute(
        select(finished.c.job, members.c.called_off_by)
        .join(members, members.c.job == finished.c.job)
        .where(
            among(connection, finished.c.job, parents), finished.c.outcome != str(State.COMPLETED)
        )
    )
    return {JobId(row.job): JobId(row.called_off_by or row.job) for row in rows}


def _set_cause(connection: Connection, causes: dict[JobId, JobId | None]) -> None:
    rows = [{"of_job": job, "cause": cause} for job, cause in causes.items()]
    if rows:
        connection.execute(
            update(members)
            .where(members.c.job == bindparam("of_job"))
            .values(called_off_by=bindparam("cause")),
            rows,
        )


def _block(connection: Connection, now: datetime, again: Sequence[JobId]) -> None:
    of_them = among(connection, finished.c.job, again)
    connection.execute(
        insert(blocked).from_select(
            ["job", "queue", "lane", "attempt", "reason", "since_at", "parents"],
            select(
                finished.c.job, finished.c.queue, finished.c.lane, literal(0), literal(AGAIN),
                literal(now, Moment), literal(0),
            ).where(of_them),
        )
    )  # fmt: skip
    connection.execute(delete(finished).where(of_them))


def has_yet_to_count(parent: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a parent counts among those that are waited for: until its end has been followed."""
    places = (ready, delayed, blocked.alias("its_place"), leases, ends)
    return or_(*(exists().where(table.c.job == parent) for table in places))


def _recount(connection: Connection, parents: Sequence[JobId]) -> None:
    """Count anew what each job waits for that waits for one of these."""
    children = select(dependencies.c.job).where(among(connection, dependencies.c.parent, parents))
    open_parents = (
        select(func.count())
        .select_from(dependencies)
        .where(dependencies.c.job == blocked.c.job, has_yet_to_count(dependencies.c.parent))
        .correlate(blocked)
        .scalar_subquery()
    )
    connection.execute(
        update(blocked)
        .where(blocked.c.job.in_(children), blocked.c.parents.is_not(None))
        .values(parents=open_parents)
    )
