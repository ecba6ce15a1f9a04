"""How tasks, schedules and queues fare."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import NONE, lasting, since
from onbeat.cli.views.reports import percent
from onbeat.domain.health import Health
from onbeat.domain.objectives import Budget

COLUMNS = (
    Column("NAME", bends=True), Column("LAST SUCCESS"), Column("LAST FAILURE"),
    Column("FAILED IN A ROW", right=True), Column("COMPLETED", right=True),
    Column("FAILED", right=True), Column("SUCCESS", right=True), Column("P50", right=True),
    Column("P95", right=True), Column("OBJECTIVE", right=True), Column("LEFT", right=True),
)  # fmt: skip


MOST = 500


def rows(found: Sequence[tuple[Health, Budget]], now: datetime) -> list[list[Cell]]:
    """A row for each."""
    return [
        [
            each.name or NONE, since(each.ever.last_success_at, now),
            since(each.ever.last_failure_at, now), f"{each.ever.failed_since:,}",
            f"{each.lately.completed:,}", f"{each.lately.failed:,}", _rate(each),
            lasting(each.lately.took.quantile(0.5)), lasting(each.lately.took.quantile(0.95)),
            _aim(budget), percent(budget.left_share),
        ]
        for each, budget in found
    ]  # fmt: skip


def _rate(each: Health) -> str:
    rate = each.lately.success_rate
    return NONE if rate is None else f"{rate:.1%}"


def _aim(budget: Budget) -> str:
    """Which part is to complete; in brackets where nobody said so."""
    target = percent(budget.objective.target)
    return f"({target})" if budget.objective.is_default else target
