"""Reports and objectives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from onbeat.cli.output.colours import HEADING
from onbeat.cli.output.streams import Output
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import NONE, lasting
from onbeat.domain.durations import format_duration
from onbeat.domain.failures import FailureGroup
from onbeat.domain.objectives import Budget, Whose
from onbeat.domain.reports import Compared, Report

ROWS = (
    Column("NAME", bends=True), Column("JOBS", right=True), Column("TREND", right=True, spare=True),
    Column("SUCCESS", right=True), Column("POINTS", right=True), Column("FAILED", right=True),
    Column("ATTEMPTS", right=True, spare=True), Column("P50", right=True),
    Column("P95", right=True), Column("P99", right=True, spare=True),
    Column("P95 TREND", right=True),
)  # fmt: skip

GROUPS = (
    Column("ERROR", bends=True), Column("PLACE", bends=True), Column("ATTEMPTS", right=True),
    Column("FOR GOOD", right=True), Column("TASKS", bends=True), Column("LAST JOB", spare=True),
    Column("TEXT", bends=True),
)  # fmt: skip

BUDGETS = (
    Column("SUBJECT", bends=True), Column("OBJECTIVE", right=True), Column("OVER", right=True),
    Column("JOBS", right=True), Column("MAY FAIL", right=True), Column("FAILED", right=True),
    Column("LEFT", right=True), Column("BURN 1H", right=True), Column("BURN 6H", right=True),
    Column("SET BY", bends=True),
)  # fmt: skip

MOST_SHOWN = 10


def lines(report: Report, out: Output) -> Iterator[str | Text]:
    """The report for a terminal: each table after the other."""
    rows = [_row(each.name or NONE, each) for each in report.rows]
    yield from out.table(ROWS, [*rows, _row("all", report.whole)])
    if report.failures.groups:
        yield from ("", Text("TOP FAILURES", HEADING))
        yield from out.table(GROUPS, [_group(each) for each in report.failures.groups[:MOST_SHOWN]])
    spent = [each for each in report.budgets if not each.is_met or not each.objective.is_default]
    if spent:
        yield from ("", Text("OBJECTIVES SET, OR NOT MET", HEADING))
        yield from out.table(BUDGETS, budget_rows(spent))


def _row(name: str, row: Compared) -> list[Cell]:
    trend, now = row.trend, row.now
    return [
        name, f"{now.ended:,}",
        _times(trend.volume_ratio), percent(now.success_rate),
        NONE if trend.rate_points is None else f"{trend.rate_points:+.1f}", f"{now.failed:,}",
        NONE if row.attempts_per_job is None else f"{row.attempts_per_job:.2f}",
        *(lasting(now.took.quantile(share)) for share in (0.5, 0.95, 0.99)),
        _times(trend.p95_ratio),
    ]  # fmt: skip


def _group(group: FailureGroup) -> list[Cell]:
    tasks = ", ".join(group.tasks)
    return [
        group.fingerprint.type, group.fingerprint.place or NONE, f"{group.number:,}",
        f"{group.final:,}", tasks, group.example, group.text,
    ]  # fmt: skip


def budget_rows(budgets: Sequence[Budget]) -> list[list[Cell]]:
    """A row for each."""
    return [
        [
            str(Whose(each.kind, each.name)), percent(each.objective.target),
            format_duration(each.objective.window), f"{each.decided.number:,}",
            f"{each.allowed:,.1f}", f"{each.decided.failed:,}", percent(each.left_share),
            *(NONE if burn is None else _digits(burn, 3) for burn in each.burn_rates),
            each.objective.changed_by or "default",
        ]
        for each in budgets
    ]  # fmt: skip


def percent(share: float | None) -> str:
    """A share, of as many digits as tell it from others: 99.9%, 12.5%."""
    return NONE if share is None else f"{_digits(share * 100, 4)}%"


def _digits(number: float, many: int) -> str:
    """So many digits that tell, and never as a power of ten."""
    return f"{number:,.0f}" if abs(number) >= 10 ** (many - 1) else f"{number:.{many}g}"


def _times(ratio: float | None) -> str:
    return NONE if ratio is None else f"x{_digits(ratio, 3)}"
