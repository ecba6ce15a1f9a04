"""The options that say when: recurrences, what is taken from them, and how they are to be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence import (
    Recurrence,
    cron,
    every,
    exclusion,
    once,
    recurrence_from_spec,
    rrule,
    union,
    work_calendar,
    workdays,
)

Texts = list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What was given of them. A command with a parameter of this type takes them all."""

    cron: Annotated[
        Texts, typer.Option(metavar="EXPR", help='A cron expression: "30 2 * * *"; repeatable.')
    ] = None
    every: Annotated[
        Texts, typer.Option(metavar="INTERVAL", help="An interval: 15m, 24h, 1d; repeatable.")
    ] = None
    rrule: Annotated[
        Texts, typer.Option(metavar="RULE", help="An RFC 5545 rule: FREQ=DAILY; repeatable.")
    ] = None
    at: Annotated[
        Texts, typer.Option(metavar="MOMENT", help="Once, at this ISO 8601 moment; repeatable.")
    ] = None
    except_cron: Annotated[
        Texts, typer.Option(metavar="EXPR", help="But not at the moments of this one.")
    ] = None
    except_rrule: Annotated[
        Texts, typer.Option(metavar="RULE", help="But not at the moments of this one.")
    ] = None
    closed: Annotated[
        Texts,
        typer.Option(metavar="BEGIN/END", help="Not from the one moment until before the other."),
    ] = None
    tz: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Whose wall clock: Europe/Paris.")
    ] = None
    day_match: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="Cron's day of month and of week: and, or (either)."),
    ] = None
    gap: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="A time the clock leaves out: after, skip, shift."),
    ] = None
    fold: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="A time the clock repeats: first, second, both."),
    ] = None

    @property
    def field(self) -> str | None:
        """The first option that names moments; None where none was given."""
        named = {"cron": self.cron, "every": self.every, "rrule": self.rrule, "at": self.at}
        return next((name for name, texts in named.items() if texts), None)

    def recurrence(self, current: Recurrence | None = None) -> Recurrence:
        """What was asked for; where nothing names moments, `current` with what else is.

        Raises InvalidRecurrence, and InvalidInput where nothing says when.
        """
        # An interval of days means elapsed time without a zone, and the calendar's days with one.
        zone = self.tz or (current.zone if current is not None and current.zone != "UTC" else None)
        rules = self._cron_rules(current)
        asked = [
            *_crons(self.cron, zone, rules),
            *(every(text, tz=zone) for text in self.every or ()),
            *_rrules(self.rrule, zone),
            *(once(text) for text in self.at or ()),
        ]
        if not asked and current is None:
            raise InvalidInput("cron", "say when: give --cron, --every, --rrule or --at")
        if not asked and current is not None:
            asked = [_changed(current, self.tz, {} if self.except_cron else rules)]
        barred = [*_crons(self.except_cron, zone, rules), *_rrules(self.except_rrule, zone)]
        return self._open(_without(_together(asked), barred))

    def _open(self, recurrence: Recurrence) -> Recurrence:
        """The recurrence without what is due in closed times."""
        if not self.closed:
            return recurrence
        pairs = [tuple(each.split("/")) for each in self.closed]
        return workdays(recurrence, work_calendar("", weekend=(), closed=pairs))

    def _cron_rules(self, current: Recurrence | None) -> dict[str, Any]:
        """The options that only a cron expression has. Raises InvalidInput where there is none."""
        options = {"day_match": self.day_match, "gap": self.gap, "fold": self.fold}
        found = {name: value for name, value in options.items() if value is not None}
        changes_cron = current is not None and current.spec()["kind"] == "cron"
        has_cron = bool(self.cron or self.except_cron)
        if found and not has_cron and (self.field is not None or not changes_cron):
            name = next(iter(found))
            raise InvalidInput(name, f"--{name.replace('_', '-')} goes with a cron expression only")
        return found


def _crons(texts: Texts, zone: str | None, rules: dict[str, Any]) -> Iterator[Recurrence]:
    return (cron(text, tz=zone or "UTC", **rules) for text in texts or ())


def _rrules(texts: Texts, zone: str | None) -> Iterator[Recurrence]:
    return (rrule(text.replace("\\n", "\n"), tz=zone or "UTC") for text in texts or ())


def _together(members: Sequence[Recurrence]) -> Recurrence:
    return members[0] if len(members) == 1 else union(*members)


def _without(source: Recurrence, barred: Sequence[Recurrence]) -> Recurrence:
    return exclusion(source, _together(barred)) if barred else source


def _changed(current: Recurrence, tz: str | None, rules: dict[str, Any]) -> Recurrence:
    spec = current.spec()
    if tz is not None and "tz" not in spec:
        raise InvalidInput("tz", f"this schedule has no zone to change: {current.describe()}")
    changes = rules if tz is None else rules | {"tz": tz}
    return recurrence_from_spec(spec | changes) if changes else current
