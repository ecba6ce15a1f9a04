"""Ends that somebody waits for: told with the end itself, and followed by what they let go on.

Who waits is a job of the same workflow, or a webhook of the job's owner (store/announcing.py).

An end is a row of `onbeat_ends`, written in the transaction in which a job ends. To follow it is to
take the row away and do, in the same transaction, what comes of it: so nothing is lost in between,
and nothing is done twice. Who follows holds the workflow's row, so that ends of one workflow are
followed one after the other, whoever does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.jobs import JobId
from onbeat.domain.states import State
from onbeat.domain.workflows import Fallout, OnFailure, called_off_text, fall
from onbeat.store.among import among, found_by
from onbeat.store.announcing import announce
from onbeat.store.column_types import Big, Moment, to_micros
from onbeat.store.schema import (
    blocked,
    delayed,
    dependencies,
    ends,
    finished,
    jobs,
    members,
    ready,
    workflows,
)

AT_ONCE = 1_000
"""Ends that are followed in one transaction."""

IS_WAITED_FOR = '"ends:"'
"""What the ties have in them of a job whose end is to be told."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What following ends did."""

    count: int
    """How many ends there were."""
    queues: frozenset[str] = frozenset()
    """Where jobs are pending now."""


def tell(connection: Connection, now: datetime, ended: Collection[JobId], state: State) -> None:
    """Note the ends of those of the jobs that somebody waits for; for ends that no ack brings."""
    rows = select(jobs.c.id, literal(str(state)), literal(now, Moment)).where(
        among(connection, jobs.c.id, ended), jobs.c.ties.contains(IS_WAITED_FOR)
    )
    own = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    told = own(ends).from_select([ends.c.job, ends.c.state, ends.c.at], rows)
    changed = {"state": told.excluded.state, "at": told.excluded.at}
    connection.execute(told.on_conflict_do_update(index_elements=[ends.c.job], set_=changed))


def are_left(connection: Connection, now: datetime) -> bool:
    """Whether there are ends that nobody has followed yet."""
    return connection.execute(select(ends.c.job).limit(1)).first() is not None


def follow(connection: Connection, now: datetime) -> Followed:
    """Follow up to 1,000 ends that nobody else is following."""
    rows = _take(connection)
    taken = {JobId(row.job): str(row.state) for row in rows}
    told = {JobId(row.job): row.at for row in rows}
    flows = _lock_workflows(connection, list(taken))
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    unsuccessful: defaultdict[str, list[JobId]] = defaultdict(list)
    for job, state in taken.items():
        if (flow := flows.get(job)) is None:
            continue  # it is waited for by nobody on record
        counts[flow.id][state] += 1
        if state != State.COMPLETED:
            unsuccessful[flow.id].append(job)
    succeeded = [job for job in flows if taken[job] == State.COMPLETED]
    queues: frozenset[str] = frozenset()
    if succeeded:
        queues |= _count_down(connection, now, succeeded)
    for identity, ended in unsuccessful.items():
        fallout = _fall(connection, now, ended, OnFailure(flows[ended[0]].on_failure))
        counts[identity][State.CANCELLED] += len(fallout.called_off)
        told |= dict.fromkeys(fallout.called_off, now)
        queues |= _apply(connection, now, fallout, taken)
    _add_up(connection, now, counts)
    return Followed(len(taken), queues | announce(connection, now, told))


def _take(connection: Connection) -> Sequence[Any]:
    """Ends nobody else has, taken off the list."""
    found = connection.execute(
        select(ends.c.job, ends.c.state, ends.c.at).limit(AT_ONCE).with_for_update(skip_locked=True)
    ).all()
    if found:
        taken = among(connection, ends.c.job, [row.job for row in found])
        connection.execute(delete(ends).where(taken))
    return found


def _lock_workflows(connection: Connection, ended: Sequence[JobId]) -> dict[JobId, Row[Any]]:
    """The workflow of each job, which nobody else follows until this transaction ends."""
    if not ended:
        return {}
    held = connection.execute(
        select(members.c.job, members.c.workflow).where(among(connection, members.c.job, ended))
    ).all()
    wanted = {row.workflow for row in held}
    locked: Iterable[Any] = connection.execute(
        select(workflows.c.id, workflows.c.on_failure)
        .where(among(connection, workflows.c.id, wanted))
        .order_by(workflows.c.id)
        .with_for_update()
    )
    by_id = {row.id: row for row in locked}
    return {JobId(row.job): by_id[row.workflow] for row in held if row.workflow in by_id}


def _count_down(connection: Connection, now: datetime, succeeded: Sequence[JobId]) -> set[str]:
    """Let go on what waited for these alone; the queues it is pending in."""
    of_them = among(connection, dependencies.c.parent, succeeded)
    counted = (
        select(dependencies.c.job, func.count().label("ended"))
        .where(of_them)
        .group_by(dependencies.c.job)
        .subquery()
    )
    children = select(dependencies.c.job).where(of_them)
    changed = connection.execute(
        update(blocked)
        .where(
            blocked.c.job == counted.c.job,
            blocked.c.parents.is_not(None),
            found_by(connection, blocked.c.job, children),
        )
        .values(parents=blocked.c.parents - counted.c.ended)
    )
    if not changed.rowcount:
        return set()
    return _let_go(connection, now, found_by(connection, blocked.c.job, children))


def _let_go(connection: Connection, now: datetime, which: Any) -> set[str]:
    """Place those of the blocked jobs that wait for no parent any more."""
    free = and_(blocked.c.parents == 0, which)
    found = connection.execute(
        select(blocked.c.queue, func.max(blocked.c.due_at).label("due_at"))
        .where(free)
        .group_by(blocked.c.queue)
    ).all()
    if not found:
        return set()
    kept = (blocked.c.job, blocked.c.queue, blocked.c.lane, blocked.c.attempt, blocked.c.losses)
    names = [column.name for column in kept]
    at_once = free
    if any(row.due_at is not None and row.due_at > now for row in found):
        later = and_(free, blocked.c.due_at > literal(now, Moment))
        connection.execute(
            insert(delayed).from_select(
                [*names, "due_at"], select(*kept, blocked.c.due_at).where(later)
            )
        )
        at_once = and_(
            free, (blocked.c.due_at.is_(None)) | (blocked.c.due_at <= literal(now, Moment))
        )
    placed = select(*kept, literal(to_micros(now), Big)).where(at_once)
    connection.execute(insert(ready).from_select([*names, "order_key"], placed))
    connection.execute(delete(blocked).where(free))
    return {row.queue for row in found}


def _fall(
    connection: Connection, now: datetime, unsuccessful: Sequence[JobId], policy: OnFailure
) -> Fallout:
    """Decide what follows for those that wait for these, directly or not."""
    columns = (dependencies.c.parent, dependencies.c.job, dependencies.c.on)
    waits = blocked.c.parents.is_not(None)
    with_place = dependencies.join(blocked, blocked.c.job == dependencies.c.job)
    below = (
        select(*columns)
        .select_from(with_place)
        .where(among(connection, dependencies.c.parent, unsuccessful), waits)
        .cte("below", recursive=True)
    )
    further = with_place.join(below, below.c.job == dependencies.c.parent)
    below = below.union(select(*columns).select_from(further).where(waits))
    edges = connection.execute(select(below)).all()
    children = {row.job for row in edges}
    # Only what is held fast is decided upon: an operator may be calling one off just now.
    held = connection.scalars(
        select(blocked.c.job)
        .where(among(connection, blocked.c.job, children), waits)
        .order_by(blocked.c.job)
        .with_for_update()
    )
    return fall(unsuccessful, edges, set(held), policy)  # type: ignore[arg-type] # rows are edges


def _apply(
    connection: Connection, now: datetime, fallout: Fallout, states: Mapping[JobId, str]
) -> set[str]:
    by_cause: defaultdict[JobId, list[JobId]] = defaultdict(list)
    for job, cause in fallout.called_off.items():
        by_cause[cause].append(job)
    for cause, called_off in by_cause.items():
        _call_off(connection, now, called_off, cause, State(states[cause]))
    by_count: defaultdict[int, list[JobId]] = defaultdict(list)
    for job, count in fallout.counted.items():
        by_count[count].append(job)
    for count, waiting in by_count.items():
        connection.execute(
            update(blocked)
            .where(among(connection, blocked.c.job, waiting), blocked.c.parents.is_not(None))
            .values(parents=blocked.c.parents - count)
        )
    if not fallout.counted:
        return set()
    return _let_go(connection, now, among(connection, blocked.c.job, list(fallout.counted)))


def _call_off(
    connection: Connection, now: datetime, called_off: list[JobId], cause: JobId, state: State
) -> None:
    label = connection.scalar(select(members.c.label).where(members.c.job == cause)) or "a job"
    reason = called_off_text(label, cause, state)
    of_them = among(connection, blocked.c.job, called_off)
    connection.execute(
        insert(finished).from_select(
            ["job", "finished_at", "task", "queue", "lane", "outcome", "attempts", "reason"],
            select(
                blocked.c.job, literal(now, Moment), jobs.c.task, blocked.c.queue, blocked.c.lane,
                literal(str(State.CANCELLED)), blocked.c.attempt, literal(reason),
            )
            .select_from(blocked.join(jobs, jobs.c.id == blocked.c.job))
            .where(of_them),
        )
    )  # fmt: skip
    connection.execute(delete(blocked).where(of_them))
    connection.execute(
        update(members)
        .where(among(connection, members.c.job, called_off))
        .values(called_off_by=cause)
    )


def _add_up(connection: Connection, now: datetime, counts: Mapping[str, Mapping[str, int]]) -> None:
    for identity, by_state in counts.items():
        add_to_totals(connection, now, identity, by_state)


def add_to_totals(
    connection: Connection, now: datetime, workflow: str, by_state: Mapping[str, int]
) -> None:
    """Count jobs of a workflow as ended, or with negative numbers as not ended after all."""
    ended = workflows.c.ended + sum(by_state.values())
    connection.execute(
        update(workflows)
        .where(workflows.c.id == workflow)
        .values(
            ended=ended,
            failed=workflows.c.failed + by_state.get(State.FAILED, 0),
            cancelled=workflows.c.cancelled + by_state.get(State.CANCELLED, 0),
            ended_at=case((ended == workflows.c.total, literal(now, Moment)), else_=null()),
        )
    )
