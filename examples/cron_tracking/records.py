"""D1, D2, D8 to D11: the record of all runs, and what is done with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from examples.cron_tracking.moving import LOOP
from examples.cron_tracking.walk import DONE, HISTORY, Walk
from examples.showing.person import API

FIELDS = {
    "id", "jobName", "jobGroup", "status", "startedAt", "completedAt", "duration", "error",
    "metadata", "nextRunAt", "lastHeartbeat", "attempt", "maxAttempts", "createdAt", "updatedAt",
}  # fmt: skip
KEPT = 5


async def see_history(walk: Walk) -> None:
    """D1, D2, D8: one list of all runs, whoever started them."""
    page = await walk.get(f"{HISTORY}?limit=5")
    walk.board.note("D1", "one history of all runs, under its names",
                    seen=all({*each} == FIELDS for each in page["data"]))  # fmt: skip
    names = {each["jobName"] for each in await walk.runs("limit=500")}
    wanted = {LOOP, "refresh_rates", "send_digest", walk.name("rotate_logs"), "pack_archive"}
    walk.board.note("D1", "a crontab's, a loop's, APScheduler's: all are in it",
                    seen=names >= wanted)  # fmt: skip
    after = await walk.get(f"{HISTORY}?limit=5&after={page['page']['next']}")
    apart = {each["id"] for each in page["data"]}.isdisjoint(each["id"] for each in after["data"])
    walk.board.note("D2", "its pages go on where the one before ended", seen=apart)
    await _see_filters(walk)
    await _see_one(walk)
    tasks = {each["name"] for each in await walk.desk.listed(f"{API}/tasks")}
    walk.board.note("D2", "the registry has tasks that are functions, and the shell",
                    seen=tasks >= {LOOP, "close_books", "shell"})  # fmt: skip
    kinds = {type(each).__name__ for each in walk.events}
    walk.board.note("D2", "lifecycle events tell of each start and end",
                    seen={"JobStarted", "JobEnded"} <= kinds)  # fmt: skip


async def _see_filters(walk: Walk) -> None:
    since = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    failed = await walk.runs(f"status=failed&group=shop&from={since}&sort=-completedAt")
    ends = [each["completedAt"] for each in failed]
    fit = all((each["status"], each["jobGroup"]) == ("failed", "shop") for each in failed)
    walk.board.note("D8", "runs by status, group, and dates, sorted",
                    seen=bool(failed) and fit and ends == sorted(ends, reverse=True))  # fmt: skip
    found = await walk.runs("search=refused")
    walk.board.note("D8", "runs by a text of their errors", seen=bool(found) and all(
        "refused" in each["error"] for each in found))  # fmt: skip


async def _see_one(walk: Walk) -> None:
    whole = False
    for newest in await walk.runs("job=refresh_rates&status=failed&limit=1"):
        story = await walk.get(f"{HISTORY}/{newest['id']}")
        refused = "connection refused" in story["error"]
        whole = refused and bool(story["logs"] and story["relatedRuns"])
    walk.board.note("D8", "a run with its log, its error, related runs", seen=whole)
    stats = await walk.get(f"{HISTORY}/stats")
    walk.board.note("D8", "figures of each job", seen=bool(stats["jobs"]))

    async def is_seen_ill() -> bool:
        standing = (await walk.get(f"{HISTORY}/status"))["data"]
        healthy = {each["jobName"]: each["healthy"] for each in standing}
        ill, well = healthy.get(walk.name("export_orders")), healthy.get("send_digest")
        return ill is False and well is True

    await walk.board.expect("D8", "how each job stands, and whether it is healthy", is_seen_ill)


async def steer(walk: Walk) -> None:
    """D8, D12: paused, resumed, changed, cancelled, and on record who did it."""
    job = walk.name("rotate_logs")
    paused = (await walk.act(job, "pause", {"why": "a look"})).said
    resumed = (await walk.act(job, "resume")).said
    walk.board.note("D8", "a job is paused and resumed",
                    seen=(paused["enabled"], resumed["enabled"]) == (False, True))  # fmt: skip
    changed = await walk.patch("send_digest", {"every": "1s", "why": "twice as often"})
    seen = changed.status == DONE and "1s" in changed.said["schedule"].replace("1 second", "1s")
    walk.board.note("D8", f"a job's configuration is changed: {changed.said['schedule']}",
                    seen=seen)  # fmt: skip
    await _cancel(walk)
    entries = await walk.desk.listed(f"{API}/audit?limit=200")
    told = {(each["action"], each["subject"]) for each in entries}
    walk.board.note("D12", "the audit log has who paused and changed it", seen=all(
        any(subject == name and word in action for action, subject in told)
        for name, word in ((job, "pause"), ("send_digest", "change"))))  # fmt: skip


async def _cancel(walk: Walk) -> None:
    """One that waits, as the worker of its queue is dead."""
    waiting = str((await walk.post(f"{API}/jobs", {"task": "pack_archive"})).said["id"])
    await walk.post(f"{API}/jobs/{waiting}/cancel", {"reason": "not needed"})
    found = await walk.get(f"{HISTORY}/{waiting}")
    walk.board.note("D8", "a run that waits is cancelled", seen=found["status"] == "cancelled")


async def cancel_running(walk: Walk) -> None:
    """The run that was lost with its worker goes on at another, and is called off there."""

    async def goes_on() -> bool:
        return bool(await walk.runs("job=pack_archive&status=running"))

    await walk.board.expect("D13", "a dead worker's run goes on at another", goes_on)
    for each in await walk.runs("job=pack_archive&status=running"):
        await walk.post(f"{API}/jobs/{each['id']}/cancel", {"reason": "too late"})

    async def is_cancelled() -> bool:
        return len(await walk.runs("job=pack_archive&status=cancelled")) == 2

    await walk.board.expect("D8", "a run that goes on is cancelled", is_cancelled)


async def see_live(walk: Walk) -> None:
    """D9: what the WebSocket told."""

    async def are_told() -> bool:
        ended = {each["id"] for each in walk.told_live if each.get("what") == "ended"}
        done = await walk.runs("status=completed&sort=-completedAt&limit=50")
        return len({each["id"] for each in done} & ended) > 20

    await walk.board.expect("D9", "ends are told live, over WebSocket", are_told)


async def see_reports(walk: Walk) -> None:
    """D8, D11: once ends are counted, some twenty seconds behind."""

    async def is_counted() -> bool:
        found = await walk.get(f"{API}/reports?kind=schedule&window=30m")
        rows: list[dict[str, Any]] = found["rows"]
        return any(each["name"] == "refresh_rates" for each in rows) and bool(found["failures"])

    await walk.board.expect("D8", "a report: each job, and what failed by its place", is_counted)
    budget = await walk.get(f"{API}/objectives/schedule/close_books")
    walk.board.note("D8", "a critical job's objective, 99.9 %, and what is left",
                    seen=budget["target"] == 0.999 and "left" in str(budget))  # fmt: skip
    looked_at = await walk.get(f"{API}/health/anomalies?kind=schedule")
    names = {each["name"] for each in looked_at["data"]}
    walk.board.note("D11", "each job is looked at for what is not as usual",
                    seen="refresh_rates" in names)  # fmt: skip
    load, doctor = await walk.get(f"{API}/queues/shop/load"), await walk.get(f"{API}/doctor")
    walk.board.note("D11", "how many workers it takes; the doctor's own findings",
                    seen="needed_workers" in load and bool(doctor["checks"]))  # fmt: skip


async def see_kept(walk: Walk) -> None:
    """D10: what is kept, for how long; answers that are kept are told to be."""
    subject = f"schedule/{walk.name('rotate_logs')}"
    await walk.put(f"{API}/retention/{subject}", {"completed": str(KEPT)})
    doctor = await walk.get(f"{API}/doctor")
    walk.board.note("D10", "runs are kept for 90 days, unless it is said",
                    seen="90d" in str(doctor["settings"]))  # fmt: skip

    # The cleaner comes every ten minutes; it is sent for.
    await walk.post(f"{API}/services", {"action": "restart", "id": "cleaner"})

    async def are_removed() -> bool:
        left = await walk.runs(f"job={walk.name('rotate_logs')}&status=completed")
        return len(left) <= KEPT + 2

    await walk.board.expect("D10", f"of one job the last {KEPT} are kept", are_removed)

    async def has_an_age() -> bool:
        path = f"{API}/health?kind=schedule"
        async with walk.desk.http.get(path, headers=walk.desk.headers) as answer:
            return answer.ok and "Age" in answer.headers

    await walk.board.expect("D10", "figures that are asked for again are kept, with their age",
                      has_an_age)  # fmt: skip
