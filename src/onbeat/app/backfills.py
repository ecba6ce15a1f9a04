"""Commands on backfills: the jobs of moments that are over, after all or again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from onbeat.app.context import Context
from onbeat.app.facts.backfills import backfill_data
from onbeat.app.looking import looking
from onbeat.domain.backfills import Backfill, Gaps, Wanted, check_at_once
from onbeat.domain.jobs import check_page, check_priority, parse_job_id
from onbeat.store import backfills as stored
from onbeat.store.store import T, Work
from onbeat.store.wakeups import SCHEDULER


class Backfills:
    """`ob.backfills`: make the jobs that a schedule has not made, of a range that is over.

    A scheduler makes them, the oldest first, so that a bounded number is open at one time. They run
    beside the schedule's own: its overlap policy, limit, end and pause are not asked, and what its
    ledger says of a moment stays. Its moments are those that it has as it stands now.
    """

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def plan(self, name: str, begin: datetime, end: datetime, *, again: bool = False) -> Gaps:
        """What a backfill would do; nothing is done. Raises as `begin` does, but for Conflict."""
        wanted = Wanted(schedule=name, begin=begin, end=end, again=again)
        return (await self._context.read(partial(stored.gaps, wanted=wanted)))[1]

    async def begin(
        self,
        name: str,
        begin: datetime,
        end: datetime,
        *,
        again: bool = False,
        at_once: int = 1,
        priority: int | None = None,
        by: str = "api",
        why: str | None = None,
    ) -> Backfill:
        """Make a job for each moment from `begin` to `end`, both included, that has had none; with
        `again` for every one. At most `at_once` of them wait or run at one time.

        Raises NotFound; InvalidInput for a range without moments, with more than 100,000, or not
        over yet; Conflict when all of them have had a job.
        """
        check_at_once(at_once)
        if priority is not None:
            check_priority(priority)
        wanted = Wanted(
            schedule=name, begin=begin, end=end, again=again, at_once=at_once, priority=priority,
            by=by, why=why,
        )  # fmt: skip
        store = await self._context.store()
        identity = store.new_id()
        begun = partial(stored.begin, identity=identity, wanted=wanted)
        backfill = await self._change("begin", identity, begun)
        store.wakeups.send([SCHEDULER])
        return backfill

    async def find(self, backfill: str, *, owner: str | None = None) -> Backfill:
        """How far it has come; with `owner`, of a schedule of that one alone. Raises NotFound,
        InvalidInput.
        """
        identity = parse_job_id(backfill, "backfill")
        return await self._context.read(partial(stored.find, identity=identity, owner=owner))

    async def list(
        self,
        name: str | None = None,
        *,
        limit: int = 50,
        before: str | None = None,
        owner: str | None = None,
    ) -> Sequence[Backfill]:
        """The newest first, of one schedule, of an owner's or of all; give the last id of a page as
        `before` for the next. Raises NotFound, InvalidInput.
        """
        check_page(limit)
        listed = partial(stored.list_backfills, name=name, limit=limit, before=before, owner=owner)
        return await self._context.read(listed)

    async def stop(self, backfill: str, *, by: str = "api") -> Backfill:
        """Make no more of its jobs; those that were made go on. Raises NotFound, Conflict."""
        identity = parse_job_id(backfill, "backfill")
        return await self._change("stop", identity, partial(stored.stop, identity=identity, by=by))

    async def _change(self, verb: str, identity: str, work: Work[T]) -> T:
        look = looking(partial(stored.find, identity=identity), backfill_data)
        subject = ("backfill", identity)
        return await self._context.change(f"backfill.{verb}", subject, work, look=look)
