"""A claim with a million jobs pending beside one with ten thousand.

`python -m benchmarks.conditions.claims`
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, text
from tests import factories
from tests.servers.postgres import running_server

from onbeat.store import schema_state, workers
from onbeat.store.opening import open_store
from onbeat.store.store import Store

WALL = 1.5
"""What is promised: a claim costs at most so many times more among 1,000,000 than among 10,000."""

CLAIM = 100
CLAIMS = 60

FILL = {
    "postgresql": """
        INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, created_at)
        SELECT CAST(lpad(to_hex(1800000000000 + n), 12, '0') || '7000' || '8000'
                    || lpad(to_hex(n), 12, '0') AS uuid),
               'noop', 'default', 5, 3, '{}', now()
        FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n
    """,
    "sqlite": """
        WITH RECURSIVE counted(n) AS (
            SELECT :first UNION ALL SELECT n + 1 FROM counted WHERE n < :last)
        INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, created_at)
        SELECT printf('%012x70008000%012x', 1800000000000 + n, n), 'noop', 'default', 5, 3, '{}', 0
        FROM counted
    """,
}
PLACE = {
    "postgresql": """
        INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt)
        SELECT 'default', 5, 1800000000000000, id, 0 FROM onbeat_jobs
        WHERE id BETWEEN CAST(:lowest AS uuid) AND CAST(:highest AS uuid)
    """,
    "sqlite": """
        INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt)
        SELECT 'default', 5, 1800000000000000, id, 0 FROM onbeat_jobs
        WHERE id BETWEEN :lowest AND :highest
    """,
}
AT_ONCE = 100_000


async def fill(store: Store, first: int, last: int) -> None:
    """Place the jobs numbered from `first` to `last`: in SQL, since making them is not measured."""
    for start in range(first, last + 1, AT_ONCE):
        end = min(last, start + AT_ONCE - 1)
        await store.write(partial(_place, engine=store.engine, first=start, last=end))
    if store.engine == "postgresql":
        await store.write(_analyze)


def _place(connection: Connection, _: Any, *, engine: str, first: int, last: int) -> None:
    lowest, highest = (f"{1800000000000 + n:012x}70008000{n:012x}" for n in (first, last))
    connection.execute(text(FILL[engine]), {"first": first, "last": last})
    connection.execute(text(PLACE[engine]), {"lowest": lowest, "highest": highest})


def _analyze(connection: Connection, _: Any) -> None:
    connection.execute(text("ANALYZE"))


async def claim_many(store: Store) -> float:
    """The median of the time of a claim, in milliseconds."""
    session = factories.session()
    await store.write(
        lambda connection, now: workers.begin(connection, now, session, timedelta(hours=1))
    )
    times = []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        claimed = await store.claim(session.id, ["default"], CLAIM)
        times.append((time.perf_counter() - began) * 1_000)
        assert len(claimed) == CLAIM
    return statistics.median(times)


async def measure(url: str, *, few: int = 10_000, many: int = 1_000_000) -> dict[str, Any]:
    """Claim among few and among many; both medians and their ratio."""
    store = open_store(url)
    await store.write(schema_state.migrate)
    await store.open()
    try:
        await fill(store, 1, few)
        shallow = await claim_many(store)
        await fill(store, few + 1, many)
        deep = await claim_many(store)
    finally:
        await store.close()
    return {
        "engine": url.partition(":")[0],
        "claim": CLAIM,
        f"ms_among_{few}": shallow,
        f"ms_among_{many}": deep,
        "ratio": deep / shallow,
        "wall": WALL,
    }


def main(
    many: Annotated[int, typer.Option(help="Jobs of the deep backlog.")] = 1_000_000,
) -> None:
    """Measure on both engines; ends with 1 over the promised ratio."""
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        urls = (f"sqlite:///{folder}/claims.db", server.create_database("claims"))
        results = [asyncio.run(measure(url, many=many)) for url in urls]
    for result in results:
        print(result)
    raise typer.Exit(any(result["ratio"] > WALL for result in results))


if __name__ == "__main__":
    typer.run(main)
