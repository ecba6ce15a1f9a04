"""Sources and messages that did not fit, as programs are told."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.app.sources import SeenSource
from onbeat.domain.sources.listening import SetAside


def source_data(seen: SeenSource) -> dict[str, Any]:
    """How a source stands."""
    heard = seen.listening
    return {
        "name": seen.name,
        "status": seen.status,
        "up": seen.is_up,
        "process": seen.process,
        "kind": None if heard is None else heard.kind,
        "connected": heard is not None and heard.is_connected,
        "since": None if heard is None else absolute(heard.since),
        "error": None if heard is None else heard.error,
        "waiting": None if heard is None else heard.waiting,
        "behind_s": None if heard is None else heard.behind.total_seconds(),
        "taken": None if heard is None else heard.taken,
        "set_aside": None if heard is None else heard.set_aside,
        "passed_over": None if heard is None else heard.passed_over,
        "last_at": None if heard is None else absolute(heard.last_at),
    }


def set_aside_data(message: SetAside) -> dict[str, Any]:
    """A message that did not fit."""
    return {
        "id": message.id,
        "source": message.source,
        "channel": message.channel,
        "message": message.message,
        "reason": message.reason,
        "body": message.body,
        "at": absolute(message.at),
    }
