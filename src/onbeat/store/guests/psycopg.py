"""psycopg 3's connections, sync and async. They have no hook after a commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onbeat.domain.jobs import NewJob
from onbeat.store.guests.guest import (
    AsyncGuest,
    Guest,
    Refused,
    SyncGuest,
    on_postgres,
    outside,
    tables_told_missing,
)
from onbeat.store.rendering import named


class PsycopgGuest(SyncGuest):
    """A psycopg.Connection."""

    def enqueue(self, jobs: Sequence[NewJob]) -> Refused:
        """Store them on it."""
        _check(self)
        # Its own `cursor()` may make any kind, with another style of parameters.
        from psycopg import Cursor, rows  # noqa: PLC0415 - the caller has loaded it

        asked = on_postgres(jobs)
        with (
            tables_told_missing(self.environment),
            Cursor(self.transaction, row_factory=rows.tuple_row) as cursor,
        ):
            cursor.execute(named(asked.statement, self.schema), asked.values)
            return asked.refused(cursor.fetchone())


class AsyncPsycopgGuest(AsyncGuest):
    """A psycopg.AsyncConnection."""

    async def enqueue(self, jobs: Sequence[NewJob]) -> Refused:
        """Store them on it."""
        _check(self)
        from psycopg import AsyncCursor, rows  # noqa: PLC0415 - the caller has loaded it

        asked = on_postgres(jobs)
        with tables_told_missing(self.environment):
            async with AsyncCursor(self.transaction, row_factory=rows.tuple_row) as cursor:
                await cursor.execute(named(asked.statement, self.schema), asked.values)
                return asked.refused(await cursor.fetchone())


def _check(guest: Guest) -> None:
    """Refuse autocommit without a transaction; without autocommit psycopg begins one itself."""
    from psycopg.pq import TransactionStatus  # noqa: PLC0415 - the caller has loaded it

    guest.check_engine("postgresql")
    connection: Any = guest.transaction
    if not connection.autocommit:
        return
    match connection.info.transaction_status:
        case TransactionStatus.IDLE:
            raise outside("open one first: `with connection.transaction():`")
        case TransactionStatus.ACTIVE:
            raise outside(
                "or, in pipeline mode, none that can be seen; leave the pipeline, or use a "
                "connection without autocommit"
            )
