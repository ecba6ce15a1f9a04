"""The options that say when: recurrences, what is taken from them, and how they are to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from onbeat.app.reading import when

Texts = list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class When(when.When):
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
