"""How each workload is measured: which orders a driver is given, and what is read from its answers.

A session is one empty place and everything that is learnt on it. Completion counts when it is
stored: from the start of the first job until the store holds nothing unfinished.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.driver import Driver, Figures, driving
from benchmarks.environments import Environment
from benchmarks.places import Places
from benchmarks.processes import peak_mb, processor_seconds
from benchmarks.subjects import Subject

FEWEST = 500
SINGLE_SHARE = 0.06
SCHEDULES_SHARE = 0.2
IDLE_SAMPLES = 100
IDLE_RATE = 10.0
LOAD_SECONDS = 3.0
LOAD_MOST = 5_000.0
"""Jobs a second: above it a client, a worker and a server are more than two cores hold."""

PENDING = 100_000
MEMORY_SECONDS = 4.0
QUIET_SECONDS = 1.0
IDLE_SECONDS = 10.0
STARTED_SECONDS = 10.0
"""After which a server has counted what a worker asked for at its start."""

Result = dict[str, float]
"""Figures by name; what each name means is in `workloads.py`."""


@dataclass(frozen=True)
class Bench:
    """What a session works with."""

    places: Places
    subject: Subject
    environment: Environment
    jobs: int
    drain: float | None = None
    """Jobs a second it drained in this round, if that was measured."""

    def count(self, share: float = 1.0) -> int:
        """How many jobs for this subject; never so few that a start shows."""
        return max(FEWEST, int(self.jobs * self.subject.share * share))

    @contextmanager
    def place(self) -> Iterator[str]:
        """An empty place with the subject's tables."""
        with self.places.empty(self.subject.place) as url:
            self.order(url, verb="set_up")
            yield url

    @contextmanager
    def driver(self, url: str, **order: Any) -> Iterator[Driver]:
        """A driver at work."""
        script = self.subject.path / self.subject.script
        with driving(self.environment, script, {"url": url, **order}) as driver:
            yield driver

    def order(self, url: str, **order: Any) -> Figures:
        """Give a driver one order and wait until it is done."""
        with self.driver(url, **order) as driver:
            return driver.hear("done")


def throughput(bench: Bench) -> Result:
    """Enqueue in bulk, then drain with one worker process."""
    return filled_and_drained(bench, "noop", "drain", bench.count())


def short_jobs(bench: Bench) -> Result:
    """The same with jobs that take a millisecond."""
    result = filled_and_drained(bench, "nap", "drain_1ms", bench.count(0.4))
    return {"drain_1ms": result["drain_1ms"]}


def filled_and_drained(bench: Bench, task: str, name: str, count: int) -> Result:
    with bench.place() as url:
        filled = bench.order(url, verb="enqueue_many", count=count, task=task)
        bench.places.settle(url)
        drained = bench.order(url, verb="work", count=count, task=task)

    return {"bulk_enqueue": count / filled["seconds"], name: count / drained["stored_s"]}


def singly(bench: Bench) -> Result:
    """One client enqueues one job after the other."""
    count = bench.count(SINGLE_SHARE)
    with bench.place() as url:
        return {
            "single_enqueue": count / bench.order(url, verb="enqueue_each", count=count)["seconds"]
        }


def fired(bench: Bench) -> Result:
    """From letting the scheduler go until the last of the due schedules' jobs started."""
    count = max(FEWEST, int(bench.jobs * bench.subject.schedules * SCHEDULES_SHARE))
    with bench.place() as url:
        bench.order(url, verb="add_schedules", count=count)
        bench.places.settle(url)
        return {"cron_dispatch": count / bench.order(url, verb="dispatch", count=count)["fired_s"]}


def idle_latency(bench: Bench) -> Result:
    """A worker with nothing else to do, and a client in a process of its own."""
    waits = waits_of(bench, count=IDLE_SAMPLES, rate=IDLE_RATE)
    return {"latency_idle_p50": share(waits, 0.5), "latency_idle_p99": share(waits, 0.99)}


def load_latency(bench: Bench) -> Result:
    """At half of what it drained in this round."""
    rate = min(LOAD_MOST, (bench.drain or throughput(bench)["drain"]) / 2)
    waits = waits_of(bench, count=int(rate * LOAD_SECONDS), rate=rate)
    return {
        "latency_load_p50": share(waits, 0.5),
        "latency_load_p99": share(waits, 0.99),
        "load_rate": rate,
    }


def waits_of(bench: Bench, *, count: int, rate: float) -> list[float]:
    """Milliseconds from before the enqueue until the job's body began."""
    with bench.place() as url, bench.driver(url, verb="work", count=count) as worker:
        worker.hear("ready")
        time.sleep(QUIET_SECONDS)
        bench.order(url, verb="pace", count=count, rate=rate)
        waits: list[float] = worker.hear("done")["waits_ms"]
        return waits


def share(values: list[float], part: float) -> float:
    """The value that `part` of them do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def memory(bench: Bench) -> Result:
    """The most a worker held while it works on a long line of jobs of a millisecond."""
    with bench.place() as url:
        bench.order(url, verb="enqueue_many", count=PENDING, task="nap")
        with bench.driver(url, verb="work", task="nap") as worker:
            worker.hear("ready")
            time.sleep(MEMORY_SECONDS)
            return {"memory_mb": peak_mb(worker.pid)}


def idle_cost(bench: Bench) -> Result:
    """What a worker without jobs takes of a core, and asks of its server."""
    with bench.place() as url, bench.driver(url, verb="work") as worker:
        worker.hear("ready")
        time.sleep(STARTED_SECONDS)
        asked, spent = bench.places.statements(url), processor_seconds(worker.pid)
        time.sleep(IDLE_SECONDS)
        spent = processor_seconds(worker.pid) - spent
        result = {"idle_cpu": 100 * spent / IDLE_SECONDS}
        if asked is not None:
            result["idle_statements"] = ((bench.places.statements(url) or 0) - asked) / IDLE_SECONDS

        return result


Session = Callable[[Bench], Result]
