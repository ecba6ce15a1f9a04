"""What of tasks, schedules and queues is not as usual: a command of each of these nouns."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from onbeat.app.facts.anomalies import judged_data
from onbeat.app.facts.moments import absolute
from onbeat.app.onbeat import Onbeat
from onbeat.cli import inputs
from onbeat.cli.command import command
from onbeat.cli.commands.queues import queues
from onbeat.cli.commands.schedules import schedules
from onbeat.cli.commands.tasks import tasks
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.tables import Column
from onbeat.domain.anomaly_texts import anomaly_text, forecast_text
from onbeat.domain.health import Kind
from onbeat.domain.outlook import Judged, JudgedPage

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="One alone.")]
Longest = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="What runs must not take: say when they will."),
]

COLUMNS = (Column("NAME", bends=True), Column("MEASURE"), Column("WHAT", bends=True))
AT_ONCE = 50
MOST = 1_000


@command(tasks, "anomalies", "onbeat tasks anomalies", "onbeat tasks anomalies sync --longest 30s")
async def of_tasks(asked: Invocation, name: Name = None, *, longest: Longest = None) -> None:
    """Say which tasks are not as usual: how long runs take, how many fail, how many there are.

    Each full hour is held against the same hours of 28 days; what rises toward a limit is foretold.
    """
    await _show(asked, Kind.TASK, name, longest)


@command(schedules, "anomalies", "onbeat schedules anomalies", "onbeat schedules anomalies nightly")
async def of_schedules(asked: Invocation, name: Name = None, *, longest: Longest = None) -> None:
    """Say which schedules are not as usual, as `tasks anomalies` does, and which begin late."""
    await _show(asked, Kind.SCHEDULE, name, longest)


@command(queues, "anomalies", "onbeat queues anomalies", "onbeat queues anomalies billing")
async def of_queues(asked: Invocation, name: Name = None, *, longest: Longest = None) -> None:
    """Say which queues are not as usual, as `tasks anomalies` does."""
    await _show(asked, Kind.QUEUE, name, longest)


async def _show(asked: Invocation, kind: Kind, name: str | None, longest: str | None) -> None:
    async with asked.without_app().connected() as ob:
        found = await _found(ob, kind, name, inputs.duration("longest", longest))
    told = [each for each in found.rows if each.anomalies or each.forecasts]
    answer = {
        "judged_to": absolute(found.until), "judged": len(found.rows),
        "anomalies": [judged_data(each) for each in told],
    }  # fmt: skip
    asked.out.show(answer, lambda: asked.out.table(COLUMNS, _rows(told)))
    if asked.json:
        return
    if found.until is None:
        asked.out.note("nothing has ended yet, or within the last 20 seconds; a scheduler, a "
                       "worker or an API must run to count it")  # fmt: skip
    elif not told:
        asked.out.note(f"nothing is unusual up to {found.until:%Y-%m-%d %H:%M} UTC, of "
                       f"{len(found.rows):,} {kind}s")  # fmt: skip
    if len(found.rows) == MOST:
        asked.out.note(f"only the first {MOST:,} were judged; give a NAME")


async def _found(ob: Onbeat, kind: Kind, name: str | None, longest: timedelta | None) -> JudgedPage:
    """A page after the other."""
    rows: list[Judged] = []
    while True:
        page = await ob.history.anomalies(
            kind, only=name, limit_of_duration=longest, limit=AT_ONCE,
            after=rows[-1].name if rows else None,
        )  # fmt: skip
        rows += page.rows
        if len(page.rows) < AT_ONCE or len(rows) >= MOST:
            return JudgedPage(page.until, rows)


def _rows(found: list[Judged]) -> list[list[str]]:
    return [
        [each.name or "-", measure, text]
        for each in found
        for measure, text in (
            *((one.measure.value, anomaly_text(one, each.until)) for one in each.anomalies),
            *((f"{one.measure.value} ahead", forecast_text(one)) for one in each.forecasts),
        )
    ]
