"""Incidents, the rules that open them, and silences, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from onbeat.app.facts.moments import absolute
from onbeat.domain.default_rules import DEFAULTS, LIMITS
from onbeat.domain.durations import format_duration
from onbeat.domain.incidents import Facts, Incident, IncidentChange, link_to
from onbeat.domain.past import Episode, Past
from onbeat.domain.rules import Rule
from onbeat.domain.silences import Silence, Windows


def incident_data(
    incident: Incident, *, with_errors: bool = True, public_url: str | None = None
) -> dict[str, Any]:
    """An incident; of its last error the kind alone if not `with_errors`."""
    link = link_to(public_url, incident.id)
    return {
        "id": incident.id,
        "rule": incident.rule,
        "kind": incident.kind,
        "subject": incident.subject,
        "name": incident.name,
        "severity": incident.severity,
        "state": incident.state,
        "opened_at": absolute(incident.opened_at),
        "seen_at": absolute(incident.seen_at),
        "reopened": incident.reopened,
        "flapping": incident.flapping,
        "state_at": absolute(incident.state_at),
        "state_by": incident.state_by,
        "snoozed_until": absolute(incident.snoozed_until),
        "resolved_at": absolute(incident.resolved_at),
        "inhibited_by": incident.inhibited_by,
        "silenced_by": incident.silenced_by,
        "facts": facts_data(incident.facts, with_errors=with_errors, link=link),
    }


def facts_data(facts: Facts, *, with_errors: bool, link: str | None = None) -> dict[str, Any]:
    """What somebody needs to know to mend it."""
    error = facts.last_error
    return {
        "what": facts.what,
        "since": absolute(facts.since),
        "figures": dict(facts.figures),
        "last_error": None if error is None else {
            "at": absolute(error.at), "type": error.type,
            "message": error.message if with_errors else None,
            "place": error.place if with_errors else None, "job": error.job,
        },
        "last_good_at": absolute(facts.last_good_at),
        "changed": [
            {"at": absolute(each.at), "what": each.what, "by": each.by} for each in facts.changed
        ],
        "to_try": list(facts.to_try),
        "link": link,
    }  # fmt: skip


def change_data(change: IncidentChange) -> dict[str, Any]:
    """What happened to one."""
    return {
        "number": change.number,
        "at": absolute(change.at),
        "what": change.what,
        "by": change.by,
        "note": change.note,
    }


def rule_data(rule: Rule, doubts: Sequence[str] = ()) -> dict[str, Any]:
    """A rule, and what is odd about it."""
    return {
        "name": rule.name,
        "condition": rule.condition,
        "kind": rule.kind,
        "severity": rule.severity,
        "limits": {name: _limit(getattr(rule.limits, name)) for name in LIMITS[rule.condition]},
        "for": format_duration(rule.lasts),
        "open_after": rule.open_after,
        "close_after": rule.close_after,
        "selector": msgspec.to_builtins(rule.selector),
        "enabled": rule.enabled,
        "is_default": rule.name in DEFAULTS,
        "version": rule.version,
        "changed_at": absolute(rule.changed_at),
        "changed_by": rule.changed_by,
        "doubts": list(doubts),
    }


def _limit(value: float | timedelta | None) -> Any:
    return format_duration(value) if isinstance(value, timedelta) else value


def silence_data(silence: Silence) -> dict[str, Any]:
    """A silence."""
    return {
        "id": silence.id,
        "matcher": msgspec.to_builtins(silence.matcher),
        "reason": silence.reason,
        "begins_at": absolute(silence.begins_at),
        "ends_at": absolute(silence.ends_at),
        "by": silence.by,
        "created_at": absolute(silence.created_at),
        "windows": None if silence.windows is None else _windows_data(silence.windows),
    }


def _windows_data(windows: Windows) -> dict[str, Any]:
    return {"cron": windows.cron, "tz": windows.tz, "for": windows.lasts}


def past_data(past: Past, doubts: Sequence[str] = ()) -> dict[str, Any]:
    """When a rule would have been open, and what is odd about it."""
    return {
        "rule": past.rule,
        "since": absolute(past.since),
        "until": absolute(past.until),
        "not_kept": past.not_kept,
        "is_whole": past.is_whole,
        "doubts": list(doubts),
        "episodes": [_episode_data(each) for each in past.episodes],
    }


def _episode_data(episode: Episode) -> dict[str, Any]:
    return {
        "kind": episode.kind,
        "subject": episode.subject,
        "name": episode.name,
        "opened_at": absolute(episode.opened_at),
        "closed_at": absolute(episode.closed_at),
    }
