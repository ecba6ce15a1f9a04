"""The ceiling of PostgreSQL: asyncpg on plain asyncio, every commit on disk.

Figures beside a choice: thousands of jobs a second, median of six in shuffled order, on 2 cores
shared with the server, with an fdatasync of 0.08 ms and PostgreSQL 18. They scatter by 10 to 20 %.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg

from benchmarks.ceiling.material import CRON, batches, job_ids, next_moment

ENQUEUE_BATCH = 2000
CLAIM_BATCH = 500
TICK_BATCH = 500
FETCHERS = 2
TICKERS = 2
MINUTE = timedelta(minutes=1)

# How far behind the last claimed key the next claim begins, for rows that were committed late.
FLOOR_MARGIN = 2_000_000

TABLES = """
CREATE TABLE jobs (
    id uuid PRIMARY KEY, queue text NOT NULL, task text NOT NULL, args jsonb NOT NULL,
    priority smallint NOT NULL DEFAULT 0, max_attempts smallint NOT NULL DEFAULT 3,
    schedule_id bigint, due_at timestamptz, created_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (id);
CREATE INDEX ON jobs (task, id);
CREATE INDEX ON jobs (queue, id);
CREATE TABLE ready (
    queue text, lane smallint, order_key bigint, job_id uuid, attempt smallint,
    PRIMARY KEY (queue, lane, order_key, job_id)
);
CREATE INDEX ON ready (job_id);
CREATE SEQUENCE fence CACHE 64;
CREATE TABLE leases (
    job_id uuid PRIMARY KEY, attempt smallint, token bigint, session_id bigint, task text,
    queue text, lane smallint, order_key bigint, started_at timestamptz, deadline_at timestamptz
);
CREATE INDEX ON leases (session_id);
CREATE TABLE attempts (
    job_id uuid, attempt smallint, token bigint, session_id bigint, task text, queue text,
    outcome smallint, started_at timestamptz, finished_at timestamptz, error jsonb, result jsonb
) PARTITION BY RANGE (finished_at);
CREATE INDEX ON attempts (job_id);
CREATE TABLE finished (
    job_id uuid, task text, queue text, outcome smallint, attempts smallint,
    finished_at timestamptz
) PARTITION BY RANGE (finished_at);
CREATE INDEX ON finished (job_id);
CREATE INDEX ON finished (outcome, finished_at, job_id);
CREATE INDEX ON finished (task, finished_at, job_id);
CREATE TABLE schedules (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, task text, queue text,
    args jsonb, cron text, zone text, next_due_at timestamptz, last_due_at timestamptz,
    paused_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX ON schedules (next_due_at) WHERE paused_at IS NULL;
CREATE TABLE occurrences (
    schedule_id bigint, due_at timestamptz, outcome smallint, job_id uuid,
    decided_at timestamptz, PRIMARY KEY (schedule_id, due_at)
) PARTITION BY RANGE (due_at);
"""

# One JSON text: 110. With arrays for unnest() 109, with json instead of jsonb 100. Two connections
# at once reach 140, but a caller has one.
ENQUEUE = """
WITH sent AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS s (id uuid, task text, args jsonb)),
made AS (
    INSERT INTO jobs (id, queue, task, args) SELECT id, 'default', task, args FROM sent)
INSERT INTO ready
SELECT 'default', 0, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, id, 1 FROM sent
"""

# Leave `ready` by the place of the locked row: 102. By its key: 93; by its key, and with a second
# join to `jobs` for what is returned: 84. (A ctid is only safe while `ready` has no partitions.)
CLAIM = """
WITH pick AS MATERIALIZED (
    SELECT ctid AS place FROM ready WHERE queue = $1 AND lane = 0 AND order_key >= $2
    ORDER BY queue, lane, order_key, job_id LIMIT $3 FOR UPDATE SKIP LOCKED),
took AS (
    DELETE FROM ready WHERE ctid = ANY (ARRAY(SELECT place FROM pick))
    RETURNING job_id, attempt, order_key),
mine AS MATERIALIZED (
    SELECT t.*, nextval('fence') AS token, j.task, j.args
    FROM took t JOIN jobs j ON j.id = t.job_id),
own AS (
    INSERT INTO leases
        (job_id, attempt, token, session_id, task, queue, lane, order_key, started_at)
    SELECT job_id, attempt, token, 1, task, $1, 0, order_key, clock_timestamp() FROM mine)
SELECT job_id::text, token, order_key, task, args::text FROM mine
"""

# Two arrays: 102, and as JSON text: 94. Returning only the ids that were fenced: 98. Ids and tokens
# by "any" lose a sixth, measured with the slower claim.
ACK = """
WITH gone AS (
    DELETE FROM leases l USING unnest($1::uuid[], $2::bigint[]) AS s (id, token)
    WHERE l.job_id = s.id AND l.token = s.token RETURNING l.*),
past AS (
    INSERT INTO attempts
        (job_id, attempt, token, session_id, task, queue, outcome, started_at, finished_at)
    SELECT job_id, attempt, token, session_id, task, queue, 1, started_at, clock_timestamp()
    FROM gone),
done AS (
    INSERT INTO finished SELECT job_id, task, queue, 1, attempt, clock_timestamp() FROM gone)
SELECT token FROM gone
"""

# Two tickers: 52, one: 33; batches of 2000 instead of 500 gain nothing.
DUE = """
SELECT id, cron, zone, next_due_at FROM schedules
WHERE paused_at IS NULL AND next_due_at <= $1
ORDER BY next_due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
"""
DISPATCH = """
WITH sent AS MATERIALIZED (
    SELECT *
    FROM unnest($1::bigint[], $2::uuid[], $3::timestamptz[]) AS s (id, job_id, following)),
occurred AS (
    INSERT INTO occurrences
    SELECT s.id, s.next_due_at, 1, sent.job_id, clock_timestamp()
    FROM schedules s JOIN sent USING (id)
    ON CONFLICT DO NOTHING RETURNING schedule_id, due_at, job_id),
made AS (
    INSERT INTO jobs (id, queue, task, args, schedule_id, due_at)
    SELECT o.job_id, s.queue, s.task, s.args, s.id, o.due_at
    FROM occurred o JOIN schedules s ON s.id = o.schedule_id RETURNING id, queue),
waiting AS (
    INSERT INTO ready
    SELECT queue, 0, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, id, 1 FROM made)
UPDATE schedules s SET last_due_at = next_due_at, next_due_at = sent.following
FROM sent WHERE s.id = sent.id
"""


def bulk_enqueue(url: str, jobs: int) -> float:
    """Insert no-op jobs in batches over one connection; jobs a second."""
    return asyncio.run(measured(url, jobs, enqueue_all, full=["jobs", "ready"]))


def drain(url: str, jobs: int) -> float:
    """Claim, decode and ack all jobs of a queue, with their history; jobs a second."""

    async def work(pool: asyncpg.Pool, jobs: int) -> None:
        await Drain(pool, jobs).run()

    full, empty = ["finished", "attempts"], ["ready", "leases"]
    return asyncio.run(measured(url, jobs, work, before=enqueue_all, full=full, empty=empty))


def cron_dispatch(url: str, jobs: int) -> float:
    """Turn due schedules into jobs and advance them; schedules a second."""
    next_moment.cache_clear()
    full = ["occurrences", "jobs", "ready"]
    return asyncio.run(measured(url, jobs, dispatch_all, before=add_schedules, full=full))


class Drain:
    """What a worker does without its slots: fetchers, decoding, and one acker beside them."""

    def __init__(self, pool: asyncpg.Pool, jobs: int) -> None:
        self._pool = pool
        self._left = jobs
        self._floor = 0
        self._acks: list[tuple[str, int]] = []
        self._some = asyncio.Event()

    async def run(self) -> None:
        await asyncio.gather(self._ack(), *(self._fetch() for _ in range(FETCHERS)))

    async def _fetch(self) -> None:
        while rows := await self._pool.fetch(
            CLAIM, "default", self._floor - FLOOR_MARGIN, CLAIM_BATCH
        ):
            self._floor = max(self._floor, min(row[2] for row in rows))
            self._acks += [(row[0], row[1]) for row in rows if json.loads(row[4])]
            self._some.set()

    async def _ack(self) -> None:
        while self._left:
            await self._some.wait()
            self._some.clear()
            batch, self._acks = self._acks, []
            done = await self._pool.fetch(ACK, [job for job, _ in batch], [key for _, key in batch])
            self._left -= len(done)


async def enqueue_all(pool: asyncpg.Pool, jobs: int) -> None:
    async with pool.acquire() as connection:
        for numbers in batches(jobs, ENQUEUE_BATCH):
            pairs = zip(job_ids(len(numbers)), numbers, strict=True)
            sent = [{"id": job, "task": "noop", "args": {"i": n}} for job, n in pairs]
            await connection.execute(ENQUEUE, json.dumps(sent))


async def dispatch_all(pool: asyncpg.Pool, jobs: int) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)

    async def ticker() -> None:
        while await tick(pool, now):
            pass

    await asyncio.gather(*(ticker() for _ in range(TICKERS)))


async def tick(pool: asyncpg.Pool, now: datetime) -> int:
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(DUE, now, TICK_BATCH)
        following = [max(next_moment(row[1], row[2], row[3]), now + MINUTE) for row in rows]
        await connection.execute(DISPATCH, [row[0] for row in rows], job_ids(len(rows)), following)
        return len(rows)


async def add_schedules(pool: asyncpg.Pool, count: int) -> None:
    due_at = datetime.now(UTC).replace(second=0, microsecond=0)
    await pool.execute(
        "INSERT INTO schedules (name, task, queue, args, cron, zone, next_due_at) "
        "SELECT 's' || n, 'noop', 'default', jsonb_build_object('i', n), $1, 'UTC', $2 "
        "FROM generate_series(1, $3::int) n",
        CRON,
        due_at,
        count,
    )
    await pool.execute("ANALYZE schedules")


Work = Callable[[asyncpg.Pool, int], Awaitable[None]]


async def measured(
    url: str,
    jobs: int,
    work: Work,
    *,
    before: Work | None = None,
    full: list[str],
    empty: list[str] | None = None,
) -> float:
    """Time the work on new tables, and check that it was done: which tables end full or empty."""
    async with asyncpg.create_pool(url, min_size=4, max_size=4) as pool:
        await pool.execute(TABLES + "".join(partitions(datetime.now(UTC))))
        if before:
            await before(pool, jobs)

        await pool.execute("CHECKPOINT")
        started = time.perf_counter()
        await work(pool, jobs)
        elapsed = time.perf_counter() - started
        for table in full + (empty or []):
            rows = await pool.fetchval(f"SELECT count(*) FROM {table}")
            assert rows == (jobs if table in full else 0), f"{rows} rows in {table}"

    return jobs / elapsed


def partitions(now: datetime) -> list[str]:
    """Make about what retention would have made: last, this and the next month or day, the rest."""
    month, day = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0), timedelta(days=1)
    months = [month - 28 * day, month, month + 32 * day, month + 64 * day]
    days = [now - 2 * day, now - day, now + day, now + 2 * day]
    bounds = {
        "jobs": [first_id(moment) for moment in months],
        "occurrences": [moment.isoformat() for moment in months],
        "attempts": [moment.isoformat() for moment in days],
        "finished": [moment.isoformat() for moment in days],
    }
    return [
        statement for table, values in bounds.items() for statement in table_parts(table, values)
    ]


def table_parts(table: str, bounds: list[str]) -> list[str]:
    parts = [
        f"CREATE TABLE {table}_{n} PARTITION OF {table} FOR VALUES FROM ('{low}') TO ('{high}');"
        for n, (low, high) in enumerate(pairwise(bounds))
    ]
    return [*parts, f"CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT;"]


def first_id(moment: datetime) -> str:
    return f"{int(moment.timestamp() * 1000):012x}" + "0" * 20
