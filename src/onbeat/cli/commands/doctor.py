"""`onbeat doctor`: is everything as it must be?"""

from __future__ import annotations

from typing import Any

from rich.text import Text

from onbeat.cli.checks import Finding, Verdict, examine
from onbeat.cli.command import command, standing_alone
from onbeat.cli.errors import Unhealthy
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.colours import BAD, GOOD, HEADING, QUIET, WARNING
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import many
from onbeat.cli.sources import SettingRow, setting_rows

doctor = standing_alone()

VERDICTS = {Verdict.GOOD: GOOD, Verdict.NOTE: WARNING, Verdict.WRONG: BAD}
COLUMNS = (
    Column("SETTING"),
    Column("VALUE", bends=True),
    Column("FROM", bends=True),
    Column("MEANING", bends=True, spare=True),
)


@command(doctor, "doctor", "onbeat doctor --app shop:ob", takes_app=True)
async def run_doctor(asked: Invocation) -> None:
    """Check settings, versions, the database, its schema and its clock.

    Exits 0 when nothing is wrong; else with the code of the first thing that is.
    """
    findings = [each async for each in examine(asked)]
    settings = setting_rows({"db": asked.db, "environment": asked.environment, "app": asked.app})
    answer = {
        "healthy": all(each.verdict is not Verdict.WRONG for each in findings),
        "settings": [_setting_data(each) for each in settings],
        "checks": [
            {"name": each.name, "verdict": each.verdict, "message": each.message}
            for each in findings
        ],
    }
    asked.out.show(answer, lambda: _page(asked, settings, findings))
    wrong = [each for each in findings if each.verdict is Verdict.WRONG]
    if wrong:
        raise _unhealthy(wrong)


def _setting_data(row: SettingRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "variable": row.variable,
        "value": row.value,
        "source": row.source,
        "about": row.about,
    }


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
    return lines


def _unhealthy(wrong: list[Finding]) -> Unhealthy:
    error = Unhealthy(f"{many(len(wrong), 'check')} failed: {wrong[0].name}: {wrong[0].message}")
    error.exit_code = wrong[0].exit_code
    return error
