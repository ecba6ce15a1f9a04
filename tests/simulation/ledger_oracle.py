"""What the ledger must say, by the recurrences alone: walked moment by moment, knowing no plan."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

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
    schedule: str, eras: Sequence[Era], entries: Sequence[Entry], now: datetime, until: datetime
) -> Iterator[Finding]:
    """Each moment up to `until` is in one entry; entries hold nothing but moments, up to `now`."""
    rows = sorted(entries, key=lambda entry: entry.due)
    yield from _overlaps(schedule, rows)
    yield from _strangers(schedule, eras, rows, now)
    yield from _holes(schedule, eras, rows, max([until, *(row.through for row in rows)]))


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
    schedule: str, eras: Sequence[Era], rows: Sequence[Entry], until: datetime
) -> Iterator[Finding]:
    dues = [row.due for row in rows]
    for era in eras:
        for moment in _required(era, until):
            place = bisect_right(dues, moment) - 1
            if place < 0 or rows[place].through < moment:
                yield Finding("each moment of a schedule is on record", schedule, f"{moment}")


def _required(era: Era, until: datetime) -> Iterator[datetime]:
    last = until if era.end is None else era.end - INSTANT
    moment = era.recurrence.next(era.required_from - INSTANT)
    while moment is not None and moment <= last:
        yield moment
        moment = era.recurrence.next(moment)


def _words(row: Entry) -> str:
    return f"{row.due.isoformat()} to {row.through.isoformat()} {row.outcome}"
