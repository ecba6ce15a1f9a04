"""The enqueue statements on a connection that is not ours, in a transaction that is not ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from onbeat.domain.errors import InvalidInput, SchemaMissing
from onbeat.domain.jobs import NewJob
from onbeat.store.payloads import encode_job_arrays, encode_jobs
from onbeat.store.postgres import statements as on_postgres
from onbeat.store.schema import to_micros
from onbeat.store.sqlite import guests as sqlite_guests
from onbeat.store.sqlite import statements as on_sqlite
from onbeat.store.sqlite.connections import database_path
from onbeat.store.sqlite.errors import translated
from onbeat.timing import SystemTiming

UNDEFINED_TABLE = "42P01"
"""PostgreSQL's SQLSTATE (appendix A)."""


def enqueue(connection: Connection, jobs: Sequence[NewJob], url: str) -> None:
    """Store `jobs` when and if the caller commits. Raises SchemaMissing where no tables are."""
    match connection.dialect.name:
        case "postgresql":
            rows = encode_jobs(jobs, to_micros)
            with _tables_told_missing():
                connection.execute(text(on_postgres.ENQUEUE), {"jobs": rows, "now": None})
        case "sqlite":
            sqlite_guests.check(connection, url)
            with translated(database_path(url)):
                _enqueue_on_sqlite(connection, jobs)
        case other:
            raise InvalidInput(
                "within", f"{other} is not an engine of Onbeat's; use PostgreSQL or SQLite"
            )


def _enqueue_on_sqlite(connection: Connection, jobs: Sequence[NewJob]) -> None:
    rows, later = encode_job_arrays(jobs, to_micros)
    last = connection.exec_driver_sql(on_sqlite.LAST_JOB).scalar_one()
    now = to_micros(SystemTiming().now())
    asked = {"jobs": rows, "later": later, "last": last, "now": now}
    for statement in on_sqlite.ENQUEUE:
        connection.exec_driver_sql(statement, asked)


@contextmanager
def _tables_told_missing() -> Iterator[None]:
    """Say what to do where our tables are not; all else a caller's driver says is the caller's."""
    try:
        yield
    except ProgrammingError as error:
        driver = error.orig
        state = getattr(driver, "sqlstate", None) or getattr(driver, "pgcode", None)
        if state != UNDEFINED_TABLE:
            raise
        raise SchemaMissing(
            "the session's database has no Onbeat tables; run `onbeat db migrate`"
        ) from error
