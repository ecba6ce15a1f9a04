"""Channels, notices and attempts to send them, as programs are told."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.channels import OPTIONS, Channel
from onbeat.domain.notices import Came, Item, Notice, NoticeAttempt, Verdict
from onbeat.store.notices import RuleStats


def channel_data(channel: Channel, waiting: int | None = None) -> dict[str, Any]:
    """A channel, without what may not be shown of where it leads."""
    data = {
        "name": channel.name,
        "id": channel.id,
        "kind": str(channel.kind),
        "target": channel.target,
        "enabled": channel.enabled,
        "options": {name: _plain(getattr(channel.options, name)) for name in OPTIONS},
        "created_at": absolute(channel.created_at),
        "changed_at": absolute(channel.changed_at),
        "disabled_at": absolute(channel.disabled_at),
        "disabled_why": channel.disabled_why,
        "fault": channel.fault,
        "fault_at": absolute(channel.fault_at),
    }
    return data if waiting is None else data | {"waiting": waiting}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [str(each) for each in value]
    return value if value is None or isinstance(value, int) else str(value)


def notice_data(notice: Notice) -> dict[str, Any]:
    """A notice."""
    return {
        "id": notice.id,
        "channel": notice.channel,
        "kind": str(notice.kind),
        "rule": notice.rule,
        "severity": str(notice.severity),
        "thread": notice.thread,
        "state": str(notice.state),
        "made_at": absolute(notice.made_at),
        "due_at": absolute(notice.due_at),
        "settled_at": absolute(notice.settled_at),
        "attempts": notice.attempts,
        "count": notice.count,
        "incidents": [_item(each) for each in notice.items],
        "why": notice.why,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "id": item.incident,
        "change": str(item.tells),
        "kind": str(item.kind),
        "name": item.name,
        "severity": str(item.severity),
        "what": item.facts.what,
    }


def attempt_data(attempt: NoticeAttempt) -> dict[str, Any]:
    """One attempt to send a notice."""
    latency = attempt.latency
    return {
        "number": attempt.number,
        "at": absolute(attempt.at),
        "latency_seconds": None if latency is None else latency.total_seconds(),
        "status": attempt.status,
        "error": attempt.error,
        "answer": attempt.answer,
    }


def test_data(notice: str, came: Came) -> dict[str, Any]:
    """What came of a test."""
    return {
        "notice": notice,
        "sent": came.verdict is Verdict.SENT,
        "status": came.status,
        "latency_seconds": came.seconds,
        "error": came.error,
        "doubt": came.doubt,
        "answer": came.answer,
    }


def stats_data(stats: RuleStats) -> dict[str, Any]:
    """How a rule is told to a channel."""
    return {
        "channel": stats.channel,
        "rule": stats.rule,
        "sent": stats.sent,
        "failed": stats.failed,
        "dropped": stats.dropped,
        "incidents": stats.incidents,
        "seen": stats.seen,
    }
