"""How far all of it is, company by company, in a handful of statements."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select

from examples.csv_pipeline.tables import batches, companies, files, imports, rows, sessions

Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one company."""

    company: str
    last_error: str | None
    files: Counts
    """By what came of them: imported, duplicate, broken, unfetched."""
    rows_all: int
    rows_done: int
    rows: Counts
    """By what became of them: waiting, taken, refused."""
    sessions: Counts
    """By how they stand: waiting, batched, analysed, failed."""
    batches: Counts = field(default_factory=dict)
    corrections: int = 0


def progress(connection: Connection, now: datetime) -> list[Progress]:
    """Of all companies, by their ids."""
    of_files = _counted(connection, files, files.c.outcome)
    of_rows = _counted(connection, rows, rows.c.state)
    of_sessions = _counted(connection, sessions, sessions.c.state)
    of_batches = _counted(connection, batches, batches.c.state)
    read = _summed(connection, imports, imports.c.rows_all, imports.c.rows_done)
    corrected = _summed(connection, sessions, sessions.c.corrections)
    asked = select(companies.c.id, companies.c.last_error).order_by(companies.c.id)
    return [
        Progress(
            company=each.id, last_error=each.last_error, files=of_files[each.id],
            rows_all=read[each.id][0], rows_done=read[each.id][1], rows=of_rows[each.id],
            sessions=of_sessions[each.id], batches=of_batches[each.id],
            corrections=corrected[each.id][0],
        )
        for each in connection.execute(asked).all()
    ]  # fmt: skip


def _counted(connection: Connection, table: Table, by: Column[str]) -> defaultdict[str, Counts]:
    found: defaultdict[str, Counts] = defaultdict(dict)
    asked = select(table.c.company, by, func.count()).group_by(table.c.company, by)
    for company, state, count in connection.execute(asked):
        found[company][state] = count
    return found


def _summed(
    connection: Connection, table: Table, *columns: Column[Any]
) -> defaultdict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(columns))
    asked = select(table.c.company, *map(func.sum, columns)).group_by(table.c.company)
    for company, *sums in connection.execute(asked):
        found[company] = [int(each or 0) for each in sums]
    return found
