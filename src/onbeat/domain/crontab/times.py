"""The time of an entry, as Debian's cron understands it, in terms of our own stricter engine.

Where the two differ, cron's meaning is kept and said: a step longer than its range names the
range's first value alone, and two day fields must both match where one of them starts with `*`.
"""

from __future__ import annotations

import re

from onbeat.domain.errors import InvalidInput, InvalidRecurrence
from onbeat.domain.recurrence import Cron, DayMatch, cron
from onbeat.domain.recurrence.cron_fields import KINDS, MACROS, Kind, read_fields

REBOOT = "@reboot"
_STEPPED = re.compile(r"(?P<low>\*|\w+)(?:-(?P<high>\w+))?/(?P<step>\d{1,9})", re.ASCII)
_ELSEWHERE = {
    "@every_minute": "it is FreeBSD's; write * * * * * instead",
    "@every_second": "it is FreeBSD's; add a schedule with --every 1s instead",
    "@applenotonbattery": "it is macOS's; leave it out",
}


class NeverDue(InvalidInput):
    """A time that is well formed, but comes in no year."""


def read_time(text: str, zone: str) -> tuple[Cron | None, tuple[str, ...]]:
    """The recurrence of five fields or a word such as @daily, and what was read leniently.

    None stands for @reboot. Raises InvalidInput for what cron would refuse too, NeverDue for a
    day that does not exist.
    """
    word = text.lower()
    if word == REBOOT:
        return None, ()
    if word.startswith("@"):
        return cron(_macro(word), tz=zone), ()
    plain = re.sub(r"\A-(?=\S)", "", text)
    fields = plain.split()
    warnings = [] if plain == text else ["the leading - (log nothing) has no meaning here"]
    for place, kind in enumerate(KINDS[1:]):
        narrowed = _without_long_steps(kind, fields[place])
        if narrowed != fields[place]:
            told = f"{fields[place]!r} in {kind.name} is {narrowed!r} to cron, and so it is here"
            warnings.append(f"the step is longer than its range: {told}")
            fields[place] = narrowed
    return _cron(fields, zone, _day_match(plain.split())), tuple(warnings)


def _macro(word: str) -> str:
    if word in MACROS:
        return MACROS[word]
    known = ", ".join([REBOOT, *MACROS])
    is_interval = word == "@every" or word[1:].isdecimal()
    interval = "an interval is not cron's; add a schedule with --every instead"
    found = _ELSEWHERE.get(word, interval if is_interval else f"known are {known}")
    raise InvalidInput("time", f"{word!r} is not known: {found}")


def _cron(fields: list[str], zone: str, match: DayMatch | None) -> Cron:
    expression = " ".join(fields)
    if "~" in expression:
        raise InvalidInput("time", "a random time (~) is cronie's; write a fixed one")
    try:
        read_fields(expression)
    except InvalidRecurrence as error:
        raise InvalidInput("time", _told(error)) from None
    try:
        return cron(expression, tz=zone, day_match=match)
    except InvalidRecurrence as error:
        raise NeverDue("time", _told(error)) from None


def _told(error: InvalidRecurrence) -> str:
    return str(error).partition(": ")[2]


def _day_match(fields: list[str]) -> DayMatch | None:
    """Cron's star rule: it goes by the first character of the field as it is written."""
    day, weekday = fields[2], fields[4]
    if "*" in (day, weekday):
        return None
    return "and" if day.startswith("*") or weekday.startswith("*") else "or"


def _without_long_steps(kind: Kind, field: str) -> str:
    return ",".join(_without_long_step(kind, term) for term in field.split(","))


def _without_long_step(kind: Kind, term: str) -> str:
    match = _STEPPED.fullmatch(term)
    if match is None or (match["low"] != "*" and match["high"] is None):
        return term
    star = match["low"] == "*"
    low = kind.low if star else _number(kind, match["low"])
    high = kind.high if star else _number(kind, match["high"])
    if low is None or high is None or not low <= high <= max(kind.high, kind.also):
        return term
    return str(low) if int(match["step"]) > high - low else term


def _number(kind: Kind, text: str) -> int | None:
    if text.upper() in kind.names:
        return kind.names.index(text.upper()) + kind.low
    return int(text) if text.isdecimal() and len(text) < 4 else None
