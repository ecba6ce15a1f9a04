"""What a change of the clock does to a rule of local times, told beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from onbeat.domain.recurrence.local_time import (
    CALENDAR_CHANGE,
    FOLLOW_REAL_TIME,
    ClockChanges,
    LocalRule,
)
from onbeat.domain.recurrence.recurrence import SECOND
from onbeat.domain.recurrence.zones import FIRST_YEAR, LAST_YEAR, Stretch, changes_in

KNOWN_YEARS = range(2026, 2038)
"""Where clock changes are looked for: from the tzdata this was written with to the year up to
which zone files list their changes one by one. A rule's exact year does not matter to a warning."""

UNASKED = ClockChanges()


def unheeded(asked: ClockChanges, why: str | None) -> Iterator[str]:
    """Warn of a gap and fold that a rule which follows real time does not go by.

    `why` it follows that; None where it does not. What is the default may not have been asked for
    at all, and is passed over.
    """
    if why is None:
        return
    for name, default in (("gap", UNASKED.gap), ("fold", UNASKED.fold)):
        value = getattr(asked, name)
        if value not in (default, getattr(FOLLOW_REAL_TIME, name)):
            yield not_heeded(name, value, why)


def not_heeded(name: str, value: str, why: str) -> str:
    """Say so of one of the two."""
    real = {"gap": "a time that is missing is left out", "fold": "one that comes twice fires twice"}
    return f"{name} {value} is not heeded: {why}, so that {real[name]}"


def clock_changes(
    rule: LocalRule, zone: str, policy: ClockChanges, since: datetime | None
) -> Iterator[str]:
    """Warn once of a time that is missing at a clock change, and once of one that comes twice."""
    years, begin = KNOWN_YEARS, datetime(KNOWN_YEARS[0], 1, 1)  # noqa: DTZ001 - as stretches are
    if since is not None:
        begin = since.astimezone(UTC).replace(tzinfo=None)
        years = range(max(begin.year, FIRST_YEAR), min(begin.year + len(KNOWN_YEARS), LAST_YEAR))
    changes = [s for year in years for s in changes_in(zone, year) if s.start >= begin]
    missing = (text for s in changes if (text := _missing(rule, zone, policy, s)))
    twice = (text for s in changes if (text := _twice(rule, zone, policy, s)))
    yield from (text for text in (next(missing, ""), next(twice, "")) if text)


def _missing(rule: LocalRule, zone: str, policy: ClockChanges, at: Stretch) -> str:
    opened = at.start + at.offset
    local = rule(opened - at.opening)
    if local is None or local >= opened:
        return ""

    made_up_for = policy.gap if at.opening < CALENDAR_CHANGE else "skip"
    then = {
        "after": f"it fires at {opened:%H:%M}, when the gap ends",
        "skip": "it does not fire then",
        "shift": f"it fires at {local + at.opening:%H:%M}",
    }[made_up_for]
    return f"{local:%H:%M} on {local:%Y-%m-%d} does not exist in {zone} (clocks go forward): {then}"


def _twice(rule: LocalRule, zone: str, policy: ClockChanges, at: Stretch) -> str:
    again = at.start + at.offset
    local = rule(again)
    if local is None or local > again - at.opening - SECOND:
        return ""

    which = {"first": "the first time only", "second": "the second time only", "both": "both times"}
    then = f"it fires {which[policy.fold]}"
    return f"{local:%H:%M} on {local:%Y-%m-%d} comes twice in {zone} (clocks go back): {then}"
