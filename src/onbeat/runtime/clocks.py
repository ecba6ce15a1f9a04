"""Moving a virtual clock: whatever becomes due on its way, in the order of its moments.

The clock's row is locked while it is moved, so that of those who move it at once one goes after
the other. It is moved in transactions of bounded size; between two of them it stands where the last
one left it, and whoever looks sees nothing that is half done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from onbeat.domain.clocks import Advanced, target
from onbeat.domain.events import Emit, discard
from onbeat.domain.regions import Send
from onbeat.runtime.regions import Router, sending
from onbeat.runtime.tick import Planning, settle
from onbeat.store import clocks
from onbeat.store.store import Store
from onbeat.timing import Ids

MOMENTS_AT_ONCE = 100
"""Moments in one transaction."""

ROWS_AT_ONCE = 500
"""Schedules, or jobs, of one moment in one transaction."""

MOST_MOMENTS = 10_000
"""Moments in one call: a schedule of every second and a year would keep it for hours."""


@dataclass(slots=True)
class Step:
    """What one transaction did."""

    now_at: datetime
    moments: int = 0
    fired: int = 0
    expired: int = 0
    queues: list[str] = field(default_factory=list)
    plannings: list[Planning] = field(default_factory=list)

    @property
    def released(self) -> int:
        """How many waiting jobs became pending."""
        return len(self.queues)


async def advance(
    store: Store,
    name: str,
    *,
    to: datetime | None = None,
    by: timedelta | None = None,
    jump: bool = False,
    most: int = MOST_MOMENTS,
    emit: Emit = discard,
    router: Router | None = None,
) -> Advanced:
    """Move the clock to a moment, or by a duration, past at most so many moments.

    Each schedule is planned at each of its moments, as if somebody had watched the clock; with
    `jump` once, at the end, so that what lies between is missed and its catch-up policy decides.
    A duration counts from where the clock stands when it is its turn. `router` sends the jobs of
    schedules to regions. Raises NotFound, and
    InvalidInput for backwards.
    """
    goal_of: Callable[[datetime], datetime] = partial(target, to=to, by=by)
    left, fired, released, expired = most, 0, 0, 0
    while True:
        step, goal = await store.write(
            partial(
                move,
                name=name,
                goal_of=goal_of,
                jump=jump,
                ids=store.ids,
                emit=emit,
                send=await sending(router, store),
            )
        )
        goal_of = _kept(goal)
        fired, released, expired = (
            fired + step.fired, released + step.released, expired + step.expired
        )  # fmt: skip
        left -= step.moments
        await _tell(store, step, emit)
        if step.now_at >= goal or left <= 0:
            is_done = step.now_at >= goal
            return Advanced(step.now_at, fired, released, expired, is_done, goal)


def _kept(goal: datetime) -> Callable[[datetime], datetime]:
    return lambda _: goal


async def _tell(store: Store, step: Step, emit: Emit) -> None:
    topics = set(step.queues)
    for planning in step.plannings:
        topics |= planning.queues
        for decided in planning.decided:
            emit(decided)
        if planning.held:
            held = partial(settle, held=planning.held, to_stop=planning.to_stop)
            await store.write(held)
    store.wakeups.send(topics)


def move(
    connection: Connection,
    now: datetime,
    *,
    name: str,
    goal_of: Callable[[datetime], datetime],
    jump: bool,
    ids: Ids,
    emit: Emit,
    send: Send | None = None,
) -> tuple[Step, datetime]:
    """Move the clock towards its goal, past a bounded number of moments; what was done, and the
    goal, which is reckoned from where the clock stands.
    """
    clock = clocks.lock(connection, now, name)
    goal = goal_of(clock.now_at)
    step = Step(clock.now_at)
    while step.moments < MOMENTS_AT_ONCE:
        due = clocks.first_due(connection, name)
        if due is None or due > goal:
            step.now_at = max(goal, clock.now_at)
            break
        moment = goal if jump else max(due, step.now_at)
        _visit(connection, now, step, name, moment, Planning(ids, emit, send=send))
        step.now_at = moment
        step.moments += 1
    clocks.set_to(connection, now, name, step.now_at)
    return step, goal


def _visit(
    connection: Connection,
    now: datetime,
    step: Step,
    name: str,
    moment: datetime,
    planning: Planning,
) -> None:
    """Do what is due at `moment`, up to a bound; what is left of it is visited next."""
    due = clocks.due_schedules(connection, now, name, moment, ROWS_AT_ONCE)
    if due:
        rows = planning.plan_all(due, moment)
        for occurrence in rows.occurrences:
            occurrence.run_at = None  # the clock says when; workers live by the wall's
        clocks.fire(connection, now, rows)
        step.fired += planning.fired
        step.plannings.append(planning)
    released = clocks.release(connection, now, name, moment, ROWS_AT_ONCE)
    step.queues += released.queues
    step.expired += released.expired
