"""`onbeat calendars`: working days, kept by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.words import many
from onbeat.cli.views import calendars as view
from onbeat.domain.errors import InvalidInput
from onbeat.domain.recurrence import WorkCalendar, work_calendar

calendars = noun("Keep holidays and closed times by name.")

Name = Annotated[str, typer.Argument(metavar="CALENDAR", help="The calendar's name.")]


@command(calendars, "ls", "onbeat calendars ls")
async def ls(asked: Invocation) -> None:
    """List calendars of working days."""
    async with asked.without_app().connected() as ob:
        found = await ob.calendars.list()
    answer = {"calendars": [each.spec() for each in found]}
    asked.out.show(answer, lambda: asked.out.table(view.COLUMNS, view.rows(found)))
    if not found and not asked.json:
        asked.out.note("no calendars; `onbeat calendars put` makes one")


@command(calendars, "show", "onbeat calendars show fr")
async def show(asked: Invocation, calendar: Name) -> None:
    """Show the holidays and closed times of one calendar."""
    async with asked.without_app().connected() as ob:
        found = await ob.calendars.find(calendar)
    asked.out.show({"calendar": found.spec()}, lambda: view.page(found))


@command(
    calendars,
    "put",
    "onbeat calendars put fr --holiday 2027-07-14 --holiday 2027-12-25",
    "onbeat calendars put fr --file holidays.txt --weekend fri,sat",
    "onbeat calendars put fr --ics holidays.ics",
)
async def put(
    asked: Invocation,
    calendar: Name,
    *,
    holiday: Annotated[
        list[str] | None, typer.Option(metavar="DATE", help="A day off; repeatable.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="More of them: a date in each line.")
    ] = None,
    ics: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="An iCalendar file: its days off, its times closed."),
    ] = None,
    weekend: Annotated[
        str | None,
        typer.Option(metavar="DAYS", help="Days off in each week, or none; sat,sun unless said."),
    ] = None,
    closed: Annotated[
        list[str] | None,
        typer.Option(metavar="BEGIN/END", help="Moments between which nothing is due."),
    ] = None,
) -> None:
    """Keep a calendar, in place of one of that name.

    Schedules that keep to it change with it, and their next moments are computed anew."""
    if not (holiday or file or ics or weekend is not None or closed):
        raise InvalidInput("holiday", "say what it has: --holiday, --file, --ics, --weekend, …")
    made = work_calendar(
        calendar,
        weekend=_days("sat,sun" if weekend is None else weekend),
        holidays=[*(holiday or ()), *(() if file is None else _dates_in(file))],
        closed=[tuple(each.split("/")) for each in closed or ()],
        ics=None if ics is None else _text_of("ics", ics),
    )
    async with asked.without_app().connected(creates=True) as ob:
        before, changed = await ob.calendars.exchange(made, asked.who)
    told = f"{calendar}: {_holidays(before, made)}; {many(len(changed), 'schedule')}"
    answer = {"calendar": made.spec(), "changed": list(changed)}
    asked.out.show(answer, lambda: [f"{told} changed with it"])


def _days(text: str) -> list[str]:
    if not text.strip():
        raise InvalidInput("weekend", "it names no day; give days, as fri,sat, or none")
    return [] if text == "none" else [day.strip() for day in text.split(",")]


def _holidays(before: WorkCalendar | None, made: WorkCalendar) -> str:
    """How many it has, and how many of those it had are no more."""
    taken = set() if before is None else set(before.holidays) - set(made.holidays)
    left = f", {len(taken):,} taken away" if taken else ""
    return many(len(made.holidays), "holiday") + left


def _dates_in(file: Path) -> list[str]:
    """The dates in a file, one in each line; what follows # is a comment."""
    lines = _text_of("file", file).splitlines()
    return [text for line in lines if (text := line.partition("#")[0].strip())]


def _text_of(field: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(field, f"{file} cannot be read: {error}; give a file of text") from None


@command(calendars, "rm", "onbeat calendars rm fr")
async def rm(asked: Invocation, calendar: Name) -> None:
    """Remove a calendar that no schedule keeps to."""
    async with asked.without_app().connected() as ob:
        await ob.calendars.remove(calendar)
    asked.out.show({"removed": calendar}, lambda: [f"{calendar} is removed"])
