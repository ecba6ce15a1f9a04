"""asyncpg's connections, also those a pool lends. They have no hook after a commit."""

from __future__ import annotations

from collections.abc import Sequence

from onbeat.domain.jobs import NewJob
from onbeat.store.guests.guest import AsyncGuest, outside, postgres_values, tables_told_missing
from onbeat.store.postgres.statements import ENQUEUE
from onbeat.store.rendering import numbered


class AsyncpgGuest(AsyncGuest):
    """An asyncpg.Connection, or a pool's stand-in for one."""

    async def enqueue(self, jobs: Sequence[NewJob]) -> None:
        """Store them on it."""
        self.check_engine("postgresql")
        if not self.transaction.is_in_transaction():
            raise outside("open one first: `async with connection.transaction():`")
        statement, names = numbered(ENQUEUE)
        values = postgres_values(jobs)
        with tables_told_missing():
            await self.transaction.execute(statement, *(values[name] for name in names))
