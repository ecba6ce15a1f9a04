"""Commands on the database itself: what is in it, what can be put right, whether its laws hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from onbeat.app.context import Context
from onbeat.domain.environments import environment_of
from onbeat.domain.errors import Conflict
from onbeat.store.environments import list_environments
from onbeat.store.schema_state import SchemaStatus
from onbeat.store.verify import walk
from onbeat.store.verify.laws import Report

TELL_EVERY = 0.5
"""Seconds at least between two words about how far the reading is."""


class Database:
    """`ob.database`: look after what everything else lives in."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context
        self._is_verified = False

    async def environments(self) -> Sequence[SchemaStatus]:
        """Those in the database, each with its schema; the first, without a name, is what is there
        without one. Raises StoreError.
        """
        return await list_environments(self._context.url)

    async def repair(self, statements: Sequence[str]) -> None:
        """Send what the doctor found to put something right, each in a transaction of its own.

        Raises StoreError; what was sent before it stays.
        """
        subject = ("database", environment_of(self._context.url) or "")
        for each in statements:
            await self._context.change(
                "database.repair", subject, partial(_send, statement=each),
                told={"statement": each},
            )  # fmt: skip

    async def verify(self, tell: walk.Tell = lambda _: None) -> Report:
        """Read everything in small chunks, changing nothing, and report which laws of the store are
        broken. `tell` is called after each chunk. Raises StoreError.
        """
        return await walk.verify(await self._context.store(), tell)

    async def verify_telling(self) -> AsyncGenerator[tuple[Report, bool], None]:
        """The same as it comes: how far it is, now and then, and at last the whole report; which of
        the two it is stands beside it. Who looks no further ends the reading.

        Raises StoreError, and Conflict while this process reads for another already.
        """
        if self._is_verified:
            raise Conflict("this process verifies the store for somebody else; ask again later")
        self._is_verified = True
        last, woken = Report(), asyncio.Event()

        def tell(report: Report) -> None:
            nonlocal last
            last = replace(report)
            woken.set()

        reading = asyncio.create_task(self.verify(tell))
        reading.add_done_callback(lambda _: woken.set())
        timing = (await self._context.store()).timing
        try:
            while not reading.done():
                await woken.wait()
                woken.clear()
                if not reading.done():
                    yield last, False
                    await timing.wait(asyncio.Event(), TELL_EVERY)
            yield await reading, True
        finally:
            reading.cancel()
            self._is_verified = False


def _send(connection: Connection, _: datetime, statement: str) -> None:
    connection.exec_driver_sql(statement)
