"""A reading of a fleet, made up, and what /metrics tells of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from onbeat.domain.health import Kind
from onbeat.domain.keeping import Figures, From
from onbeat.domain.pools import Pool
from onbeat.domain.processes import Process, seen_in
from onbeat.domain.services import Snapshot, Status
from onbeat.store.readings import Reading
from onbeat.telemetry.own import Own
from onbeat.telemetry.prometheus import exposition

NOW = datetime(2027, 3, 1, tzinfo=UTC)
OWN = Own(
    kept=Figures(answers={("stats", From.MEMORY): 3}, bytes=1_000, is_redis_up=True),
    up={"database": True}, pool=Pool(15, 2), listeners=3, answered=(),
)  # fmt: skip


def reading(**changed: Any) -> Reading:
    """A fleet of one scheduler, at rest."""
    scheduler = Snapshot(
        id="scheduler", name="Scheduler", status=Status.RUNNING, critical=True, runs=12,
        successes=11, failures=1, last_duration=timedelta(milliseconds=40),
        mean_duration=timedelta(milliseconds=20),
    )  # fmt: skip
    process = Process(
        id="0192" + "0" * 20 + "5d0c2f1a", instance="web-1", host="web-1", pid=1, version="1",
        services=(scheduler,),
    )  # fmt: skip
    plain: dict[str, Any] = {
        "at": NOW, "engine": "sqlite", "queues": (), "sessions": (),
        "services": seen_in([process]), "fares": dict.fromkeys(Kind, ()),
        "folded_to": NOW, "due_at": None, "loads": (), "incidents": {}, "channels": (),
        "waiting": {}, "sums": (), "queue_limits": {}, "next_due": {},
    }  # fmt: skip
    return Reading(**{**plain, **changed})


def told(of: Reading) -> str:
    """The text that Prometheus reads."""
    return exposition(of, "1", own=OWN)[1].decode()


def names_told() -> set[str]:
    """Every metric there is, whether or not it has a value now."""
    found = re.findall(r"^# TYPE (\S+) (\w+)", told(reading()), re.M)
    return {f"{name}_bucket" if kind == "histogram" else name for name, kind in found}


def names_in(queries: str) -> set[str]:
    """The metrics that queries name."""
    return set(re.findall(r"\bonbeat_\w+", queries))
