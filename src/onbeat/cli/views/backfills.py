"""Backfills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import absolute
from onbeat.domain.backfills import Backfill, Gaps

COLUMNS = (
    Column("BACKFILL"),
    Column("SCHEDULE", bends=True),
    Column("RANGE"),
    Column("MADE"),
    Column("STANDS"),
    Column("BY"),
    Column("WHY", bends=True),
)


def backfill_data(backfill: Backfill) -> dict[str, Any]:
    """A backfill for programs."""
    return {
        "id": backfill.id,
        "schedule": backfill.schedule,
        "from": absolute(backfill.begin_at),
        "to": absolute(backfill.end_at),
        "at_once": backfill.at_once,
        "total": backfill.total,
        "made": backfill.made,
        "open": backfill.open,
        "by": backfill.by,
        "why": backfill.why,
        "created_at": absolute(backfill.created_at),
        "ended_at": absolute(backfill.ended_at),
        "stopped": backfill.stopped,
    }


def gaps_data(gaps: Gaps) -> dict[str, Any]:
    """What a backfill would do, for programs."""
    return {
        "moments": [absolute(moment) for moment in gaps.moments],
        "total": len(gaps.moments),
        "passed": gaps.passed,
    }


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
