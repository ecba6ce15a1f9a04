"""What is measured, as data: workloads, the figures they give, the targets they must meet."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import sessions
from benchmarks.sessions import Session


@dataclass(frozen=True)
class Measure:
    """One figure: its name in the results, its title and unit, and which way is better."""

    name: str
    title: str
    unit: str
    more_is_better: bool = False


@dataclass(frozen=True)
class Workload:
    """Something to do, the session that does it, and the figures it is done for."""

    name: str
    session: Session
    measures: tuple[Measure, ...]
    once: bool = False
    """Measured in the first round only: it hardly varies and takes long."""


@dataclass(frozen=True)
class Target:
    """What Onbeat must reach: a ratio to a peer in the same round, or a figure by itself."""

    measure: str
    product: str
    wanted: float
    peer: str | None = None


WORKLOADS = [
    Workload(
        "bulk_enqueue",
        sessions.throughput,
        (Measure("bulk_enqueue", "Bulk enqueue", "jobs/s", more_is_better=True),),
    ),
    Workload(
        "drain",
        sessions.throughput,
        (Measure("drain", "Drain of no-op jobs", "jobs/s", more_is_better=True),),
    ),
    Workload(
        "drain_1ms",
        sessions.short_jobs,
        (Measure("drain_1ms", "Drain of jobs of 1 ms", "jobs/s", more_is_better=True),),
    ),
    Workload(
        "single_enqueue",
        sessions.singly,
        (Measure("single_enqueue", "Single enqueue", "jobs/s", more_is_better=True),),
    ),
    Workload(
        "cron_dispatch",
        sessions.fired,
        (Measure("cron_dispatch", "Cron dispatch", "schedules/s", more_is_better=True),),
    ),
    Workload(
        "latency_idle",
        sessions.idle_latency,
        (
            Measure("latency_idle_p50", "Latency when idle, median", "ms"),
            Measure("latency_idle_p99", "Latency when idle, 99 %", "ms"),
        ),
    ),
    Workload(
        "latency_load",
        sessions.load_latency,
        (
            Measure("latency_load_p50", "Latency at half load, median", "ms"),
            Measure("latency_load_p99", "Latency at half load, 99 %", "ms"),
            Measure("load_rate", "Half load", "jobs/s", more_is_better=True),
        ),
    ),
    Workload(
        "memory", sessions.memory, (Measure("memory_mb", "Peak of a worker", "MB"),), once=True
    ),
    Workload(
        "idle_cost",
        sessions.idle_cost,
        (
            Measure("idle_cpu", "Idle worker, processor", "% of a core"),
            Measure("idle_statements", "Idle worker, statements", "per s"),
        ),
        once=True,
    ),
]

MEASURES = {measure.name: measure for workload in WORKLOADS for measure in workload.measures}

SQLITE, POSTGRES = "Onbeat SQLite", "Onbeat PostgreSQL"

TARGETS = [
    Target("drain", POSTGRES, 1.0, "Graphile Worker"),
    Target("drain", POSTGRES, 2.0, "PgQueuer"),
    Target("drain", POSTGRES, 3.0, "BullMQ"),
    Target("drain", POSTGRES, 20.0, "Celery"),
    Target("drain", SQLITE, 4.0, "Huey"),
    Target("drain", SQLITE, 4.0, "Huey without fsync"),
    Target("single_enqueue", POSTGRES, 1.5, "PgQueuer"),
    Target("cron_dispatch", POSTGRES, 10.0, "APScheduler"),
    Target("cron_dispatch", SQLITE, 10.0, "APScheduler"),
    Target("latency_idle_p50", POSTGRES, 10.0),
    Target("latency_idle_p99", POSTGRES, 40.0),
    Target("latency_idle_p50", SQLITE, 10.0),
    Target("latency_idle_p99", SQLITE, 40.0),
    Target("memory_mb", POSTGRES, 200.0),
    Target("memory_mb", SQLITE, 200.0),
]
