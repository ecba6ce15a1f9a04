"""Celery on Redis: no results, no events, a long prefetch; a job is forgotten once it ran."""

from __future__ import annotations

import os
import threading
import time

import driving
import redis
from celery import Celery
from celery.signals import worker_ready
from driving import Order, Stopwatch, Tally, await_end, read_order, say, send_at_pace_blocking

AT_ONCE = 8
"""Threads. Thousand jobs a second on 2 cores, no-op and of 1 ms: 1.8 and 1.7; with the solo pool
2.0 and 0.6, with prefork of two 1.1 and 0.9, with four threads 1.5 and 1.0."""

order = read_order()
tally = Tally(order.count)
app = Celery("bench", broker=order.url)
app.conf.update(
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    worker_prefetch_multiplier=128,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_redirect_stdouts=False,
    broker_connection_retry_on_startup=True,
    worker_disable_rate_limits=True,
)


@app.task
def noop(i: int, sent_at: float = 0.0) -> None:
    """Count."""
    tally.start(sent_at)
    tally.end()


@app.task
def nap(i: int) -> None:
    """Count, and take a millisecond."""
    tally.start()
    time.sleep(driving.NAP)
    tally.end()


def enqueue(order: Order) -> None:
    """One after the other over one connection: Celery has no bulk enqueue."""
    task = nap if order.task == "nap" else noop
    with app.producer_pool.acquire(block=True) as producer:
        task.apply_async((0,), producer=producer)
        with Stopwatch():
            for number in range(order.count - 1):
                task.apply_async((number,), producer=producer)


def pace(order: Order) -> None:
    """One message for each job."""
    with app.producer_pool.acquire(block=True) as producer:

        def send(count: int, now: float) -> None:
            for number in range(count):
                noop.apply_async((number,), {"sent_at": now}, producer=producer)

        send_at_pace_blocking(order, send)


def work(order: Order) -> None:
    """Run a worker in this process, on threads."""
    server = redis.Redis.from_url(order.url)

    def is_stored() -> bool:
        return not server.llen("celery") and not server.hlen("unacked")

    def watch() -> None:
        if order.count:
            tally.until_stored_blocking(is_stored)
        else:
            await_end()

        os._exit(0)

    @worker_ready.connect(weak=False)
    def begin(**_: object) -> None:
        say("ready")
        threading.Thread(target=watch).start()

    options = ["--pool=threads", f"--concurrency={AT_ONCE}", "--loglevel=ERROR"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["worker", *options, *quiet])


match order.verb:
    case "set_up":
        say("done")
    case "enqueue_many" | "enqueue_each":
        enqueue(order)
    case "pace":
        pace(order)
    case "work":
        work(order)
