"""Huey on SQLite, threads in one process: a job is deleted when it is taken, nothing is kept."""

from __future__ import annotations

import logging
import os
import time

from driving import (
    NAP,
    Order,
    Stopwatch,
    Tally,
    await_end,
    read_order,
    say,
    send_at_pace_blocking,
)
from huey import SqliteHuey
from huey.consumer import Consumer

WORKERS = {"noop": 1, "nap": 16}
"""Threads, the best for each: when a job does nothing, more only fight over the interpreter."""

LONGEST_REST = 0.01
"""Seconds an idle worker waits before it looks again."""

FSYNC = os.environ["HUEY_FSYNC"] == "on"

order = read_order()
tally = Tally(order.count)
huey = SqliteHuey(filename=order.url.removeprefix("sqlite:///"), fsync=FSYNC, results=False)
logging.getLogger("huey").setLevel(logging.WARNING)


@huey.task()
def noop(i: int, sent_at: float = 0.0) -> None:
    """Count."""
    tally.start(sent_at)
    tally.end()


@huey.task()
def nap(i: int) -> None:
    """Count, and take a millisecond."""
    tally.start()
    time.sleep(NAP)
    tally.end()


def enqueue(order: Order) -> None:
    """One after the other: Huey has no bulk enqueue."""
    task = nap if order.task == "nap" else noop
    with Stopwatch():
        for number in range(order.count):
            task(number)


def send(count: int, now: float) -> None:
    for number in range(count):
        noop(number, sent_at=now)


def work(order: Order) -> None:
    """Run a consumer in this process."""
    consumer = Consumer(
        huey,
        workers=WORKERS[order.task],
        periodic=False,
        initial_delay=LONGEST_REST,
        max_delay=LONGEST_REST,
    )
    consumer.start()
    say("ready")
    if order.count:
        # Nothing is stored at the end of a job: the last end is the end.
        tally.until_stored_blocking(lambda: True)
    else:
        await_end()


match order.verb:
    case "set_up":
        say("done")
    case "enqueue_many" | "enqueue_each":
        enqueue(order)
    case "pace":
        send_at_pace_blocking(order, send)
    case "work":
        work(order)

# Its threads would go on waiting for jobs.
os._exit(0)
