"""The options that say when: a recurrence of one kind, and how it is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence import Recurrence, cron, every, once, recurrence_from_spec, rrule


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What was given of them. A command with a parameter of this type takes them all."""

    cron: Annotated[
        str | None, typer.Option(metavar="EXPR", help='A cron expression: "30 2 * * *".')
    ] = None
    every: Annotated[
        str | None, typer.Option(metavar="INTERVAL", help="An interval: 15m, 24h, 1d.")
    ] = None
    rrule: Annotated[
        str | None, typer.Option(metavar="RULE", help="An RFC 5545 rule: FREQ=DAILY.")
    ] = None
    at: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Once, at this ISO 8601 moment.")
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
    def kind(self) -> tuple[str, str] | None:
        """The one kind that was given, and its text. Raises InvalidInput for more than one."""
        options = {"cron": self.cron, "every": self.every, "rrule": self.rrule, "at": self.at}
        found = [(name, text) for name, text in options.items() if text is not None]
        if len(found) > 1:
            both = " and ".join(f"--{name}" for name, _ in found)
            raise InvalidInput(found[1][0], f"{both} are given; give one of them")
        return found[0] if found else None

    def recurrence(self, current: Recurrence | None = None) -> Recurrence:
        """What was asked for; where no kind is given, `current` with what else is.

        Raises InvalidRecurrence, and InvalidInput where nothing says when.
        """
        # An interval of days means elapsed time without a zone, and the calendar's days with one.
        zone = self.tz or (current.zone if current is not None and current.zone != "UTC" else None)
        rules = self._cron_rules(current)
        match self.kind:
            case ("cron", text):
                return cron(text, tz=zone or "UTC", **rules)
            case ("every", text):
                return every(text, tz=zone)
            case ("rrule", text):
                return rrule(text.replace("\\n", "\n"), tz=zone or "UTC")
            case ("at", text):
                return once(text)
        if current is None:
            raise InvalidInput("cron", "say when: give one of --cron, --every, --rrule, --at")
        return _changed(current, self.tz, rules)

    def _cron_rules(self, current: Recurrence | None) -> dict[str, Any]:
        """The options that only a cron expression has. Raises InvalidInput where there is none."""
        options = {"day_match": self.day_match, "gap": self.gap, "fold": self.fold}
        found = {name: value for name, value in options.items() if value is not None}
        changes_cron = current is not None and current.spec()["kind"] == "cron"
        if found and self.cron is None and (self.kind is not None or not changes_cron):
            name = next(iter(found))
            raise InvalidInput(name, f"--{name.replace('_', '-')} goes with a cron expression only")
        return found


def _changed(current: Recurrence, tz: str | None, rules: dict[str, Any]) -> Recurrence:
    spec = current.spec()
    if tz is not None and "tz" not in spec:
        raise InvalidInput("tz", f"this schedule has no zone to change: {current.describe()}")
    changes = rules if tz is None else rules | {"tz": tz}
    return recurrence_from_spec(spec | changes) if changes else current
