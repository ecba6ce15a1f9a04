"""Figures of jobs."""

from __future__ import annotations

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import NONE, lasting
from onbeat.domain.states import State
from onbeat.domain.stats import Figures, Stats

COLUMNS = (
    Column("NAME", bends=True), Column("WAITING", right=True), Column("RUNNING", right=True),
    Column("COMPLETED", right=True), Column("FAILED", right=True),
    Column("CANCELLED", right=True), Column("SUCCESS", right=True), Column("MEAN", right=True),
    Column("P50", right=True), Column("P95", right=True),
)  # fmt: skip
WAITING = (State.SCHEDULED, State.PENDING, State.BLOCKED, State.RETRYING)
SHOWN = ((State.RUNNING,), (State.COMPLETED,), (State.FAILED,), (State.CANCELLED,))


def rows(stats: Stats) -> list[list[Cell]]:
    """A row for each group, and one for all."""
    return [*(_row(each) for each in stats.groups), _row(stats.total)]


def _row(figures: Figures) -> list[Cell]:
    counts = (sum(figures.states.get(state, 0) for state in states) for states in (WAITING, *SHOWN))
    rate = figures.success_rate
    return [
        figures.name or "all", *(f"{count:,}" for count in counts),
        NONE if rate is None else f"{rate:.1%}",
        lasting(figures.mean), lasting(figures.p50), lasting(figures.p95),
    ]  # fmt: skip
