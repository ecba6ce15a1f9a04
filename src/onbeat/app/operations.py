"""Commands on operations: what is done to many jobs by the servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from onbeat.app.acting import actor_now
from onbeat.app.context import Context
from onbeat.app.facts.operations import operation_data
from onbeat.app.looking import looking
from onbeat.domain.jobs import check_page, no_job, parse_job_id
from onbeat.domain.operations import Matched, Meant, Operation, read_meant
from onbeat.domain.schedule_operations import SchedulesMeant, read_schedules_meant
from onbeat.store import operations as stored
from onbeat.store import schedule_operations
from onbeat.store.wakeups import OPERATIONS


class Operations:
    """`ob.operations`: begin, see and stop them.

    Where an `owner` is given, the operations of others are as if they were not there.
    """

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def count(self, meant: Meant) -> Matched:
        """How many jobs fit now; nothing is done to them. Raises InvalidInput, NotFound."""
        asked = read_meant(meant)

        def look(connection: Connection, now: datetime) -> Matched:
            _refuse_unknown(connection, asked)
            return stored.count(connection, now, asked)

        return await self._context.read(look)

    async def begin(self, meant: Meant, *, by: str = "api") -> Operation:
        """Do it to all jobs that fit now, batch after batch, wherever a process of ours runs.

        Jobs that are made later are left alone. Raises InvalidInput, and NotFound for a job that is
        named and not there.
        """
        asked = read_meant(meant)
        found = await self._context.read(partial(stored.count, meant=asked))
        return await self._begin(asked, found, by, partial(_refuse_unknown, meant=asked))

    async def count_schedules(self, meant: SchedulesMeant) -> Matched:
        """How many schedules fit now; nothing is done to them. Raises InvalidInput."""
        asked = read_schedules_meant(meant)
        return await self._context.read(partial(schedule_operations.count, meant=asked))

    async def begin_on_schedules(self, meant: SchedulesMeant, *, by: str = "api") -> Operation:
        """Pause, resume or remove all schedules that fit, batch after batch, wherever a process of
        ours runs. Schedules that are made later are left alone. Raises InvalidInput.
        """
        asked = read_schedules_meant(meant)
        found = await self._context.read(partial(schedule_operations.count, meant=asked))
        return await self._begin(asked, found, by, _refuse_none)

    async def _begin(
        self, asked: Meant | SchedulesMeant, found: Matched, by: str,
        refuse: Callable[[Connection], None],
    ) -> Operation:  # fmt: skip
        store, actor = await self._context.store(), actor_now()
        identity = store.new_id()

        def begun(connection: Connection, now: datetime) -> Operation:
            refuse(connection)
            return stored.begin(
                connection, now, identity=identity, meant=asked, found=found, actor=actor, by=by
            )

        made = await self._context.change(
            "operation.begin", ("operation", identity), begun,
            look=looking(partial(stored.find, identity=identity), operation_data),
        )  # fmt: skip
        store.wakeups.send([OPERATIONS])
        return made

    async def find(self, operation: str, *, owner: str | None = None) -> Operation:
        """How far it has come. Raises NotFound, InvalidInput."""
        identity = parse_job_id(operation, "operation")
        return await self._context.read(partial(stored.find, identity=identity, owner=owner))

    async def list(
        self, *, owner: str | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[Operation]:
        """The newest first; give the last id of a page as `before` for the next. Raises
        InvalidInput.
        """
        check_page(limit)
        return await self._context.read(
            partial(stored.list_operations, owner=owner, before=before, limit=limit)
        )

    async def stop(self, operation: str, *, owner: str | None = None) -> Operation:
        """Change no more jobs; what was changed stays so. Raises NotFound, Conflict."""
        identity = parse_job_id(operation, "operation")
        return await self._context.change(
            "operation.stop", ("operation", identity),
            partial(stored.stop, identity=identity, owner=owner),
            look=looking(partial(stored.find, identity=identity), operation_data),
        )  # fmt: skip


def _refuse_unknown(connection: Connection, meant: Meant) -> None:
    """Raise NotFound for the first named job that is not there, or another's."""
    known = stored.known(connection, meant)
    for job in meant.ids:
        if job not in known:
            raise no_job(job)


def _refuse_none(_: Connection) -> None:
    """Refuse nothing: a filter names nothing that must be there."""
