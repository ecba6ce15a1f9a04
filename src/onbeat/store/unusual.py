"""Of which subjects something is not as usual, or will reach a limit: by the outlooks that the
judge keeps, and by what may have changed since each was judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from onbeat.domain.anomalies import Measure, moment
from onbeat.domain.anomaly_texts import anomaly_text, forecast_text
from onbeat.domain.health import Kind
from onbeat.domain.incidents import Kind as Whose
from onbeat.domain.outlook import Outlook, forecast
from onbeat.domain.outlooks import RISING, UNUSUAL, Outlooks, limit_of
from onbeat.domain.rules import Finding, Rule
from onbeat.store.anomalies import paused, period_of
from onbeat.store.schema import schedules
from onbeat.store.tasks import tags_by, tags_of, told_tags

MOST: Final = 20_000
"""As of any rule."""
AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class _Told:
    """A subject of which there may be something to tell, as it is called now."""

    outlook: Outlook
    finding: Finding
    period: float | None
    is_resting: bool


def unusual(connection: Connection, now: datetime, rule: Rule, outlooks: Outlooks) -> list[Finding]:
    """Those of which the measure of the rule's condition is not as usual."""
    measure, found = UNUSUAL[rule.condition], []
    some = [
        each for each in outlooks.told(rule.kind)
        if any(one.measure is measure for one in each.anomalies)
    ]  # fmt: skip
    for each in _told(connection, rule, some):
        one = next(one for one in each.outlook.anomalies if one.measure is measure)
        if each.is_resting and measure is Measure.VOLUME and not one.is_more:
            continue
        says = anomaly_text(one, moment(each.outlook.until))
        # What a cause hid when it came up is not told once that is over, but when it is judged
        # anew and still so: the hour was judged while the cause was there.
        is_over = not outlooks.is_fresh(each.outlook.subject)
        found.append(replace(each.finding, says=says, since=one.since, is_over=is_over))
    return found


def rising(
    connection: Connection, now: datetime, rule: Rule, rules: Sequence[Rule], outlooks: Outlooks
) -> list[Finding]:
    """Those of which the measure rises, and will reach its limit."""
    measure, found = RISING[rule.condition], []
    some = [each for each in outlooks.told(rule.kind) if measure in each.trends]
    for each in _told(connection, rule, some):
        limit = limit_of(rule, rules, each.finding, each.period)
        if limit is None:
            continue
        trend, until = each.outlook.trends, moment(each.outlook.until)
        ahead = forecast(trend, measure, limit, until)
        if ahead is not None:
            since = trend[measure].last - trend[measure].seen_for
            found.append(replace(each.finding, says=forecast_text(ahead), since=since))
    return found


def _told(connection: Connection, rule: Rule, some: Sequence[Outlook]) -> Iterator[_Told]:
    kind = Kind(rule.kind)
    for at in range(0, min(len(some), MOST), AT_ONCE):
        part = some[at : at + AT_ONCE]
        ids = [each.subject.id for each in part]
        rows = _schedules(connection, ids) if kind is Kind.SCHEDULE else {}
        tags = tags_of(connection, ids) if kind is Kind.TASK else {}
        resting = paused(connection, kind, ids)
        if kind is Kind.TASK:
            names = {each.queue for each in part if each.queue is not None}
            idle = paused(connection, Kind.QUEUE, names)
            resting = {each.subject.id for each in part if each.queue in idle}
        for outlook in part:
            subject = outlook.subject.id
            finding = _finding(rule.kind, outlook, rows.get(subject), tags.get(subject, ()))
            if finding is not None:
                period = period_of(kind, rows.get(subject))
                yield _Told(outlook, finding, period, subject in resting)


def _finding(kind: Whose, outlook: Outlook, row: Any, tags: tuple[str, ...]) -> Finding | None:
    """None of a schedule that is not there any more."""
    subject, since = outlook.subject.id, moment(outlook.until)
    if kind is Whose.SCHEDULE:
        return None if row is None else Finding(
            kind=kind, subject=subject, name=row.name, since=since, task=row.task,
            queue=row.queue, schedule=subject, tags=tags_by(row),
        )  # fmt: skip
    task = subject if kind is Whose.TASK else None
    queue = outlook.queue if kind is Whose.TASK else subject
    return Finding(kind=kind, subject=subject, name=subject, since=since, task=task, queue=queue,
                   tags=tags)  # fmt: skip


def _schedules(connection: Connection, ids: Sequence[str]) -> Mapping[str, Any]:
    wanted = (schedules.c.id, schedules.c.name, schedules.c.task, schedules.c.queue,
              schedules.c.ties, schedules.c.next_due_at, schedules.c.last_due_at,
              told_tags(schedules.c.task))  # fmt: skip
    rows = connection.execute(select(*wanted).where(schedules.c.id.in_(list(ids))))
    return {row.id: row for row in rows}
