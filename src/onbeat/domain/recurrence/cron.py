"""Cron expressions in a zone: an engine of our own, after every library we ran was wrong somewhere.

Text becomes bits (cron_fields, cron_days), bits give the next local time (cron_search), and
local_time turns that into an instant. The rules are those of Debian's cron, measured, except that
what it guesses at is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import cron_words
from onbeat.domain.recurrence.clock_words import unheeded
from onbeat.domain.recurrence.cron_days import DayMatch, days_named
from onbeat.domain.recurrence.cron_fields import Field, read_fields
from onbeat.domain.recurrence.cron_search import Timetable, lowest
from onbeat.domain.recurrence.local_time import (
    FOLLOW_REAL_TIME,
    ClockChanges,
    Fold,
    Gap,
    clock_changes_of,
    first_after,
)
from onbeat.domain.recurrence.recurrence import OnGrid, shown
from onbeat.domain.recurrence.zones import known_zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron(OnGrid):
    """A cron expression in a zone; made by `cron`, which reads and checks it."""

    expression: str
    zone: str
    changes: ClockChanges
    day_match: DayMatch | None
    fields: tuple[Field, ...] = field(compare=False, repr=False)
    timetable: Timetable = field(compare=False, repr=False)
    fixed_time: bool = field(compare=False, repr=False)
    """Whether minute and hour are both concrete; only then do gap and fold policies apply."""

    @property
    def policy(self) -> ClockChanges:
        """The policy in force: the one asked for, or real time for an expression with wildcards."""
        return self.changes if self.fixed_time else FOLLOW_REAL_TIME

    @property
    def follows_real_time(self) -> str | None:
        """Why gap and fold are not heeded; None where they are."""
        return (
            None if self.fixed_time else "with * or a step in minute or hour it follows real time"
        )

    def next(self, after: datetime) -> datetime | None:
        """Give the first moment (UTC) strictly later than `after`; None only past year 9998."""
        return first_after(self.timetable.at_or_after, self.zone, self.policy, after)

    def describe(self) -> str:
        """Say in plain English when it fires, zone included."""
        return f"{cron_words.describe(self.fields, self.day_match)} ({self.zone})"

    def warnings(self, since: datetime | None = None) -> tuple[str, ...]:
        """Say what could be taken wrong: uneven steps, OR of days, times in clock changes."""
        found = cron_words.warnings(
            self.fields, self.day_match, self.timetable, self.zone, self.policy, since
        )
        return (*unheeded(self.changes, self.follows_real_time), *found)

    def spec(self) -> dict[str, object]:
        """Give the JSON-able form; `day_match` only where it was said."""
        match: dict[str, object] = {"day_match": self.day_match} if self.day_match else {}
        return {
            "kind": "cron",
            "expr": self.expression,
            "tz": self.zone,
            "gap": self.changes.gap,
            "fold": self.changes.fold,
            **match,
        }


def cron(
    expression: str,
    *,
    tz: str = "UTC",
    gap: Gap = "after",
    fold: Fold = "first",
    day_match: DayMatch | None = None,
) -> Cron:
    """Make a recurrence from a cron expression of 5 fields, 6 with leading seconds, or a macro.

    `gap` and `fold` say what happens to a fixed time that a clock change removes or repeats;
    expressions with a wildcard in minute or hour follow real time. `day_match` says whether a
    restricted day-of-month and day-of-week must both match; unsaid, either does.

    Raises InvalidRecurrence naming the option, also for an expression that would never fire.
    """
    if not isinstance(expression, str):
        raise InvalidRecurrence(
            "cron", f"{shown(expression)} is not text; write it like '0 9 * * *'"
        )

    return _cron(expression, tz, gap, fold, day_match)


@lru_cache(maxsize=16_384)
def _cron(expression: str, tz: str, gap: str, fold: str, day_match: str | None) -> Cron:
    """Read once what many schedules share: reading costs ~150 µs, searching ~5."""
    fields = read_fields(expression)
    match = _day_match(day_match)
    return Cron(
        expression=" ".join(expression.split()),
        zone=known_zone(tz),
        changes=clock_changes_of(gap, fold),
        day_match=match,
        fields=fields,
        timetable=_timetable(fields, match),
        fixed_time=not (fields[1].wildcard or fields[2].wildcard),
    )


def _day_match(value: str | None) -> DayMatch | None:
    if value is None or value in {"and", "or"}:
        return value  # type: ignore[return-value]  # mypy does not narrow a str by membership

    raise InvalidRecurrence("day_match", f"{shown(value)} is not known; use 'and' or 'or'")


def _timetable(
    fields: tuple[Field, Field, Field, Field, Field, Field], match: DayMatch | None
) -> Timetable:
    second, minute, hour, day, month, weekday = fields
    return Timetable(
        seconds=second.bits,
        minutes=minute.bits,
        hours=hour.bits,
        months=month.bits,
        shapes=days_named(day, month, weekday, match),
        first_time=(lowest(hour.bits), lowest(minute.bits), lowest(second.bits)),
    )
