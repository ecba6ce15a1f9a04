"""From wall-clock rules to instants: the only place that knows what to do in gaps and folds.

A rule is a function that gives the first local time it names at or after a given one. The search
walks the zone's stretches of constant offset, within which local and real time run alike, so that
every answer is strictly later, in order and given once by construction.
"""

from __future__ import annotations

# ruff: noqa: DTZ001  naive time is what this module is about
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence.recurrence import DAY, SECOND, aware, in_words, shown
from onbeat.domain.recurrence.zones import FIRST_YEAR, LAST_YEAR, Stretch, stretch_at

Gap = Literal["after", "skip", "shift"]
Fold = Literal["first", "second", "both"]
Name = TypeVar("Name", bound=str)
LocalRule = Callable[[datetime], datetime | None]
"""Give the first local time (naive, whole seconds) at or after the one given, None if none is."""

CALENDAR_CHANGE = timedelta(hours=3)
"""A jump this large is a change of calendar (Apia, 2011), not of the clock: Debian cron's rule."""

_NOTHING = timedelta(0)
_SETTLED = 2 * DAY  # twice the largest jump: further from a stretch's end nothing comes again
_GAPS: tuple[Gap, ...] = ("after", "skip", "shift")
_FOLDS: tuple[Fold, ...] = ("first", "second", "both")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChanges:
    """What to do with local times that a clock change removes or repeats."""

    gap: Gap = "after"
    """after: once, when the gap ends · skip: not at all · shift: later by the gap's length."""
    fold: Fold = "first"
    """Which of the two instants with the same local time counts."""


FOLLOW_REAL_TIME: ClockChanges = ClockChanges(gap="skip", fold="both")
"""For rules with a wildcard: what exists fires, as often as it exists, and nothing else."""

AFTER_AND_FIRST: ClockChanges = ClockChanges(gap="after", fold="first")
"""What holds where nothing else is said."""


def clock_changes_of(gap: object, fold: object) -> ClockChanges:
    """Read the two policies by their names."""
    return ClockChanges(gap=_one_of("gap", gap, _GAPS), fold=_one_of("fold", fold, _FOLDS))


def first_after(
    rule: LocalRule, zone: str, policy: ClockChanges, after: datetime
) -> datetime | None:
    """Give the first instant (UTC) strictly later than `after` that `rule` names in `zone`."""
    at = aware(after, "after").replace(microsecond=0, tzinfo=None)
    if at.year > LAST_YEAR:
        return None

    at = max(at + SECOND, datetime(FIRST_YEAR, 1, 1))
    found = _walk(rule, zone, policy, at) if zone != "UTC" else rule(at)
    return found.replace(tzinfo=UTC) if found is not None and found.year <= LAST_YEAR else None


def instant_of(zone: str, local: datetime) -> datetime:
    """Give the instant of a local time: the first of two, the end of the gap where there is none.

    A time on a day that the zone left out is read as UTC.
    """

    def rule(begin: datetime) -> datetime | None:
        return local if begin <= local else None

    found = first_after(rule, zone, AFTER_AND_FIRST, (local - 2 * DAY).replace(tzinfo=UTC))
    return found if found is not None else local.replace(tzinfo=UTC)


def _walk(rule: LocalRule, zone: str, policy: ClockChanges, at: datetime) -> datetime | None:
    while at.year <= LAST_YEAR:
        stretch = stretch_at(zone, at)
        limit = min(stretch.end, datetime(at.year + 1, 1, 1))
        found, local = _first_within(rule, stretch, policy, at)
        if found is not None and found < limit:
            return found

        if local is None and at <= limit - _SETTLED:
            return None

        at = _resume(local, stretch, at, limit)

    return None


def _first_within(
    rule: LocalRule, stretch: Stretch, policy: ClockChanges, at: datetime
) -> tuple[datetime | None, datetime | None]:
    """Give the first instant in the stretch at or after `at`, and the local time it came from."""
    begin = at + stretch.offset
    if policy.fold == "first" and stretch.opening < _NOTHING:
        begin = max(begin, stretch.start + stretch.offset - stretch.opening)

    local = rule(begin)
    found = None if local is None else local - stretch.offset
    if found is not None and policy.fold == "second" and stretch.closing < _NOTHING:
        found = found if found < stretch.end + stretch.closing else None

    if _NOTHING < stretch.opening < CALENDAR_CHANGE and policy.gap != "skip":
        found = _earlier(_from_gap(rule, stretch, policy.gap, at), found)

    return found, local


def _from_gap(rule: LocalRule, stretch: Stretch, gap: Gap, at: datetime) -> datetime | None:
    """Give the instant that makes up for a local time missing just before the stretch."""
    if at >= stretch.start + (stretch.opening if gap == "shift" else SECOND):
        return None

    before = stretch.offset - stretch.opening
    missing = rule(at + before)
    if missing is None or missing >= stretch.start + stretch.offset:
        return None

    return missing - before if gap == "shift" else stretch.start


def _resume(local: datetime | None, stretch: Stretch, at: datetime, limit: datetime) -> datetime:
    """Say where to look on: at the stretch's end, or at once near a far-off next local time."""
    if local is None or at > limit - _SETTLED:
        return limit

    return max(limit, local - stretch.offset - _SETTLED)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _one_of(field: str, value: object, names: tuple[Name, ...]) -> Name:
    for name in names:
        if value == name:
            return name

    raise InvalidRecurrence(
        field, f"{shown(value)} is not a policy; use {in_words([*names], 'or')}"
    )
