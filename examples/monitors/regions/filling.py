"""Fills the table of monitors: so many that are right, and some that are wrong in each way."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, func, insert, inspect, or_, select

from examples.monitors.regions.dispatching import table
from examples.monitors.regions.table import monitors, tables, utc_now
from onbeat import InvalidInput

CRITICALITIES = {"critical": 5, "high": 15, "normal": 50, "low": 30}
PREFERRED: dict[str | None, int] = {"us": 30, "eu": 20, "ap": 10, None: 40}
INACTIVE_SHARE = 0.03
INSERTED_AT_ONCE = 10_000

WRONG: dict[str, dict[str, Any]] = {
    "no-address": {"url": "ftp:/nowhere"},
    "no-interval": {"check_interval_minutes": 0.0},
    "no-region": {"preferred_region": "mars"},
    "no-criticality": {"criticality": "urgent"},
}
"""Rows that are wrong, by what is; the first one is not checked, the others are all the same."""

DOWN = 4
"""Monitors of pages that are gone."""

IS_OURS = and_(
    or_(monitors.c.name.like("page-%"), monitors.c.name.in_(WRONG)),
    or_(monitors.c.url.like("/fast/%"), monitors.c.url.like("/gone/%"),
        monitors.c.url == WRONG["no-address"]["url"]),
)  # fmt: skip
"""Rows that were made here. No other is ever deleted."""


async def refuse_others() -> None:
    """Raises InvalidInput where the table of monitors is somebody's own."""
    await asyncio.to_thread(refuse_table_of_others, table())


async def fill(count: int, minutes: float = 1.0) -> None:
    """Put in so many monitors, all of which are due, instead of those of earlier runs."""
    await asyncio.to_thread(fill_table, table(), count, minutes)


def fill_table(engine: Engine, count: int, minutes: float = 1.0) -> None:
    """The same from code without an event loop. Raises InvalidInput for a table of others."""
    refuse_table_of_others(engine)
    tables.create_all(engine)
    with engine.begin() as connection:
        connection.execute(delete(monitors).where(IS_OURS))
        made = list(rows(count, utc_now(), minutes))
        for start in range(0, len(made), INSERTED_AT_ONCE):
            connection.execute(insert(monitors), made[start : start + INSERTED_AT_ONCE])


def refuse_table_of_others(engine: Engine) -> None:
    """`ONBEAT_DB` may name a database in which a team keeps monitors of its own."""
    with engine.connect() as connection:
        if _is_of_others(connection):
            raise InvalidInput(
                "ONBEAT_DB",
                "its table monitors was not made by this demo; give a database without one",
            )


def _is_of_others(connection: Connection) -> bool:
    found = inspect(connection)
    if not found.has_table(monitors.name):
        return False
    # By name: what a team calls monitors may have other columns, and empty it would fit no better.
    if {each["name"] for each in found.get_columns(monitors.name)} != {*monitors.c.keys()}:
        return True
    count = select(func.count()).select_from(monitors)
    # Not `NOT IS_OURS`: that is unknown where a name is NULL, and such a row is no less theirs.
    return connection.scalar(count) != connection.scalar(count.where(IS_OURS))


def rows(count: int, now: datetime, minutes: float) -> Iterator[dict[str, Any]]:
    """Monitors of so many minutes each, the same each time but for when they are due."""
    chance = random.Random(1)
    names = [f"page-{number}" for number in range(1, count + 1 - len(WRONG))]
    for number, name in enumerate([*names, *WRONG]):
        kind = "gone" if number < DOWN else "fast"
        active = name in WRONG or number < DOWN or chance.random() >= INACTIVE_SHARE
        late = timedelta(minutes=chance.random() * minutes)
        yield {
            "name": name, "url": f"/{kind}/{number}", "criticality": _one_of(CRITICALITIES, chance),
            "preferred_region": _one_of(PREFERRED, chance), "check_interval_minutes": minutes,
            "is_active": active, "next_check_at": now - late,
        } | WRONG.get(name, {})  # fmt: skip


def _one_of(weights: dict[Any, int], chance: random.Random) -> Any:
    return chance.choices(list(weights), list(weights.values()))[0]
