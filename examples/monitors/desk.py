"""What the people on duty have done besides: notices, reports, exports. The dashboard has something
of each kind to show.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from examples.monitors.checks import DESK, ob, visitor
from onbeat import Limit, Permanent, Retry, Run, Unique, cron, every

PAGER = Limit("pager", rate="60/min", burst=10, by="region")
"""Whoever is on duty in a region is called no more often than this."""

HOSTS = ("shop.example", "pay.example", "old.example")
LINES = 40


@ob.task(
    queue=DESK,
    limits=PAGER,
    unique=Unique(by=("monitor",), within="2m"),
    retry=Retry(3, base="2s"),
    tags=["duty"],
)
async def notify(run: Run, monitor: str, *, region: str, reason: str) -> str:
    """Tell who is on duty that a page is down; once in two minutes for each."""
    run.log.info("telling who is on duty", monitor=monitor, region=region)
    if region == "sa" and run.attempt == 1:
        raise ConnectionError("the pager's gateway closed the connection")
    return f"{monitor} is down: {reason}"


@ob.schedule(every("10s"))
@ob.task(queue=DESK)
async def look_around(run: Run) -> int:
    """Ask for a notice of each page that is down."""
    down = visitor.board.down()
    for each in down:
        monitor = each.monitor
        await notify.enqueue(monitor.name, region=monitor.region, reason=each.reason)
    run.log.info("looked around", down=len(down))
    return len(down)


@ob.task(queue=DESK)
async def measure(region: str) -> dict[str, int]:
    """Count how the pages of a region stand."""
    return dict(visitor.board.standing_in(region))


@ob.task(queue=DESK)
async def write_report(parts: list[dict[str, int]]) -> str:
    """Put what was counted in one line."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return ", ".join(f"{count} {word}" for word, count in total.most_common())


@ob.schedule(every("45s"), tags=["reports"])
@ob.task(queue=DESK)
async def report() -> None:
    """Begin a workflow: each region is measured, and then a report written."""
    regions = visitor.board.regions()
    if not regions:
        return
    async with ob.workflow("regional-report") as flow:
        parts = [flow.add(measure.bind(region)) for region in regions]
        flow.add(write_report.bind([part.result for part in parts]))


@ob.schedule(every("1m"), overlap="skip")
@ob.task(queue=DESK, timeout="1m")
async def export(run: Run) -> int:
    """Write the day's results out, a piece at a time; it takes a while, and says how far it is."""
    for line in range(1, LINES + 1):
        run.progress(line / LINES, note=f"piece {line} of {LINES}")
        word = "\x1b[32mwritten\x1b[0m" if line % 7 else "\x1b[33mskipped, nothing new\x1b[0m"
        run.log.info(f"piece {line} {word}", rows=line * 250)
        await asyncio.sleep(0.4)
    return LINES


@ob.schedule(every("15s"))
@ob.task(queue=DESK, retry=Retry(1))
async def check_certificates(run: Run) -> None:
    """Fails each time, so that an incident is to be seen."""
    for host in HOSTS:
        run.log.info("looking at the certificate", host=host)
    raise Permanent(f"the certificate of {HOSTS[-1]} has ended")


@ob.schedule(cron("30 1 * * mon-fri", tz="Europe/Paris"), catch_up="latest within 6h")
@ob.task(queue=DESK)
async def close_day() -> None:
    """Runs in the night, if the demo is left on so long."""


@ob.schedule(cron("0 7 1 * *", tz="America/New_York"), tags=["reports"])
@ob.task(queue=DESK)
async def bill_customers() -> None:
    """Runs once in a month."""
