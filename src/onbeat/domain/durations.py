"""Durations as people write them ("15m", "1h30m", "PT24H") and back; fixed-length units only.

A day is 24 hours here. Days that follow a wall clock, months and years belong to
`onbeat.domain.recurrence`, for their length depends on where they lie.
"""

from __future__ import annotations

import re
from datetime import timedelta

from onbeat.domain.errors import InvalidInput

LONGEST = timedelta(days=36525)
"""100 years: anything longer is a slip of the keyboard, and would leave the years of datetime."""

LONGEST_TEXT = 100
"""Characters; a duration that needs more has been put together by mistake."""

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_SPELLINGS = {
    "ms": ("ms", "millisecond", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "week", "weeks"),
}
_UNIT_OF = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_UNSTEADY = ("mo", "month", "months", "y", "yr", "year", "years")
_NUMBER = r"\d{1,15}(?:\.\d{1,9})?"
_PART = re.compile(rf"\s*({_NUMBER})\s*([a-z]+)\s*", re.ASCII)
_ISO = re.compile(
    rf"P(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?",
    re.ASCII,
)


def parse_duration(text: str, field: str, *, error: type[InvalidInput] = InvalidInput) -> timedelta:
    """Read "90s", "1h30m", "1.5 hours", "2w" or ISO 8601's "PT24H", "P1D" (24 hours).

    Raises `error` naming `field` for anything else, for months and years, and over 100 years.
    """
    if len(text) > LONGEST_TEXT:
        raise error(field, f"{text[:40]!r}… is longer than {LONGEST_TEXT} characters; shorten it")

    try:
        found = sum((_UNITS[unit] * amount for amount, unit in _parts(text)), timedelta(0))
    except OverflowError as reason:
        raise error(field, f"{text[:40]!r} is longer than 100 years; use less") from reason
    except ValueError as reason:
        raise error(field, f"{text[:40]!r} {reason}") from reason

    if found > LONGEST:
        raise error(field, f"{text!r} is longer than 100 years; use less")

    return found


def read_duration(
    value: object, field: str, *, error: type[InvalidInput] = InvalidInput
) -> timedelta:
    """A duration as a user gives it, as text or a timedelta. Raises `error` for anything else."""
    if isinstance(value, str):
        return parse_duration(value, field, error=error)
    if not isinstance(value, timedelta):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        told = (
            f"{value!r} has no unit; write '{value}s' for seconds or '{value}m' for minutes"
            if is_number
            else f"{value!r} is no duration; give text as '90s', '15m', '2d', or a timedelta"
        )
        raise error(field, told)
    if value > LONGEST:
        raise error(field, f"{value!r} is longer than 100 years; use less")
    return value


def format_duration(duration: timedelta) -> str:
    """Write a duration so that `parse_duration` reads it back: "1d12h", "1h30m", "0.25s"."""
    if duration < timedelta(0):
        return f"-{format_duration(-duration)}"

    parts, rest = [], duration
    for unit in ("d", "h", "m"):
        amount, rest = divmod(rest, _UNITS[unit])
        parts.append(f"{amount}{unit}" if amount else "")

    seconds = f"{rest.seconds}.{rest.microseconds:06}".rstrip("0").rstrip(".")
    return "".join(parts) + (f"{seconds}s" if rest or not any(parts) else "")


def _parts(text: str) -> list[tuple[float, str]]:
    """Split into (amount, unit); ValueError says what is wrong, to follow the quoted text."""
    if text.strip().upper().startswith("P"):
        return _iso_parts(text.strip().upper())

    parts, at, lowered = [], 0, text.lower()
    while match := _PART.match(lowered, at):
        if text[match.start(2) : match.end(2)] == "M":
            n = match[1]
            raise ValueError(f"has the unit M; give {n}m for a minute or {n}mo for a month")
        parts.append((_amount(match[1]), _unit(match[2])))
        at = match.end()

    if not parts or at < len(text):
        raise ValueError(_complaint(text))

    return _once_each(parts)


def _iso_parts(text: str) -> list[tuple[float, str]]:
    match = _ISO.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise ValueError("is not an ISO 8601 duration of fixed length; write it like PT1H30M")

    return [(_amount(n), unit) for n, unit in zip(match.groups(), "wdhms", strict=True) if n]


def _amount(text: str) -> float:
    return float(text) if "." in text else int(text)


def _unit(word: str) -> str:
    if word in _UNSTEADY:
        raise ValueError(f"counts in {word}, which have no fixed length; use days, e.g. 30d")

    if word not in _UNIT_OF:
        meant = (
            "write 2w for a fortnight"
            if word.startswith("fortnight")
            else "use ms, s, m, h, d or w"
        )
        raise ValueError(f"has the unknown unit {word!r}; {meant}")

    return _UNIT_OF[word]


def _once_each(parts: list[tuple[float, str]]) -> list[tuple[float, str]]:
    units = [unit for _, unit in parts]
    if len(set(units)) < len(units):
        raise ValueError("names a unit twice; name each once, e.g. 1h30m")

    return parts


def _complaint(text: str) -> str:
    if text.strip().startswith("-"):
        return "is negative; write a duration of zero or more"

    if re.fullmatch(_NUMBER, text.strip()):
        return f"has no unit; write {text.strip()}s for seconds or {text.strip()}m for minutes"

    return "is not a duration; write it like 90s, 15m, 1h30m, 2d or PT24H"
