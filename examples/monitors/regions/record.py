"""What is on record: jobs of checks, the table, incidents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from examples.monitors.regions.checks import check, ob
from examples.monitors.regions.dispatching import table
from examples.monitors.regions.table import count_due, due_at, monitors, utc_now
from onbeat import Job, JobFilter

R = TypeVar("R")
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A job of a check, and what is told of its way."""

    job: Job
    monitor: int
    route: dict[str, Any]

    @property
    def is_moved(self) -> bool:
        """Whether it was moved after it had been sent."""
        return "moved_from" in self.route


async def checks_since(moment: datetime) -> list[Asked]:
    """All checks that were asked for since then, the newest first."""
    found: list[Job] = []
    after: str | None = None
    while True:
        wanted = JobFilter(task=check.name, created_since=moment, limit=PAGE, after=after)
        page = await ob.jobs.page(wanted)
        found += page.jobs
        after = page.after
        if after is None:
            return [
                Asked(job, json.loads(job.args)["monitor"], json.loads(job.route or "{}"))
                for job in found
            ]


async def on_table(look: Callable[[Connection], R]) -> R:
    """Look at the table, or change it."""

    def work() -> R:
        with table().begin() as connection:
            return look(connection)

    return await asyncio.to_thread(work)


async def all_monitors() -> dict[int, Any]:
    """Every row, by its id."""
    rows = await on_table(lambda connection: connection.execute(select(monitors)).all())
    return {row.id: row for row in rows}


async def due_now() -> int:
    """How many monitors wait for their check."""
    return await on_table(lambda connection: count_due(Session(connection), utc_now()))


async def plan_of_due() -> str:
    """How the database finds what is due, in its own words."""

    def look(connection: Connection) -> str:
        connection.execute(text("ANALYZE monitors"))
        is_sqlite = connection.dialect.name == "sqlite"
        query = due_at(utc_now()).compile(
            dialect=sqlite.dialect() if is_sqlite else postgresql.dialect(),  # type: ignore[no-untyped-call]
            compile_kwargs={"literal_binds": True},
        )
        word = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{word} {query}").all()
        return " ".join(str(row[-1]) for row in rows)

    return await on_table(look)


async def rename_table(name: str, to: str) -> None:
    """Take the table away under everybody's hands, or bring it back."""
    await on_table(
        lambda connection: connection.execute(text(f"ALTER TABLE {name} RENAME TO {to}"))
    )


async def open_incidents() -> set[str]:
    """The rules of which an incident is not resolved."""
    return {each.rule for each in await ob.incidents.list() if each.resolved_at is None}
