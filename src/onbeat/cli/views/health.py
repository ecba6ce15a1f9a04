"""How tasks, schedules and queues fare."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import NONE, lasting, since
from onbeat.domain.health import Health

COLUMNS = (
    Column("NAME", bends=True), Column("LAST SUCCESS"), Column("LAST FAILURE"),
    Column("FAILED IN A ROW", right=True), Column("COMPLETED", right=True),
    Column("FAILED", right=True), Column("SUCCESS", right=True), Column("P50", right=True),
    Column("P95", right=True),
)  # fmt: skip


MOST = 500


def rows(found: Sequence[Health], now: datetime) -> list[list[Cell]]:
    """A row for each."""
    return [
        [
            each.name or NONE, since(each.ever.last_success_at, now),
            since(each.ever.last_failure_at, now), f"{each.ever.failed_since:,}",
            f"{each.lately.completed:,}", f"{each.lately.failed:,}", _rate(each),
            lasting(each.lately.took.quantile(0.5)), lasting(each.lately.took.quantile(0.95)),
        ]
        for each in found
    ]  # fmt: skip


def _rate(each: Health) -> str:
    rate = each.lately.success_rate
    return NONE if rate is None else f"{rate:.1%}"
