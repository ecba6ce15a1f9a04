"""Lists of jobs: filtered, in either order, page after page, in bounded work.

Where few jobs can fit, by one field, they are all looked at. Else one index is walked in the order
of the list, and of each piece of it the jobs are kept that fit; so many rows that do not fit end a
page before it is full, and its cursor goes on behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select

from onbeat.domain.job_cursors import Position, cursor
from onbeat.domain.job_filters import JobFilter, JobPage, Wanted, read_filter
from onbeat.domain.jobs import ID_DIGITS, Job, JobId
from onbeat.store.among import among, among_given, given
from onbeat.store.column_types import EPOCH
from onbeat.store.job_rows import has_place, near_ends, read_job, standing
from onbeat.store.list_conditions import let_in_of, let_in_of_piece
from onbeat.store.list_sources import Source, bounded, resolved, rows, sizes, sources, walk, whole
from onbeat.store.schema import jobs


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of the record a page looks at."""

    few: int = 1_000
    """So many jobs are all looked at."""
    looked_at: int = 3_000
    """Rows that a page looks at, before it is cut."""
    pieces: tuple[int, ...] = (300, 1_000, 2_000)
    """Rows that are looked at in one go: the first, the second, all others."""


USUAL = {"sqlite": Bounds(), "postgresql": Bounds(looked_at=1_500)}
"""By engine: either takes 20 to 40 ms at the median."""


def list_jobs(connection: Connection, now: datetime, wanted: JobFilter) -> list[Job]:
    """The jobs of a page. Raises InvalidInput."""
    return list(page(connection, now, read_filter(wanted)).jobs)


@dataclass(slots=True)
class _Found:
    """What of a page was found so far, in the order in which it was looked for."""

    places: list[Position] = field(default_factory=list)
    cut_at: Position | None = None
    """The last row that was looked at, where there may be more behind it."""


def page(
    connection: Connection, now: datetime, wanted: Wanted, *, bounds: Bounds | None = None
) -> JobPage:
    """A page of the jobs that fit."""
    found = _find(connection, wanted, bounds or USUAL[connection.dialect.name])
    shown = found.places[: wanted.limit]
    is_more = len(found.places) > wanted.limit
    beyond = shown[-1] if is_more else found.cut_at
    begun_at, descends = _begin(wanted)
    first = shown[0] if shown else _turned(begun_at, descends=descends)
    is_backward = wanted.before is not None
    if is_backward:
        shown.reverse()
    onward = None if beyond is None else cursor(wanted.sort, beyond)
    back = None if begun_at is None or first is None else cursor(wanted.sort, first)
    return JobPage(
        jobs=of_ids(connection, [place.job for place in shown]),
        after=back if is_backward else onward,
        before=onward if is_backward else back,
        is_cut=not is_more and found.cut_at is not None,
    )


def matching(
    connection: Connection, wanted: Wanted, *, bounds: Bounds | None = None
) -> tuple[list[JobId], JobId | None]:
    """The ids of a page of a list by when jobs were made, and behind which the next begins; None
    where it was the last.
    """
    found = _find(connection, wanted, bounds or USUAL[connection.dialect.name])
    shown = [place.job for place in found.places[: wanted.limit]]
    if len(found.places) > wanted.limit:
        return shown, shown[-1]
    return shown, None if found.cut_at is None else found.cut_at.job


def _turned(begun_at: Position | None, *, descends: bool) -> Position | None:
    """From where to go back, so that what a walk began behind is met."""
    if begun_at is None:
        return None
    job = int(begun_at.job, 16) + (-1 if descends else 1)
    return Position(begun_at.at, JobId(f"{min(max(job, 0), GREATEST):0{ID_DIGITS}x}"))


GREATEST = 16**ID_DIGITS - 1


def of_ids(connection: Connection, ids: Sequence[JobId]) -> list[Job]:
    """Those of the jobs that are on record, in the order of `ids`."""
    if not ids:
        return []
    engine = connection.dialect.name
    found = list(connection.execute(_near(engine), {"ids": given(engine, ids)}))
    # Of a job that ended by a clock that was set back, or was moved on in between.
    far = [row.id for row in found if not has_place(row)]
    if far:
        found += connection.execute(standing().where(among(connection, jobs.c.id, far)))
    by_id = {job.id: job for job in map(read_job, found)}
    return [by_id[job] for job in ids if job in by_id]


@cache
def _near(engine: str) -> Select[Any]:
    """Asks for the jobs of `ids`. Kept: to make it took a fifth of what it takes to run it."""
    return standing(*near_ends(engine)).where(among_given(engine, jobs.c.id, "ids"))


def _find(connection: Connection, asked: Wanted, bounds: Bounds) -> _Found:
    wanted = resolved(connection, asked)
    if wanted is None:
        return _Found()
    found = [bounded(source, wanted) for source in sources(connection, wanted)]
    source, is_short = _chosen(connection, wanted, found, bounds.few)
    if is_short:
        return _look_at_all(connection, wanted, source, bounds.few)
    return _walk(connection, wanted, source, bounds)


def _chosen(
    connection: Connection, wanted: Wanted, found: list[Source], few: int
) -> tuple[Source, bool]:
    """What to read, and whether it is read whole: the shortest where one is short, else the first
    that is in order.
    """
    ordered = next(source for source in found if source.is_ordered)
    if wanted.fields <= ordered.settles:
        return ordered, False
    narrow = [source for source in found if source.is_narrow]
    counts = sizes(connection, narrow, few) if narrow else []
    if counts and min(counts) <= few:
        return narrow[counts.index(min(counts))], True
    return ordered, False


def _look_at_all(connection: Connection, wanted: Wanted, source: Source, few: int) -> _Found:
    places = let_in_of(connection, whole(source, few), wanted, wanted.fields)
    start, descends = _begin(wanted)
    beyond = [
        place
        for place in places.values()
        if start is None or (_key(place) < _key(start) if descends else _key(place) > _key(start))
    ]
    return _Found(sorted(beyond, key=_key, reverse=descends)[: wanted.limit + 1])


def _key(place: Position) -> tuple[datetime, str]:
    return place.at or EPOCH, place.job


def _begin(wanted: Wanted) -> tuple[Position | None, bool]:
    """Where the page begins, and whether it goes down from there."""
    if wanted.before is not None:
        return wanted.before, not wanted.sort.descends
    return wanted.after, wanted.sort.descends


def _walk(connection: Connection, wanted: Wanted, source: Source, bounds: Bounds) -> _Found:
    found, (position, descends) = _Found(), _begin(wanted)
    fields = wanted.fields - source.settles
    if not fields:
        found.places = rows(connection, source, position, descends=descends, limit=wanted.limit + 1)
        return found
    left = max(bounds.looked_at, wanted.limit + 1)
    for turn in range(left):
        lacking = wanted.limit + 1 - len(found.places)
        piece_size = bounds.pieces[min(turn, len(bounds.pieces) - 1)]
        size = min(max(piece_size, lacking), left)
        piece = walk(source, position, descends=descends, limit=size)
        fitting, position = let_in_of_piece(
            connection, piece, size, wanted, fields, descends=descends
        )
        found.places += sorted(fitting.values(), key=_key, reverse=descends)
        left -= size
        if position is None or len(found.places) > wanted.limit:
            break
        if left <= 0:
            found.cut_at = position
            break
    return found
