"""Workflows: how many of their jobs have ended, as counted and as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, exists, func, select

from onbeat.domain.states import State
from onbeat.store.schema import ends, finished, members, workflows
from onbeat.store.verify.laws import Breach, Law


def page(connection: Connection, after: str | None, count: int) -> Sequence[str]:
    """The ids of the next workflows."""
    query = select(workflows.c.id).order_by(workflows.c.id).limit(count)
    return connection.scalars(query if after is None else query.where(workflows.c.id > after)).all()


def breaches(connection: Connection, ids: Sequence[str]) -> Iterator[Breach]:
    """Those of these workflows whose totals do not add up."""
    for row in connection.execute(_counted(ids)):
        if (detail := _wrong(row)) is not None:
            yield Breach(Law.WORKFLOW_TOTALS, row.id, detail)


def _counted(ids: Sequence[str]) -> Any:
    """What is counted, and what stands: jobs on record, and of those whose end was followed."""
    is_told = exists().where(ends.c.job == members.c.job)
    found = (
        select(
            members.c.workflow,
            func.count().label("jobs"),
            func.count(finished.c.job).label("done"),
            *(_of_outcome(state).label(state) for state in (State.FAILED, State.CANCELLED)),
        )
        .select_from(members.outerjoin(finished, (finished.c.job == members.c.job) & ~is_told))
        .where(members.c.workflow.in_(ids))
        .group_by(members.c.workflow)
        .subquery()
    )
    stands = (
        func.coalesce(found.c[name], 0).label(f"{name}_there")
        for name in ("jobs", "done", "failed", "cancelled")
    )
    query = select(workflows, *stands).select_from(
        workflows.outerjoin(found, found.c.workflow == workflows.c.id)
    )
    return query.where(workflows.c.id.in_(ids)).order_by(workflows.c.id)


def _of_outcome(state: State) -> Any:
    return func.count(case((finished.c.outcome == str(state), finished.c.job)))


def _wrong(row: Row[Any]) -> str | None:
    """What does not add up. Jobs that are kept no longer had all ended."""
    gone = row.total - row.jobs_there
    ended = row.done_there + gone
    if gone < 0:
        return f"counted {row.total} jobs, there are {row.jobs_there}"
    if row.ended != ended:
        return f"counted {row.ended} jobs that have ended, there are {ended}"
    failed, cancelled = row.failed - row.failed_there, row.cancelled - row.cancelled_there
    if min(failed, cancelled) < 0 or failed + cancelled > gone:
        return (
            f"counted {row.failed} failed and {row.cancelled} cancelled, there are "
            f"{row.failed_there} and {row.cancelled_there}"
        )
    if (row.ended_at is None) is (row.ended == row.total):
        return (
            f"it is {'not ' if row.ended_at is None else ''}over with {ended} of {row.total} jobs"
        )
    return None
