"""The ceiling of SQLite: one connection, one thread, WAL, every commit on disk.

Figures beside a choice: thousands of jobs a second, median of three, on 2 cores with an fdatasync
of 0.08 ms and SQLite 3.40.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from benchmarks.ceiling.material import CRON, batches, job_ids, next_moment

Value = TypeVar("Value")

ENQUEUE_BATCH = 2000
CLAIM_BATCH = 500
TICK_BATCH = 500

SCHEMA = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, queue TEXT NOT NULL, task TEXT NOT NULL, args TEXT NOT NULL,
    priority INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER NOT NULL DEFAULT 3,
    schedule_id INTEGER, due_at INTEGER, created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_task ON jobs (task, id);
CREATE INDEX jobs_queue ON jobs (queue, id);
CREATE TABLE ready (
    queue TEXT, lane INTEGER, order_key INTEGER, job_id TEXT, attempt INTEGER,
    PRIMARY KEY (queue, lane, order_key, job_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ready_job ON ready (job_id);
CREATE TABLE leases (
    job_id TEXT PRIMARY KEY, attempt INTEGER, token INTEGER, session_id INTEGER, task TEXT,
    queue TEXT, lane INTEGER, order_key INTEGER, started_at INTEGER, deadline_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_session ON leases (session_id);
CREATE TABLE attempts (
    job_id TEXT, attempt INTEGER, token INTEGER, session_id INTEGER, task TEXT, queue TEXT,
    outcome INTEGER, started_at INTEGER, finished_at INTEGER, error TEXT, result TEXT
) STRICT;
CREATE INDEX attempts_job ON attempts (job_id);
CREATE TABLE finished (
    job_id TEXT, task TEXT, queue TEXT, outcome INTEGER, attempts INTEGER, finished_at INTEGER
) STRICT;
CREATE INDEX finished_job ON finished (job_id);
CREATE INDEX finished_outcome ON finished (outcome, finished_at, job_id);
CREATE INDEX finished_task ON finished (task, finished_at, job_id);
CREATE TABLE fence (value INTEGER NOT NULL) STRICT;
INSERT INTO fence VALUES (0);
CREATE TABLE schedules (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE, task TEXT, queue TEXT, args TEXT, cron TEXT,
    zone TEXT, next_due_at INTEGER, last_due_at INTEGER, paused_at INTEGER
) STRICT;
CREATE INDEX schedules_due ON schedules (next_due_at) WHERE paused_at IS NULL;
CREATE TABLE occurrences (
    schedule_id INTEGER, due_at INTEGER, outcome INTEGER, job_id TEXT, decided_at INTEGER,
    PRIMARY KEY (schedule_id, due_at)
) STRICT, WITHOUT ROWID;
"""

# json_each twice: 201; executemany twice: 156.
ENQUEUE_JOBS = """
INSERT INTO jobs (id, queue, task, args, created_at)
SELECT value ->> 'id', 'default', value ->> 'task', value -> 'args', :now FROM json_each(:sent)
"""
ENQUEUE_READY = """
INSERT INTO ready SELECT 'default', 0, :now, value ->> 'id', 1 FROM json_each(:sent)
"""

# Select, copy and delete the head of the line by its last key, with the ack below: 111. Copying
# first and reading the leases back: 99; leases by executemany: 100; leases and deletes by
# json_each: 84. The range is right as long as one queue's claim passes over no row.
PICK = """
SELECT r.job_id, r.order_key, r.attempt, j.task, j.args
FROM ready r JOIN jobs j ON j.id = r.job_id
WHERE r.queue = 'default' AND r.lane = 0
ORDER BY r.queue, r.lane, r.order_key, r.job_id LIMIT :batch
"""
NEXT_TOKENS = "UPDATE fence SET value = value + :count RETURNING value - :count"
LEASE = """
INSERT INTO leases
SELECT r.job_id, r.attempt,
       :token + row_number() OVER (ORDER BY r.queue, r.lane, r.order_key, r.job_id),
       1, j.task, r.queue, r.lane, r.order_key, :now, NULL
FROM ready r JOIN jobs j ON j.id = r.job_id
WHERE r.queue = 'default' AND r.lane = 0 AND (r.order_key, r.job_id) <= (:key, :id)
"""
LEAVE_READY = """
DELETE FROM ready WHERE queue = 'default' AND lane = 0 AND (order_key, job_id) <= (:key, :id)
"""

# The JSON is parsed once and the new attempts carry the rest: 111. json_each in each of the three
# statements: 86; executemany of INSERT..SELECT: 82; DELETE..RETURNING, then executemany: 69.
# Ack and next claim in one transaction: 111, no gain.
LAST_ATTEMPT = "SELECT coalesce(max(rowid), 0) FROM attempts"
ACK_ATTEMPTS = """
INSERT INTO attempts
SELECT l.job_id, l.attempt, l.token, l.session_id, l.task, l.queue, 1, l.started_at, :now,
       NULL, NULL
FROM json_each(:sent) s JOIN leases l ON l.job_id = s.value ->> 0 AND l.token = s.value ->> 1
"""
ACK_FINISHED = """
INSERT INTO finished
SELECT job_id, task, queue, outcome, attempt, finished_at FROM attempts WHERE rowid > :last
"""
ACK_LEASES = """
DELETE FROM leases WHERE job_id IN (SELECT job_id FROM attempts WHERE rowid > :last)
"""

DUE = """
SELECT id, task, queue, args, cron, zone, next_due_at FROM schedules
WHERE paused_at IS NULL AND next_due_at <= :now ORDER BY next_due_at LIMIT :batch
"""
OCCURRED = "INSERT INTO occurrences VALUES (?, ?, 1, ?, ?) ON CONFLICT DO NOTHING"
DUE_JOB = """
INSERT INTO jobs (id, queue, task, args, schedule_id, due_at, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
DUE_READY = "INSERT INTO ready VALUES (?, 0, ?, ?, 1)"
ADVANCE = "UPDATE schedules SET last_due_at = next_due_at, next_due_at = ? WHERE id = ?"


def bulk_enqueue(url: str, jobs: int) -> float:
    """Insert no-op jobs in batches; jobs a second."""
    with opened(url) as connection:
        started = time.perf_counter()
        enqueue_all(connection, jobs)
        elapsed = time.perf_counter() - started
        assert count(connection, "ready") == count(connection, "jobs") == jobs

    return jobs / elapsed


def drain(url: str, jobs: int) -> float:
    """Claim, decode and ack all jobs of a queue, with their history; jobs a second."""
    with opened(url) as connection:
        enqueue_all(connection, jobs)
        started = time.perf_counter()
        while claimed := transaction(connection, claim):
            acks = [(job, token) for job, token, args in claimed if json.loads(args)]
            transaction(connection, ack, acks)

        elapsed = time.perf_counter() - started
        assert count(connection, "finished") == count(connection, "attempts") == jobs
        assert count(connection, "leases") == count(connection, "ready") == 0

    return jobs / elapsed


def cron_dispatch(url: str, jobs: int) -> float:
    """Turn due schedules into jobs and advance them; schedules a second."""
    due_at = datetime.now(UTC).replace(second=0, microsecond=0)
    with opened(url) as connection:
        add_schedules(connection, jobs, due_at)
        next_moment.cache_clear()
        started = time.perf_counter()
        while transaction(connection, tick, due_at):
            pass

        elapsed = time.perf_counter() - started
        assert count(connection, "occurrences") == count(connection, "ready") == jobs

    return jobs / elapsed


def enqueue_all(connection: sqlite3.Connection, jobs: int) -> None:
    for numbers in batches(jobs, ENQUEUE_BATCH):
        transaction(connection, enqueue, numbers)


def enqueue(connection: sqlite3.Connection, numbers: range) -> None:
    pairs = zip(job_ids(len(numbers)), numbers, strict=True)
    sent = json.dumps([{"id": job, "task": "noop", "args": {"i": n}} for job, n in pairs])
    values = {"now": microseconds(), "sent": sent}
    connection.execute(ENQUEUE_JOBS, values)
    connection.execute(ENQUEUE_READY, values)


def claim(connection: sqlite3.Connection) -> list[tuple[str, int, str]]:
    rows = connection.execute(PICK, {"batch": CLAIM_BATCH}).fetchall()
    if not rows:
        return []

    (token,) = connection.execute(NEXT_TOKENS, {"count": len(rows)}).fetchone()
    last = {"id": rows[-1][0], "key": rows[-1][1]}
    connection.execute(LEASE, last | {"token": token, "now": microseconds()})
    connection.execute(LEAVE_READY, last)
    return [(row[0], token + n, row[4]) for n, row in enumerate(rows, 1)]


def ack(connection: sqlite3.Connection, acks: list[tuple[str, int]]) -> int:
    (last,) = connection.execute(LAST_ATTEMPT).fetchone()
    connection.execute(ACK_ATTEMPTS, {"now": microseconds(), "sent": json.dumps(acks)})
    connection.execute(ACK_FINISHED, {"last": last})
    return connection.execute(ACK_LEASES, {"last": last}).rowcount


def tick(connection: sqlite3.Connection, due_at: datetime) -> int:
    rows = connection.execute(DUE, {"now": epoch(due_at), "batch": TICK_BATCH}).fetchall()
    now = microseconds()
    made = list(zip(job_ids(len(rows)), rows, strict=True))
    connection.executemany(OCCURRED, [(row[0], row[6], job, now) for job, row in made])
    connection.executemany(
        DUE_JOB, [(job, row[2], row[1], row[3], row[0], row[6], now) for job, row in made]
    )
    connection.executemany(DUE_READY, [(row[2], now, job) for job, row in made])
    connection.executemany(ADVANCE, [(following(row[4], row[5], row[6]), row[0]) for row in rows])
    return len(rows)


def following(cron: str, zone: str, due_at: int) -> int:
    return epoch(next_moment(cron, zone, datetime.fromtimestamp(due_at // 1_000_000, UTC)))


def add_schedules(connection: sqlite3.Connection, count: int, due_at: datetime) -> None:
    columns = "(name, task, queue, args, cron, zone, next_due_at)"
    rows = (
        (f"s{n}", "noop", "default", f'{{"i":{n}}}', CRON, "UTC", epoch(due_at))
        for n in range(count)
    )
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(f"INSERT INTO schedules {columns} VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")


def transaction(
    connection: sqlite3.Connection, work: Callable[..., Value], *arguments: object
) -> Value:
    connection.execute("BEGIN IMMEDIATE")
    value = work(connection, *arguments)
    connection.execute("COMMIT")
    return value


@contextmanager
def opened(url: str) -> Iterator[sqlite3.Connection]:
    """Open the empty database file and make the tables."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -64000")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.executescript(SCHEMA)
        yield connection
    finally:
        connection.close()


def count(connection: sqlite3.Connection, table: str) -> int:
    (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return rows


def microseconds() -> int:
    return time.time_ns() // 1000


def epoch(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
