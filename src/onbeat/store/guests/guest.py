"""What every guest is: somebody else's transaction, in which jobs are stored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from onbeat.domain.environments import environment_of, schema_of
from onbeat.domain.errors import InvalidInput, SchemaMissing
from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.uniqueness import holders, once_each
from onbeat.store.column_types import to_micros
from onbeat.store.payloads import decode_refused, encode_jobs
from onbeat.store.postgres.enqueueing import enqueue_statement
from onbeat.store.schema_state import SchemaStatus
from onbeat.store.sqlite.connections import database_path
from onbeat.store.sqlite.wakeups import hint

Refused = dict[JobId, JobId]
"""Of jobs that were not stored, by id the job that has their unique key."""

UNDEFINED_TABLE = "42P01"
"""PostgreSQL's SQLSTATE (appendix A)."""


class Guest:
    """Somebody else's transaction. `enqueue` never begins it, commits it or rolls it back."""

    advice: ClassVar[str] = "give one on Onbeat's own database"
    """What to give instead of a transaction on another engine."""

    def __init__(self, transaction: Any, url: str) -> None:
        """`url` is Onbeat's own database, which the transaction must be on."""
        self.transaction = transaction
        self.url = url
        self.environment = environment_of(url)

    @property
    def schema(self) -> str | None:
        """The schema to be said in statements: the caller's search path is the caller's."""
        return schema_of(self.environment)

    def after_commit(self, told: Callable[[], None]) -> None:
        """Have `told` called after the commit; where there is no hook for it, it never is."""

    def hint(self, topics: Iterable[str]) -> None:
        """Wake workers of other processes, after its commit, if there is a way."""
        if self.url.startswith("sqlite") and (path := database_path(self.url)) is not None:
            hint(path)

    def check_engine(self, engine: str) -> None:
        """Raise InvalidInput unless `engine`, the transaction's, is also Onbeat's."""
        ours = "sqlite" if self.url.startswith("sqlite") else "postgresql"
        if engine != ours:
            raise InvalidInput(
                "within", f"the transaction is on {engine}, Onbeat is on {ours}; {self.advice}"
            )


class SyncGuest(Guest, ABC):
    """A guest of code without an event loop."""

    @abstractmethod
    def enqueue(self, jobs: Sequence[NewJob]) -> Refused:
        """Store `jobs` if and when the caller commits.

        Of those whose unique key another job has, by id that job. Raises InvalidInput where it
        cannot, SchemaMissing where no tables are, and else what the caller's own driver raises.
        """


class AsyncGuest(Guest, ABC):
    """A guest of code on an event loop."""

    @abstractmethod
    async def enqueue(self, jobs: Sequence[NewJob]) -> Refused:
        """The same as SyncGuest's."""


@dataclass(frozen=True, slots=True)
class OnPostgres:
    """What is sent to PostgreSQL for some jobs, and what its answer means."""

    statement: str
    values: dict[str, Any]
    twice: Mapping[JobId, JobId]

    def refused(self, row: Any) -> Refused:
        """Of jobs whose unique key another job has, by id that job."""
        return holders(self.twice, decode_refused(row[1]) if len(row) > 1 else {})


def on_postgres(jobs: Sequence[NewJob]) -> OnPostgres:
    """The statement that stores `jobs`, and its parameters."""
    conditioned = any(job.has_conditions for job in jobs)
    kept, twice = once_each(jobs) if conditioned else (jobs, {})
    values = {"jobs": encode_jobs(kept, to_micros), "now": None}
    return OnPostgres(enqueue_statement(kept), values, twice)


def outside(remedy: str) -> InvalidInput:
    """The error of a connection without an open transaction: the job would be stored at once."""
    return InvalidInput("within", f"no transaction is open on the connection; {remedy}")


@contextmanager
def tables_told_missing(environment: str | None) -> Iterator[None]:
    """Say what to do where our tables are not; all else a caller's driver says is the caller's."""
    missing = SchemaStatus(None, environment=environment)
    try:
        yield
    except Exception as error:
        if _state(error) != UNDEFINED_TABLE:
            raise
        told = "" if environment is None else f" of environment {environment!r}"
        raise SchemaMissing(
            f"the transaction's database has no Onbeat tables{told}; {missing.remedy}"
        ) from error


def _state(error: Exception) -> str | None:
    """The SQLSTATE: the driver's error is SQLAlchemy's `orig`, and the cause of Django's."""
    for each in (getattr(error, "orig", None), error, error.__cause__):
        state = getattr(each, "sqlstate", None) or getattr(each, "pgcode", None)
        if state:
            return str(state)
    return None
