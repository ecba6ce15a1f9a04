"""Silences: by what nobody is told of some incidents for a time, with a reason and an end. Pure.

A maintenance window is a silence that begins later. What happens meanwhile is on record all the
same, and what is still open at the end is told then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from onbeat.domain.errors import InvalidInput
from onbeat.domain.incidents import Kind, Severity

LONGEST: Final = timedelta(days=90)
FARTHEST: Final = timedelta(days=366)
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
    found = [
        each
        for each in silences
        if each.begins_at <= now < each.ends_at and covers(each.matcher, aspect)
    ]
    return max(found, key=lambda each: (each.ends_at, each.id)).id if found else None


def read_silence(
    matcher: Matcher,
    *,
    reason: str,
    begins_at: datetime | None,
    ends_at: datetime,
    everything: bool,
    now: datetime,
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
    if not max(begins, now) < ends_at <= begins + LONGEST:
        raise InvalidInput("ends_at", "it must end after it begins and after now, and within "
                           f"{LONGEST.days} days")  # fmt: skip
    _check_patterns(matcher)
    return begins, said


def _check_patterns(matcher: Matcher) -> None:
    for name in ("rules", "names", "tasks", "queues", "tags"):
        patterns: tuple[str, ...] = getattr(matcher, name)
        if len(patterns) > MOST_PATTERNS:
            raise InvalidInput(name, f"there are too many; give at most {MOST_PATTERNS}")
        for each in patterns:
            if not 0 < len(each) <= LONGEST_PATTERN:
                raise InvalidInput(name, f"{each[:50]!r} is no pattern; give 1 to "
                                   f"{LONGEST_PATTERN} characters, as mail.*")  # fmt: skip
