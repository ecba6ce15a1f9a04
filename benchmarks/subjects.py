"""Who is measured, as data: Onbeat on both engines, and its peers at their best settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import onbeat
from benchmarks import environments
from benchmarks.environments import Environment

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Onbeat on an engine, or a peer."""

    name: str
    folder: str
    place: str
    """Where its jobs are kept: sqlite, postgres or redis."""
    script: str = "driver.py"
    settings: str
    keeps: str
    """What is left of a job that completed, and what a crash may lose."""
    share: float = 1.0
    """Of the number of jobs the fast ones are given, so that each takes about as long."""
    schedules: float = 0.0
    """The same for due schedules; 0 for who has none that could be compared."""
    variables: dict[str, str] = field(default_factory=dict)
    """What its driver is told in the environment."""
    lacks: dict[str, str] = field(default_factory=dict)
    """Workloads it is not measured in, and why."""

    @property
    def is_product(self) -> bool:
        """Whether it is Onbeat."""
        return self.folder == "onbeat"

    @property
    def path(self) -> Path:
        """The folder of its driver and its pins."""
        return PEERS / self.folder

    @property
    def version(self) -> str:
        """The version that is measured: Onbeat's own, or the peer's as it is pinned."""
        return onbeat.__version__ if self.is_product else environments.pinned(self.path)

    def environment(self) -> Environment:
        """Make the environment of its driver, or find it. Raises CannotSetUp."""
        if self.is_product:
            return environments.own()

        make: Callable[[Path], Environment] = (
            environments.node if self.script.endswith(".js") else environments.python
        )
        return make(self.path).told(self.variables)


NO_SCHEDULES = "its schedules are not rows that could be due by the thousand"
ONBEAT_KEEPS = "every job, attempt and occurrence; all commits on disk"

HUEY_LACKS = {
    "bulk_enqueue": "it has no bulk enqueue",
    "cron_dispatch": "its periodic tasks are declared in code",
}

SUBJECTS = [
    Subject(
        name="Onbeat SQLite",
        folder="onbeat",
        place="sqlite",
        settings="24 slots, asyncio, synchronous=FULL",
        keeps=ONBEAT_KEEPS,
        schedules=1.0,
    ),
    Subject(
        name="Onbeat PostgreSQL",
        folder="onbeat",
        place="postgres",
        settings="24 slots, asyncio, asyncpg",
        keeps=ONBEAT_KEEPS,
        schedules=1.0,
    ),
    Subject(
        name="Graphile Worker",
        folder="graphile",
        place="postgres",
        script="driver.js",
        settings="local queue 500, batched completion, 24 at once, pool of 25",
        keeps="nothing: a completed job is deleted; all commits on disk",
        lacks={"cron_dispatch": "its crontab is read from a file, at most once a minute"},
    ),
    Subject(
        name="PgQueuer",
        folder="pgqueuer",
        place="postgres",
        settings="asyncpg pool, uvloop, batches of 100, durable tables",
        keeps="a row of its log for each change of a job; all commits on disk",
        share=0.4,
        lacks={"cron_dispatch": NO_SCHEDULES},
    ),
    Subject(
        name="Huey",
        folder="huey",
        place="sqlite",
        settings="WAL, fsync on, no results, 1 thread for no-op jobs, 16 for those that nap",
        keeps="nothing: a job is deleted when it is taken, so a crash loses it; commits on disk",
        variables={"HUEY_FSYNC": "on"},
        share=0.1,
        lacks=HUEY_LACKS | {"memory": "100,000 synced commits; see it without fsync"},
    ),
    Subject(
        name="Huey without fsync",
        folder="huey",
        place="sqlite",
        settings="the same with fsync off",
        keeps="nothing, and no commit is on disk for sure",
        variables={"HUEY_FSYNC": "off"},
        share=0.3,
        lacks=HUEY_LACKS,
    ),
    Subject(
        name="BullMQ",
        folder="bullmq",
        place="redis",
        script="driver.js",
        settings="100 at once",
        keeps="nothing: a completed job is removed; the last second may be lost",
        share=0.3,
        schedules=0.5,
    ),
    Subject(
        name="pg-boss",
        folder="pgboss",
        place="postgres",
        script="driver.js",
        settings="10.4 (newest for Node 20), four workers, batches of 2,000, poll every 0.5 s",
        keeps="every job for 12 hours, then in an archive; all commits on disk",
        share=1.0,
        lacks={"cron_dispatch": NO_SCHEDULES},
    ),
    Subject(
        name="Procrastinate",
        folder="procrastinate",
        place="postgres",
        settings="psycopg in C, 50 at once",
        keeps="every job and its events; all commits on disk",
        share=0.02,
        lacks={"cron_dispatch": "its periodic tasks are declared in code"},
    ),
    Subject(
        name="Celery",
        folder="celery",
        place="redis",
        settings="8 threads, no results, no events, prefetch 128",
        keeps="nothing: acknowledged when it starts; the last second may be lost",
        share=0.06,
        lacks={
            "bulk_enqueue": "it has no bulk enqueue",
            "cron_dispatch": "its periodic tasks are declared in code",
        },
    ),
    Subject(
        name="APScheduler",
        folder="apscheduler",
        place="postgres",
        settings="3.11, SQLAlchemy job store, 8 threads",
        keeps="nothing of one-off jobs; of schedules the next moment",
        share=0.03,
        schedules=0.2,
        lacks={
            "bulk_enqueue": "it has no bulk enqueue",
            "latency_idle": "a scheduler is not told of what another process adds",
            "latency_load": "a scheduler is not told of what another process adds",
            "memory": "adding 100,000 jobs singly takes minutes",
        },
    ),
]
