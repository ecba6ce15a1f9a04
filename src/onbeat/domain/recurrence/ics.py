"""iCalendar files (RFC 5545) as days off and closed times; icalendar (extra `ics`) reads them.

Whole days are holidays, events with a time of day are closed times. Rules are expanded by our own
engine, which bounds their work; all that a file can make grow has a limit here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence.recurrence import DAY, MICROSECOND
from onbeat.domain.recurrence.rrule import rrule
from onbeat.domain.recurrence.zones import known_zone, zone_info

LONGEST_ICS = 1_000_000
"""Characters: 5,000 events of 200 each."""
MOST_EVENTS = 5_000
MOST_RULES = 500
"""Events that repeat; each may cost 0.1 s to walk, and a country has some dozens."""
MOST_DAYS = 5_000
MOST_REPEATS = 50_000
"""Times that all rules of a file together may repeat, what they leave out included."""
REPEATED_FROM, REPEATED_UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
"""Where repeated events are kept; many files have rules from 1601 on, and without an end."""

Start = date | datetime
"""A day, or an aware moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IcsTimes:
    """What a file says of when no work is done."""

    holidays: tuple[date, ...]
    closed: tuple[tuple[datetime, datetime], ...]
    """UTC; from the first moment on, before the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One VEVENT, read."""

    name: str
    uid: str
    start: Start
    length: timedelta
    zone: str | None
    """Of a moment, as far as it is an IANA zone's."""
    rules: tuple[str, ...]
    extra: tuple[Start, ...]
    excluded: frozenset[Start]
    replaces: Start | None
    """Which repetition of its series it stands for."""
    is_cancelled: bool


def read_ics(text: object) -> IcsTimes:
    """Read the events of an iCalendar file: VEVENT with DTEND or DURATION, RRULE, RDATE, EXDATE.

    Repetitions from 2000 to 2100 are kept. Raises InvalidRecurrence("ics", ...) for what is no such
    file, for what it does not say unambiguously, for more than a calendar keeps, and where
    icalendar is not installed.
    """
    holidays: set[date] = set()
    closed: set[tuple[datetime, datetime]] = set()
    left = MOST_REPEATS
    for entry in _series(_entries(text)):
        for start in _starts(entry):
            left -= 1
            if left < 0 or len(holidays) > MOST_DAYS:
                raise _refuse(f"{entry.name} repeats too often; give its rule an UNTIL")
            if isinstance(start, datetime):
                closed |= {(start, start + entry.length)} if entry.length else set()
            else:
                holidays |= {start + n * DAY for n in range(entry.length.days)}
    return IcsTimes(holidays=tuple(sorted(holidays)), closed=tuple(sorted(closed)))


def _refuse(message: str) -> InvalidRecurrence:
    return InvalidRecurrence("ics", message)


def _entries(text: object) -> list[_Entry]:
    if not isinstance(text, str) or len(text) > LONGEST_ICS:
        raise _refuse(f"it is not text of at most {LONGEST_ICS:,} characters; split the file")
    found = [
        _entry(event, str(calendar.get("X-WR-TIMEZONE", "")))
        for calendar in _calendars(text)
        for event in calendar.walk("VEVENT")
    ]
    if not found:
        raise _refuse("there is no VEVENT in it; export the calendar with its events")
    if len(found) > MOST_EVENTS:
        raise _refuse(f"it has {len(found):,} events; at most {MOST_EVENTS:,} are read")
    if (rules := sum(len(entry.rules) for entry in found)) > MOST_RULES:
        raise _refuse(f"it has {rules:,} rules; at most {MOST_RULES} are read")
    return found


def _calendars(text: str) -> Sequence[Any]:
    try:
        from icalendar import Calendar  # noqa: PLC0415  an extra, and slow to import
    except ImportError as reason:
        raise _refuse("calendar files need icalendar; pip install 'onbeat[ics]'") from reason
    try:
        return Calendar.from_ical(text.removeprefix("\ufeff"), multiple=True)
    except (ValueError, KeyError, IndexError) as reason:
        told = " ".join(str(reason).split())[:100]
        raise _refuse(f"it is not an iCalendar file: {told}; export it as .ics") from reason


def _series(entries: list[_Entry]) -> Iterator[_Entry]:
    """Take from each series what single events of the same UID replace, and what is cancelled."""
    replaced: dict[str, set[Start]] = {}
    for entry in entries:
        if entry.replaces is not None:
            replaced.setdefault(entry.uid, set()).add(entry.replaces)
    for entry in entries:
        if entry.is_cancelled:
            continue
        away = replaced.get(entry.uid, set()) if entry.replaces is None else set()
        yield replace(entry, excluded=entry.excluded | away)


def _starts(entry: _Entry) -> Iterator[Start]:
    """The starts of all repetitions; one that several rules name comes more than once."""
    single = () if entry.rules else (entry.start,)
    repeated = (start for rule in entry.rules for start in _repeated(entry, rule))
    return (start for start in chain(single, entry.extra, repeated) if start not in entry.excluded)


def _repeated(entry: _Entry, rule: str) -> Iterator[Start]:
    whole_days = not isinstance(entry.start, datetime)
    begin = _midnight(entry.start)
    if entry.zone is None:
        raise _refuse(f"{entry.name} repeats in a zone of its own; give its TZID an IANA name")
    try:
        made = rrule(rule, tz=entry.zone, start=begin)
    except InvalidRecurrence as reason:
        raise _refuse(f"{entry.name}: {reason}") from reason
    moment = made.next(max(begin, REPEATED_FROM) - MICROSECOND)
    while moment is not None and moment < REPEATED_UNTIL:
        yield moment.date() if whole_days else moment
        moment = made.next(moment)


def _midnight(start: Start) -> datetime:
    return start if isinstance(start, datetime) else datetime.combine(start, time(), UTC)


def _entry(event: Any, default_zone: str) -> _Entry:
    name = f"the event {str(event.get('SUMMARY') or event.get('UID', ''))[:60]!r}"
    if event.errors:
        raise _refuse(f"{name}: {event.errors[0][0]} cannot be read: {event.errors[0][1]}")
    if "DTSTART" not in event:
        raise _refuse(f"{name} has no DTSTART; say when it begins")
    reader = _Reader(name=name, default_zone=default_zone)
    start = reader.start(event["DTSTART"])
    return _Entry(
        name=name,
        uid=str(event.get("UID", "")),
        start=_in_utc(start),
        length=_length(event, reader, start),
        zone=getattr(start.tzinfo, "key", None) if isinstance(start, datetime) else "UTC",
        rules=tuple(each.to_ical().decode() for each in _list(event.get("RRULE"))),
        extra=reader.listed(event.get("RDATE"), start),
        excluded=frozenset(reader.listed(event.get("EXDATE"), start)),
        replaces=next(iter(reader.listed(event.get("RECURRENCE-ID"), start)), None),
        is_cancelled=str(event.get("STATUS", "")).upper() == "CANCELLED",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads the dates and times of one event."""

    name: str
    default_zone: str
    """The zone of times that name none."""

    def start(self, value: Any) -> Start:
        """One DATE or DATE-TIME."""
        found = value.dt
        if not isinstance(found, date) or not 1000 <= found.year <= 9000:
            raise _refuse(f"{self.name}: {found} is not a date or time of the years 1000 to 9000")
        if not isinstance(found, datetime) or found.tzinfo is not None:
            return found
        zone = value.params.get("TZID", self.default_zone)
        try:
            return found.replace(tzinfo=zone_info(known_zone(zone)))
        except InvalidRecurrence:
            told = f"its zone {zone!r} is not known" if zone else "it has no zone"
            raise _refuse(
                f"{self.name}: {found}: {told}; write TZID=Europe/Paris or end it in Z"
            ) from None

    def listed(self, values: Any, start: Start) -> tuple[Start, ...]:
        """Dates and times of the kind that the start has, from a property that may be repeated."""
        found = (each for value in _list(values) for each in getattr(value, "dts", [value]))
        return tuple(_in_utc(_as_start(self.start(each), start)) for each in found)


def _as_start(value: Start, start: Start) -> Start:
    """Many files give whole days in one place and times of day in another; the start decides."""
    if not isinstance(start, datetime):
        return value.date() if isinstance(value, datetime) else value
    return value if isinstance(value, datetime) else datetime.combine(value, start.timetz())


def _in_utc(start: Start) -> Start:
    return start.astimezone(UTC) if isinstance(start, datetime) else start


def _length(event: Any, reader: _Reader, start: Start) -> timedelta:
    whole_days = not isinstance(start, datetime)
    length = DAY if whole_days else timedelta()
    if "DTEND" in event:
        end = reader.start(event["DTEND"])
        if isinstance(end, datetime) == whole_days:
            raise _refuse(f"{reader.name}: DTSTART and DTEND are not both days or both times")
        length = _midnight(end) - _midnight(start)
        length = length or (DAY if whole_days else length)  # a day that ends where it begins
    elif "DURATION" in event:
        length = event["DURATION"].dt
    if not timedelta() <= length <= MOST_DAYS * DAY or (whole_days and length % DAY):
        shown = "whole days" if whole_days else "time"
        raise _refuse(f"{reader.name} lasts {length}; give it a DTEND some {shown} after DTSTART")
    return length


def _list(values: Any) -> list[Any]:
    if values is None:
        return []
    return values if isinstance(values, list) else [values]
