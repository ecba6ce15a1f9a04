"""How regions are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from onbeat.app.facts.moments import absolute
from onbeat.cli.output.tables import Cell, Column
from onbeat.domain.regions import RegionState, Spread

COLUMNS = (
    Column("REGION"),
    Column("QUEUE", bends=True),
    Column("WORKERS", right=True),
    Column("PENDING", right=True),
    Column("JOBS GO TO", bends=True),
    Column("WHY", bends=True),
)


def rows(states: Sequence[RegionState], now: datetime) -> list[list[Cell]]:
    """A row for each region."""
    return [
        [
            each.region or "(default)", each.queue, f"{each.health.workers:,}",
            f"{each.health.backlog:,}", ", ".join(each.spread_over) or each.goes_to,
            "; ".join(_why(each, now)),
        ]
        for each in states
    ]  # fmt: skip


def _why(state: RegionState, now: datetime) -> Iterator[str]:
    if state.spread_over:
        yield f"what names no region, {_HOW[Spread(state.spread)]}"
    elif state.region is None:
        yield "what no region can take"
    elif state.refusal is not None:
        yield state.refusal
    if state.moves_at is not None and state.health.backlog:
        at = absolute(state.moves_at.replace(microsecond=0))
        is_over = state.moves_at <= now
        moves = "as soon as a worker is where it can go" if is_over else f"at {at}"
        yield f"what waits moves {moves}"


_HOW = {Spread.ROUND_ROBIN: "in turn", Spread.WEIGHTED: "by weight"}
