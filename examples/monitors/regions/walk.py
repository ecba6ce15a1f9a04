"""The walk: what is promised, done from outside and looked for; rows as in the README."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from examples.monitors.regions.checks import check, ob
from examples.monitors.regions.crew import REGIONS, Crew
from examples.monitors.regions.filling import WRONG
from examples.monitors.regions.pages import Pages
from examples.monitors.regions.problems import USUAL_INTERVAL
from examples.monitors.regions.record import (
    all_monitors,
    checks_since,
    due_now,
    open_incidents,
    plan_of_due,
)
from examples.monitors.rows import PRIORITIES
from examples.showing.board import Board

CYCLE = "/api/cron/scheduler"
MOST_CALLS = 10
BUDGET = 45.0
HANGS, HANGS_AS = 0, "page-that-hangs"
"""A monitor that no row has."""

SHARES = {"us": 0.5, "eu": 0.25, "ap": 0.25}
"""By the weights of ONBEAT_REGIONS; a tenth more or less is as it falls out."""


@dataclass(kw_only=True)
class Walk:
    """Who takes part."""

    board: Board
    crew: Crew
    pages: Pages
    http: aiohttp.ClientSession
    function: str = ""
    """Where the function is that a cron calls."""
    home: str = ""
    """Where the process is that stays."""
    is_brisk: bool = False
    """Whether it leaves out what takes half a minute each: that incidents open."""
    by_hand: set[str] = field(default_factory=set)
    """Jobs that no cycle made."""
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def call(
        self, method: str = "GET", secret: str | None = None, **query: str
    ) -> tuple[int, dict[str, Any]]:
        """Call the function as a cron does: the status, and what was said."""
        given = ob.settings.cron_secret if secret is None else secret
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        address = self.function + CYCLE
        async with self.http.request(method, address, headers=headers, params=query) as answer:
            return answer.status, await answer.json(content_type=None)

    async def status(self, address: str) -> int:
        """The status of a GET; 0 where nobody answers."""
        try:
            async with self.http.get(address) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0


async def walk_by_calls(walk: Walk) -> None:
    """The part in which no scheduler stays: cycles are run while somebody calls."""
    walk.pages.pager_is_down = True
    await start(walk)
    await refuse(walk)
    await run_cycles(walk)
    await look_at_table(walk)
    await look_at_jobs(walk)
    await look_at_problems(walk)
    await ask_again(walk)
    await ask_what_hangs(walk)


async def start(walk: Walk) -> None:
    """A worker in each region, and the function."""
    for region in REGIONS:
        walk.crew.start_worker(region)
    walk.function = walk.crew.start_function()

    async def are_there() -> bool:
        refused = [each.refusal for each in await ob.regions.list() if each.region is not None]
        answers = await walk.status(f"{walk.function}/livez") == 200
        return answers and len(refused) == len(REGIONS) and not any(refused)

    there = await walk.board.sees(are_there)
    walk.board.note("A4", "a worker process in each of three regions", seen=there)


async def refuse(walk: Walk) -> None:
    """A6: who may not, and what is none."""
    asked: Mapping[str, tuple[int, dict[str, Any]]] = {
        "without the secret: 401": (401, {"secret": ""}),
        "with a wrong secret: 401": (401, {"secret": "a wrong one of 16 or more"}),
        "other methods: 405": (405, {"method": "PUT"}),
        "a bad request: 400": (400, {"max_seconds": "soon"}),
    }
    for promise, (status, how) in asked.items():
        given, _ = await walk.call(**how)
        walk.board.note("A6", promise, seen=given == status)


async def run_cycles(walk: Walk) -> None:
    """A6: calls until all that was due is scheduled; the first one has too little time."""
    await walk.call()  # which makes the schedule known: its first moment is two seconds later
    due = await due_now()

    async def is_dispatch_due() -> bool:
        schedule = await ob.schedules.find("dispatch")
        return schedule.next_due_at is not None and schedule.next_due_at <= datetime.now(UTC)

    await walk.board.sees(is_dispatch_due)
    _, first = await walk.call("GET", drain="true", max_seconds="1")
    left = await due_now()
    partial = first["status"] == "partial" and 0 < left < due
    walk.board.note(
        "A6", "a call with too little time does a part and says so", seen=partial,
        detail=f"{due - left:,} of {due:,} in {first['took_s']} s",
    )  # fmt: skip
    status, second = await walk.call("POST", drain="true")
    rows = (await all_monitors()).values()
    are_done = all(row.last_scheduled_at for row in rows if row.is_active)
    whole = (status, second["status"], are_done) == (200, "complete", True)
    walk.board.note(
        "A6", "the next call goes on and is complete, well within 45 s",
        seen=whole and second["took_s"] < BUDGET, detail=f"{left:,} in {second['took_s']} s",
    )  # fmt: skip
    given = [(await walk.call())[0] for _ in range(MOST_CALLS)]
    walk.board.note("A6", "more than ten calls a minute: 429", seen=429 in given)


async def look_at_table(walk: Walk) -> None:
    """A1: what was written back, and how it is found."""
    rows = (await all_monitors()).values()
    active = [row for row in rows if row.is_active]
    kept = sum(keeps_time(row) for row in active)
    walk.board.note(
        "A1", "last_scheduled_at and next_check_at of each, by its own interval",
        seen=kept == len(active) > 0, detail=f"{kept:,} monitors",
    )  # fmt: skip
    idle = [row for row in rows if not row.is_active and row.name not in WRONG]
    untouched = all(row.last_scheduled_at is None for row in idle)
    walk.board.note("A1", "what is not active is left alone", seen=bool(idle) and untouched)
    plan = await plan_of_due()
    walk.board.note("A1", "due work is found by index", seen="monitors_due" in plan, detail=plan)


def keeps_time(row: Any) -> bool:
    """Whether it was scheduled, and is due again within its interval after that."""
    if row.last_scheduled_at is None:
        return False
    wait: timedelta = row.next_check_at - row.last_scheduled_at
    usual = timedelta(minutes=row.check_interval_minutes) or USUAL_INTERVAL
    return timedelta() < wait <= usual


async def look_at_jobs(walk: Walk) -> None:
    """A2, A4: one job for each, as its row wants it."""
    rows, asked = await all_monitors(), await checks_since(walk.began_at)
    wanted = {row.id for row in rows.values() if row.is_active}
    first = {each.monitor: each for each in asked}
    own = len({each.job.id for each in asked}) == len(asked)
    walk.board.note("A2", "each monitor has its job, with an id of its own",
                    seen=set(first) == wanted and own, detail=f"{len(asked):,} jobs")  # fmt: skip
    usual = PRIORITIES["normal"]
    right = all(
        each.job.priority == PRIORITIES.get(rows[monitor].criticality, usual)
        for monitor, each in first.items()
    )
    given = sorted({each.job.priority for each in asked})
    walk.board.note("A2", "its priority is of the criticality: 2, 5, 8 or 10",
                    seen=right and given == [2, 5, 8, 10])  # fmt: skip
    there = [
        each.job.queue == f"checks-{rows[monitor].preferred_region}"
        for monitor, each in first.items()
        if rows[monitor].preferred_region in REGIONS
    ]
    walk.board.note("A4", "the preferred region's queue has it", seen=bool(there) and all(there))
    spread = Counter(
        each.job.queue for each in asked if rows[each.monitor].preferred_region is None
    )
    shares = {name: spread[f"checks-{name}"] / (spread.total() or 1) for name in SHARES}
    even = all(abs(shares[name] - share) <= 0.1 for name, share in SHARES.items())
    told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    walk.board.note("A4", "without one they are spread by weight", seen=even, detail=told)


async def look_at_problems(walk: Walk) -> None:
    """A5: rows that are wrong are recovered from, each in its way, and stop no other."""
    rows = {row.name: row for row in (await all_monitors()).values() if row.name in WRONG}
    noted = all(row.problem for row in rows.values())
    off = [name for name, row in rows.items() if not row.is_active]
    walk.board.note("A5", "what is wrong with a monitor is noted with its recovery",
                    seen=noted and off == ["no-address"])  # fmt: skip


async def ask_again(walk: Walk) -> None:
    """A3: of those who ask for the same check within the window one gets a job."""
    [*_, one] = await checks_since(walk.began_at)
    row = (await all_monitors())[one.monitor]
    asked = await asyncio.gather(*(check.enqueue(row.id, row.name, row.url) for _ in range(6)))
    walk.by_hand |= {str(each.id) for each in asked}
    single = len({each.id for each in asked}) == 1 and sum(each.is_new for each in asked) <= 1
    walk.board.note("A3", "no second job for a monitor within its window", seen=single)


async def ask_what_hangs(walk: Walk) -> None:
    """A5: a page that never answers; what becomes of it is looked for when the pager is back."""
    asked = await check.enqueue(HANGS, HANGS_AS, f"/hang/{HANGS}")
    walk.by_hand.add(str(asked.id))


async def see_incidents(walk: Walk, rule: str) -> bool:
    """Whether an incident of a rule opens in time."""

    async def is_open() -> bool:
        return rule in await open_incidents()

    return await walk.board.sees(is_open)
