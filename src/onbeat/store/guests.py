"""The enqueue statements on a connection that is not ours, in a transaction that is not ours."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import NewJob
from onbeat.store.payloads import encode_job_arrays, encode_jobs
from onbeat.store.postgres import statements as on_postgres
from onbeat.store.schema import to_micros
from onbeat.store.sqlite import guests as sqlite_guests
from onbeat.store.sqlite import statements as on_sqlite
from onbeat.timing import SystemTiming


def enqueue(connection: Connection, jobs: Sequence[NewJob], url: str) -> None:
    """Store `jobs` when and if the caller commits."""
    match connection.dialect.name:
        case "postgresql":
            rows = encode_jobs(jobs, to_micros)
            connection.execute(text(on_postgres.ENQUEUE), {"jobs": rows, "now": None})
        case "sqlite":
            sqlite_guests.check(connection, url)
            rows, later = encode_job_arrays(jobs, to_micros)
            last = connection.exec_driver_sql(on_sqlite.LAST_JOB).scalar_one()
            now = to_micros(SystemTiming().now())
            asked = {"jobs": rows, "later": later, "last": last, "now": now}
            for statement in on_sqlite.ENQUEUE:
                connection.exec_driver_sql(statement, asked)
        case other:
            raise InvalidInput(
                "within", f"{other} is not an engine of Onbeat's; use PostgreSQL or SQLite"
            )
