"""The shop's jobs under Onbeat: the whole application. Lines of the crontab need none."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from examples.cron_tracking.before import work
from onbeat import Breaker, Keep, Onbeat, Retry, Run, every

ob = Onbeat(name="shop")  # ONBEAT_DB, ONBEAT_SHELL and all other settings, as `onbeat up` does

if os.environ.get("SENTRY_DSN"):
    import sentry_sdk

    from onbeat.telemetry.sentry import Sentry

    sentry_sdk.init(environment="example")
    ob.middleware(Sentry(ob))

BANK = Breaker("bank", threshold=5, open_for="3s")
"""After five failures in a row the bank is left alone, by all workers."""

SOON = Retry(3, base="100ms", rules={LookupError: "permanent"})


@ob.task(queue="shop", timeout="30s", retry=SOON, keep=Keep(completed=500))
def sync_stock(run: Run, by: str = "onbeat", *, dry_run: bool = False) -> int:
    """What the loop did. A warehouse that does not answer is asked again."""
    return work.sync_stock(by, dry_run=dry_run)


@ob.task(queue="shop", timeout="30s", retry=Retry(1), breakers=BANK)
def refresh_rates(run: Run, *, dry_run: bool = False) -> str:
    """What APScheduler did each second."""
    run.log.info("asking the bank", dry_run=dry_run)
    return work.refresh_rates("onbeat", dry_run=dry_run)


@ob.task(queue="shop", timeout="30s")
def send_digest(*, dry_run: bool = False) -> int:
    """What APScheduler did every other second."""
    return work.send_digest("onbeat", dry_run=dry_run)


@ob.schedule(every("1s"), tags=["critical"], objective="99.9%")
@ob.task(queue="reports")
async def close_books() -> str:
    """New with Onbeat, and critical."""
    return "closed"


@ob.task(queue="attic", tags=["attic"])
async def pack_archive(run: Run, steps: int = 600) -> int:
    """Takes a minute, and says how far it is."""
    for step in range(steps):
        run.progress(step / steps, note=f"box {step} of {steps}")
        await asyncio.sleep(0.1)
    return steps


@ob.task(queue="shop", retry=SOON)
def import_reviews(file: str) -> int:
    """A file that is not there will not be there the next time: one attempt, of three."""
    if not Path(file).exists():
        raise LookupError(f"there is no {file}")
    return 0
