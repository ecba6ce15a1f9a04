"""Incidents: what is wrong or was, from when a rule opens one to when it is resolved. Pure.

A rule opens an incident of a subject; there is one at a time. People acknowledge or snooze it, and
it is resolved when the rule finds it over, or by hand. Each step is a change, and the dispatcher
reads changes: nobody is told from here. While an incident `is_hushed` nobody is to be told of it,
but for its end; when it is no longer, a change `woken` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

import msgspec

from onbeat.domain.errors import Conflict, InvalidInput

REOPENED_WITHIN: Final = timedelta(minutes=15)
"""What comes again this soon after its end is the same incident."""

FLAPS: Final = 6
FLAPS_WITHIN: Final = timedelta(hours=1)
"""An incident that opens more often than this in such a time flaps."""

LONGEST_SNOOZE: Final = timedelta(days=31)
LONGEST_NOTE: Final = 2_000
JUDGE: Final = "judge"
"""Who changes incidents where no one did it by hand."""


class Severity(StrEnum):
    """How bad it is, the least first."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the least; the more the worse."""
        return list(Severity).index(self)


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Somebody sees to it: no repeats, no escalation."""
    SNOOZED = "snoozed"
    """The same until a moment."""
    RESOLVED = "resolved"


class Change(StrEnum):
    """What happened to an incident."""

    OPENED = "opened"
    REOPENED = "reopened"
    WORSENED = "worsened"
    """It became more severe."""
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    """It is open again: a snooze, a silence, or what it was a consequence of, ended."""
    FLAPPING = "flapping"
    """It has been opened too often: that is told once, and each opening no more."""
    RESOLVED = "resolved"
    NOTED = "noted"


class Kind(StrEnum):
    """Whose incident it is."""

    TASK = "task"
    """By its name."""
    SCHEDULE = "schedule"
    """By its id."""
    QUEUE = "queue"
    """By its name."""
    WORKER = "worker"
    """By the id of its session."""
    JOB = "job"
    """By its id."""
    WEBHOOK = "webhook"
    """By its id."""
    CHANNEL = "channel"
    """By its name."""
    SYSTEM = "system"
    """Of all that there is: `scheduler`, `scheduler@5d0c2f1a`, `judge`, `database`."""


class LastError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last error, its text hidden as `why` hides it."""

    at: datetime
    type: str | None = None
    """The exception's class."""
    message: str | None = None
    place: str | None = None
    """File, line and function to look at first: of the own code that led there, where it did."""
    job: str | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was changed before it began."""

    at: datetime
    what: str
    by: str | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody needs to know to mend it."""

    what: str
    """What is wrong, as a sentence."""
    since: datetime
    figures: Mapping[str, str] = {}
    """What was measured, by its name."""
    last_error: LastError | None = None
    last_good_at: datetime | None = None
    last_good_job: str | None = None
    changed: Sequence[Changed] = ()
    """The newest first."""
    to_try: Sequence[str] = ()
    """Commands."""
    link: str | None = None
    task: str | None = None
    queue: str | None = None
    tags: Sequence[str] = ()
    """Of the task or the schedule; what routes match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident as it stands."""

    id: str
    rule: str
    kind: Kind
    subject: str
    name: str
    """What people call the subject."""
    severity: Severity
    state: State
    opened_at: datetime
    """For the last time."""
    seen_at: datetime
    """The last time it was found to be so."""
    seen: int
    reopened: int
    flapping: bool
    state_at: datetime
    state_by: str
    facts: Facts
    snoozed_until: datetime | None = None
    resolved_at: datetime | None = None
    inhibited_by: str | None = None
    """The rule of the incident whose consequence it is."""
    silenced_by: str | None = None
    """The silence that covers it."""

    @property
    def is_hushed(self) -> bool:
        """Whether nobody is to be told of it, but for its end."""
        return self.inhibited_by is not None or self.silenced_by is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentChange:
    """What happened to an incident, numbered from 1 on."""

    incident: str
    number: int
    at: datetime
    what: Change
    by: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which incidents of a list are meant."""

    states: tuple[State, ...] = ()
    severity: Severity | None = None
    rule: str | None = None
    kind: Kind | None = None
    subject: str | None = None
    """Its id, or what people call it."""


def link_to(public_url: str | None, incident: str) -> str | None:
    """The page of an incident in the web UI, under the address that others reach us at; None
    without one.
    """
    return None if public_url is None else f"{public_url}/alerts/incidents/{incident}"


def list_link_to(public_url: str | None, rule: str) -> str | None:
    """The page that lists the incidents of a rule; None without an address."""
    return None if public_url is None else f"{public_url}/alerts?rule={quote(rule)}"


UNRESOLVED: Final = (State.OPEN, State.ACKNOWLEDGED, State.SNOOZED)


Moved = tuple[Incident, Change]
"""An incident as it is now, and what happened."""


def acknowledge(was: Incident, now: datetime, by: str) -> Moved:
    """Somebody sees to it. Raises Conflict where it is over."""
    _refuse_over(was, "acknowledge")
    return _moved(was, now, by, State.ACKNOWLEDGED), Change.ACKNOWLEDGED


def snooze(was: Incident, now: datetime, by: str, until: datetime) -> Moved:
    """Nobody is reminded of it until then. Raises Conflict where it is over, InvalidInput."""
    _refuse_over(was, "snooze")
    if not now < until <= now + LONGEST_SNOOZE:
        raise InvalidInput("until", "it is out of range; give a moment that is to come, within "
                           f"{LONGEST_SNOOZE.days} days")  # fmt: skip
    return replace(_moved(was, now, by, State.SNOOZED), snoozed_until=until), Change.SNOOZED


def wake(was: Incident, now: datetime, by: str = JUDGE) -> Moved:
    """It is open again."""
    return _moved(was, now, by, State.OPEN), Change.WOKEN


def resolve(was: Incident, now: datetime, by: str) -> Moved:
    """It is over. Raises Conflict where it was before."""
    _refuse_over(was, "resolve")
    return replace(_moved(was, now, by, State.RESOLVED), resolved_at=now), Change.RESOLVED


def reopen(was: Incident, now: datetime, severity: Severity, facts: Facts) -> Moved:
    """The same as before came again."""
    again = replace(
        _moved(was, now, JUDGE, State.OPEN), opened_at=now, seen_at=now, seen=was.seen + 1,
        reopened=was.reopened + 1, severity=severity, facts=facts,
    )  # fmt: skip
    return again, Change.REOPENED


def is_reopened(was: Incident, now: datetime) -> bool:
    """Whether what comes again now is the same incident."""
    return was.resolved_at is not None and now - was.resolved_at <= REOPENED_WITHIN


def flaps(opened: Sequence[datetime], now: datetime) -> bool:
    """Whether what was opened at those moments flaps."""
    return sum(now - at < FLAPS_WITHIN for at in opened) > FLAPS


def read_note(note: str | None) -> str | None:
    """What somebody says of it. Raises InvalidInput."""
    said = (note or "").strip()
    if len(said) > LONGEST_NOTE:
        raise InvalidInput("note", f"it is too long; give at most {LONGEST_NOTE:,} characters")
    return said or None


def _moved(was: Incident, now: datetime, by: str, state: State) -> Incident:
    said: dict[str, Any] = {"state": state, "state_at": now, "state_by": by}
    return replace(was, snoozed_until=None, resolved_at=None, **said)


def _refuse_over(was: Incident, action: str) -> None:
    if was.state is State.RESOLVED:
        raise Conflict(f"incident {was.id} is resolved; there is nothing to {action}")
