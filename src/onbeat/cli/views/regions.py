"""How regions are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import absolute
from onbeat.domain.regions import RegionState

COLUMNS = (
    Column("REGION"),
    Column("QUEUE", bends=True),
    Column("WORKERS", right=True),
    Column("PENDING", right=True),
    Column("JOBS GO TO", bends=True),
    Column("WHY", bends=True),
)


def region_data(state: RegionState) -> dict[str, Any]:
    """A region as JSON has it; `region` null is the default queue."""
    return {
        "region": state.region,
        "queue": state.queue,
        "workers": state.health.workers,
        "served_at": absolute(state.health.served_at),
        "pending": state.health.backlog,
        "paused": state.health.is_paused,
        "unavailable": state.refusal,
        "goes_to": state.goes_to,
        "moves_at": absolute(state.moves_at),
    }


def rows(states: Sequence[RegionState], now: datetime) -> list[list[Cell]]:
    """A row for each region."""
    return [
        [
            each.region or "(default)", each.queue, f"{each.health.workers:,}",
            f"{each.health.backlog:,}", each.goes_to, _why(each, now),
        ]
        for each in states
    ]  # fmt: skip


def _why(state: RegionState, now: datetime) -> str:
    told = "what no region can take" if state.region is None else state.refusal or ""
    if state.moves_at is not None and state.health.backlog:
        moves = f"at {absolute(state.moves_at)}"
        if state.moves_at <= now:
            moves = "as soon as a worker is where it can go"
        told += f"; what waits moves {moves}"
    return told
