"""Backfills."""

from __future__ import annotations

from collections.abc import Sequence

from onbeat.app.facts.moments import absolute
from onbeat.cli.output.tables import Cell, Column
from onbeat.domain.backfills import Backfill

COLUMNS = (
    Column("BACKFILL"),
    Column("SCHEDULE", bends=True),
    Column("RANGE"),
    Column("MADE"),
    Column("STANDS"),
    Column("BY"),
    Column("WHY", bends=True),
)


def backfill_rows(backfills: Sequence[Backfill]) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [
            backfill.id,
            backfill.schedule,
            f"{absolute(backfill.begin_at)}…{absolute(backfill.end_at)}",
            f"{backfill.made:,} of {backfill.total:,}",
            _stands(backfill),
            backfill.by,
            backfill.why or "",
        ]
        for backfill in backfills
    ]


def _stands(backfill: Backfill) -> str:
    if backfill.ended_at is None:
        return f"{backfill.open:,} open"
    return f"stopped {backfill.stopped}" if backfill.stopped else "done"
