"""Operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from onbeat.app.facts.moments import absolute
from onbeat.cli.output.tables import Cell, Column
from onbeat.domain.operations import Operation
from onbeat.domain.schedule_operations import SchedulesMeant

COLUMNS = (
    Column("OPERATION"),
    Column("ACTION"),
    Column("STANDS"),
    Column("DONE"),
    Column("FAILED", right=True),
    Column("BEGAN"),
    Column("BY", bends=True),
)


def operation_rows(operations: Sequence[Operation]) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [
            each.id,
            each.meant.action,
            each.stage,
            f"{each.done:,} of {_total(each)}",
            f"{each.failed:,}",
            absolute(each.created_at) or "",
            each.by,
        ]
        for each in operations
    ]


def page(operation: Operation) -> Iterator[str]:
    """All that is known of one."""
    yield f"operation {operation.id}: {operation.meant.action}, {progress(operation)}"
    where = msgspec.to_builtins(operation.meant.where)
    named = len(operation.meant.ids)
    kind = "schedules" if isinstance(operation.meant, SchedulesMeant) else "jobs"
    yield f"  {kind:<9} {f'{named:,} that are named; ' if named else ''}" + "; ".join(
        f"{name} {', '.join(value) if isinstance(value, list | tuple) else value}"
        for name, value in where.items()
    )
    yield f"  began     {absolute(operation.created_at)} by {operation.by}"
    if operation.ended_at is not None:
        yield f"  ended     {absolute(operation.ended_at)}"
    for each in operation.failures:
        yield f"  failed    {each.job}: {each.why}"


def progress(operation: Operation) -> str:
    """How far it has come."""
    failed = f", {operation.failed:,} failed" if operation.failed else ""
    return f"{operation.stage}, {operation.done:,} of {_total(operation)} done{failed}"


def _total(operation: Operation) -> str:
    return f"{operation.total:,}" if operation.is_total_exact else f"more than {operation.total:,}"
