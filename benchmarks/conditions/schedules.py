"""How many schedules, and how fast: `python -m benchmarks.conditions.schedules`.

A million that are due within one minute, by one `onbeat scheduler` and by two; 20,000 due at one
instant; a tick beside 99,000 that are not due; a year of missed seconds; a long preview.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer
from sqlalchemy import Connection, text
from tests import factories
from tests.servers.postgres import running_server

from onbeat.domain.planning import plan
from onbeat.domain.recurrence import cron, every, moments
from onbeat.runtime.tick import tick
from onbeat.store import schema_state
from onbeat.store.opening import open_store
from onbeat.store.payloads import encode
from onbeat.store.store import Store

CHECKOUT = Path(__file__).parents[2]

FILL = {
    "postgresql": """
        INSERT INTO onbeat_schedules (id, name, source, task, args, recurrence, queue, lane,
            max_attempts, catch_up, overlap, made, version, created_at, next_due_at)
        SELECT CAST(lpad(to_hex(n), 32, '0') AS uuid), 's' || n, 'api', 'noop', '{}',
               CAST(CAST(:recurrences AS text) AS jsonb)
                   -> CAST(n % CAST(:apart AS bigint) AS integer),
               'default', 5, 3, 'latest within 1d', 'skip', 0, 1, now(),
               CAST(:due AS timestamptz) + (n % CAST(:apart AS bigint)) * interval '1 second'
        FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n
    """,
    "sqlite": """
        WITH RECURSIVE counted(n) AS (
            SELECT :first UNION ALL SELECT n + 1 FROM counted WHERE n < :last)
        INSERT INTO onbeat_schedules (id, name, source, task, args, recurrence, queue, lane,
            max_attempts, catch_up, overlap, made, version, created_at, next_due_at)
        SELECT printf('%032x', n), 's' || n, 'api', 'noop', '{}',
               json_extract(:recurrences, '$[' || (n % :apart) || ']'), 'default', 5, 3,
               'latest within 1d', 'skip', 0, 1, 0, :due + (n % :apart) * 1000000
        FROM counted
    """,
}


def fill(
    connection: Connection, now: datetime, *, count: int, due: datetime, apart: int, first: int = 1
) -> None:
    """Make `count` schedules of every hour, due from `due` on within `apart` seconds."""
    name = connection.dialect.name
    due = due.replace(microsecond=0)
    moments_of = [every("1h", anchor=due + timedelta(seconds=n)).spec() for n in range(apart)]
    connection.execute(
        text(FILL[name]),
        {
            "first": first, "last": first + count - 1, "apart": apart,
            "due": due if name == "postgresql" else int(due.timestamp() * 1_000_000),
            "recurrences": encode(moments_of).decode(),
        },
    )  # fmt: skip
    if name == "postgresql":
        connection.execute(text("ANALYZE onbeat_schedules"))


def behind(connection: Connection, now: datetime) -> datetime:
    """The earliest moment whose job is not made yet. By index: to count takes a core's tenth."""
    earliest = text("SELECT min(next_due_at) FROM onbeat_schedules WHERE paused_at IS NULL "
                    "AND broken IS NULL AND clock IS NULL")  # fmt: skip
    found: datetime = connection.execute(earliest).scalar_one()
    return found


@contextmanager
def scheduler(url: str) -> Iterator[None]:
    """A scheduler process as a user would start it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "onbeat", "scheduler", "--db", url, "--app",
         "benchmarks.conditions.idle:onbeat"],
        cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def opened(url: str) -> Store:
    store = open_store(url)
    if store.engine == "postgresql":
        await store.write(schema_state.migrate)
    await store.open()
    return store


async def settle(url: str) -> None:
    """Let the server write out what filling left to do: such schedules were made long ago."""
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE onbeat_schedules")
    await connection.execute("CHECKPOINT")
    await connection.close()


async def by_processes(url: str, *, count: int, apart: int, schedulers: int) -> dict[str, Any]:
    """Schedules due within `apart` seconds, by processes; until each has made its job."""
    store = await opened(url)
    begin = datetime.now(UTC) + timedelta(seconds=25 + count / 12_500)
    await store.write(partial(fill, count=count, due=begin, apart=apart))
    await settle(url)
    with ExitStack() as stack:
        for _ in range(schedulers):
            stack.enter_context(scheduler(url))
        await asyncio.sleep(max(0.0, (begin - datetime.now(UTC)).total_seconds()))
        began = time.perf_counter()
        end = begin + timedelta(seconds=apart)
        while (earliest := await store.read(behind)) < end:
            print(f"{earliest - begin} of {apart} s made", file=sys.stderr, flush=True)
            await asyncio.sleep(0.5)
        seconds = time.perf_counter() - began
    await store.close()
    within = "at one instant" if apart == 1 else f"within {apart} s"
    return {"what": f"{count:,} due {within}, {schedulers} scheduler(s)", "seconds": seconds}


async def at_once(url: str, *, count: int) -> dict[str, Any]:
    """All due at one instant: until the last has made its job."""
    store = await opened(url)
    await store.write(partial(fill, count=count, due=datetime.now(UTC), apart=1))
    began = time.perf_counter()
    while (await tick(store)).is_full:
        pass
    seconds = time.perf_counter() - began
    await store.close()
    return {"what": f"{count:,} due at one instant", "seconds": seconds, "wanted": 2.0}


async def beside_others(url: str, *, others: int) -> dict[str, Any]:
    """Ticks of 100 due schedules each, alone and beside others that are due in a year."""
    store = await opened(url)
    seconds = []
    for first, more in ((1, 0), (10_000_001, others)):
        if more:
            later = datetime.now(UTC) + timedelta(days=365)
            await store.write(partial(fill, count=more, due=later, apart=1, first=20_000_001))
        now = datetime.now(UTC) - timedelta(seconds=1)
        await store.write(partial(fill, count=1_000, due=now, apart=1, first=first))
        taken = []
        for _ in range(10):
            began = time.perf_counter()
            await tick(store, most_schedules=100)
            taken.append(time.perf_counter() - began)
        seconds.append(statistics.median(taken))
    await store.close()
    return {
        "what": f"a tick of 100 of 1,000 due beside {others:,} others", "seconds": seconds[1],
        "over_alone": seconds[1] / seconds[0],
    }  # fmt: skip


def a_missed_year() -> dict[str, Any]:
    """Planning a schedule of every second that was down for a year."""
    now = datetime(2027, 6, 1, tzinfo=UTC)
    schedule = factories.schedule(
        recurrence=cron("* * * * * *"), next_due_at=now - timedelta(days=365)
    )
    began = time.perf_counter()
    planned = plan(schedule, now, busy=False)
    seconds = time.perf_counter() - began
    return {"what": f"a year of seconds missed: {len(planned.occurrences)} entries",
            "seconds": seconds, "wanted": 0.05}  # fmt: skip


def a_long_preview() -> dict[str, Any]:
    """10,000 moments of a schedule in a zone with clock changes."""
    began = time.perf_counter()
    moments(cron("30 2 * * *", tz="America/New_York"), datetime(2027, 1, 1, tzinfo=UTC), 10_000)
    seconds = time.perf_counter() - began
    return {"what": "a preview of 10,000 moments", "seconds": seconds, "wanted": 0.5}


def main(
    count: Annotated[int, typer.Option(help="How many are due in the minute.")] = 1_000_000,
) -> None:
    """Measure; ends with 1 where what is wanted is missed."""
    results = [a_missed_year(), a_long_preview()]
    with tempfile.TemporaryDirectory() as folder, running_server(durable=True) as server:
        fresh: dict[str, Callable[[str], str]] = {
            "sqlite": lambda name: f"sqlite:///{folder}/{name}.db",
            "postgresql": server.create_database,
        }
        for engine, make in fresh.items():
            for result in (
                asyncio.run(at_once(make("once"), count=20_000)),
                asyncio.run(beside_others(make("beside"), others=99_000)),
            ):
                results.append({"engine": engine, **result})
        for apart, all_due in ((60, count), (1, count // 5)):
            for schedulers in (1, 2):
                url = server.create_database(f"due_{apart}_{schedulers}")
                done = by_processes(url, count=all_due, apart=apart, schedulers=schedulers)
                wanted = {"wanted": apart + 2.0} if apart > 1 else {}
                results.append({"engine": "postgresql", **wanted, **asyncio.run(done)})
                server.drop_database(f"due_{apart}_{schedulers}")
    for result in results:
        print(result, flush=True)
    one, two = results[-2]["seconds"], results[-1]["seconds"]
    print(f"two schedulers over one: {one / two:.2f} times as fast", flush=True)
    missed = any(each["seconds"] > each.get("wanted", float("inf")) for each in results)
    raise typer.Exit(missed or two >= one)


if __name__ == "__main__":
    typer.run(main)
