"""Backfills."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.backfills import Backfill, Gaps


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
