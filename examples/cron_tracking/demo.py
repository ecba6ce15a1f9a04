"""From start to end: the database, who may ask, the old jobs, the walk, and what was seen."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import aiohttp

from examples.cron_tracking import fleet, moving, records, trouble
from examples.cron_tracking.after.app import ob
from examples.cron_tracking.hook import Hook, hearing
from examples.cron_tracking.shop import Shop
from examples.cron_tracking.walk import Walk
from examples.showing.board import Board
from examples.showing.person import bearer
from examples.showing.serving import listen, until_stopped
from onbeat import InvalidInput, JobFilter, NotFound
from onbeat.api import Served
from onbeat.domain.access import Role

PATIENCE = 300.0
"""Seconds in which all must have been seen, unless it is said."""

DAY = timedelta(days=1)
MISSING = 1
WHO = {"desk": Role.ADMIN, "vera": Role.VIEWER}
PASSWORD = secrets.token_urlsafe(9)


async def run(seconds: float | None, folder: Path, hook: Hook) -> int:
    """Run it; the exit code: 1 where something that is promised was not seen."""
    board = Board(time.monotonic() + (seconds or PATIENCE))
    await ob.migrate()
    await _refuse_unless_empty()
    shop, events = Shop.opened(folder), list[object]()
    try:
        async with ob, hearing(hook):
            listening, people = listen(ob), await _let_in()
            async with (
                ob.running(more=[listening.make], emit=events.append),
                aiohttp.ClientSession(listening.address) as http,
            ):
                _tell_who(listening, people)
                walk = Walk(
                    desk=bearer(http, people["desk"]), viewer=bearer(http, people["vera"]),
                    shop=shop, hook=hook, board=board, database=ob.url,
                    events=events,
                )  # fmt: skip
                await walk_all(walk)
                print(board.summary(), flush=True)
                if seconds is None:
                    await until_stopped(listening.address)
    finally:
        shop.close()
    return MISSING if board.missing else 0


async def walk_all(walk: Walk) -> None:
    """All steps; `board` tells of each whether it was seen."""
    hear: Callable[[dict[str, object]], None] = walk.told_live.append
    async with walk.desk.following(hear):
        await moving.as_before(walk)
        await trouble.set_up(walk)
        await moving.track_loop(walk)
        await moving.run_beside(walk)
        await trouble.make_trouble(walk)
        await fleet.begin_second(walk)
        await moving.switch_over(walk)
        await trouble.see_classes(walk)
        await records.see_history(walk)
        await records.steer(walk)
        await fleet.keep_apart(walk)
        await fleet.end_second(walk)
        await trouble.see_alerts(walk)
        await records.see_reports(walk)
        await trouble.mend(walk)
        await records.cancel_running(walk)
        await records.see_live(walk)
        await records.see_kept(walk)
        await moving.switch_back(walk)


async def _refuse_unless_empty() -> None:
    """What earlier runs did would be taken for what this one does."""
    async with ob:
        if await ob.jobs.list(JobFilter(limit=1)) or await ob.schedules.list():
            raise InvalidInput("ONBEAT_DB", "there are jobs in it; give a database without any")


async def _let_in() -> dict[str, str]:
    """The team's admin, and one who may only look: new passwords, and tokens for programs."""
    tokens = {}
    for name, role in WHO.items():
        try:
            await ob.users.change(name, password=PASSWORD)
        except NotFound:
            await ob.users.create(name, role, by="demo", password=PASSWORD)
        made = await ob.tokens.create(
            "demo", role.permissions, by="demo", user=name, expires_in=DAY
        )
        tokens[name] = made.text
    return tokens


def _tell_who(listening: Served, people: dict[str, str]) -> None:
    print(f"Web UI and API at {listening.address}: sign in as desk, or as vera, who may only look; "
          f"password {PASSWORD}")  # fmt: skip
    values = {"API": listening.address, "DESK": people["desk"], "VERA": people["vera"]}
    print("\n".join(f"export {name}={value}" for name, value in values.items()), flush=True)
