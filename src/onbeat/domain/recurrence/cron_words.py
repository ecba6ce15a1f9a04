"""What a cron expression says, in plain English, and what it does not say but many would think.

The words come from the sets of bits that the search runs on, never from the text, so that the
description cannot disagree with the schedule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import product

from onbeat.domain.recurrence.cron_days import MONTH_NAMES, DayMatch
from onbeat.domain.recurrence.cron_fields import Field
from onbeat.domain.recurrence.cron_search import Timetable, numbers
from onbeat.domain.recurrence.local_time import ClockChanges
from onbeat.domain.recurrence.recurrence import SECOND, in_words
from onbeat.domain.recurrence.zones import Stretch, changes_in

WEEKDAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
ORDINALS = ("", "first", "second", "third", "fourth", "fifth")
KNOWN_YEARS = range(2026, 2038)
"""Where clock changes are looked for: from the tzdata this was written with to the year up to
which zone files list their changes one by one. A rule's exact year does not matter to a warning."""

_ALL = {24: (1 << 24) - 1, 60: (1 << 60) - 1}
_MOST_TIMES = 6  # a list of times of day longer than this is read less easily than its rule


def describe(fields: Sequence[Field], match: DayMatch | None) -> str:
    """Say when it fires, without the zone: "at 01:30 on Monday to Friday"."""
    second, minute, hour, day, month, weekday = fields
    days = _days(day, weekday, match)
    months = "" if month.free else f" in {_listed(month.bits, MONTH_NAMES)}"
    return _time(second, minute, hour, plain_days=not days) + days + months


def warnings(
    fields: Sequence[Field],
    match: DayMatch | None,
    timetable: Timetable,
    zone: str,
    policy: ClockChanges,
    since: datetime | None = None,
) -> tuple[str, ...]:
    """Give one sentence for each thing that is easily taken wrong, from `since` (UTC) on."""
    found = [*_uneven_steps(fields), *_days_either(fields, match), *_short_months(fields)]
    if not (fields[1].wildcard or fields[2].wildcard):
        found += _clock_changes(timetable, zone, policy, since)

    return tuple(found)


def _time(second: Field, minute: Field, hour: Field, *, plain_days: bool) -> str:
    every_day = " every day" if plain_days else ""
    times = len(numbers(second.bits)) * len(numbers(minute.bits)) * len(numbers(hour.bits))
    if times <= _MOST_TIMES and not (minute.wildcard or hour.wildcard):
        return f"at {in_words(_times_of_day(second, minute, hour))}{every_day}"

    return _seconds_and_minutes(second, minute, hour) + (every_day if hour.bits != _ALL[24] else "")


def _times_of_day(second: Field, minute: Field, hour: Field) -> list[str]:
    seconds = numbers(second.bits)
    return [
        f"{h:02}:{m:02}" + (f":{s:02}" if seconds != [0] else "")
        for h, m, s in product(numbers(hour.bits), numbers(minute.bits), seconds)
    ]


def _seconds_and_minutes(second: Field, minute: Field, hour: Field) -> str:
    whole_minutes = second.bits == 1
    parts = [] if whole_minutes else [_of_sixty(second.bits, "second")]
    if whole_minutes or minute.bits != _ALL[60]:
        parts.append(_of_sixty(minute.bits, "minute"))

    if hour.bits != _ALL[24]:
        parts.append(f"at {_counted('hour', hour.bits)}")
    elif minute.bits != _ALL[60] and not parts[-1].startswith("every"):
        parts.append("of every hour")

    return " ".join(parts)


def _of_sixty(bits: int, unit: str) -> str:
    """Say "every 15 minutes" where that is exactly true, and list the numbers where it is not."""
    if bits == _ALL[60]:
        return f"every {unit}"

    found = numbers(bits)
    step = 60 // len(found)
    if len(found) > 1 and found == list(range(0, 60, step)):
        return f"every {step} {unit}s"

    return f"at {_counted(unit, bits)}"


def _counted(unit: str, bits: int) -> str:
    found = numbers(bits)
    return f"{unit}{'s' if len(found) > 1 else ''} {_listed(bits)}"


def _listed(bits: int, names: Sequence[str] = ()) -> str:
    """List numbers, or their names, with runs of three or more as "1 to 5"."""
    words = []
    for first, last in _runs(bits):
        ends = [names[n] if names else str(n) for n in dict.fromkeys((first, last))]
        words += [f"{ends[0]} to {ends[1]}"] if last - first > 1 else ends

    return in_words(words)


def _runs(bits: int) -> Iterator[tuple[int, int]]:
    start = None
    for number in range(bits.bit_length() + 1):
        named = bits >> number & 1
        if named and start is None:
            start = number
        elif not named and start is not None:
            yield start, number - 1
            start = None


def _days(day: Field, weekday: Field, match: DayMatch | None) -> str:
    by_date, by_weekday = _dates(day), _weekdays(weekday)
    if by_date and by_weekday:
        joint = "and only if it is" if match == "and" else "or on"
        return f" on {by_date} {joint} {by_weekday}"

    return f" on {by_date or by_weekday}" if by_date or by_weekday else ""


def _dates(day: Field) -> str:
    if day.free:
        return ""

    plain = [f"{_counted('day', day.bits)} of the month"] if day.bits else []
    return in_words([*plain, *(_special_date(kind, number) for kind, number, _ in day.special)])


def _special_date(kind: str, number: int) -> str:
    if kind == "W":
        return f"the Monday to Friday nearest to day {number} of the month"

    if kind == "LW":
        return "the last Monday to Friday of the month"

    ahead = f"the day {number} day{'s' if number > 1 else ''} before " if number else ""
    return f"{ahead}the last day of the month"


def _weekdays(weekday: Field) -> str:
    if weekday.free:
        return ""

    plain = [_plain_weekdays(weekday.bits)] if weekday.bits else []
    special = [
        f"the {ORDINALS[n] if kind == 'nth' else 'last'} {WEEKDAY_NAMES[named]} of the month"
        for kind, named, n in weekday.special
    ]
    return in_words([*plain, *special])


def _plain_weekdays(bits: int) -> str:
    """Weeks are read from Monday on: Friday to Sunday, not Sunday, Friday and Saturday."""
    from_monday = bits & 0x7E | (bits & 1) << 7
    return _listed(from_monday, (*WEEKDAY_NAMES, "Sunday"))


def _uneven_steps(fields: Sequence[Field]) -> Iterator[str]:
    """Warn of `*/n` where n does not divide the field: the last step is shorter."""
    circle = ("minute", "hour", "day", "month", "year", "week")
    for field, whole in zip(fields, circle, strict=True):
        size = field.kind.high - field.kind.low + 1
        steps = [int(term[2:]) for term in field.text.split(",") if term.startswith("*/")]
        uneven = [n for n in steps if size % n or (field.kind.name == "day-of-month" and n > 1)]
        for n in uneven:
            values = in_words([str(v) for v in range(field.kind.low, field.kind.high + 1, n)])
            yield f"*/{n} in {field.kind.name} is not every {n}: {values}, anew each {whole}"


def _days_either(fields: Sequence[Field], match: DayMatch | None) -> Iterator[str]:
    day, weekday = fields[3], fields[5]
    if not (day.free or weekday.free or match):
        yield (
            "day-of-month and day-of-week are both given: it fires when either matches; "
            "say day_match='and' to require both"
        )


def _short_months(fields: Sequence[Field]) -> Iterator[str]:
    day, weekday = fields[3], fields[5]
    named = numbers(day.bits)
    if named and weekday.free and not day.special and named[0] >= 29 and fields[4].free:
        yield f"months without a day {named[0]} are left out; write L for the last day"


def _clock_changes(
    timetable: Timetable, zone: str, policy: ClockChanges, since: datetime | None
) -> Iterator[str]:
    """Warn once of a time that is missing at a clock change, and once of one that comes twice."""
    years, begin = KNOWN_YEARS, datetime(KNOWN_YEARS[0], 1, 1)  # noqa: DTZ001 - as stretches are
    if since is not None:
        begin = since.astimezone(UTC).replace(tzinfo=None)
        years = range(begin.year, begin.year + len(KNOWN_YEARS))
    changes = [s for year in years for s in changes_in(zone, year) if s.start >= begin]
    missing = (text for s in changes if (text := _missing(timetable, zone, policy, s)))
    twice = (text for s in changes if (text := _twice(timetable, zone, policy, s)))
    yield from (text for text in (next(missing, ""), next(twice, "")) if text)


def _missing(timetable: Timetable, zone: str, policy: ClockChanges, at: Stretch) -> str:
    opened = at.start + at.offset
    local = timetable.at_or_after(opened - at.opening)
    if local is None or local >= opened:
        return ""

    then = {
        "after": f"it fires at {opened:%H:%M}, when the gap ends",
        "skip": "it does not fire that day",
        "shift": f"it fires at {local + at.opening:%H:%M}",
    }[policy.gap]
    return f"{local:%H:%M} on {local:%Y-%m-%d} does not exist in {zone} (clocks go forward): {then}"


def _twice(timetable: Timetable, zone: str, policy: ClockChanges, at: Stretch) -> str:
    again = at.start + at.offset
    local = timetable.at_or_after(again)
    if local is None or local > again - at.opening - SECOND:
        return ""

    which = {"first": "the first time only", "second": "the second time only", "both": "both times"}
    then = f"it fires {which[policy.fold]}"
    return f"{local:%H:%M} on {local:%Y-%m-%d} comes twice in {zone} (clocks go back): {then}"
