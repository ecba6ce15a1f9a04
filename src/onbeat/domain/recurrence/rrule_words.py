"""What an RRULE says, in plain English, and what it leaves out."""

from __future__ import annotations

import re
from datetime import datetime

from onbeat.domain.recurrence.cron_days import MONTH_NAMES
from onbeat.domain.recurrence.month_words import ALL_MONTHS, short_months
from onbeat.domain.recurrence.recurrence import in_words
from onbeat.domain.recurrence.rrule_text import WITHIN_DAY, RuleText

_UNITS = {
    "MINUTELY": "minute",
    "HOURLY": "hour",
    "DAILY": "day",
    "WEEKLY": "week",
    "MONTHLY": "month",
    "YEARLY": "year",
}
_WEEKDAYS = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
_IMPLIES_DAY = ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO")


def describe(text: RuleText, start: datetime) -> str:
    """Say when it fires, without the zone: "every 2 weeks on Monday at 09:00"."""
    freq, interval = text.get("FREQ"), int(text.get("INTERVAL", "1"))
    unit = _UNITS[freq]
    every = f"every {unit}" if interval == 1 else f"every {interval} {unit}s"
    days, times = [*_months(text, start), *_days(text, start)], _times(text, start)
    picked = _positions(text)
    chosen = [*days, *times, *picked] if _has_many_times(text) else [*days, *picked, *times]
    return " ".join(
        [every, *chosen, *_end(text), *_weeks_begin(text), f"from {_moment(text, start)}"]
    )


def _moment(text: RuleText, start: datetime) -> str:
    """The start; with its seconds where no time of day has told them."""
    told = f"{start:%Y-%m-%d %H:%M}"
    is_untold = text.get("FREQ") in WITHIN_DAY or text.get("BYSECOND")
    return f"{told}:{start:%S}" if start.second and is_untold else told


def _has_many_times(text: RuleText) -> bool:
    """Whether positions count times, not days."""
    return "," in text.get("BYHOUR") + text.get("BYMINUTE")


def _weeks_begin(text: RuleText) -> list[str]:
    """Say on which day weeks begin where it matters and is not Monday."""
    first, freq = text.get("WKST", "MO"), text.get("FREQ")
    counts_weeks = freq == "WEEKLY" and (text.get("INTERVAL", "1") != "1" or text.get("BYSETPOS"))
    if first == "MO" or not (counts_weeks or text.get("BYWEEKNO")):
        return []

    return [f"(weeks begin on {_WEEKDAYS[first]})"]


def warnings(text: RuleText, start: datetime) -> tuple[str, ...]:
    """Say that a rule on the 29th to 31st leaves out the months without one (RFC 5545)."""
    given = text.get("BYMONTHDAY") or ("" if _has_days(text) else str(start.day))
    days = [int(day) for day in given.split(",") if day]
    if text.get("FREQ") not in {"MONTHLY", "YEARLY"} or any(day < 0 for day in days):
        return ()

    last = "write BYMONTHDAY=-1 for the last day"
    return tuple(short_months(days, days, _months_named(text, start), last))


def _months_named(text: RuleText, start: datetime) -> list[int]:
    if named := text.get("BYMONTH"):
        return [int(month) for month in named.split(",")]

    is_implied = text.get("FREQ") == "YEARLY" and not _has_days(text)
    return [start.month] if is_implied else list(ALL_MONTHS)


def _has_days(text: RuleText) -> bool:
    return any(text.get(name) for name in _IMPLIES_DAY)


def _months(text: RuleText, start: datetime) -> list[str]:
    named = text.get("BYMONTH")
    if not named and (text.get("FREQ") != "YEARLY" or _has_days(text)):
        return []

    numbers = [int(month) for month in (named or str(start.month)).split(",")]
    return [f"in {in_words([MONTH_NAMES[month] for month in numbers])}"]


def _days(text: RuleText, start: datetime) -> list[str]:
    found = _dates(text)
    weekdays = _weekdays(text)
    found += [f"and only if it is {weekdays}" if found else f"on {weekdays}"] if weekdays else []
    if text.get("BYWEEKNO"):
        found = [*(found or ["on each day"]), _weeks(text)]
    if not found and text.get("FREQ") in {"MONTHLY", "YEARLY"}:
        found = [f"on day {start.day} of the month"]
    elif not found and text.get("FREQ") == "WEEKLY":
        found = [f"on {start:%A}"]

    return found


def _positions(text: RuleText) -> list[str]:
    positions = [_nth(each) for each in text.get("BYSETPOS").split(",") if each]
    return [f"(only the {in_words(positions)} of these)"] if positions else []


def _dates(text: RuleText) -> list[str]:
    names = {"BYMONTHDAY": "day of the month", "BYYEARDAY": "day of the year"}
    return [
        f"on the {in_words([_nth(number) for number in text.get(name).split(',')])} {what}"
        for name, what in names.items()
        if text.get(name)
    ]


def _weekdays(text: RuleText) -> str:
    return in_words([_weekday(day) for day in text.get("BYDAY").split(",") if day] or [""])


def _weeks(text: RuleText) -> str:
    numbers = [_nth(number) for number in text.get("BYWEEKNO").split(",")]
    return f"in the {in_words(numbers)} week of the year"


def _weekday(day: str) -> str:
    name = _WEEKDAYS[day[-2:]]
    return f"the {_nth(day[:-2])} {name}" if len(day) > 2 else name


def _nth(number: str) -> str:
    """Say "2nd", and "last" or "2nd to last" for numbers counted from the end."""
    value = abs(int(number))
    teen = 10 < value % 100 < 20
    suffix = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    if not number.startswith("-"):
        return f"{value}{suffix}"

    return "last" if value == 1 else f"{value}{suffix} to last"


def _times(text: RuleText, start: datetime) -> list[str]:
    hours, minutes = text.get("BYHOUR"), text.get("BYMINUTE")
    if text.get("FREQ") in WITHIN_DAY:
        named = [("hour", hours), ("minute", minutes)]
        return [f"at {name} {in_words(re.split(',', value))}" for name, value in named if value]

    second = int(text.get("BYSECOND") or start.second)
    times = [
        f"{int(hour):02}:{int(minute):02}" + (f":{second:02}" if second else "")
        for hour in (hours or str(start.hour)).split(",")
        for minute in (minutes or str(start.minute)).split(",")
    ]
    return [f"at {in_words(times)}"]


def _end(text: RuleText) -> list[str]:
    if text.get("COUNT"):
        return [f"{text.get('COUNT')} times"]

    return [f"until {text.get('UNTIL')}"] if text.get("UNTIL") else []
