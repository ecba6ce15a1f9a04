"""D14: the jobs are tracked where they are, run side by side, switched over, and switched back."""

from __future__ import annotations

from functools import partial
from typing import Any

from examples.cron_tracking.walk import HISTORY, MADE, Walk
from examples.showing.person import API

LINES = {"export_orders": "*/2 * * * * *", "rotate_logs": "*/3 * * * * *"}
"""What is moved of the crontab, and its time here, where a minute lasts a second."""

PROGRAMS = {"refresh_rates": "1s", "send_digest": "2s"}
"""What is moved of the APScheduler program."""

SILENT = "refresh_rates"
"""It fails from the start, and so leaves no trace of the old hands."""

LOOP = "sync_stock"
OPEN = "status=pending&status=running"


def owner_of(job: str) -> str:
    """Whose it was."""
    return "cron" if job in LINES else "apscheduler" if job in PROGRAMS else "loop"


async def as_before(walk: Walk) -> None:
    """Cron, the loop and APScheduler do what they always did, and nobody keeps a record."""
    walk.board.tell("", "before: cron, a loop, APScheduler")
    for name in ("cron", "loop", "apscheduler"):
        walk.shop.begin(name)
    jobs = [job for job in (*LINES, LOOP, *PROGRAMS) if job != SILENT]

    async def all_work() -> bool:
        return all(walk.shop.did(job) for job in jobs)

    await walk.board.expect("D14", "before: cron, the loop and APScheduler work", all_work)
    walk.board.note("D14", "before: one of them fails, and nobody knows",
                    seen=not walk.shop.did(SILENT))  # fmt: skip


async def track_loop(walk: Walk) -> None:
    """Stage 1: the loop goes on to say when; Onbeat runs what it asks for."""
    walk.board.tell("", "tracked where it is: the loop asks, Onbeat runs")
    await walk.shop.end("loop")
    walk.shop.begin("tracked-loop")

    async def is_tracked() -> bool:
        done = await walk.runs(f"job={LOOP}&status=completed")
        return any("tracked" in each["metadata"]["tags"] for each in done)

    await walk.board.expect("D14", "tracked: what the loop asks for is on record", is_tracked)


async def run_beside(walk: Walk) -> None:
    """Stage 2: each job is due under Onbeat too, as a dry run; the work is the old one's still."""
    walk.board.tell("", "side by side: dry runs beside the old jobs")
    text = f"DRY_RUN=1\nRUN_BY=onbeat\n{walk.shop.crontab.read_text()}"
    said = {"name": "shop", "text": text, "tz": "Europe/Paris", "overlap": "skip"}
    told = (await walk.post(f"{API}/crontabs/import", {**said, "dry_run": True})).said
    made = (await walk.post(f"{API}/crontabs/import", said)).said
    names = {each["schedule"] for each in made["entries"]}
    as_told = {each["schedule"] for each in told["entries"]} == names and len(names) == 3
    walk.board.note("D14", "the crontab is read as a dry run says", seen=as_told)
    for each in made["entries"]:
        walk.names[each["command"].split()[0].rpartition("/")[2]] = each["schedule"]
    for job, when in LINES.items():
        await walk.patch(walk.name(job), {"cron": when})
    await walk.patch(walk.name("backup"), {"args": {"env": {"DRY_RUN": None}}})
    for job, period in PROGRAMS.items():
        body = {"name": job, "task": job, "every": period, "args": {"dry_run": True}}
        await walk.post(f"{API}/schedules", body)
    before = {job: len(walk.shop.did(job)) for job in ("rotate_logs", "send_digest")}

    async def both_run() -> bool:
        recorded = [await walk.runs(f"job={walk.name(job)}&status=completed") for job in before]
        return all(recorded) and all(len(walk.shop.did(job)) > n for job, n in before.items())

    await walk.board.expect("D14", "side by side: both run, and are on record", both_run)
    hands = {by for job in (*LINES, *PROGRAMS) for by in walk.shop.hands(job)}
    walk.board.note("D14", "side by side: the work is done by the old ones alone",
                    seen="onbeat" not in hands)  # fmt: skip


async def switch_over(walk: Walk) -> None:
    """Stage 3: job by job, the old hand first lets go."""
    walk.board.tell("", "switched over, job by job")
    for job in LINES:
        await _lines_left(walk, walk.shop.comment(job))
        await walk.patch(walk.name(job), {"args": {"env": {"DRY_RUN": None}}})
    for job in PROGRAMS:
        walk.shop.hand_over(job)
        await walk.board.sees(partial(_has_let_go, walk, job))
        await walk.patch(job, {"args": {"dry_run": None}})
    await walk.shop.end("tracked-loop")
    body = {"name": LOOP, "task": LOOP, "every": "1s"}
    made = await walk.post(f"{API}/schedules", body)
    walk.board.note("D2", "a job is registered at run time", seen=made.status == MADE)

    async def have_moved() -> bool:
        jobs = [job for job in (*LINES, *PROGRAMS, LOOP) if job != SILENT]
        return all(walk.shop.holder(job) == "onbeat" for job in jobs)

    await walk.board.expect("D14", "switched over: Onbeat does the work of each", have_moved)


async def switch_back(walk: Walk) -> None:
    """Stage 4: job by job, Onbeat first lets go."""
    walk.board.tell("", "switched back, job by job")
    for job in (*LINES, *PROGRAMS, LOOP):
        await walk.act(walk.name(job), "pause", {"why": "switched back"})
        await walk.board.sees(partial(_rests, walk, job))
        if job in LINES:
            walk.shop.uncomment(job)
        elif job in PROGRAMS:
            walk.shop.take_back(job)
        else:
            walk.shop.begin("loop")

    async def are_back() -> bool:
        jobs = (*LINES, *PROGRAMS, LOOP)
        return all(walk.shop.holder(job) == owner_of(job) for job in jobs)

    await walk.board.expect("D14", "switched back: the old ones do the work of each", are_back)
    twice = all(_changed_twice(walk, job) for job in (*LINES, *PROGRAMS, LOOP))
    walk.board.note("D14", "each job changed hands twice: never was one done by both", seen=twice)
    standing = {each["jobName"]: each for each in (await walk.get(f"{HISTORY}/status"))["data"]}
    paused = all(
        not standing.get(walk.name(job), {}).get("enabled", True)
        for job in (*LINES, *PROGRAMS, LOOP)
    )
    kept = await walk.runs(f"job={walk.name('rotate_logs')}&limit=1")
    walk.board.note("D14", "paused, with its history, ready to go on", seen=paused and bool(kept))


def _changed_twice(walk: Walk, job: str) -> bool:
    """The one that fails left no trace before it was mended."""
    old = owner_of(job)
    wanted = [[old, "onbeat", old], ["onbeat", old]] if job == SILENT else [[old, "onbeat", old]]
    return walk.shop.hands(job) in wanted


async def _lines_left(walk: Walk, lines: int) -> None:
    """Cron has read the crontab anew, and what it ran before that is over."""

    async def are_read() -> bool:
        return any(line.endswith(f"of {lines} lines") for line in walk.shop.log("cron")[-1:])

    await walk.board.sees(are_read)


async def _has_let_go(walk: Walk, job: str) -> bool:
    return f"{job} has moved" in walk.shop.log("apscheduler")


async def _rests(walk: Walk, job: str) -> bool:
    """Nothing of it waits or runs."""
    found: list[dict[str, Any]] = await walk.runs(f"job={walk.name(job)}&{OPEN}&limit=1")
    return not found
