"""What was and what is to come, day by day or hour by hour, by the clock of a zone. Pure.

Days are as long as the zone makes them: 23 or 25 hours where its clock is moved. Moments to come
are looked at up to a number that all schedules share alike: one that is due each second takes no
place from one that is due each month. Of what was cut off it is told where.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice, pairwise, takewhile

from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence.local_time import instant_of
from onbeat.domain.recurrence.recurrence import MICROSECOND
from onbeat.domain.schedules import OccurrenceOutcome, Schedule, moments_of

MOST_MOMENTS = 10_000
"""To come, that are looked at for one answer."""

MOST_LAPSED = 5_000
"""Moments, or ranges of them, that were missed, and as many that were skipped; the newest."""

MOST_SCHEDULES = 2_000
"""Of which moments to come are looked at; those that are due first."""

MOST_ROWS = 500
"""Schedules that are told one by one."""

FARTHEST = timedelta(days=60)
"""How far ahead it is looked."""

SMALL_LIMIT = 1_000
"""Jobs that a limit leaves, above which it is not asked when they are used up."""

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class By(StrEnum):
    """What is told together."""

    DAY = "day"
    HOUR = "hour"
    """Of each schedule by itself."""


MOST_DAYS = {By.DAY: 62, By.HOUR: 3}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A day or an hour; `end_at` is no part of it."""

    begins_at: datetime
    ends_at: datetime


def buckets(zone: str, first: date, last: date, by: By) -> list[Bucket]:
    """The days from `first` to `last`, included, by the zone's clock; or their hours.

    Raises InvalidInput.
    """
    if last < first:
        raise InvalidInput("to", f"{last} is before {first}; give that day or a later one")
    if (last - first).days >= MOST_DAYS[by]:
        raise InvalidInput(
            "to",
            f"{(last - first).days + 1} days are too many; give at most {MOST_DAYS[by]} by {by}",
        )
    if not 1970 <= first.year <= last.year < 9999:
        raise InvalidInput("from", f"{first} is out of range; give a day from 1970 to 9998")
    days = [_day(zone, first + number * DAY) for number in range((last - first).days + 1)]
    return days if by is By.DAY else [hour for day in days for hour in _hours(day)]


def _day(zone: str, day: date) -> Bucket:
    begin = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - by the zone's clock
    return Bucket(instant_of(zone, begin), instant_of(zone, begin + DAY))


def _hours(day: Bucket) -> Iterator[Bucket]:
    begin = day.begins_at
    while begin < day.ends_at:
        end = min(begin + HOUR, day.ends_at)
        yield Bucket(begin, end)
        begin = end


@dataclass(slots=True)
class Told:
    """What a schedule, or all of them, have in a bucket."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    missed: int = 0
    """Moments that nobody ran; a range of them counts once in each bucket that it touches."""
    skipped: int = 0
    coming: int = 0
    cut: int = 0
    """Schedules that may be due more often in it than was looked at."""
    first_at: datetime | None = None
    """The first of the moments to come."""
    last_at: datetime | None = None
    every: timedelta | None = None
    """How far apart all its moments are, of three or more that are evenly so."""


Cells = dict[int, Told]
"""What there is in which bucket, by its place."""


@dataclass(slots=True)
class Row:
    """What one schedule has; None for those that were taken away."""

    name: str | None
    cells: Cells = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What ended in a roll-up: of one schedule, or of all."""

    begins_at: datetime
    completed: int
    failed: int
    cancelled: int
    schedule: str | None = None
    """Its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapsed:
    """A moment of a schedule, or a range of them, that made no job: missed or skipped."""

    outcome: OccurrenceOutcome
    due_at: datetime
    through_at: datetime | None = None
    """The last moment of a range."""
    schedule: str | None = None
    """Its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A schedule, and from when on its moments are to come."""

    schedule: Schedule
    from_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What an agenda is made of."""

    now: datetime
    folded_to: datetime | None = None
    ended: Sequence[Ended] = ()
    plans: Sequence[Plan] = ()
    left_out: int = 0
    """Schedules of which no moment to come is looked at: there are too many."""
    lapsed: Sequence[Lapsed] = ()
    lapsed_since: datetime | None = None
    """From when on these are all there are; None where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What was and what is to come."""

    zone: str
    now: datetime
    folded_to: datetime | None
    buckets: Sequence[Bucket]
    totals: Sequence[Told]
    rows: Sequence[Row]
    lapsed_since: datetime | None = None
    """From when on missed and skipped moments are told; None where all are."""
    left_out: int = 0
    """Schedules of which no moment to come was looked at: there are too many."""


@dataclass(slots=True)
class _Walk:
    """The moments of a schedule, as far as they were looked at."""

    plan: Plan
    rest: Iterator[datetime]
    found: list[datetime] = field(default_factory=list)
    is_over: bool = False


def moments(
    plans: Sequence[Plan], until: datetime, now: datetime, most: int = MOST_MOMENTS
) -> Iterator[tuple[Schedule, Sequence[datetime], bool]]:
    """Of each the moments before `until`, and whether there may be more; `most` in all."""
    walks = [_Walk(each, _to_come(each, until, now)) for each in plans]
    going, left = walks, most
    while going and left >= len(going):
        share = left // len(going)
        for walk in going:
            piece = list(islice(walk.rest, share))
            walk.found += piece
            walk.is_over = len(piece) < share
            left -= len(piece)
        going = [walk for walk in going if not walk.is_over]
    return ((each.plan.schedule, each.found, not each.is_over) for each in walks)


def _to_come(plan: Plan, until: datetime, now: datetime) -> Iterator[datetime]:
    schedule = plan.schedule
    found = moments_of(schedule, plan.from_at, now, farthest=SMALL_LIMIT)
    after_skips = islice(found, schedule.skips, None) if plan.from_at <= now else found
    return takewhile(lambda moment: moment < until, after_skips)


@dataclass(slots=True)
class _Sheet:
    """Buckets that are being filled."""

    begins: Sequence[datetime]
    by: By
    totals: Sequence[Told]
    rows: dict[str | None, Row] = field(default_factory=dict)

    def cells(self, at: int, schedule: str | None) -> Iterator[Told]:
        """Where it is told what a schedule has in a bucket."""
        yield self.totals[at]
        if self.by is By.HOUR:
            yield self.row(schedule).setdefault(at, Told())

    def row(self, schedule: str | None) -> Cells:
        """The cells of one schedule."""
        return self.rows.setdefault(schedule, Row(schedule)).cells


def put_together(zone: str, wanted: Sequence[Bucket], by: By, found: Material) -> Agenda:
    """Sort all into the buckets."""
    sheet = _Sheet([each.begins_at for each in wanted], by, [Told() for _ in wanted])
    for each in found.ended:
        at = bisect_right(sheet.begins, each.begins_at) - 1
        for cell in sheet.cells(at, each.schedule):
            cell.completed += each.completed
            cell.failed += each.failed
            cell.cancelled += each.cancelled
    for one in found.lapsed:
        for at in _touched(sheet.begins, one):
            for cell in sheet.cells(at, one.schedule):
                _note_lapsed(one, cell)
    _note_coming(sheet, wanted, found)
    return Agenda(
        zone=zone, now=found.now, folded_to=found.folded_to, buckets=wanted, totals=sheet.totals,
        rows=sorted(sheet.rows.values(), key=lambda row: (row.name is None, row.name)),
        lapsed_since=found.lapsed_since, left_out=found.left_out,
    )  # fmt: skip


def _note_coming(sheet: _Sheet, wanted: Sequence[Bucket], found: Material) -> None:
    horizon = _horizon(wanted, found.now)
    for schedule, coming, is_cut in moments(found.plans, horizon, found.now):
        cells = _sorted_in(sheet.begins, coming)
        for at, cell in cells.items():
            sheet.totals[at].coming += cell.coming
        if is_cut:
            _note_cut(wanted, coming, sheet.totals, cells)
        if sheet.by is By.HOUR and cells:
            _join(sheet.row(schedule.name), cells)


def _touched(begins: Sequence[datetime], one: Lapsed) -> range:
    """The buckets in which it has a moment, or all between two of them."""
    last = bisect_right(begins, one.through_at or one.due_at) - 1
    return range(bisect_right(begins, one.due_at) - 1, last + 1)


def _note_lapsed(one: Lapsed, cell: Told) -> None:
    if one.outcome is OccurrenceOutcome.MISSED:
        cell.missed += 1
    else:
        cell.skipped += 1


def _horizon(wanted: Sequence[Bucket], now: datetime) -> datetime:
    return min(wanted[-1].ends_at, now + FARTHEST)


def _sorted_in(begins: Sequence[datetime], found: Sequence[datetime]) -> Cells:
    by_bucket: dict[int, list[datetime]] = {}
    for moment in found:
        by_bucket.setdefault(bisect_right(begins, moment) - 1, []).append(moment)
    return {
        at: Told(coming=len(each), first_at=each[0], last_at=each[-1], every=_evenly(each))
        for at, each in by_bucket.items()
        if at >= 0
    }


def _evenly(found: Sequence[datetime]) -> timedelta | None:
    apart = {later - sooner for sooner, later in pairwise(found)}
    return apart.pop() if len(found) > 2 and len(apart) == 1 else None


def _note_cut(
    wanted: Sequence[Bucket], found: Sequence[datetime], totals: Sequence[Told], cells: Cells
) -> None:
    """From its last moment on it may be due more often than it is told."""
    since = found[-1] + MICROSECOND if found else wanted[0].begins_at
    for at, bucket in enumerate(wanted):
        if bucket.ends_at > since:
            totals[at].cut += 1
            cells.setdefault(at, Told()).cut = 1


def _join(cells: Cells, more: Mapping[int, Told]) -> None:
    for at, cell in more.items():
        there = cells.setdefault(at, cell)
        if there is not cell:
            there.coming, there.cut = cell.coming, cell.cut
            there.first_at, there.last_at, there.every = cell.first_at, cell.last_at, cell.every
