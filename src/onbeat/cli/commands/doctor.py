"""`onbeat doctor`: is everything as it must be?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from onbeat.app.doctor.findings import Finding, Verdict
from onbeat.app.doctor.settings import SettingRow, setting_rows
from onbeat.app.facts.doctor import examined_data
from onbeat.cli.checks import examine
from onbeat.cli.command import command, standing_alone
from onbeat.cli.errors import Unhealthy
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.colours import BAD, GOOD, HEADING, QUIET, WARNING
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import many

doctor = standing_alone()

VERDICTS = {Verdict.GOOD: GOOD, Verdict.NOTE: WARNING, Verdict.WRONG: BAD}
COLUMNS = (
    Column("SETTING"),
    Column("VALUE", bends=True),
    Column("FROM", bends=True),
    Column("MEANING", bends=True, spare=True),
)


@command(doctor, "doctor", "onbeat doctor --app shop:ob", takes_app=True)
async def run_doctor(
    asked: Invocation,
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Put right what can be without harm: indexes, statistics.")
    ] = False,
) -> None:
    """Check settings, versions, the database with all it needs, queues, services and schedules.

    Exits 0 when nothing is wrong; else with the code of the first thing that is.
    """
    findings = [each async for each in examine(asked)]
    if fix and (statements := [each for found in findings for each in found.repairs]):
        async with asked.connected() as ob:
            await ob.database.repair(statements)
        for statement in statements:
            asked.out.note(f"done: {statement}")
        findings = [each async for each in examine(asked)]
    settings = setting_rows({"db": asked.db, "environment": asked.environment, "app": asked.app})
    answer = examined_data(settings, findings)
    asked.out.show(answer, lambda: _page(asked, settings, findings))
    wrong = [each for each in findings if each.verdict is Verdict.WRONG]
    if wrong:
        raise _unhealthy(wrong)


def _page(asked: Invocation, settings: list[SettingRow], findings: list[Finding]) -> list[Text]:
    rows: list[list[Cell]] = [
        [each.variable, Text(each.value), Text(each.source, QUIET), Text(each.about, QUIET)]
        for each in settings
    ]
    lines = [*asked.out.table(COLUMNS, rows), Text(), Text("CHECKS", HEADING)]
    widest = max(len(each.name) for each in findings)
    for finding in findings:
        verdict = (f"{finding.verdict:<6}", VERDICTS[finding.verdict])
        lines.append(Text.assemble(verdict, f" {finding.name:<{widest}}  {finding.message}"))
        lines += [Text(f"{'':<{widest + 9}}{statement}", QUIET) for statement in finding.remedies]
    if any(finding.repairs for finding in findings):
        lines += [Text(), Text("`onbeat doctor --fix` puts some of it right")]
    return lines


def _unhealthy(wrong: list[Finding]) -> Unhealthy:
    error = Unhealthy(f"{many(len(wrong), 'check')} failed: {wrong[0].name}: {wrong[0].message}")
    error.exit_code = wrong[0].exit_code
    return error
