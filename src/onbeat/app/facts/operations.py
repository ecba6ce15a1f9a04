"""Operations, for programs."""

from __future__ import annotations

from typing import Any

import msgspec

from onbeat.app.facts.moments import absolute
from onbeat.domain.operations import Matched, Operation
from onbeat.domain.schedule_operations import SchedulesMeant


def operation_data(operation: Operation, *, with_args: bool = True) -> dict[str, Any]:
    """An operation and how far it has come; by which arguments and errors it chose, where those
    may be seen.
    """
    meant = operation.meant
    is_of_schedules = isinstance(meant, SchedulesMeant)
    where = msgspec.to_builtins(meant.where)
    if not with_args:
        where = {name: value for name, value in where.items() if name not in ("args", "error")}
    return {
        "id": operation.id,
        "of": "schedules" if is_of_schedules else "jobs",
        "action": meant.action,
        "where": where,
        "ids": len(meant.ids),
        "reason": meant.reason,
        "until": absolute(meant.until) if isinstance(meant, SchedulesMeant) else None,
        "owner": meant.owner,
        "by": operation.by,
        "state": operation.stage,
        "total": operation.total,
        "is_total_exact": operation.is_total_exact,
        "done": operation.done,
        "failed": operation.failed,
        "failures": [
            {
                "job": None if is_of_schedules else each.job,
                "schedule": each.job if is_of_schedules else None,
                "why": each.why,
            }
            for each in operation.failures
        ],
        "created_at": absolute(operation.created_at),
        "ended_at": absolute(operation.ended_at),
    }


def matched_data(matched: Matched) -> dict[str, Any]:
    """How many jobs fit, and the first of them."""
    return {"count": matched.count, "is_exact": matched.is_exact, "ids": list(matched.ids)}


def matched_schedules_data(matched: Matched) -> dict[str, Any]:
    """How many schedules fit, and the first names."""
    return {"count": matched.count, "is_exact": matched.is_exact, "names": list(matched.ids)}
