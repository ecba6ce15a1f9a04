"""What a reader of a schedule could take wrong, or would want to know: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import median_high, median_low

from onbeat.domain.durations import format_duration
from onbeat.domain.recurrence import Boot, Unreadable, moments
from onbeat.domain.recurrence.recurrence import stamp
from onbeat.domain.schedules import Overlap, Schedule

FEWEST_RUNS = 3
"""Jobs whose run times are known, below which nothing is said of them."""
MOST_RUNS = 20
MOST_GAPS = 20
NEVER = "it is never due again"


def warnings_of(schedule: Schedule, run_times: Sequence[timedelta]) -> tuple[str, ...]:
    """One sentence for each thing about a schedule; `run_times` are those of its latest jobs."""
    since = schedule.next_due_at or schedule.last_due_at
    found = schedule.recurrence.warnings(since)
    return (*found, *_never_again(schedule), *_too_fast(schedule, run_times))


def _never_again(schedule: Schedule) -> Iterator[str]:
    if schedule.broken is not None:
        return
    limit = schedule.limit
    if limit is not None and schedule.made >= limit:
        jobs = f"{limit:,} {'job' if limit == 1 else 'jobs'}"
        made = f"{schedule.made:,} {'was' if schedule.made == 1 else 'were'} made"
        yield f"{NEVER}: its limit of {jobs} is used up, {made}; give a higher --limit, or none"
        return
    waits = schedule.next_due_at or schedule.held_due_at or schedule.awaits_job
    is_odd = schedule.recurrence.after_finish or isinstance(schedule.recurrence, Boot | Unreadable)
    if waits is not None or is_odd or schedule.paused_at is not None:
        return
    if schedule.end_at is not None:
        ended = f"its end {stamp(schedule.end_at)} is over, or comes before its next moment"
        yield f"{NEVER}: {ended}; give a later --end, or none"
    else:
        yield f"{NEVER}; edit it, or remove it"


def _too_fast(schedule: Schedule, run_times: Sequence[timedelta]) -> Iterator[str]:
    """Warn of jobs that take longer than the time to the next, where they may not overlap."""
    if schedule.overlap is Overlap.ALLOW or schedule.clock is not None:
        return
    known = run_times[:MOST_RUNS]
    gap = _gap(schedule)
    if gap is None or len(known) < FEWEST_RUNS:
        return
    usual = median_low(known)
    if usual > gap[0]:
        every = f"every {format_duration(gap[0])}" + ("" if gap[1] else " mostly")
        yield (
            f"its jobs take {_rounded(usual)} (median of the last {len(known)}), "
            f"it is due {every}; make it due less often, or say --overlap allow"
        )


def _gap(schedule: Schedule) -> tuple[timedelta, bool] | None:
    """The usual time from one moment to the next, and whether all of the next few are so."""
    due = schedule.next_due_at
    if due is None or schedule.recurrence.after_finish is not None:
        return None
    found = [due, *moments(schedule.recurrence, due, MOST_GAPS)]
    gaps = [later - one for one, later in pairwise(found)]
    return (median_high(gaps), len(set(gaps)) == 1) if gaps else None


def _rounded(duration: timedelta) -> str:
    """Seconds are told of what takes minutes, and no more."""
    digits = 0 if duration >= timedelta(minutes=1) else 1
    return format_duration(timedelta(seconds=round(duration.total_seconds(), digits)))
