"""What happened, as values; who listens decides what to do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from onbeat.domain.error_classes import ErrorClass
from onbeat.domain.jobs import JobId
from onbeat.domain.services import Status


# These two are told of every job, and so are structs, as in jobs.py; a further one of every moment.
class JobStarted(msgspec.Struct, frozen=True):
    """A worker began an attempt."""

    job: JobId
    task: str
    attempt: int


class JobEnded(msgspec.Struct, frozen=True):
    """An attempt ended and its consequence was decided."""

    job: JobId
    task: str
    attempt: int
    max_attempts: int
    outcome: str
    move: str
    duration: timedelta
    reason: str | None = None
    retry_in: timedelta | None = None
    error_class: ErrorClass | None = None
    """Of an attempt that failed: transient, permanent or rate limited."""


@dataclass(frozen=True, slots=True)
class AckRefused:
    """An attempt's ack came after its lease was lost; nothing of it was applied."""

    token: int


@dataclass(frozen=True, slots=True)
class AcksDelayed:
    """Outcomes could not be stored yet; they are kept, and sent again."""

    count: int
    tries: int
    reason: str


@dataclass(frozen=True, slots=True)
class AcksDropped:
    """A worker ended before the store took these outcomes: their jobs will run again."""

    count: int
    waited: timedelta


NAMED = 20
"""How many jobs one event names."""


@dataclass(frozen=True, slots=True)
class JobsRescued:
    """Jobs of a dead worker were given back."""

    session: str
    released: int
    set_aside: int
    jobs: tuple[JobId, ...] = ()
    """Those set aside first, then those given back; at most NAMED of them."""


@dataclass(frozen=True, slots=True)
class JobsMoved:
    """Jobs that were stranded in a queue of regions without workers were moved."""

    region: str | None
    """The region they were in; None for the queue of last resort."""
    to: str | None
    """The region they are in now; None for the queue of last resort."""
    queue: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class JobsRemoved:
    """Ended jobs, entries of the ledger or deliveries of webhooks were taken off the record."""

    what: str
    """The rule's subject, the state of the jobs, `ledger` or `deliveries`."""
    count: int


@dataclass(frozen=True, slots=True)
class SessionLost:
    """This worker's session is gone from the store: its jobs were given to others."""

    session: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ticked:
    """A tick made jobs or moved waiting ones to pending."""

    fired: int
    skipped: int
    promoted: int
    lateness: timedelta
    """How late the latest of the due moments was."""


class OccurrenceDecided(msgspec.Struct, frozen=True):
    """It was decided what becomes of a moment of a schedule, or of a range of them."""

    schedule: str
    due_at: datetime
    outcome: str
    job: JobId | None = None
    """The job it was made into; None where it was left out."""
    through_at: datetime | None = None
    """The last moment of a range; None for a single one."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleBroken:
    """A schedule could not be planned and was set aside; the others go on."""

    schedule: str
    reason: str


@dataclass(frozen=True, slots=True)
class SchedulePaused:
    """A schedule paused itself; the others go on."""

    schedule: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScheduleRepaired:
    """The watchdog found a schedule that was not due when it should be, and mended it."""

    schedule: str
    wrong: str
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClockLeapt:
    """The store's clock was set by so much; forward, schedules are held back for a while."""

    leap: timedelta
    held: timedelta


@dataclass(frozen=True, slots=True)
class ZoneRulesOld:
    """This process has older zone rules than another: it leaves schedules to that, until it goes.

    `newest` is None where it goes on, as nobody has newer ones any longer.
    """

    own: str
    newest: str | None


@dataclass(frozen=True, slots=True)
class SchedulesReconciled:
    """The schedules declared in code were brought into the store."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    retired: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoticeSent:
    """A notice was sent to a channel, or was tried to be."""

    channel: str
    kind: str
    notice: str
    state: str | None
    """sent or failed; None where it is tried again."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SwitchChanged:
    """The dead man's switch is pressed again, or no longer, and why not."""

    why: str | None


@dataclass(frozen=True, slots=True)
class ServiceChanged:
    """A service went from one status to another."""

    service: str
    status: Status
    error: str | None = None


@dataclass(frozen=True, slots=True)
class KeyFailed:
    """What a service did for one of its keys has failed, or was given up as the key was lost."""

    service: str
    key: str
    error: str


@dataclass(frozen=True, slots=True)
class SourceConnected:
    """A source listens, for the first time or again."""

    source: str
    away: timedelta | None
    """How long it did not, where it did before."""
    may_have_lost: bool
    """Whether what was sent meanwhile does not come any more."""


@dataclass(frozen=True, slots=True)
class SourceCut:
    """A source cannot reach what it listens to; it is tried again until it can."""

    source: str
    error: str


@dataclass(frozen=True, slots=True)
class MessageSetAside:
    """A message did not fit, and was set aside; the next one is taken."""

    source: str
    channel: str
    message: str
    reason: str


@dataclass(frozen=True, slots=True)
class MessagesDropped:
    """Messages that came and would not come again were not taken."""

    source: str
    count: int
    why: str


@dataclass(frozen=True, slots=True)
class TasksUnknown:
    """Jobs were claimed whose task this worker does not know; they were given back."""

    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BreakerOpened:
    """A dependency failed so often that its jobs wait now, until then."""

    breaker: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class BreakerClosed:
    """A dependency works again; its jobs go on."""

    breaker: str


Event = (
    JobStarted
    | JobEnded
    | AckRefused
    | AcksDelayed
    | AcksDropped
    | JobsRescued
    | JobsMoved
    | JobsRemoved
    | SessionLost
    | Ticked
    | OccurrenceDecided
    | ScheduleBroken
    | SchedulePaused
    | ScheduleRepaired
    | ClockLeapt
    | ZoneRulesOld
    | SchedulesReconciled
    | NoticeSent
    | KeyFailed
    | ServiceChanged
    | SwitchChanged
    | SourceConnected
    | SourceCut
    | MessageSetAside
    | MessagesDropped
    | TasksUnknown
    | BreakerOpened
    | BreakerClosed
)

Emit = Callable[[Event], None]


def discard(event: Event) -> None:
    """Listen to nothing."""
