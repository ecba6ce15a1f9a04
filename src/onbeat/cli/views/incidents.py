"""Incidents, rules and silences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import both, one_line, second, since
from onbeat.domain.default_rules import DEFAULTS, LIMITS
from onbeat.domain.durations import format_duration
from onbeat.domain.incidents import Incident, IncidentChange
from onbeat.domain.past import Past
from onbeat.domain.rules import Rule, Selector
from onbeat.domain.silences import Matcher, Silence

INCIDENTS = (Column("ID"), Column("SEVERITY"), Column("STATE"), Column("RULE"),
             Column("OF", bends=True), Column("OPENED"), Column("WHAT", bends=True))  # fmt: skip
RULES = (Column("RULE"), Column("OF"), Column("SEVERITY"), Column("HOLDS", bends=True),
         Column("OPENS", bends=True), Column("SELECTS", bends=True), Column("STANDS"))  # fmt: skip
SILENCES = (Column("ID"), Column("OF", bends=True), Column("BEGINS"), Column("ENDS"),
            Column("BY", bends=True), Column("REASON", bends=True))  # fmt: skip
EPISODES = (Column("OPENED"), Column("CLOSED"), Column("OF", bends=True))


def incident_rows(incidents: Sequence[Incident], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [each.id, each.severity, _state(each), each.rule, each.name, since(each.opened_at, now),
         one_line(each.facts.what)]
        for each in incidents
    ]  # fmt: skip


def _state(incident: Incident) -> str:
    hushed = "silenced" if incident.silenced_by else "hidden" if incident.inhibited_by else ""
    flapping = "flapping" if incident.flapping else ""
    return ", ".join(filter(None, [incident.state, flapping, hushed]))


def incident_lines(
    incident: Incident, changes: Sequence[IncidentChange], now: datetime
) -> Iterator[str]:
    """A page on one."""
    facts = incident.facts
    yield f"incident   {incident.id}: {incident.severity}, {_state(incident)}"
    yield f"rule       {incident.rule}, of {incident.kind} {one_line(incident.name)}"
    yield f"what       {one_line(facts.what)}"
    yield f"since      {both(facts.since, now)}"
    if incident.inhibited_by is not None:
        yield f"follows    from {incident.inhibited_by}: nobody is told of this one"
    if facts.last_error is not None:
        yield from _error_lines(incident, now)
    if facts.last_good_at is not None:
        yield f"last good  {both(facts.last_good_at, now)}"
    elif facts.last_error is not None and incident.resolved_at is None:
        yield "last good  none on record"
    for each in facts.changed:
        yield f"changed    {both(each.at, now)}: {one_line(each.what)} by {each.by or 'somebody'}"
    for command in facts.to_try:
        yield f"try        {command}"
    for change in changes:
        note = f": {one_line(change.note)}" if change.note else ""
        yield f"  {both(change.at, now)}  {change.what} by {change.by}{note}"


def _error_lines(incident: Incident, now: datetime) -> Iterator[str]:
    error = incident.facts.last_error
    if error is None:
        return
    yield f"last error {error.type or 'an error'}: {one_line(error.message or '')}"
    at = f" at {error.place}" if error.place else ""
    yield f"           job {error.job},{at} {both(error.at, now)}"


def rule_rows(rules: Sequence[Rule]) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [each.name, each.kind, each.severity, _holds(each), _opens(each), _selects(each.selector),
         _stands(each)]
        for each in rules
    ]  # fmt: skip


def _holds(rule: Rule) -> str:
    given = {name: getattr(rule.limits, name) for name in LIMITS[rule.condition]}
    told = ", ".join(f"{name} {_word(value)}" for name, value in given.items() if value is not None)
    return f"{rule.condition}: {told}" if told else str(rule.condition)


def _word(value: Any) -> str:
    return format_duration(value) if isinstance(value, timedelta) else f"{value:g}"


def _opens(rule: Rule) -> str:
    lasts = f"for {format_duration(rule.lasts)}" if rule.lasts else "at once"
    after = f", after {rule.open_after} looks" if rule.open_after > 1 else ""
    return lasts + after


def _selects(selector: Selector | Matcher) -> str:
    said = msgspec.to_builtins(selector)
    return "; ".join(f"{name} {', '.join(each)}" for name, each in said.items()) or "all"


def _stands(rule: Rule) -> str:
    stands = "on" if rule.enabled else "off"
    if rule.name not in DEFAULTS:
        return stands
    return f"{stands}, default" if rule.version == 0 else f"{stands}, changed"


def rule_lines(rule: Rule, doubts: Sequence[str], now: datetime) -> Iterator[str]:
    """A page on one."""
    yield f"rule      {rule.name}: {_stands(rule)}"
    yield f"of        {rule.kind}: {_selects(rule.selector)}"
    yield f"severity  {rule.severity}"
    yield f"holds     {_holds(rule)}"
    looks = "look" if rule.close_after == 1 else "looks"
    yield f"opens     {_opens(rule)}; closes after {rule.close_after} good {looks}"
    if rule.changed_at is not None:
        yield f"changed   {both(rule.changed_at, now)} by {rule.changed_by}"
    for each in doubts:
        yield f"doubt     {each}"


def silence_rows(silences: Sequence[Silence], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [each.id, _selects(each.matcher), since(each.begins_at, now), since(each.ends_at, now),
         each.by, one_line(each.reason) + _windows(each)]
        for each in silences
    ]  # fmt: skip


def _windows(silence: Silence) -> str:
    """When it comes again, if it does."""
    again = silence.windows
    return "" if again is None else f" ({again.cron} {again.tz}, for {again.lasts} each)"


def episode_rows(past: Past) -> list[list[Cell]]:
    """When it would have been open."""
    return [
        [second(each.opened_at), "still" if each.closed_at is None else second(each.closed_at),
         f"{each.kind} {each.name}"]
        for each in past.episodes
    ]  # fmt: skip
