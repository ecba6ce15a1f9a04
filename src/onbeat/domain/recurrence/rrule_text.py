"""The text of an iCalendar RRULE (RFC 5545, 3.3.10), read strictly and bounded before dateutil.

dateutil walks a rule step by step, so what would make it walk without end is refused here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence.zones import known_zone, to_local

LONGEST_RULE = 512
MOST_COUNTED = 10_000
MOST_TIMES_A_DAY = 24

_LIMITS = {"MINUTELY": 52_596_000, "HOURLY": 876_600, "DAILY": 36_525}
LONGEST_INTERVAL = {**_LIMITS, "WEEKLY": 5217, "MONTHLY": 1200, "YEARLY": 100}
"""Per FREQ: 100 years, the bound of every interval."""
WITHIN_DAY = ("MINUTELY", "HOURLY")

_NUMBERS = r"[+-]?\d{1,3}(,[+-]?\d{1,3})*"
_PLAIN = r"\d{1,2}(,\d{1,2})*"
_DAYS = r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)(,([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU))*"
_VALUES = {
    "FREQ": r"[A-Z]+",
    "INTERVAL": r"\d{1,9}",
    "COUNT": r"\d{1,9}",
    "UNTIL": r"\d{8}(T\d{6}Z?)?",
    "WKST": r"MO|TU|WE|TH|FR|SA|SU",
    "BYDAY": _DAYS,
    "BYMONTH": _PLAIN,
    "BYMONTHDAY": _NUMBERS,
    "BYYEARDAY": _NUMBERS,
    "BYWEEKNO": _NUMBERS,
    "BYSETPOS": _NUMBERS,
    "BYHOUR": _PLAIN,
    "BYMINUTE": _PLAIN,
    "BYSECOND": _PLAIN,
}
_RANGES = {
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYSETPOS": (1, 366),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 59),
    "BYDAY": (1, 53),
}
"""Least and greatest; those counted from the end too. dateutil checks few of them."""
_FINE_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYHOUR", "BYMINUTE"}
_START = re.compile(r"DTSTART(?:;TZID=([^:;]+))?:(\d{8}T\d{6})(Z?)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """A rule taken apart; `start` is local (naive), as the text's own DTSTART says it."""

    parts: tuple[tuple[str, str], ...]
    zone: str
    start: datetime | None

    def get(self, name: str, default: str = "") -> str:
        """Give the value of a part."""
        return dict(self.parts).get(name, default)

    @property
    def rule(self) -> str:
        """The rule alone, in capitals, without a start."""
        return ";".join(f"{name}={value}" for name, value in self.parts)


def read_rule(text: object, tz: object) -> RuleText:
    """Read one RRULE, with or without its name, and the DTSTART line it may have above it.

    Raises InvalidRecurrence("rrule", ...) or, for its zone, ("tz", ...).
    """
    if not isinstance(text, str) or len(text) > LONGEST_RULE:
        raise refuse(f"the rule is not text of at most {LONGEST_RULE} characters; shorten it")

    lines = text.split()
    rules = [line for line in lines if not line.upper().startswith("DTSTART")]
    if len(rules) != 1 or len(lines) > 2:
        raise refuse("give one RRULE, and at most one DTSTART; combine rules with union, exclusion")

    zone, start = _read_start([line for line in lines if line not in rules], known_zone(tz))
    parts = _read_parts(rules[0].upper().removeprefix("RRULE:"))
    _check(dict(parts))
    return RuleText(parts=parts, zone=zone, start=start)


@lru_cache(maxsize=1024)
def read_until(value: str, zone: str) -> datetime | None:
    """Give the last local time a rule may fire at; a date alone includes the whole day."""
    if not value:
        return None

    try:
        if "T" not in value:
            return datetime.combine(datetime.strptime(value, "%Y%m%d"), time.max)  # noqa: DTZ007  local by the RFC

        until = datetime.strptime(value.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007  as above
    except ValueError as reason:
        raise refuse(f"UNTIL={value} is no date; write it like 20271231T235959Z") from reason

    return to_local(zone, until.replace(tzinfo=UTC)) if value.endswith("Z") else until


def refuse(message: str) -> InvalidRecurrence:
    """Make the error that a rule's text ends in."""
    return InvalidRecurrence("rrule", message)


def _read_start(lines: list[str], zone: str) -> tuple[str, datetime | None]:
    if not lines:
        return zone, None

    match = _START.fullmatch(lines[0])
    if match is None:
        raise refuse(
            f"{lines[0]!r} is not understood; write DTSTART;TZID=Europe/Paris:20270131T090000"
        )

    named = known_zone(match[1]) if match[1] else zone
    if "UTC" not in {zone, named} and zone != named:
        raise InvalidRecurrence("tz", f"{zone} and DTSTART's {named} differ; give one of them")

    return _started(match[2], match[3], named if match[1] else zone)


def _started(text: str, utc: str, zone: str) -> tuple[str, datetime]:
    try:
        start = datetime.strptime(text.upper(), "%Y%m%dT%H%M%S")  # noqa: DTZ007  local by the RFC
    except ValueError as reason:
        raise refuse(f"DTSTART {text} is no date; write it like 20270131T090000") from reason

    start = bounded_start(start)
    return zone, to_local(zone, start.replace(tzinfo=UTC)) if utc else start


def bounded_start(start: datetime) -> datetime:
    """Refuse a start so far off that walking to or from it would be work without a purpose."""
    if not 1000 <= start.year <= 9000:
        raise InvalidRecurrence("start", f"{start} is outside the years 1000 to 9000; use a nearer")

    return start


def _read_parts(rule: str) -> tuple[tuple[str, str], ...]:
    parts: dict[str, str] = {}
    for part in rule.rstrip(";").split(";"):
        name, _, value = part.partition("=")
        if name not in _VALUES:
            raise refuse(f"{part!r} is not a part of a rule; use {', '.join(_VALUES)}")

        if name in parts or not re.fullmatch(_VALUES[name], value, re.ASCII):
            raise refuse(f"{part!r} is given twice or not readable; see RFC 5545, 3.3.10")

        parts[name] = value

    return tuple(parts.items())


def _check(parts: dict[str, str]) -> None:
    """Refuse what cannot be answered with bounded work, and what dateutil would misread."""
    freq = parts.get("FREQ", "")
    if freq == "SECONDLY":
        raise refuse("FREQ=SECONDLY is not supported; use every('10s') or cron with seconds")

    if freq not in LONGEST_INTERVAL:
        raise refuse(f"FREQ={freq} is not known; use {', '.join(LONGEST_INTERVAL)}")

    _check_numbers(freq, parts)
    _check_ranges(parts)
    _check_days(freq, parts)
    if freq in WITHIN_DAY:
        _check_within_day(parts)
    elif _size(parts, "BYHOUR") * _size(parts, "BYMINUTE") > MOST_TIMES_A_DAY:
        raise refuse(f"more than {MOST_TIMES_A_DAY} times a day; use FREQ=HOURLY, MINUTELY or cron")


def _check_numbers(freq: str, parts: dict[str, str]) -> None:
    if not 1 <= int(parts.get("INTERVAL", "1")) <= LONGEST_INTERVAL[freq]:
        remedy = "use less" if int(parts["INTERVAL"]) else "use 1 or more"
        raise refuse(f"INTERVAL={parts['INTERVAL']} is not from 1 to 100 years; {remedy}")

    if not 1 <= int(parts.get("COUNT", "1")) <= MOST_COUNTED:
        remedy = "use UNTIL for long rules" if int(parts["COUNT"]) else "use 1 or more"
        raise refuse(f"COUNT={parts['COUNT']} is not 1 to {MOST_COUNTED}; {remedy}")

    if "COUNT" in parts and "UNTIL" in parts:
        raise refuse("COUNT and UNTIL exclude each other; leave one out")

    if _size(parts, "BYSECOND") > 1 or int(parts.get("BYSECOND", "0")) > 59:
        raise refuse("BYSECOND takes one second, 0 to 59; use cron with a seconds field for more")


def _check_ranges(parts: dict[str, str]) -> None:
    for name in parts.keys() & _RANGES.keys():
        low, high = _RANGES[name]
        for number in re.findall(r"\d+", parts[name]):
            if not low <= int(number) <= high:
                raise refuse(f"{name}={parts[name]}: {number} is out of range; use {low} to {high}")


def _check_days(freq: str, parts: dict[str, str]) -> None:
    if re.search(r"\d", parts.get("BYDAY", "")) and freq not in {"MONTHLY", "YEARLY"}:
        raise refuse(f"BYDAY={parts['BYDAY']} counts days; that needs FREQ=MONTHLY or YEARLY")

    if freq == "MONTHLY" and any(int(n) > 5 for n in re.findall(r"\d+", parts.get("BYDAY", ""))):
        raise refuse(f"BYDAY={parts['BYDAY']}: a month has at most 5 of each; use 1 to 5")

    if "BYWEEKNO" in parts and freq != "YEARLY":
        raise refuse("BYWEEKNO needs FREQ=YEARLY")


def _check_within_day(parts: dict[str, str]) -> None:
    extra = sorted(parts.keys() - _FINE_PARTS)
    if extra:
        raise refuse(f"{extra[0]} with FREQ={parts['FREQ']} is too fine; use FREQ=DAILY and BYHOUR")

    if "COUNT" in parts and parts.keys() & {"BYDAY", "BYHOUR", "BYMINUTE"}:
        raise refuse(f"COUNT with FREQ={parts['FREQ']} and BY parts is too fine; use UNTIL")


def _size(parts: dict[str, str], name: str) -> int:
    return parts.get(name, "").count(",") + 1
