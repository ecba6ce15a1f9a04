"""What reports are made of, cold: roll-ups of two windows, the newest failures, objectives.

How many jobs came to what is summed by the database, of all. How long runs took is merged here, a
sketch for each roll-up, of those with the most jobs: as many as MOST_SKETCHES reach for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, cast, func, select

from onbeat.domain.health import Kind, Tally, Took, begins
from onbeat.domain.reports import MOST_ROWS, Compared, Point, Report, Span, read_span
from onbeat.store import failures, objectives
from onbeat.store.folding import ENDS, read_buckets
from onbeat.store.schema import folds, rollups, schedules

MOST_SKETCHES = 10_000
"""Roll-ups whose sketches are read for the rows of a report, and for its plots."""

COUNTS = ("completed", "failed", "cancelled", "attempts")


def make(
    connection: Connection,
    now: datetime,
    *,
    kind: Kind,
    window: timedelta | None,
    sketches: int = MOST_SKETCHES,
) -> Report:
    """The report of a window, of so many sketches at most. Raises InvalidInput."""
    folded_to = connection.scalar(select(folds.c.folded_to).where(folds.c.name == ENDS))
    span = read_span(now, folded_to, window)
    rows, is_cut, untimed = _rows(connection, kind, span, sketches)
    whole, points = _whole(connection, span, sketches)
    names = [each.name for each in rows if each.name is not None]
    said = objectives.all_set(connection, kind)
    names += [each.name for each in said if each.name not in names]
    return Report(
        kind=kind, made_at=now, span=span, folded_to=folded_to, whole=whole, points=points,
        rows=rows, is_cut=is_cut, untimed=untimed,
        failures=failures.look(connection, now, span.since, now),
        budgets=objectives.budgets(connection, now, kind, names, said),
    )  # fmt: skip


def _rows(
    connection: Connection, kind: Kind, span: Span, sketches: int
) -> tuple[list[Compared], bool, int]:
    """Those with the most jobs; whether there are more; of how many no sketches were read."""
    found = _by_subject(connection, kind, span.since, None, span.of)
    order = sorted(found, key=lambda each: (-found[each].ended, each))
    told = order[:MOST_ROWS]
    before = _by_subject(connection, kind, span.before, span.since, span.of)
    timed = told[: _reach(span, sketches)]
    took = _sketches(connection, kind, timed, span.since, None, span)
    took_before = _sketches(connection, kind, timed, span.before, span.since, span)
    names = _names(connection, kind, told)
    rows = [
        Compared(
            name=names.get(each), share=span.share,
            now=replace(found[each], took=Took(_merged(took[each]))),
            before=replace(before.get(each, Tally()), took=Took(_merged(took_before[each]))),
        )
        for each in told
    ]  # fmt: skip
    return rows, len(order) > len(told), len(told) - len(timed)


def _reach(span: Span, sketches: int) -> int:
    """Of how many so many sketches may be read: of one at least."""
    return max(1, sketches // ((span.until - span.before) // span.of + 1))


def _names(connection: Connection, kind: Kind, subjects: Sequence[str]) -> Mapping[str, str]:
    if kind is not Kind.SCHEDULE:
        return {each: each for each in subjects}
    query = select(schedules.c.id, schedules.c.name).where(schedules.c.id.in_(list(subjects)))
    return {row.id: row.name for row in connection.execute(query)}


def _whole(connection: Connection, span: Span, sketches: int) -> tuple[Compared, list[Point]]:
    """All jobs, each of which is of one queue: of both windows, and by steps."""
    queues = _by_subject(connection, Kind.QUEUE, span.since, None, span.of)
    busiest = sorted(queues, key=lambda each: -queues[each].ended)[: _reach(span, sketches)]
    now = _sketches(connection, Kind.QUEUE, busiest, span.since, None, span)
    before = _sketches(connection, Kind.QUEUE, busiest, span.before, span.since, span)
    steps: defaultdict[datetime, Counter[int]] = defaultdict(Counter)
    for by_step in now.values():
        for at, buckets in by_step.items():
            steps[at].update(buckets)
    points = [
        Point(at, replace(tally, took=Took(steps[at])))
        for at, tally in _by_step(connection, span).items()
    ]
    whole = Compared(
        name=None, share=span.share,
        now=replace(_sum(queues), took=Took(_all_merged(now))),
        before=replace(
            _sum(_by_subject(connection, Kind.QUEUE, span.before, span.since, span.of)),
            took=Took(_all_merged(before)),
        ),
    )  # fmt: skip
    return whole, points


def _sum(tallies: Mapping[str, Tally]) -> Tally:
    return _counted(
        {name: sum(getattr(each, name) for each in tallies.values()) for name in COUNTS}
    )


def _counted(counts: Mapping[str, int]) -> Tally:
    return Tally(**{name: counts[name] for name in COUNTS})  # type: ignore[arg-type] # all counts


def _summed(by: Any, kind: Kind, since: datetime, until: datetime | None, of: timedelta) -> Any:
    sums = [cast(func.sum(rollups.c[each]), rollups.c[each].type).label(each) for each in COUNTS]
    return _within(select(by, *sums), kind, since, until, of).group_by(by)


def _within(
    query: Select[Any], kind: Kind, since: datetime, until: datetime | None, of: timedelta
) -> Select[Any]:
    query = query.where(
        rollups.c.kind == kind, rollups.c.span == int(of.total_seconds()),
        rollups.c.begins_at >= since,
    )  # fmt: skip
    return query if until is None else query.where(rollups.c.begins_at < until)


def _by_subject(
    connection: Connection, kind: Kind, since: datetime, until: datetime | None, of: timedelta
) -> dict[str, Tally]:
    query = _summed(rollups.c.subject, kind, since, until, of)
    return {row.subject: _counted(dict(row._mapping)) for row in connection.execute(query)}


def _by_step(connection: Connection, span: Span) -> dict[datetime, Tally]:
    query = _summed(rollups.c.begins_at, Kind.QUEUE, span.since, None, span.of)
    steps: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
    for row in connection.execute(query.order_by(rollups.c.begins_at)):
        steps[begins(row.begins_at, span.step)].update(
            {name: row._mapping[name] for name in COUNTS}
        )
    return {at: _counted(counts) for at, counts in steps.items()}


Sketches = Mapping[str, Mapping[datetime, Mapping[int, int]]]
"""By subject, then by step: how many runs lie in each bucket of duration."""


def _sketches(
    connection: Connection, kind: Kind, subjects: Sequence[str], since: datetime,
    until: datetime | None, span: Span,
) -> Sketches:  # fmt: skip
    found: defaultdict[str, defaultdict[datetime, Counter[int]]] = defaultdict(
        lambda: defaultdict(Counter)
    )
    query = select(rollups.c.subject, rollups.c.begins_at, rollups.c.took)
    query = _within(query, kind, since, until, span.of)
    for row in connection.execute(query.where(rollups.c.subject.in_(list(subjects)))):
        step = found[row.subject][begins(row.begins_at, span.step)]
        for bucket, number in read_buckets(row.took).items():
            step[bucket] += number
    return found


def _merged(by_step: Mapping[datetime, Mapping[int, int]]) -> Counter[int]:
    whole: Counter[int] = Counter()
    for buckets in by_step.values():
        whole.update(buckets)
    return whole


def _all_merged(sketches: Sketches) -> Counter[int]:
    whole: Counter[int] = Counter()
    for by_step in sketches.values():
        whole.update(_merged(by_step))
    return whole
