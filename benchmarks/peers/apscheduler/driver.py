"""APScheduler 3 on PostgreSQL with a pool of eight threads: a job that ran is deleted."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

import driving
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from driving import Order, Stopwatch, Tally, await_end, read_order, say, send_at_pace_blocking
from sqlalchemy import create_engine, text

THREADS = 8
HOUR = 3600

tally = Tally(0)


def noop(i: int, sent_at: float = 0.0) -> None:
    """Count."""
    tally.start(sent_at)
    tally.end()


def nap(i: int) -> None:
    """Count, and take a millisecond."""
    tally.start()
    time.sleep(driving.NAP)
    tally.end()


class Peer:
    """A scheduler on the store; jobs are named by their import path, so this file is `driver`."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.engine = create_engine(order.url.replace("postgresql://", "postgresql+psycopg://"))
        self.scheduler = BackgroundScheduler(
            jobstores={"default": SQLAlchemyJobStore(engine=self.engine)},
            executors={"default": ThreadPoolExecutor(THREADS)},
            job_defaults={"misfire_grace_time": None},
            timezone=UTC,
        )
        self.scheduler.start(paused=True)

    def add(self, number: int, **arguments: float) -> None:
        """A job that is due now, once: its way to enqueue."""
        self.scheduler.add_job(f"driver:{self.order.task}", args=[number], kwargs=arguments)

    def enqueue(self) -> None:
        """One after the other."""
        with Stopwatch():
            for number in range(self.order.count):
                self.add(number)

    def add_schedules(self) -> None:
        """Every hour, and due now."""
        for number in range(self.order.count):
            self.scheduler.add_job(
                "driver:noop",
                "interval",
                seconds=HOUR,
                args=[number],
                next_run_time=datetime.now(UTC),
            )

        say("done")

    def pace(self) -> None:
        """From this process; the worker's is told by nobody, so it does not see them in time."""
        send_at_pace_blocking(self.order, lambda _, now: self.add(0, sent_at=now))

    def work(self) -> None:
        """Run what is due."""
        tally.begin()
        self.scheduler.resume()
        say("ready")
        if self.order.count:
            tally.until_stored_blocking(self.is_stored)
        else:
            await_end()

    def is_stored(self) -> bool:
        """Whether nothing is due any more."""
        due = text("SELECT NOT EXISTS (SELECT 1 FROM apscheduler_jobs WHERE next_run_time <= :now)")
        with self.engine.connect() as connection:
            return bool(connection.execute(due, {"now": time.time()}).scalar_one())


def main() -> None:
    """Do what was ordered."""
    global tally
    order = read_order()
    tally = Tally(order.count)
    peer = Peer(order)
    match order.verb:
        case "set_up":
            say("done")
        case "enqueue_many" | "enqueue_each":
            peer.enqueue()
        case "add_schedules":
            peer.add_schedules()
        case "pace":
            peer.pace()
        case "work" | "dispatch":
            peer.work()

    # The pool's threads would be waited for.
    os._exit(0)


if __name__ == "__main__":
    import driver

    driver.main()
