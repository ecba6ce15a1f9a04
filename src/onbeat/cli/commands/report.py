"""`onbeat report`: what happened in a window, beside the window before."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from onbeat.cli import inputs
from onbeat.cli.command import command, standing_alone
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import reports as view
from onbeat.domain.errors import InvalidInput
from onbeat.domain.health import Kind
from onbeat.domain.reports import Report
from onbeat.drawing.reports import ReportFormat, written

report = standing_alone()


class Shown(StrEnum):
    """How it is shown or written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


@command(
    report,
    "report",
    "onbeat report",
    "onbeat report --kind queue --window 24h",
    "onbeat report --format html -o report.html",
)
async def show(
    asked: Invocation,
    *,
    window: Annotated[
        str | None, typer.Option(metavar="TIME", help="What ended in the last so long (7d).")
    ] = None,
    kind: Annotated[
        Kind, typer.Option(metavar="KIND", help=f"A line for each: {', '.join(Kind)}.")
    ] = Kind.TASK,
    form: Annotated[
        Shown, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(Shown)}.")
    ] = Shown.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")
    ] = None,
) -> None:
    """Report what ended in a window beside the window before: rates, run times, failures.

    HTML is one page with plots that needs no other file; CSV has the lines of the table, and a text
    in it that begins like a formula has a ' before it.
    """
    form = Shown.JSON if asked.json else form
    if output is not None and form is Shown.TABLE:
        told = "a table is for a terminal; give --format html, csv or json too"
        raise InvalidInput("output", told)
    async with asked.without_app().connected() as ob:
        found = await ob.history.report(kind, window=inputs.duration("window", window))
    if form is Shown.TABLE:
        asked.out.lines(view.lines(found, asked.out))
        _remark(asked, found)
        return
    whole = written(found, ReportFormat(form), with_errors=True)
    if output is None:
        asked.out.piece(whole if form is not Shown.JSON else whole + b"\n")
    else:
        _write(output, whole)
        asked.out.note(f"written to {output}")


def _write(output: Path, whole: bytes) -> None:
    try:
        output.write_bytes(whole)
    except OSError as error:
        told = f"{output} cannot be written: {error.strerror}; give another file"
        raise InvalidInput("output", told) from None


def _remark(asked: Invocation, found: Report) -> None:
    if found.folded_to is None:
        asked.out.note("nothing was counted yet; a scheduler, a worker or an API must run to do it")
    if found.is_cut:
        asked.out.note(f"only the {len(found.rows)} with the most jobs are told")
    if found.untimed:
        asked.out.note(f"of the {found.untimed} with the fewest jobs it was not looked how long "
                       "runs took; give a shorter --window")  # fmt: skip
    if not found.failures.is_exact:
        asked.out.note(f"of what failed only the newest {found.failures.looked_at:,} attempts were "
                       "looked at")  # fmt: skip
