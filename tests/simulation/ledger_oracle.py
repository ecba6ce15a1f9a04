"""What the ledger must say, by the recurrences alone: walked moment by moment, knowing no plan."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from onbeat.domain.schedules import Schedule
from tests.chaos.findings import Finding
from tests.simulation.book import Era

INSTANT = timedelta(microseconds=1)

WITH_A_JOB = frozenset({"ran", "late"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger."""

    due: datetime
    through: datetime
    outcome: str


def judge(
    schedule: str,
    eras: Sequence[Era],
    entries: Sequence[Entry],
    now: datetime,
    until: datetime,
    over: datetime | None = None,
) -> Iterator[Finding]:
    """Each moment up to `until` is in one entry; entries hold nothing but moments, up to `now`.

    After `over` none is expected any more.
    """
    rows = sorted(entries, key=lambda entry: entry.due)
    yield from _overlaps(schedule, rows)
    yield from _strangers(schedule, eras, rows, now)
    last = max([until, *(row.through for row in rows)])
    yield from _holes(schedule, eras, rows, last, over or last)


def over_after(schedule: Schedule, entries: Sequence[Entry]) -> datetime | None:
    """After which moment no other is expected: the end, or the one that used up the limit."""
    with_jobs = sorted(each.due for each in entries if each.outcome in WITH_A_JOB)
    limit = schedule.limit
    used_up = [] if limit is None else with_jobs[limit - 1 : limit]
    return min((at for at in (schedule.end_at, *used_up) if at is not None), default=None)


def bounds(schedule: Schedule, entries: Sequence[Entry]) -> Iterator[Finding]:
    """No moment comes after the end, and no more jobs than the limit allows."""
    for row in entries:
        if schedule.end_at is not None and row.through > schedule.end_at:
            detail = f"{_words(row)}, and it ends at {schedule.end_at.isoformat()}"
            yield Finding("no moment comes after the end", schedule.name, detail)
    count = sum(each.outcome in WITH_A_JOB for each in entries)
    if schedule.limit is not None and count > schedule.limit:
        detail = f"{count} jobs of {schedule.limit}"
        yield Finding("a limit bounds the jobs that are made", schedule.name, detail)


def _overlaps(schedule: str, rows: Sequence[Entry]) -> Iterator[Finding]:
    for before, after in pairwise(rows):
        if after.due <= before.through:
            detail = f"{_words(before)} and {_words(after)}"
            yield Finding("a moment is in one entry of the ledger", schedule, detail)
    for row in rows:
        if row.outcome in WITH_A_JOB and row.through != row.due:
            yield Finding("an entry with a job is one moment", schedule, _words(row))


def _strangers(
    schedule: str, eras: Sequence[Era], rows: Sequence[Entry], now: datetime
) -> Iterator[Finding]:
    for row in rows:
        for end in sorted({row.due, row.through}):
            if not any(_is_moment(era, end, now) for era in eras):
                detail = f"{end.isoformat()} in {_words(row)}"
                yield Finding("only moments of a schedule are on record", schedule, detail)


def _is_moment(era: Era, moment: datetime, now: datetime) -> bool:
    latest = era.high if era.end is not None else max(era.high, now)
    is_within = era.begin <= moment <= latest
    return is_within and era.recurrence.next(moment - INSTANT) == moment


def _holes(
    schedule: str, eras: Sequence[Era], rows: Sequence[Entry], until: datetime, over: datetime
) -> Iterator[Finding]:
    dues = [row.due for row in rows]
    for era in eras:
        for moment in _required(era, until, over):
            place = bisect_right(dues, moment) - 1
            if place < 0 or rows[place].through < moment:
                yield Finding("each moment of a schedule is on record", schedule, f"{moment}")


def _required(era: Era, until: datetime, over: datetime) -> Iterator[datetime]:
    last = min(until if era.end is None else era.end - INSTANT, over)
    moment = era.recurrence.next(era.required_from - INSTANT)
    while moment is not None and moment <= last:
        yield moment
        moment = era.recurrence.next(moment)


def _words(row: Entry) -> str:
    return f"{row.due.isoformat()} to {row.through.isoformat()} {row.outcome}"
