"""The APScheduler program: `python -m examples.cron_tracking.before.scheduler_app`."""

from __future__ import annotations

import signal
import sys

from apscheduler.schedulers.blocking import BlockingScheduler

from examples.cron_tracking.before import work

scheduler = BlockingScheduler(timezone="Europe/Paris")


def refresh_rates() -> None:
    if work.has_moved("refresh_rates"):  # the line that was added to move it
        print("refresh_rates has moved", flush=True)
        return
    work.refresh_rates("apscheduler")


def send_digest() -> None:
    if work.has_moved("send_digest"):
        print("send_digest has moved", flush=True)
        return
    work.send_digest("apscheduler")


scheduler.add_job(refresh_rates, "interval", seconds=1, id="refresh_rates")
scheduler.add_job(send_digest, "cron", second="*/2", id="send_digest", max_instances=1)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    scheduler.start()
