"""D12, D13: who may do what, environments apart, and several schedulers at once."""

from __future__ import annotations

from collections import Counter

from examples.cron_tracking.walk import DONE, FORBIDDEN, HISTORY, Walk
from examples.showing.person import API
from onbeat import Onbeat

SECOND = "second-scheduler"


async def keep_apart(walk: Walk) -> None:
    """D12: a viewer looks and does no more; staging knows nothing of production."""
    looked = await walk.viewer.ask("GET", HISTORY)
    acted = [await walk.viewer.ask("POST", f"{HISTORY}/send_digest/{what}")
             for what in ("trigger", "pause")]  # fmt: skip
    seen = looked.status == DONE and {each.status for each in acted} == {FORBIDDEN}
    walk.board.note("D12", "a viewer sees runs, and may not trigger or pause", seen=seen)
    staging = Onbeat(walk.database, environment="staging")
    await staging.migrate()
    async with staging:
        none = await staging.jobs.list() == [] and await staging.schedules.list() == []
    walk.board.note("D12", "another environment in this database knows none of it", seen=none)


async def begin_second(walk: Walk) -> None:
    """Another scheduler, as another machine would have."""
    walk.shop.begin(SECOND, "scheduler")

    async def are_two() -> bool:
        return await _schedulers(walk) == 2

    await walk.board.expect("D13", "two schedulers are at work", are_two)


async def end_second(walk: Walk) -> None:
    """It is killed; whatever moment both saw was run once."""
    walk.shop.kill(SECOND)
    before = len(await walk.runs("job=send_digest&limit=500"))

    async def goes_on() -> bool:
        return len(await walk.runs("job=send_digest&limit=500")) > before

    await walk.board.expect("D13", "one is killed, and the other goes on", goes_on)
    moments: Counter[tuple[str, str]] = Counter()
    for name in ("send_digest", "close_books"):
        moments.update(
            (name, str(each["metadata"]["occurrenceAt"]))
            for each in await walk.runs(f"job={name}&limit=500")
            if each["metadata"]["occurrenceAt"]
        )
    twice = [each for each, times in moments.items() if times > 1]
    walk.board.note("D13", "each moment that both saw has one run",
                    seen=len(moments) > 5 and not twice)  # fmt: skip


async def _schedulers(walk: Walk) -> int:
    services = await walk.desk.listed(f"{API}/services")
    return sum(each["kind"] == "scheduler" and each["status"] == "RUNNING" for each in services)
