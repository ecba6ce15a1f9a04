"""The text of a cron expression, read strictly into sets of bits: bit n set means n is named.

A set of bits costs one int whatever the range, so no expression can make the parser allocate.
What the days mean in a given month is cron_days.py's; when they come round is cron_search.py's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from onbeat.domain.errors import InvalidRecurrence

LONGEST_EXPRESSION = 256
"""Characters; the longest sensible one (all minutes as a list) needs 169 plus four fields."""

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What one of the six fields may hold."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    also: int = 0
    """One more number that is allowed where a step cannot reach it: 7 for Sunday."""


SECOND = Kind(name="second", low=0, high=59)
MINUTE = Kind(name="minute", low=0, high=59)
HOUR = Kind(name="hour", low=0, high=23)
DAY = Kind(name="day-of-month", low=1, high=31)
MONTH = Kind(name="month", low=1, high=12, names=_MONTHS)
WEEKDAY = Kind(name="day-of-week", low=0, high=6, names=_WEEKDAYS, also=7)
KINDS = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field as read: plain values as bits, days that depend on the month apart."""

    kind: Kind
    text: str
    bits: int
    special: tuple[tuple[str, int, int], ...] = ()
    """Days to be worked out per month: ("L", n, 0), ("W", day, 0), ("LW", 0, 0) of the
    day-of-month; ("last", weekday, 0), ("nth", weekday, n) of the day-of-week."""

    @property
    def free(self) -> bool:
        """Whether the field says nothing: a bare asterisk."""
        return self.text == "*"

    @property
    def starred(self) -> bool:
        """Whether it starts with an asterisk, which is what Debian's cron goes by."""
        return self.text.startswith("*")

    @property
    def wildcard(self) -> bool:
        """Whether it follows real time: any *, any open step (*/5, 5/15), or the whole range."""
        full = (1 << self.kind.high + 1) - (1 << self.kind.low)
        return self.bits == full or any(
            term.startswith("*") or ("/" in term and "-" not in term)
            for term in self.text.split(",")
        )


def read_fields(expression: str) -> tuple[Field, Field, Field, Field, Field, Field]:
    """Read 5 fields, or 6 with leading seconds, or a macro such as @daily.

    Raises InvalidRecurrence("cron", ...) that quotes the wrong part and says what to write.
    """
    texts = _split(expression)
    try:
        second, minute, hour, day, month, weekday = (
            _read(kind, text) for kind, text in zip(KINDS, texts, strict=True)
        )
    except InvalidRecurrence as reason:
        if len(expression.split()) < len(KINDS):
            raise
        # A command or a year at the end has shifted all fields by one.
        told = str(reason).removeprefix("cron: ")
        raise refuse(f"{told}; of 6 fields the first is the second") from reason
    return second, minute, hour, day, month, weekday


def refuse(message: str) -> InvalidRecurrence:
    """Make the one error a cron expression can end in."""
    return InvalidRecurrence("cron", message)


def _split(expression: object) -> list[str]:
    if not isinstance(expression, str) or len(expression) > LONGEST_EXPRESSION:
        limit = f"text of at most {LONGEST_EXPRESSION} characters"
        raise refuse(f"the expression is not {limit}; split it into several schedules")

    text = MACROS.get(expression.strip().lower(), expression.strip())
    if text.startswith("@"):
        raise refuse(_unknown_macro(text))

    first = (text.split() or [""])[0]
    if first.upper().startswith(("TZ=", "CRON_TZ=")):
        zone = f"tz (--tz {first.partition('=')[2]})"
        raise refuse(f"{first!r} is no part of it; leave it out, and give the zone as {zone}")

    texts = text.upper().split()
    if len(texts) not in {5, 6}:
        order = "minute hour day-of-month month day-of-week"
        raise refuse(f"{text!r} has {len(texts)} fields; write 5 ({order}) or 6 with seconds first")

    return texts if len(texts) == 6 else ["0", *texts]


def _unknown_macro(text: str) -> str:
    macros = ", ".join(MACROS)
    if text.lower().startswith("@every"):
        return f"{text!r} is an interval, not cron; use every({text[6:].strip()!r})"

    if text.lower() == "@reboot":
        return f"{text!r} has no moments, and `onbeat crontab import` alone takes it; use {macros}"

    return f"{text!r} is not a known macro; use {macros}"


def _read(kind: Kind, text: str) -> Field:
    bits, special = 0, []
    for term in text.split(","):
        days = _special(kind, term)
        special += [days] if days else []
        bits |= 0 if days else _bits(kind, term)

    return Field(kind=kind, text=text, bits=bits, special=tuple(special))


def _special(kind: Kind, term: str) -> tuple[str, int, int] | None:
    if kind is DAY:
        return _special_day(term)

    return _special_weekday(term) if kind is WEEKDAY else None


def _special_day(term: str) -> tuple[str, int, int] | None:
    if term in {"LW", "WL"}:
        return ("LW", 0, 0)

    if term == "L":
        return ("L", 0, 0)

    if match := re.fullmatch(r"L-(\d{1,2})", term, re.ASCII):
        return ("L", _within(int(match[1]), 1, 30, f"{term!r} in day-of-month"), 0)

    if match := re.fullmatch(r"(\d{1,2})W", term, re.ASCII):
        return ("W", _within(int(match[1]), 1, 31, f"{term!r} in day-of-month"), 0)

    return None


def _special_weekday(term: str) -> tuple[str, int, int] | None:
    if match := re.fullmatch(r"(\w+)#(\d{1,2})", term, re.ASCII):
        number = _within(int(match[2]), 1, 5, f"the number after # in {term!r}")
        return ("nth", _value(WEEKDAY, match[1], term) % 7, number)

    if term == "L":
        raise refuse("'L' alone in day-of-week means different days elsewhere; write 6 or 5L")

    if term.endswith("L") and re.fullmatch(r"\w+", term[:-1], re.ASCII):
        return ("last", _value(WEEKDAY, term[:-1], term) % 7, 0)

    return None


def _within(value: int, low: int, high: int, what: str) -> int:
    if not low <= value <= high:
        raise refuse(f"{what} is out of range; use {low} to {high}")

    return value


def _bits(kind: Kind, term: str) -> int:
    span, slash, step_text = term.partition("/")
    low, high = _span(kind, span, term, open_ended=bool(slash))
    step = _step(kind, step_text, term, high - low) if slash else 1
    bits = sum(1 << value for value in range(low, high + 1, step))
    return bits & 0x7F | bits >> 7 if kind is WEEKDAY else bits  # 7 is Sunday too


def _span(kind: Kind, span: str, term: str, *, open_ended: bool) -> tuple[int, int]:
    if span == "*":
        return kind.low, kind.high

    first, dash, last = span.partition("-")
    low = _value(kind, first, term)
    if not dash:
        return low, max(low, kind.high) if open_ended else low

    high = _value(kind, last, term)
    if high < low:
        raise refuse(_wrapped(kind, low, high, term))

    return low, high


def _wrapped(kind: Kind, low: int, high: int, term: str) -> str:
    if kind is WEEKDAY and high == 0:
        return f"{term!r} in day-of-week runs backwards; write {low}-7, for 7 is Sunday too"

    tail = f"{kind.low}-{high}" if high > kind.low else str(high)
    return f"{term!r} in {kind.name} runs backwards; write {low}-{kind.high},{tail}"


def _step(kind: Kind, text: str, term: str, width: int) -> int:
    step = int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else 0
    if step == 0:
        raise refuse(f"{term!r} in {kind.name} has no step; write a number from 1 after the slash")

    if step > max(width, 1):
        reach = "the field" if width == kind.high - kind.low else "its range"
        remedy = f"use at most {width}" if width else "leave the step out"
        raise refuse(f"the step of {term!r} in {kind.name} is longer than {reach}; {remedy}")

    return step


def _value(kind: Kind, text: str, term: str) -> int:
    if text in kind.names:
        return kind.names.index(text) + kind.low

    if not re.fullmatch(r"\d{1,4}", text, re.ASCII):
        raise refuse(_unreadable(kind, text, term))

    value, top = int(text), max(kind.high, kind.also)
    if not kind.low <= value <= top:
        raise refuse(f"{text} in {kind.name} is out of range; use {kind.low} to {top}")

    return value


def _unreadable(kind: Kind, text: str, term: str) -> str:
    if not text:
        return f"{term!r} in {kind.name} has an empty part; write a number on both sides"

    if "?" in term:
        return f"'?' in {kind.name} is Quartz's; write * instead"

    names = f" or {kind.names[0]} to {kind.names[-1]}" if kind.names else ""
    low, high = kind.low, max(kind.high, kind.also)
    return f"{text!r} in {kind.name} is not known; write {low} to {high}{names}"
