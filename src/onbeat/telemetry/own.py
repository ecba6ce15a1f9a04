"""What the process that is asked tells of itself alone, also without a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric as Family

from onbeat.domain.keeping import Figures
from onbeat.domain.meters import Sum
from onbeat.domain.pools import Pool
from onbeat.telemetry.metrics import (
    ANSWERS,
    ANSWERS_BYTES,
    DEPENDENCY_UP,
    HTTP_SECONDS,
    POOL,
    REDIS_UP,
    WS_CLIENTS,
)
from onbeat.telemetry.samples import family, single
from onbeat.telemetry.sums import timed


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What it knows of itself."""

    kept: Figures
    up: Mapping[str, bool]
    """What it depends on, and whether each is up."""
    pool: Pool
    listeners: int
    """Clients that follow live updates."""
    answered: Sequence[Sum]
    """Its answers, by route, method and status."""


def of_process(own: Own) -> Iterator[Family]:
    """All of it."""
    answers = family(ANSWERS)
    for (name, place), count in own.kept.answers.items():
        answers.add_metric((name, place), count)
    yield answers
    yield single(ANSWERS_BYTES, own.kept.bytes)
    if own.kept.is_redis_up is not None:
        yield single(REDIS_UP, float(own.kept.is_redis_up))
    depends = family(DEPENDENCY_UP)
    for name, is_up in sorted(own.up.items()):
        depends.add_metric((name,), float(is_up))
    yield depends
    if own.pool.size:
        pool = family(POOL)
        pool.add_metric(("busy",), own.pool.busy)
        pool.add_metric(("free",), own.pool.size - own.pool.busy)
        yield pool
    yield single(WS_CLIENTS, own.listeners)
    yield timed(HTTP_SECONDS, own.answered)
