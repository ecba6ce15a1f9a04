"""A claim beside 1,000,000 delayed jobs and 200,000 blocked by full limits, and beside 10,000 each.

`python -m benchmarks.conditions.bystanders`
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

import asyncpg
import typer
from sqlalchemy import Connection, bindparam, text
from tests import factories
from tests.servers.postgres import running_server

from benchmarks.conditions.claims import AT_ONCE, CLAIM, FILL, PLACE, WALL
from onbeat.domain.limits import Bounds
from onbeat.domain.workers import Session
from onbeat.store import limits, schema_state, workers
from onbeat.store.column_types import EPOCH, Moment
from onbeat.store.opening import open_store
from onbeat.store.store import Store

FEW = 10_000
"""Delayed jobs, and blocked ones, beside which the claim that others are compared to is made."""

KEYS = 1_000
"""Slots that the blocked jobs wait for, each of them full."""

ROUNDS = 100

DELAY = {
    "postgresql": """
        INSERT INTO onbeat_delayed (due_at, job, queue, lane, attempt)
        SELECT now() + interval '1 day', id, 'default', 5, 0 FROM onbeat_jobs
        WHERE id BETWEEN CAST(:lowest AS uuid) AND CAST(:highest AS uuid)
    """,
    "sqlite": """
        INSERT INTO onbeat_delayed (due_at, job, queue, lane, attempt)
        SELECT 9000000000000000, id, 'default', 5, 0 FROM onbeat_jobs
        WHERE id BETWEEN :lowest AND :highest
    """,
}
BLOCK = {
    "postgresql": f"""
        INSERT INTO onbeat_blocked (job, queue, lane, attempt, reason, since_at, slot, order_key)
        SELECT id, 'default', 5, 0, 'limit is full', now(),
               'full:' || CAST(row_number() OVER () % {KEYS} AS text), 1800000000000000
        FROM onbeat_jobs
        WHERE id BETWEEN CAST(:lowest AS uuid) AND CAST(:highest AS uuid)
    """,
    "sqlite": f"""
        INSERT INTO onbeat_blocked (job, queue, lane, attempt, reason, since_at, slot, order_key)
        SELECT id, 'default', 5, 0, 'limit is full', 0, 'full:' || rowid % {KEYS},
               1800000000000000
        FROM onbeat_jobs WHERE id BETWEEN :lowest AND :highest
    """,
}
COUNT = """
INSERT INTO onbeat_slots (slot, "limit", used, waiting, "full", open_at, spent_at)
SELECT slot, 'full', 1, count(*), 1, :epoch, :epoch FROM onbeat_blocked WHERE true GROUP BY slot
ON CONFLICT (slot) DO UPDATE SET waiting = excluded.waiting
"""


def _stand(
    connection: Connection, _: Any, *, engine: str, first: int, last: int, place: Mapping[str, str]
) -> None:
    lowest, highest = (f"{1800000000000 + n:012x}70008000{n:012x}" for n in (first, last))
    connection.execute(text(FILL[engine]), {"first": first, "last": last})
    connection.execute(text(place[engine]), {"lowest": lowest, "highest": highest})


async def stand(store: Store, url: str, first: int, count: int, place: Mapping[str, str]) -> None:
    """Make `count` jobs from the number `first` on, and place them: made in SQL, unmeasured."""
    for start in range(first, first + count, AT_ONCE):
        last = min(first + count, start + AT_ONCE) - 1
        await store.write(partial(_stand, engine=store.engine, first=start, last=last, place=place))
    if store.engine == "postgresql":
        await settle(url)


async def settle(url: str) -> None:
    """Let the server write out what filling left to do: such jobs were made long ago."""
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()


def _count(connection: Connection, _: datetime) -> None:
    connection.execute(text(COUNT).bindparams(bindparam("epoch", EPOCH, Moment)))


async def claim_many(store: Store, session: Session, *, limited: bool) -> float:
    """The median of the time of a claim, in milliseconds; what it takes is acked and made anew."""
    times = []
    ties = ("slot:wide:",) if limited else ()
    for _ in range(ROUNDS):
        await store.enqueue([factories.job(ties=ties, priority=10) for _ in range(CLAIM)])
        began = time.perf_counter()
        claimed = await store.claim(session.id, ["default"], CLAIM)
        times.append((time.perf_counter() - began) * 1_000)
        assert len(claimed) == CLAIM
        await store.ack([factories.ack(job) for job in claimed])
    return statistics.median(times)


async def measure(url: str, *, ready: int, delayed: int, blocked: int) -> list[dict[str, Any]]:
    """Claim plain jobs and jobs under a limit, alone, beside delayed and beside blocked ones."""
    store = open_store(url)
    await store.write(schema_state.migrate)
    await store.open()
    wanted = {"wide": Bounds(concurrency=100_000), "full": Bounds(concurrency=1)}
    session = factories.session()
    found: dict[str, tuple[float, float]] = {}
    try:
        await store.write(partial(limits.declare, wanted=wanted, by="code:bench"))
        await store.write(partial(workers.begin, session=session, expires_in=timedelta(hours=1)))
        await stand(store, url, 1, ready, PLACE)
        found["alone"] = await _both(store, session)
        await stand(store, url, ready + 1, FEW, DELAY)
        await stand(store, url, ready + FEW + 1, FEW, BLOCK)
        await store.write(_count)
        base = found[f"beside {FEW:,} delayed and {FEW:,} blocked"] = await _both(store, session)
        await stand(store, url, ready + 2 * FEW + 1, delayed - FEW, DELAY)
        found[f"beside {delayed:,} delayed"] = await _both(store, session)
        await stand(store, url, ready + FEW + delayed + 1, blocked - FEW, BLOCK)
        await store.write(_count)
        found[f"and {blocked:,} blocked"] = await _both(store, session)
    finally:
        await store.close()
    return [
        {"engine": store.engine, "claims": kind, "case": case, "ms": times[at],
         "ratio": times[at] / base[at]}
        for at, kind in enumerate(("plain", "within a limit"))
        for case, times in found.items()
    ]  # fmt: skip


async def _both(store: Store, session: Session) -> tuple[float, float]:
    plain = await claim_many(store, session, limited=False)
    return plain, await claim_many(store, session, limited=True)


def main(
    ready: Annotated[int, typer.Option(help="Jobs that wait in the line.")] = 10_000,
    delayed: Annotated[int, typer.Option(help="Jobs that are delayed by a day.")] = 1_000_000,
    blocked: Annotated[int, typer.Option(help="Jobs that wait for full limits.")] = 200_000,
) -> None:
    """Measure on both engines; ends with 1 over the promised ratio."""
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        results = [
            result
            for url in (f"sqlite:///{folder}/bystanders.db", server.create_database("bystanders"))
            for result in asyncio.run(measure(url, ready=ready, delayed=delayed, blocked=blocked))
        ]
    for result in results:
        print(result)
    raise typer.Exit(any(result["ratio"] > WALL for result in results))


if __name__ == "__main__":
    typer.run(main)
