"""The second part of the walk: a region, the pager and the table go, and come back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from examples.monitors.regions.checks import PAGER, ob
from examples.monitors.regions.dispatching import dispatch
from examples.monitors.regions.filling import DOWN
from examples.monitors.regions.record import (
    Asked,
    checks_since,
    rename_table,
)
from examples.monitors.regions.walk import HANGS_AS, Walk, see_incidents
from onbeat import Job, JobFilter, State

LOST, REFUGE = "us", "eu"
HEALTH = "/api/admin/schedulers/health"
SETTLED = timedelta(seconds=5)
"""A job's line is written after its commit: of those that are older it is there."""


async def walk_through_outages(walk: Walk) -> None:
    """From here on a scheduler is at work."""
    await begin_home(walk)
    await lose_pager(walk)
    await lose_region(walk)
    await lose_table(walk)
    await look_at_metrics(walk)
    await look_at_decisions(walk)
    await lose_nothing(walk)


async def begin_home(walk: Walk) -> None:
    """A7: the process that stays, and its health."""
    walk.home = walk.crew.start_home()

    async def is_healthy() -> bool:
        statuses = [await walk.status(walk.home + path) for path in ("/readyz", HEALTH)]
        return statuses == [200, 200]

    healthy = await walk.board.sees(is_healthy)
    walk.board.note("A7", "a health endpoint says that all is well", seen=healthy)


async def lose_pager(walk: Walk) -> None:
    """A5: a dependency that is down is left alone, and nothing is lost."""

    async def state() -> str:
        return str((await ob.breakers.find(PAGER.name)).state)

    async def is_open() -> bool:
        return await state() != "closed" and not walk.pages.told

    opened = await walk.board.sees(is_open)
    walk.board.note("A5", "the circuit breaker of a pager that is down opens", seen=opened,
                    detail=f"{walk.pages.calls} calls")  # fmt: skip
    walk.pages.pager_is_down = False

    async def are_told() -> bool:
        return len(walk.pages.told) >= DOWN and await state() == "closed"

    told = await walk.board.sees(are_told)
    once = len(set(walk.pages.told)) == len(walk.pages.told)
    walk.board.note("A5", "it closes, and what waited is told, each once", seen=told and once)

    async def is_told_of_what_hangs() -> bool:
        return HANGS_AS in walk.pages.told

    hung = await walk.board.sees(is_told_of_what_hangs)
    walk.board.note("A5", "a page that hangs is given up, and told of", seen=hung)


async def lose_region(walk: Walk) -> None:
    """A4: a region's worker is killed; its monitors move to the fallback, and back."""
    killed_at = datetime.now(UTC)
    walk.crew.kill(LOST)
    found: list[Asked] = []

    async def are_elsewhere() -> bool:
        found[:] = wanted_in(LOST, await checks_since(killed_at))
        return any(each.job.queue == f"checks-{REFUGE}" and not each.is_moved for each in found)

    moved = await walk.board.sees(are_elsewhere)
    why = next((each.route["why"] for each in found if each.route.get("why")), "")
    walk.board.note("A4", f"{LOST} goes down: its monitors are sent to {REFUGE}", seen=moved,
                    detail=why)  # fmt: skip

    async def are_moved() -> bool:
        return any(each.is_moved for each in wanted_in(LOST, await checks_since(killed_at)))

    rescued = await walk.board.sees(are_moved)
    walk.board.note("A4", "what waited there is moved", seen=rescued)
    walk.crew.start_worker(LOST)

    async def are_back() -> bool:
        newest = wanted_in(LOST, await checks_since(killed_at))
        return bool(newest) and newest[0].job.queue == f"checks-{LOST}"

    back = await walk.board.sees(are_back)
    walk.board.note("A4", f"{LOST} is back: its monitors are sent there again", seen=back)


def wanted_in(region: str, asked: Sequence[Asked]) -> list[Asked]:
    """Those whose monitors prefer a region, the newest first."""
    return [each for each in asked if each.route.get("asked") == region]


async def lose_table(walk: Walk) -> None:
    """A5, A7: cycles that cannot read their table are tried again and told of."""
    if not walk.is_brisk:
        near = await see_incidents(walk, "cycle-near-limit")
        walk.board.note("A7", "cycles near their limit open an incident", seen=near)
    began_at = datetime.now(UTC)
    await rename_table("monitors", "monitors_away")
    try:
        tried = await walk.board.sees(lambda: has_failed(began_at))
        walk.board.note(
            "A5", "making jobs fails: it is tried three times, later each time", seen=tried
        )
        if not walk.is_brisk:
            told = await see_incidents(walk, "cycle-fails")
            walk.board.note("A7", "cycles that fail in a row open an incident", seen=told)
    finally:
        await rename_table("monitors_away", "monitors")

    async def goes_on() -> bool:
        wanted = JobFilter(task=dispatch.name, state=State.COMPLETED, finished_since=back_at)
        return bool(await ob.jobs.list(wanted))

    back_at = datetime.now(UTC)
    again = await walk.board.sees(goes_on)
    walk.board.note("A5", "the table is back: it goes on by itself", seen=again)


async def has_failed(since: datetime) -> bool:
    """Whether a cycle has been given up after its attempts, with growing pauses between them."""
    wanted = JobFilter(task=dispatch.name, state=State.FAILED, created_since=since)
    return any([await has_paused(job) for job in await ob.jobs.list(wanted)])


async def has_paused(job: Job) -> bool:
    """Whether it was tried as often as it may be, later each time."""
    attempts = await ob.jobs.attempts(job.id)
    starts = [each.started_at for each in attempts]
    pauses = [after - before for before, after in pairwise(starts)]
    return len(attempts) == job.max_attempts and pauses == sorted(pauses)


async def look_at_metrics(walk: Walk) -> None:
    """A7: how long cycles took, and how many came to what."""
    wanted = (
        'onbeat_attempt_duration_seconds_count{queue="dispatch"',
        'onbeat_attempts_total{outcome="succeeded",queue="dispatch"',
        'onbeat_attempts_total{outcome="failed",queue="dispatch"',
        'onbeat_jobs_enqueued_total{queue="checks-us"',
    )
    text = ""

    async def are_there() -> bool:
        nonlocal text
        async with walk.http.get(f"{walk.home}/metrics") as answer:
            text = await answer.text()
        return all(each in text for each in wanted)

    there = await walk.board.sees(are_there)
    missing = ", ".join(each for each in wanted if each not in text)
    walk.board.note("A7", "metrics: cycle time, success rate, counts", seen=there, detail=missing)


async def look_at_decisions(walk: Walk) -> None:
    """A7: a line of JSON for each decision, with the job that it made."""
    now = datetime.now(UTC)
    lines = [
        line for name in ("function", "home") for line in walk.crew.lines(name)
        if line["event"] == "check.scheduled"
    ]  # fmt: skip
    made = {
        str(each.job.id) for each in await checks_since(walk.began_at)
        if each.job.created_at < now - SETTLED
    }  # fmt: skip
    told = {line["job_id"] for line in lines}
    away = [line for line in lines if "sent to eu" in str(line["route"])]
    all_told = made - walk.by_hand <= told
    walk.board.note("A7", "a line of JSON for each decision, with its reason",
                    seen=all_told and bool(away), detail=f"{len(lines):,} lines")  # fmt: skip


async def lose_nothing(walk: Walk) -> None:
    """A5: whatever went down meanwhile, each check that was asked for came to its end."""
    wrong = DOWN + 1  # the one that hangs
    until = datetime.now(UTC)

    async def are_over() -> bool:
        asked = [each for each in await checks_since(walk.began_at) if each.job.created_at <= until]
        return all(each.job.state.is_final for each in asked)

    over = await walk.board.sees(are_over)
    asked = await checks_since(walk.began_at)
    failed = {each.monitor for each in asked if each.job.state is State.FAILED}
    walk.board.note(
        "A5", "every check came to its end; those of pages that are gone or hang alone failed",
        seen=over and len(failed) == wrong, detail=f"{len(asked):,} checks",
    )  # fmt: skip
