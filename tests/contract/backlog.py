"""A store with a backlog, loaded set-based: what the plans of the hot statements are judged on."""

from __future__ import annotations

COUNT = 100_000
LEASES = 20_000

_ID = {
    "sqlite": "printf('%012x7000800000000000%04x', 1907755200000 + n, {kind})",
    "postgresql": "CAST(lpad(to_hex(1907755200000 + n), 12, '0') || '7000800000000000' "
    "|| lpad(to_hex({kind}), 4, '0') AS uuid)",
}
_AT = {
    "sqlite": "1907755200000000 + ({seconds}) * 1000000",
    "postgresql": "timestamptz '2030-06-15 12:00:00+00' + ({seconds}) * interval '1 second'",
}
_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS "
    "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) ",
    "postgresql": "WITH numbers AS (SELECT generate_series(1, {count}) AS n) ",
}
READY, DELAYED, LEASED, SCHEDULE, SESSION = range(5)


def identity(engine: str, kind: int) -> str:
    return _ID[engine].format(kind=kind)


def statements(engine: str) -> list[str]:
    """What fills the store: pending and waiting jobs, leases, schedules, and the book of jobs."""

    def insert(target: str, values: str, count: int) -> str:
        # SQLite wants WITH before SELECT, PostgreSQL takes it there too.
        numbers = _NUMBERS[engine].format(count=count)
        return f"INSERT INTO {target} {numbers}SELECT {values} FROM numbers"  # noqa: S608

    def at(seconds: str) -> str:
        return _AT[engine].format(seconds=seconds)

    def book(kind: int, count: int) -> str:
        return insert(
            "onbeat_jobs (id, task, queue, lane, max_attempts, args, created_at)",
            f"{identity(engine, kind)}, 'send', 'q' || (n % 3), n % 11, 3, '{{}}', "
            f"{at('n / 1000')}",
            count,
        )

    ids = {kind: identity(engine, kind) for kind in range(5)}
    return [
        book(READY, COUNT),
        book(DELAYED, COUNT),
        book(LEASED, LEASES),
        insert(
            "onbeat_ready (queue, lane, order_key, job, attempt)",
            f"'q' || (n % 3), n % 11, 1907755200000000 + n, {ids[READY]}, 0",
            COUNT,
        ),
        insert(
            "onbeat_delayed (due_at, job, queue, lane, attempt)",
            f"{at('n - 50000')}, {ids[DELAYED]}, 'q' || (n % 3), n % 11, 0",
            COUNT,
        ),
        insert(
            "onbeat_leases (job, attempt, session, task, queue, lane, started_at)",
            f"{ids[LEASED]}, 1, {identity(engine, SESSION).replace('+ n', '+ n % 100')}, "
            f"'send', 'q', 5, {at('0')}",
            LEASES,
        ),
        insert(
            "onbeat_schedules (id, name, source, task, args, recurrence, queue, lane, max_attempts,"
            " catch_up, overlap, made, version, created_at, next_due_at, last_job)",
            f"{ids[SCHEDULE]}, 'schedule-' || n, 'api', 'report', '{{}}', '{{}}', 'q', 5, 3, "
            f"'latest', 'skip', 0, 1, {at('0')}, {at('n - 5000')}, {ids[LEASED]}",
            COUNT,
        ),
    ]
