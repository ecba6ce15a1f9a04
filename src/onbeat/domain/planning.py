"""`plan`: a schedule and the time now give its occurrences, and when it is due next.

Nothing here reads a clock or a store. Every moment from the one that was due up to now is in
exactly one occurrence, so that no beat is unaccounted for:
    on time      due at most GRACE ago: makes a job, unless the overlap policy skips it
    missed       older: the catch-up policy says which of them make a job after all
A missed range is one occurrence however long it is; its end is found by halving, not counting.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, cast

import msgspec
from msgspec.structs import replace

from onbeat.domain.recurrence import Recurrence
from onbeat.domain.schedules import (
    HOLDING,
    MAX_BUFFERED,
    CatchUp,
    CatchUpMode,
    Occurrence,
    OccurrenceOutcome,
    Overlap,
    Plannable,
    jitter_of,
    within_end,
)

GRACE = timedelta(seconds=10)
"""A tick that comes this late is an ordinary delay, not a missed moment."""

RAN, LATE = OccurrenceOutcome.RAN, OccurrenceOutcome.LATE
COALESCED, SKIPPED = OccurrenceOutcome.COALESCED, OccurrenceOutcome.SKIPPED
MISSED = OccurrenceOutcome.MISSED
INSTANT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


class Plan(msgspec.Struct, frozen=True):
    """What to do about a schedule now."""

    occurrences: tuple[Occurrence, ...]
    next_due_at: datetime | None
    """When to plan it again; None when it has ended, or waits for its job to finish."""
    made: int
    """How many of the occurrences make a job."""
    held_due_at: datetime | None = None
    """The first moment that waits for the last job to end, or that comes at once after this one."""
    awaits_last: bool = False
    """Whether nothing is planned until the last job has ended; then from `held_due_at` on."""
    stops_last: bool = False
    """Whether the last job is to be asked to stop."""
    skips: int = 0
    """How many moments somebody asked to be left out have been."""
    failures: int = 0
    """How many jobs have failed in a row."""
    pause: str | None = None
    """Why the schedule is to be paused."""


@lru_cache(maxsize=100_000)
def _remembered(recurrence: Hashable, after: datetime) -> datetime | None:
    return cast("Recurrence", recurrence).next(after)


def next_moment(recurrence: Recurrence, after: datetime) -> datetime | None:
    """`recurrence.next`, remembered: many schedules share an expression, a zone and a minute."""
    return _remembered(cast("Hashable", recurrence), after)


def plan(
    schedule: Plannable,
    now: datetime,
    *,
    busy: bool,
    has_failed: bool | None = None,
    grace: timedelta = GRACE,
) -> Plan:
    """Give each moment of `schedule` from the due one up to `now` its outcome.

    `busy` says whether the schedule's last job has not ended, `has_failed` how it ended where that
    has not been counted yet. A moment at most `grace` ago is on time.
    """
    due = schedule.next_due_at
    if due is None or due > now:
        return Plan((), due, 0, failures=schedule.failures)
    failures = _failures(schedule, has_failed=has_failed)
    if schedule.pause_after is not None and failures >= schedule.pause_after:
        return Plan((), due, 0, failures=failures, pause=f"{failures} jobs failed in a row")
    planned = _plan_due(schedule, due, At(now, grace), busy=busy)
    return replace(planned, failures=failures) if failures else planned


def _failures(schedule: Plannable, *, has_failed: bool | None) -> int:
    if has_failed is None:
        return schedule.failures
    return schedule.failures + 1 if has_failed else 0


class At(NamedTuple):
    """The moment it is, and how long before it a moment may lie and be on time."""

    now: datetime
    grace: timedelta

    def outcome(self, due: datetime) -> OccurrenceOutcome:
        """What a job made at this moment for another is: in time, or late."""
        return RAN if self.now - due <= self.grace else LATE


def _plan_due(schedule: Plannable, due: datetime, at: At, *, busy: bool) -> Plan:
    now = at.now
    if schedule.recurrence.after_finish is not None:
        return _plan_after_finish(schedule, due, at)
    if schedule.overlap in HOLDING:
        if busy:
            stops = schedule.overlap == Overlap.CANCEL
            return Plan((), None, 0, held_due_at=due, awaits_last=True, stops_last=stops)
        if schedule.held_due_at is not None:
            return _let_go(schedule, due, at)
    following = next_moment(schedule.recurrence, due)
    if (following is None or following > now) and at.outcome(due) is RAN:
        moments: tuple[Occurrence, ...] = (Occurrence(due, RAN),)
    else:
        until = min(now, schedule.end_at) if schedule.end_at else now
        moments = tuple(_sort_out(schedule, due, until, at))
        following = next_moment(schedule.recurrence, now)
    return _admit(schedule, moments, within_end(schedule, following), busy=busy)


def _let_go(schedule: Plannable, due: datetime, at: At) -> Plan:
    """The last job has ended: plan what has waited for that, from `due` on."""
    now = at.now
    until = min(now, schedule.end_at) if schedule.end_at else now
    match schedule.overlap:
        case Overlap.BUFFER_ALL:
            moments, due = _drop_oldest(schedule.recurrence, due, until)
            following = within_end(schedule, next_moment(schedule.recurrence, due))
            planned = _admit(schedule, [*moments, _waited(due, at)], following, busy=False)
            waits = planned.next_due_at is not None and planned.next_due_at <= now
            return replace(planned, held_due_at=planned.next_due_at if waits else None)
        case Overlap.BUFFER_ONE:
            moments = [_waited(due, at)]
            after = _at_or_after(schedule.recurrence, due + INSTANT, until)
            if after is not None:
                last = latest(schedule.recurrence, after, until)
                moments.append(_range(after, last, COALESCED, "into the one that waited"))
        case _:
            last = latest(schedule.recurrence, due, until)
            moments = [_waited(last, at)]
            if last > due:
                before = latest(schedule.recurrence, due, last - INSTANT)
                moments.insert(0, _range(due, before, COALESCED, "into the latest one"))
    following = within_end(schedule, next_moment(schedule.recurrence, now))
    return _admit(schedule, moments, following, busy=False)


def _waited(due: datetime, at: At) -> Occurrence:
    return Occurrence(due, at.outcome(due), reason="waited for the last job to end")


def _drop_oldest(
    recurrence: Recurrence, due: datetime, until: datetime
) -> tuple[list[Occurrence], datetime]:
    """What is dropped of more than MAX_BUFFERED moments, and the first that is kept."""
    moment: datetime | None = due
    for _ in range(MAX_BUFFERED):
        moment = next_moment(recurrence, moment) if moment is not None else None
    if moment is None or moment > until:
        return [], due
    kept = latest(recurrence, due, until)
    for _ in range(MAX_BUFFERED - 1):
        kept = latest(recurrence, due, kept - INSTANT)
    last = latest(recurrence, due, kept - INSTANT)
    return [_range(due, last, SKIPPED, f"more than {MAX_BUFFERED} waited")], kept


def _plan_after_finish(schedule: Plannable, due: datetime, at: At) -> Plan:
    if within_end(schedule, due) is None or _is_used_up(schedule, schedule.made):
        return Plan((), None, 0)
    occurrence = Occurrence(due, at.outcome(due))
    if schedule.skips:
        left_out = (_skipped(occurrence, f"left out by {schedule.skips_by}"),)
        rested = within_end(schedule, next_moment(schedule.recurrence, at.now))
        return Plan(left_out, rested, 0, skips=1)
    return Plan((occurrence,), None, 1)


def _sort_out(schedule: Plannable, due: datetime, until: datetime, at: At) -> Iterable[Occurrence]:
    """Missed moments by the catch-up policy, then those still on time."""
    since = at.now - at.grace
    first_on_time = _at_or_after(schedule.recurrence, max(due, since), until)
    if due < since:
        last_missed = latest(schedule.recurrence, due, min(until, since - INSTANT))
        yield from _catch_up(
            schedule, due, last_missed, at.now, on_time_follows=first_on_time is not None
        )
    moment = first_on_time
    while moment is not None and moment <= until:
        yield Occurrence(moment, RAN)
        moment = next_moment(schedule.recurrence, moment)


def _catch_up(
    schedule: Plannable, first: datetime, last: datetime, now: datetime, *, on_time_follows: bool
) -> Iterable[Occurrence]:
    """Split the missed range `first`…`last` into too old, run late, and merged."""
    recurrence, policy = schedule.recurrence, schedule.catch_up
    begin = None
    if policy.mode is not CatchUpMode.NONE:
        begin = _at_or_after(recurrence, max(first, now - policy.window), last)
    if begin is None:
        yield _range(first, last, MISSED, _too_old(schedule))
        return
    if begin > first:
        yield _range(first, latest(recurrence, first, begin - INSTANT), MISSED, _too_old(schedule))
    match policy.mode:
        case CatchUpMode.LATEST:
            yield from _keep_latest(recurrence, begin, last, on_time_follows=on_time_follows)
        case CatchUpMode.FIRST:
            yield from _keep_first(recurrence, begin, last)
        case _:
            yield from _keep_all(recurrence, begin, last, policy, now)


def _keep_latest(
    recurrence: Recurrence, begin: datetime, last: datetime, *, on_time_follows: bool
) -> Iterable[Occurrence]:
    if on_time_follows:
        yield _range(begin, last, COALESCED, "into the next one")
        return
    if last > begin:
        before = latest(recurrence, begin, last - INSTANT)
        yield _range(begin, before, COALESCED, "into the latest one")
    yield Occurrence(last, LATE)


def _keep_first(recurrence: Recurrence, begin: datetime, last: datetime) -> Iterable[Occurrence]:
    yield Occurrence(begin, LATE)
    following = next_moment(recurrence, begin)
    if following is not None and following <= last:
        yield _range(following, last, COALESCED, "into the first one")


def _keep_all(
    recurrence: Recurrence, begin: datetime, last: datetime, policy: CatchUp, now: datetime
) -> Iterable[Occurrence]:
    moment: datetime | None = begin
    for number in range(policy.most):
        if moment is None or moment > last:
            return
        yield Occurrence(moment, LATE, run_at=now + number * policy.apart)
        moment = next_moment(recurrence, moment)
    if moment is not None and moment <= last:
        yield _range(moment, last, MISSED, f"more than {policy.most} were missed")


def _admit(
    schedule: Plannable, moments: Iterable[Occurrence], following: datetime | None, *, busy: bool
) -> Plan:
    """Apply what was asked to be skipped, the limit and the overlap policy, in order of time."""
    admitted: list[Occurrence] = []
    made = skips = 0
    jitter = jitter_of(schedule.id, schedule.jitter)
    overlapping = busy and schedule.overlap == Overlap.SKIP
    for occurrence in moments:
        if _is_used_up(schedule, schedule.made + made):
            return Plan(tuple(admitted), None, made, skips=skips)
        if made and schedule.overlap in HOLDING and occurrence.outcome.makes_job:
            due = occurrence.due_at
            return Plan(tuple(admitted), due, made, held_due_at=due, skips=skips)
        if not occurrence.outcome.makes_job:
            admitted.append(occurrence)
        elif skips < schedule.skips:
            skips += 1
            admitted.append(_skipped(occurrence, f"left out by {schedule.skips_by}"))
        elif overlapping:
            admitted.append(_skipped(occurrence, "the last job has not ended"))
        else:
            made += 1
            admitted.append(_delayed(occurrence, jitter) if jitter else occurrence)
            overlapping = schedule.overlap == Overlap.SKIP
    if _is_used_up(schedule, schedule.made + made):
        following = None
    return Plan(tuple(admitted), following, made, skips=skips)


def _skipped(occurrence: Occurrence, reason: str) -> Occurrence:
    return Occurrence(occurrence.due_at, SKIPPED, None, reason)


def _delayed(occurrence: Occurrence, jitter: timedelta) -> Occurrence:
    return replace(occurrence, run_at=(occurrence.run_at or occurrence.due_at) + jitter)


def _is_used_up(schedule: Plannable, made: int) -> bool:
    return schedule.limit is not None and made >= schedule.limit


def latest(recurrence: Recurrence, known: datetime, until: datetime) -> datetime:
    """The last moment at or before `until`, given a `known` one.

    Doubles its steps back from `until` until the stretch holds a moment, then halves that
    stretch: the work grows with the logarithm of the time passed, never with how many were missed.
    """
    return _latest(cast("Hashable", recurrence), known, until)


# Remembered: after an outage a tick plans hundreds of schedules that share all three, and one
# search takes 0.1 to 0.2 ms.
@lru_cache(maxsize=1_000)
def _latest(shared: Hashable, known: datetime, until: datetime) -> datetime:
    recurrence = cast("Recurrence", shared)
    low, high, step = known - INSTANT, until, SECOND
    while until - step > known:
        if _holds(recurrence, until - step, until):
            low = until - step
            break
        high = until - step
        step *= 2
    while high - low > SECOND:
        middle = low + (high - low) / 2
        if _holds(recurrence, middle, until):
            low = middle
        else:
            high = middle
    return _walk(recurrence, low, until) or known


def _holds(recurrence: Recurrence, after: datetime, until: datetime) -> bool:
    moment = recurrence.next(after)
    return moment is not None and moment <= until


def _walk(recurrence: Recurrence, after: datetime, until: datetime) -> datetime | None:
    last, following = None, recurrence.next(after)
    while following is not None and following <= until:
        last, following = following, recurrence.next(following)
    return last


def _at_or_after(recurrence: Recurrence, begin: datetime, until: datetime) -> datetime | None:
    moment = next_moment(recurrence, begin - INSTANT)
    return moment if moment is not None and moment <= until else None


def _range(first: datetime, last: datetime, outcome: OccurrenceOutcome, reason: str) -> Occurrence:
    return Occurrence(first, outcome, last if last > first else None, reason)


def _too_old(schedule: Plannable) -> str:
    return f"older than catch-up allows ({schedule.catch_up})"
