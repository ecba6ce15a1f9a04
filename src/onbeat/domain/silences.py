"""Silences: by what nobody is told of some incidents for a time, with a reason and an end. Pure.

A maintenance window is a silence that begins later, or has windows that come again. What happens
meanwhile is on record all the same, and what is still open at the end is told then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Final

import msgspec

from onbeat.domain.durations import format_duration, read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.incidents import Incident, Kind, Severity
from onbeat.domain.recurrence import Cron, cron, moments

LONGEST: Final = timedelta(days=90)
FARTHEST: Final = timedelta(days=366)
LONGEST_WINDOW: Final = timedelta(days=7)
LOOKED_AT: Final = 100
"""Windows that are held against each other when a silence is made."""
LONGEST_REASON: Final = 500
MOST_PATTERNS: Final = 50
LONGEST_PATTERN: Final = 200


class Matcher(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of which incidents: of a field's values one is enough, and all fields hold."""

    rules: tuple[str, ...] = ()
    """Patterns, as are those of all but the next two."""
    kinds: tuple[Kind, ...] = ()
    severities: tuple[Severity, ...] = ()
    names: tuple[str, ...] = ()
    """Of the task, schedule, queue, worker or webhook."""
    tasks: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def matches_all(self) -> bool:
        """Whether it says nothing."""
        return not any(getattr(self, name) for name in self.__struct_fields__)


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """When a silence holds that comes again: from each moment of a cron expression on."""

    cron: str
    lasts: str
    """How long each window is, as 2h."""
    tz: str = "UTC"
    """Whose wall clock."""

    @property
    def begin(self) -> Cron:
        """The moments at which they begin. Raises InvalidRecurrence."""
        return cron(self.cron, tz=self.tz)

    @property
    def length(self) -> timedelta:
        """How long each is. Raises InvalidInput."""
        return read_duration(self.lasts, "for")

    def hold(self, now: datetime) -> bool:
        """Whether the moment lies in one of them."""
        begins = self.begin.next(now - self.length)
        return begins is not None and begins <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A silence."""

    id: str
    matcher: Matcher
    reason: str
    begins_at: datetime
    ends_at: datetime
    by: str
    created_at: datetime
    windows: Windows | None = None
    """Where it holds at times only, between when it begins and ends."""

    def holds(self, now: datetime) -> bool:
        """Whether it holds at that moment."""
        within = self.begins_at <= now < self.ends_at
        return within and (self.windows is None or self.windows.hold(now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """What a silence looks at of an incident."""

    rule: str
    kind: Kind
    severity: Severity
    name: str
    subject: str
    task: str | None = None
    queue: str | None = None
    tags: tuple[str, ...] = ()


def aspect_of(incident: Incident) -> Aspect:
    """What a silence looks at of one that is on record."""
    facts, name = incident.facts, incident.name
    return Aspect(
        rule=incident.rule, kind=incident.kind, severity=incident.severity, name=name,
        subject=incident.subject, tags=tuple(facts.tags),
        task=facts.task or (name if incident.kind is Kind.TASK else None),
        queue=facts.queue or (name if incident.kind is Kind.QUEUE else None),
    )  # fmt: skip


def covers(matcher: Matcher, aspect: Aspect) -> bool:
    """Whether the matcher means such an incident."""
    pairs = (
        (matcher.rules, [aspect.rule]),
        (matcher.names, [aspect.name, aspect.subject]),
        (matcher.tasks, [aspect.task]),
        (matcher.queues, [aspect.queue]),
        (matcher.tags, aspect.tags),
    )
    if matcher.kinds and aspect.kind not in matcher.kinds:
        return False
    if matcher.severities and aspect.severity not in matcher.severities:
        return False
    return all(not patterns or _fits(patterns, names) for patterns, names in pairs)


def _fits(patterns: Iterable[str], names: Iterable[str | None]) -> bool:
    given = [name for name in names if name is not None]
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in given)


def silencing(silences: Iterable[Silence], aspect: Aspect, now: datetime) -> str | None:
    """The silence that covers it now: of several, that which ends last."""
    found = [each for each in silences if covers(each.matcher, aspect) and each.holds(now)]
    return max(found, key=lambda each: (each.ends_at, each.id)).id if found else None


def read_each(expression: str | None, tz: str | None) -> Cron | None:
    """When windows begin that are asked for in words. Raises InvalidInput, InvalidRecurrence."""
    if expression is not None:
        return cron(expression, tz=tz or "UTC")
    if tz is not None:
        raise InvalidInput("tz", "it is whose wall clock a cron follows; give that too")
    return None


def read_windows(
    each: Cron | None, lasts: str | timedelta | None, ends_at: datetime | None
) -> Windows | None:
    """The windows that are asked for, if they are. Raises InvalidInput where what is given does
    not go together.
    """
    if each is None:
        if (ends_at is None) is (lasts is None):
            raise InvalidInput("ends_at", "give either when it ends, or for how long it lasts")
        return None
    if lasts is None:
        raise InvalidInput("for", "say how long each window lasts, as 2h")
    if ends_at is None:
        raise InvalidInput("ends_at", f"say when the last is over, within {FARTHEST.days} days")
    length = format_duration(read_duration(lasts, "for"))
    windows = Windows(cron=each.expression, tz=each.zone, lasts=length)
    if windows.begin != each:
        raise InvalidInput("each", "of a cron the expression and the zone are kept alone; give no "
                           "other options")  # fmt: skip
    return windows


def read_silence(
    matcher: Matcher,
    *,
    reason: str,
    begins_at: datetime | None,
    ends_at: datetime,
    everything: bool,
    now: datetime,
    windows: Windows | None = None,
) -> tuple[datetime, str]:
    """When it begins, and the reason as it is kept. Raises InvalidInput."""
    if matcher.matches_all is not everything:
        raise InvalidInput("matcher", "say which incidents, by at least one field, or everything, "
                           "and not both: all is never silenced by omission")  # fmt: skip
    said = reason.strip()
    if not 0 < len(said) <= LONGEST_REASON:
        raise InvalidInput("reason", f"give 1 to {LONGEST_REASON} characters: who finds it silent "
                           "wants to know why")  # fmt: skip
    begins = now if begins_at is None else begins_at
    if begins > now + FARTHEST:
        raise InvalidInput("begins_at", f"it is more than {FARTHEST.days} days away; give one "
                           "nearer")  # fmt: skip
    longest = LONGEST if windows is None else FARTHEST
    if not max(begins, now) < ends_at <= begins + longest:
        raise InvalidInput("ends_at", "it must end after it begins and after now, and within "
                           f"{longest.days} days")  # fmt: skip
    if windows is not None:
        _check_windows(windows, begins, ends_at)
    _check_patterns(matcher)
    return begins, said


def _check_windows(windows: Windows, begins_at: datetime, ends_at: datetime) -> None:
    """Raises InvalidInput, InvalidRecurrence."""
    length, begin = windows.length, windows.begin
    if not timedelta() < length <= LONGEST_WINDOW:
        raise InvalidInput("for", f"it is out of range; give more than 0s and at most "
                           f"{LONGEST_WINDOW.days}d for each window")  # fmt: skip
    starts = moments(begin, begins_at - length, LOOKED_AT)
    if not starts or starts[0] >= ends_at:
        raise InvalidInput("cron", "no window begins before the silence ends; give a later end")
    if any(later - start <= length for start, later in pairwise(starts)):
        raise InvalidInput("for", "one window begins before the one before it is over; let them be "
                           "shorter, or give no cron")  # fmt: skip


def _check_patterns(matcher: Matcher) -> None:
    for name in ("rules", "names", "tasks", "queues", "tags"):
        patterns: tuple[str, ...] = getattr(matcher, name)
        if len(patterns) > MOST_PATTERNS:
            raise InvalidInput(name, f"there are too many; give at most {MOST_PATTERNS}")
        for each in patterns:
            if not 0 < len(each) <= LONGEST_PATTERN:
                raise InvalidInput(name, f"{each[:50]!r} is no pattern; give 1 to "
                                   f"{LONGEST_PATTERN} characters, as mail.*")  # fmt: skip
