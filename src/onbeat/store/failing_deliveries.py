"""Of which webhooks and channels it holds that they take nothing: each a bounded reading.

That a channel fails to tell of another's trouble does not count: such a notice is there because of
an incident already, and must not open the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from onbeat.domain.channels import Channel
from onbeat.domain.default_rules import MOST_DELIVERIES
from onbeat.domain.disabling import is_given_up
from onbeat.domain.incidents import Kind
from onbeat.domain.notices import UNSETTLED, NoticeKind, NoticeState
from onbeat.domain.rules import Finding, Rule
from onbeat.store.among import among
from onbeat.store.channels import list_channels
from onbeat.store.failing import MOST, given
from onbeat.store.rules import list_rules
from onbeat.store.schema import deliveries, notice_attempts, notices, webhooks

LONGEST_ERROR: Final = 200
MOST_WAITING: Final = 200
"""Notices of a channel that wait for another try; one is tried at a time."""


def failing(connection: Connection, now: datetime, rule: Rule) -> list[Finding]:
    """Those that were switched off by themselves, and those whose last attempts all failed."""
    of_kind = _channels if rule.kind is Kind.CHANNEL else _webhooks
    return of_kind(connection, now, min(given(rule.limits.times), MOST_DELIVERIES))


def _webhooks(connection: Connection, now: datetime, times: int) -> list[Finding]:
    newest = select(
        deliveries.c.webhook, deliveries.c.at, deliveries.c.status
    ).order_by(deliveries.c.id.desc()).limit(MOST_DELIVERIES)  # fmt: skip
    of_each: defaultdict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(newest):
        of_each[row.webhook].append(row)
    at_fault = webhooks.c.disabled_why.is_not(None) | webhooks.c.id.in_(list(of_each))
    found = []
    for row in connection.execute(select(webhooks).where(at_fault).limit(MOST)):
        last = [each for each in of_each[row.id] if each.at >= row.changed_at][:times]
        why = _why(row, last, times, lambda each: not _is_taken(each.status))
        if why is not None:
            found.append(_finding(Kind.WEBHOOK, row.id, why))
    return found


def _is_taken(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


def _channels(connection: Connection, now: datetime, times: int) -> list[Finding]:
    own = [each.name for each in list_rules(connection, now) if each.kind is Kind.CHANNEL]
    found = []
    for channel in list_channels(connection, now):
        is_tried = channel.enabled and channel.fault is not None
        last = _last_attempts(connection, channel, times, own) if is_tried else ()
        why = _why(channel, last, times, lambda each: each.error is not None)
        if why is not None:
            figures = {"error": _short(channel.fault)} if channel.enabled else {}
            found.append(_finding(Kind.CHANNEL, channel.name, why, figures))
    return found


@dataclass(frozen=True, slots=True)
class _Why:
    """Why it is said to take nothing."""

    since: datetime
    figures: dict[str, str]
    news_at: datetime | None = None


def _why(of: Any, last: Sequence[Any], times: int, failed: Callable[[Any], bool]) -> _Why | None:
    """Why it holds of a webhook or a channel; None where it does not."""
    if not of.enabled:
        if not is_given_up(of.disabled_why):
            return None
        return _Why(of.disabled_at, {"switched off": _short(of.disabled_why)})
    if len(last) < times or not all(failed(each) for each in last):
        return None
    figures = {"failed in a row": f"{times:,} or more"}
    return _Why(last[-1].at, figures, last[0].at)


def _finding(kind: Kind, name: str, why: _Why, more: Mapping[str, str] = {}) -> Finding:
    return Finding(kind=kind, subject=name, name=name, since=why.since, news_at=why.news_at,
                   figures={**why.figures, **more})  # fmt: skip


def _short(text: str | None) -> str:
    return " ".join((text or "").split())[:LONGEST_ERROR]


def _last_attempts(
    connection: Connection, channel: Channel, times: int, own: Sequence[str]
) -> Sequence[Any]:
    """The last attempts since it was last changed, the newest first, of no more than it takes."""
    ids = [*_waiting(connection, channel), *_settled(connection, channel, times, own)]
    counts = notices.c.rule.not_in(own) | notice_attempts.c.error.is_(None)
    query = (
        select(notice_attempts.c.at, notice_attempts.c.error)
        .join_from(notice_attempts, notices, notices.c.id == notice_attempts.c.notice)
        .where(
            among(connection, notices.c.id, ids), notice_attempts.c.at >= channel.changed_at, counts
        )
        .order_by(notice_attempts.c.at.desc(), notice_attempts.c.number.desc())
    )
    return connection.execute(query.limit(times)).all()


def _waiting(connection: Connection, channel: Channel) -> Sequence[str]:
    query = select(notices.c.id).where(
        notices.c.channel == channel.id, notices.c.state.in_(map(str, UNSETTLED)),
        notices.c.attempts > 0,
    )  # fmt: skip
    return connection.scalars(query.limit(MOST_WAITING)).all()


def _settled(
    connection: Connection, channel: Channel, times: int, own: Sequence[str]
) -> Sequence[str]:
    """A test that somebody made tells that a channel works, and not that it fails."""
    failed = notices.c.state == str(NoticeState.FAILED)
    counts = notices.c.rule.not_in(own) & (notices.c.kind != str(NoticeKind.TEST))
    query = select(notices.c.id).where(
        notices.c.channel == channel.id, notices.c.settled_at >= channel.changed_at,
        (notices.c.state == str(NoticeState.SENT)) | (failed & counts),
    )  # fmt: skip
    return connection.scalars(query.order_by(notices.c.settled_at.desc()).limit(times)).all()
