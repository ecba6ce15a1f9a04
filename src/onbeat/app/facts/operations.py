"""Operations, for programs."""

from __future__ import annotations

from typing import Any

import msgspec

from onbeat.app.facts.moments import absolute
from onbeat.domain.operations import Matched, Operation


def operation_data(operation: Operation, *, with_args: bool = True) -> dict[str, Any]:
    """An operation and how far it has come; by which arguments and errors it chose, where those
    may be seen.
    """
    meant = operation.meant
    where = msgspec.to_builtins(meant.where)
    if not with_args:
        where = {name: value for name, value in where.items() if name not in ("args", "error")}
    return {
        "id": operation.id,
        "action": meant.action,
        "where": where,
        "ids": len(meant.ids),
        "reason": meant.reason,
        "owner": meant.owner,
        "by": operation.by,
        "state": operation.stage,
        "total": operation.total,
        "is_total_exact": operation.is_total_exact,
        "done": operation.done,
        "failed": operation.failed,
        "failures": [{"job": each.job, "why": each.why} for each in operation.failures],
        "created_at": absolute(operation.created_at),
        "ended_at": absolute(operation.ended_at),
    }


def matched_data(matched: Matched) -> dict[str, Any]:
    """How many jobs fit, and the first of them."""
    return {"count": matched.count, "is_exact": matched.is_exact, "ids": list(matched.ids)}
