"""What says when: recurrences, what is taken from them, and how they are to be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from onbeat.app.onbeat import Onbeat
from onbeat.app.reading.rewriting import (
    READ_BY,
    follows_real_time,
    kept_to,
    read_as,
    rules_of,
    with_tz,
)
from onbeat.domain.errors import InvalidInput
from onbeat.domain.naming import named
from onbeat.domain.recurrence import (
    Recurrence,
    cron,
    every,
    exclusion,
    once,
    rrule,
    union,
    work_calendar,
    workdays,
)
from onbeat.domain.recurrence.clock_words import not_heeded
from onbeat.domain.recurrence.local_time import FOLLOW_REAL_TIME
from onbeat.domain.recurrence.zones import known_zone

EXAMPLE = "write it like 2027-08-01T00:00Z/2027-08-15T00:00Z"
Texts = Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What was given of them, as text; what was left out is None."""

    cron: Texts = None
    every: Texts = None
    rrule: Texts = None
    at: Texts = None
    except_cron: Texts = None
    except_rrule: Texts = None
    closed: Texts = None
    """Times in which nothing is due, as BEGIN/END; `none` alone takes those before away."""
    tz: str | None = None
    day_match: str | None = None
    gap: str | None = None
    fold: str | None = None

    @property
    def field(self) -> str | None:
        """The first option that names moments; None where none was given."""
        named = {"cron": self.cron, "every": self.every, "rrule": self.rrule, "at": self.at}
        return next((name for name, texts in named.items() if texts), None)

    def recurrence(
        self, current: Recurrence | None = None, *, taken: frozenset[str] = frozenset()
    ) -> Recurrence:
        """What was asked for; where nothing names moments, `current` with what else is.

        The calendar and closed times of `current` are kept, but for what is `taken` away.
        Raises InvalidRecurrence, and InvalidInput where nothing says when.
        """
        if self.tz is not None:
            known_zone(self.tz)
        if self.tz is not None and current is not None and self.field is None:
            current = with_tz(current, self.tz)
        # An interval of days means elapsed time without a zone, and the calendar's days with one.
        zone = self.tz or (current.zone if current is not None and current.zone != "UTC" else None)
        given = self._reading(current)
        rules = _clock_rules(current) | given
        asked = [
            *_crons(self.cron, zone, rules),
            *(every(text, tz=zone) for text in self.every or ()),
            *_rrules(self.rrule, zone, rules),
            *(once(text) for text in self.at or ()),
        ]
        if not asked and current is None:
            raise InvalidInput(
                "cron", "say when: give a cron expression, an interval, a rule, or a moment"
            )
        with named(cron="except_cron", rrule="except_rrule"):
            barred = [
                *_crons(self.except_cron, zone, rules),
                *_rrules(self.except_rrule, zone, rules),
            ]
        if current is None:
            return self._open(_without(_together(asked), barred))
        current = current if barred else read_as(current, given)
        rule = _without(_together(asked), barred) if asked else None
        kept = kept_to(current, rule, taken | {"closed"} if self._is_opened else taken)
        return self._open(kept if asked else _without(kept, barred))

    def unheeded(self, recurrence: Recurrence) -> tuple[str, ...]:
        """Say of a gap and fold given here that a rule in it follows real time instead.

        A rule itself cannot: it does not know whether its default was asked for.
        """
        given = {name: getattr(self, name) for name in ("gap", "fold")}
        reasons = [follows_real_time(rule) for rule in rules_of(recurrence.spec())]
        return tuple(
            not_heeded(name, value, why)
            for why in dict.fromkeys(filter(None, reasons))
            for name, value in given.items()
            if value is not None and value != getattr(FOLLOW_REAL_TIME, name)
        )

    @property
    def _is_opened(self) -> bool:
        return self.closed == ["none"]

    def _open(self, recurrence: Recurrence) -> Recurrence:
        """The recurrence without what is due in closed times."""
        if not self.closed or self._is_opened:
            return recurrence
        pairs = [tuple(each.split("/")) for each in self.closed]
        for text, pair in zip(self.closed, pairs, strict=True):
            if len(pair) != 2:
                raise InvalidInput(
                    "closed", f"{text!r} is not BEGIN/END, of two moments; {EXAMPLE}"
                )
        return workdays(recurrence, work_calendar("", weekend=(), closed=pairs))

    def _reading(self, current: Recurrence | None) -> dict[str, str]:
        """How rules are to be read, as given. Raises InvalidInput where no rule is read so."""
        options = {"day_match": self.day_match, "gap": self.gap, "fold": self.fold}
        found = {name: value for name, value in options.items() if value is not None}
        kinds = {"cron"} if self.cron or self.except_cron else set()
        kinds |= {"rrule"} if self.rrule or self.except_rrule else set()
        if current is not None and self.field is None:
            kinds |= {rule["kind"] for rule in rules_of(current.spec())}
        for name in found:
            if not kinds & READ_BY[name]:
                fitting = " or an RFC 5545 rule" if "rrule" in READ_BY[name] else ""
                raise InvalidInput(name, f"it goes with a cron expression{fitting} only")
        return found


def _clock_rules(current: Recurrence | None) -> dict[str, str]:
    """The gap and fold of what was, which new rules keep as they keep its zone."""
    rules = [] if current is None else list(rules_of(current.spec()))
    read = next((rule for rule in rules if rule["kind"] in READ_BY["gap"]), {})
    return {name: read[name] for name in ("gap", "fold") if name in read}


def _crons(texts: Texts, zone: str | None, rules: dict[str, Any]) -> Iterator[Recurrence]:
    return (cron(text, tz=zone or "UTC", **rules) for text in texts or ())


def _rrules(texts: Texts, zone: str | None, rules: dict[str, Any]) -> Iterator[Recurrence]:
    read = {name: value for name, value in rules.items() if name != "day_match"}
    return (rrule(text.replace("\\n", "\n"), tz=zone or "UTC", **read) for text in texts or ())


def _together(members: Sequence[Recurrence]) -> Recurrence:
    return members[0] if len(members) == 1 else union(*members)


def _without(source: Recurrence, barred: Sequence[Recurrence]) -> Recurrence:
    return exclusion(source, _together(barred)) if barred else source


async def kept_to_workdays(
    ob: Onbeat, recurrence: Recurrence, calendar: str | None, otherwise: str | None
) -> Recurrence:
    """The recurrence, kept to the working days of a calendar where one is named."""
    if calendar is not None:
        found = await ob.calendars.find(calendar)
        return workdays(recurrence, found, otherwise=otherwise or "skip")
    if otherwise is not None:
        raise InvalidInput("otherwise", "it goes with workdays; give the calendar there")
    return recurrence


async def rewritten(
    ob: Onbeat, before: Recurrence, when: When, calendar: str | None, otherwise: str | None
) -> Recurrence:
    """What was, with what is given anew; a calendar given takes the place of that before, and
    `none` takes it away.
    """
    taken = frozenset() if calendar is None else frozenset({"workdays"})
    named = None if calendar == "none" else calendar
    return await kept_to_workdays(ob, when.recurrence(before, taken=taken), named, otherwise)
