"""What a cron expression says, in plain English, and what it does not say but many would think.

The words come from the sets of bits that the search runs on, never from the text, so that the
description cannot disagree with the schedule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product

from onbeat.domain.recurrence.clock_words import clock_changes
from onbeat.domain.recurrence.cron_days import MONTH_NAMES, DayMatch
from onbeat.domain.recurrence.cron_fields import Field
from onbeat.domain.recurrence.cron_search import Timetable, numbers
from onbeat.domain.recurrence.local_time import ClockChanges
from onbeat.domain.recurrence.month_words import short_months
from onbeat.domain.recurrence.recurrence import in_words

WEEKDAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
ORDINALS = ("", "first", "second", "third", "fourth", "fifth")
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
    if fields[2].bits != _ALL[24]:
        found += clock_changes(timetable.at_or_after, zone, policy, since)

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
    once_a_minute = second.bits & (second.bits - 1) == 0
    parts = [] if second.bits == 1 else [_of_sixty(second.bits, "second")]
    if once_a_minute:
        parts.append(_of_sixty(minute.bits, "minute"))
    elif minute.bits != _ALL[60]:  # "every 10 seconds every 15 minutes" would say two things
        parts.append(f"at {_counted('minute', minute.bits)}")

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
    """Warn of `*/n` and `a/n` where n does not divide the field: the last step is shorter."""
    circle = ("minute", "hour", "day", "month", "year", "week")
    for field, whole in zip(fields, circle, strict=True):
        size = field.kind.high - field.kind.low + 1
        for term in field.text.split(","):
            first, n = _open_step(field, term)
            if n > 1 and (size % n or field.kind.name == "day-of-month"):
                values = in_words([str(v) for v in range(first, field.kind.high + 1, n)])
                yield f"{term} in {field.kind.name} is not every {n}: {values}, anew each {whole}"


def _open_step(field: Field, term: str) -> tuple[int, int]:
    """Where a step that runs to the end of the field begins, and its width; 1 for other terms."""
    span, _, step = term.partition("/")
    first, _, last = span.partition("-")
    low, high = field.kind.low, field.kind.high
    is_open = step.isdecimal() and (first == "*" or first.isdecimal()) and last in ("", str(high))
    begin = int(first) if first.isdecimal() else low
    return (begin, int(step)) if is_open and begin - int(step) < low else (low, 1)


def _days_either(fields: Sequence[Field], match: DayMatch | None) -> Iterator[str]:
    day, weekday = fields[3], fields[5]
    if not (day.free or weekday.free or match):
        yield (
            "day-of-month and day-of-week are both given: it fires when either matches; "
            "say day_match='and' to require both"
        )


def _short_months(fields: Sequence[Field]) -> Iterator[str]:
    day, month, weekday = fields[3:]
    if day.free or day.special or not weekday.free:
        return
    listed = [int(term) for term in day.text.split(",") if term.isdecimal()]
    months = numbers(month.bits)
    yield from short_months(numbers(day.bits), listed, months, "write L for the last day")
