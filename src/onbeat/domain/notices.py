"""Notices: what a channel is told of incidents, and what becomes of each telling. Pure.

A telling is what one channel knows of one incident. What is told of it depends on that alone, on
what happened, and on how the incident stands now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from onbeat.domain.channels import Channel, Tells
from onbeat.domain.incidents import (
    REOPENED_WITHIN,
    Facts,
    Incident,
    Kind,
    Severity,
    State,
)
from onbeat.domain.retries import Randomness

LISTED: Final = 10
"""Incidents that a notice tells of by name; the rest are counted."""

DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
)
"""How long after each failed attempt the next is made; after the last of them it has failed."""

JITTER: Final = 0.1
LONGEST_ASKED: Final = timedelta(hours=1)
"""The longest that a receiver may ask to be left alone."""

CALM: Final = REOPENED_WITHIN
"""How long a flapping incident must be over until its end is told."""


DIGEST: Final = timedelta(hours=1)
"""How often it is told that a flapping incident is open."""


class NoticeKind(StrEnum):
    """What a notice is about."""

    OPENING = "opening"
    """Opened, reopened, worsened, woken, flapping."""
    RESOLVED = "resolved"
    CHANGED = "changed"
    """Acknowledged, snoozed, noted."""
    REPEATED = "repeated"
    ESCALATED = "escalated"
    MORE = "more"
    """What was over the most in a day."""
    TEST = "test"


class NoticeState(StrEnum):
    """Where a notice stands."""

    HELD = "held"
    """Others may join it until it is due."""
    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


UNSETTLED: Final = (NoticeState.HELD, NoticeState.DUE, NoticeState.SENDING)


class Seen(StrEnum):
    """How a telling stands."""

    TOLD = "told"
    SEEN = "seen"
    """Acknowledged or snoozed."""
    CLOSED = "closed"


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An incident, as a notice tells of it."""

    incident: str
    tells: Tells
    at: datetime
    rule: str
    kind: Kind
    subject: str
    name: str
    severity: Severity
    opened_at: datetime
    facts: Facts
    resolved_at: datetime | None = None
    by: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One telling to one channel, of an incident or of several."""

    id: str
    channel: str
    kind: NoticeKind
    rule: str
    severity: Severity
    thread: str
    """The notice of the opening that it belongs to."""
    state: NoticeState
    made_at: datetime
    due_at: datetime
    attempts: int
    count: int
    items: tuple[Item, ...]
    settled_at: datetime | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeAttempt:
    """One try to send a notice."""

    notice: str
    number: int
    at: datetime
    latency: timedelta | None = None
    status: int | None = None
    error: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What a channel knows of an incident."""

    thread: str
    state: Seen
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What follows for a channel: what is told, and how its telling stands then."""

    tells: Tells | None = None
    state: Seen = Seen.TOLD
    next_at: datetime | None = None
    escalate_at: datetime | None = None


OPENING: Final = frozenset(
    {Tells.OPENED, Tells.REOPENED, Tells.WORSENED, Tells.WOKEN, Tells.FLAPPING}
)
_OF_ITS_OWN: Final = {
    Tells.RESOLVED: NoticeKind.RESOLVED, Tells.REPEATED: NoticeKind.REPEATED,
}  # fmt: skip
SEEING: Final = frozenset({Tells.ACKNOWLEDGED, Tells.SNOOZED})


def kind_of(tells: Tells, known: Telling | None) -> NoticeKind:
    """The kind of notice that tells of it; what is `known` to be open is not opened anew."""
    is_news = known is None or known.state is Seen.CLOSED
    if tells in OPENING and is_news:
        return NoticeKind.OPENING
    if tells is Tells.ESCALATED and is_news:
        return NoticeKind.ESCALATED
    return _OF_ITS_OWN.get(tells, NoticeKind.CHANGED)


def topic_of(kind: NoticeKind, rule: str, thread: str | None) -> str:
    """What goes into one notice: openings of a rule, or what becomes of those told in one."""
    if kind in (NoticeKind.OPENING, NoticeKind.ESCALATED):
        return f"{kind}:{rule}"
    return f"{kind}:{thread}"


def follow(
    channel: Channel,
    incident: Incident,
    what: Tells,
    known: Telling | None,
    now: datetime,
    *,
    hears: bool = True,
) -> Step | None:
    """What follows for a channel of a change; None where nothing does.

    `incident` is as it stands now, which may be further than the change; `hears` is whether the
    channel is told of such at all.
    """
    if what in OPENING:
        return _opening(channel, incident, what, known, now) if hears else None
    if known is None or known.state is Seen.CLOSED:
        return None
    tells = what if what in channel.tells else None
    if what is Tells.RESOLVED:
        return _end(incident, tells, now)
    if what in SEEING:
        return Step(tells=tells, state=Seen.SEEN)
    return None if tells is None else Step(tells=tells, state=known.state)


def _opening(
    channel: Channel, incident: Incident, what: Tells, known: Telling | None, now: datetime
) -> Step | None:
    if incident.state is not State.OPEN or incident.is_hushed:
        return None
    if what not in channel.tells and known is None:
        return None
    if known is not None and (later := _too_soon(channel, incident, what, known, now)):
        # One whose end was told stays closed until its opening is told, if it lasts so long.
        is_closed = known.state is Seen.CLOSED
        return Step(state=Seen.CLOSED if is_closed else Seen.TOLD, next_at=later)
    if what not in channel.tells:
        return Step(next_at=_repeat_at(channel, now))
    return Step(
        tells=what, next_at=_repeat_at(channel, now),
        escalate_at=_escalate_at(channel, incident, now),
    )  # fmt: skip


def _too_soon(
    channel: Channel, incident: Incident, what: Tells, known: Telling, now: datetime
) -> datetime | None:
    """When it may be told that it is open again; None for at once."""
    if what not in (Tells.OPENED, Tells.REOPENED, Tells.WOKEN):
        return None
    is_known = incident.flapping and known.state is not Seen.CLOSED
    rest = DIGEST if is_known else channel.options.span("cooldown")
    return known.told_at + rest if now < known.told_at + rest else None


def _end(incident: Incident, tells: Tells | None, now: datetime) -> Step | None:
    if incident.state is not State.RESOLVED:
        return None  # it was opened again since
    if incident.flapping:
        return Step(next_at=now + CALM)
    return Step(tells=tells, state=Seen.CLOSED)


def remind(channel: Channel, incident: Incident | None, known: Telling, now: datetime) -> Step:
    """What follows when a telling is looked at again."""
    if incident is None:
        return Step(state=Seen.CLOSED)
    if known.state is Seen.CLOSED:
        return _late_opening(channel, incident, now)
    if incident.state is State.RESOLVED:
        tells = Tells.RESOLVED if Tells.RESOLVED in channel.tells else None
        return Step(tells=tells, state=Seen.CLOSED)
    if incident.state is not State.OPEN:
        return Step(state=Seen.SEEN)
    told = Tells.REPEATED in channel.tells and not incident.is_hushed
    return Step(tells=Tells.REPEATED if told else None, next_at=_repeat_at(channel, now))


def _late_opening(channel: Channel, incident: Incident, now: datetime) -> Step:
    """Tell that it was opened again, when it was too soon then."""
    if incident.state is not State.OPEN or incident.is_hushed:
        return Step(state=Seen.CLOSED)
    return Step(
        tells=Tells.REOPENED, next_at=_repeat_at(channel, now),
        escalate_at=_escalate_at(channel, incident, now),
    )  # fmt: skip


def escalated(incident: Incident, known: Telling, now: datetime) -> Step | None:
    """What follows for the channel that is told because nobody sees to it; None where somebody
    does, or it is over. One that flaps is not over while its end is not told.
    """
    if incident.is_hushed:
        return None
    if incident.state is State.OPEN:
        return Step(tells=Tells.ESCALATED)
    if incident.state is State.RESOLVED and incident.flapping and known.state is Seen.TOLD:
        return Step(tells=Tells.ESCALATED, next_at=now + CALM)
    return None


def _repeat_at(channel: Channel, now: datetime) -> datetime | None:
    every = channel.options.span("repeat")
    return now + every if every else None


def _escalate_at(channel: Channel, incident: Incident, now: datetime) -> datetime | None:
    options = channel.options
    if options.escalate_after is None or incident.severity is not Severity.CRITICAL:
        return None
    return now + options.span("escalate_after")


def item_of(
    incident: Incident, tells: Tells, at: datetime, by: str | None = None, note: str | None = None
) -> Item:
    """What a notice tells of an incident."""
    return Item(
        incident=incident.id, tells=tells, at=at, rule=incident.rule, kind=incident.kind,
        subject=incident.subject, name=incident.name, severity=incident.severity,
        opened_at=incident.opened_at, facts=incident.facts, resolved_at=incident.resolved_at,
        by=by, note=note,
    )  # fmt: skip


def worst(severities: Sequence[Severity]) -> Severity:
    """The most severe of them."""
    return max(severities, key=lambda each: each.rank)


class Verdict(StrEnum):
    """What came of an attempt."""

    SENT = "sent"
    AGAIN = "again"
    """It may be taken the next time."""
    REFUSED = "refused"
    """Sending this one again would not change that; others may be taken."""
    GONE = "gone"
    """The channel takes no more: it is disabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of an attempt to send a notice."""

    verdict: Verdict
    status: int | None = None
    """HTTP's, or SMTP's code."""
    error: str | None = None
    answer: str | None = None
    seconds: float | None = None
    retry_after: timedelta | None = None
    """How long the receiver asks to be left alone."""
    doubt: str | None = None
    """What is odd about the answer, though it is one that says yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What follows of an attempt for its notice and its channel."""

    state: NoticeState
    due_at: datetime | None = None
    quiet_until: datetime | None = None
    """Nothing is sent to the channel before."""


def settle(channel: Channel, attempt: int, came: Came, now: datetime, by: Randomness) -> Settled:
    """What follows of attempt number `attempt`, from 1."""
    if came.verdict is Verdict.SENT:
        return Settled(state=NoticeState.SENT, quiet_until=now + channel.options.span("gap"))
    if came.verdict is not Verdict.AGAIN or attempt > len(DELAYS):
        return Settled(state=NoticeState.FAILED)
    asked = min(came.retry_after or timedelta(), LONGEST_ASKED)
    wait = max(DELAYS[attempt - 1] * (1 + JITTER * by.random()), asked)
    # What one notice fails with, all would, for a while; but one alone may be at fault.
    quiet = now + max(min(wait, DELAYS[1]), asked)
    return Settled(state=NoticeState.DUE, due_at=now + wait, quiet_until=quiet)
