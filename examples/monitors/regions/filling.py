"""Fills the table of monitors: so many that are right, and some that are wrong in each way."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, insert

from examples.monitors.regions.dispatching import table
from examples.monitors.regions.table import monitors, tables, utc_now

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


async def fill(count: int, minutes: float = 1.0) -> None:
    """Put in so many monitors, all of which are due, instead of those that are there."""
    await asyncio.to_thread(fill_table, table(), count, minutes)


def fill_table(engine: Engine, count: int, minutes: float = 1.0) -> None:
    """The same from code without an event loop."""
    tables.create_all(engine)
    with engine.begin() as connection:
        connection.execute(delete(monitors))
        made = list(rows(count, utc_now(), minutes))
        for start in range(0, len(made), INSERTED_AT_ONCE):
            connection.execute(insert(monitors), made[start : start + INSERTED_AT_ONCE])


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
