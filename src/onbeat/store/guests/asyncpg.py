"""asyncpg's connections, also those a pool lends. They have no hook after a commit."""

from __future__ import annotations

from collections.abc import Sequence

from onbeat.domain.jobs import NewJob
from onbeat.store.guests.guest import (
    AsyncGuest,
    Refused,
    on_postgres,
    outside,
    tables_told_missing,
)
from onbeat.store.rendering import numbered


class AsyncpgGuest(AsyncGuest):
    """An asyncpg.Connection, or a pool's stand-in for one."""

    async def enqueue(self, jobs: Sequence[NewJob]) -> Refused:
        """Store them on it."""
        self.check_engine("postgresql")
        if not self.transaction.is_in_transaction():
            raise outside("open one first: `async with connection.transaction():`")
        asked = on_postgres(jobs)
        statement, names = numbered(asked.statement, self.schema)
        with tables_told_missing(self.environment):
            row = await self.transaction.fetchrow(
                statement, *(asked.values[name] for name in names)
            )
        return asked.refused(row)
