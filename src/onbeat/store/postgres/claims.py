"""Claims on PostgreSQL: plainly in one statement, and within limits where something is limited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from onbeat.crash_points import CrashPoint, reach
from onbeat.domain.jobs import ClaimedJob, JobId
from onbeat.store.granting import AGAIN_AFTER, LOOKS, Round, Sight
from onbeat.store.payloads import encode, encode_names
from onbeat.store.postgres import statements
from onbeat.store.postgres.floors import Floors
from onbeat.store.postgres.limited import take_head, take_within_limits
from onbeat.timing import Timing

MANY_SLOTS = 100
"""Slots of one claim. A statement that has waited for another's row looks at it anew, 20 us each:
with 1,000 keys an ack took 62 ms while claims ran beside it, 21 ms in turns. With one slot turns
would cost a fifth of the speed."""


@dataclass(frozen=True, slots=True)
class Hands:
    """How the store reaches its database."""

    again: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
    """Does it again when the database ended it to resolve a deadlock."""
    all: Callable[..., Awaitable[list[Any]]]
    """The rows of one statement, in a transaction of its own."""
    fetch: Callable[..., Awaitable[list[Any]]]
    """The rows of one statement on a driver's connection."""
    driver: Callable[[], AbstractAsyncContextManager[Any]]
    transaction: Callable[[Any], AbstractAsyncContextManager[None]]


class Claims:
    """The claims of one store, each of which learns from those before."""

    def __init__(self, timing: Timing, hands: Hands) -> None:
        """Know nothing yet."""
        self._timing = timing
        self._hands = hands
        self.floors = Floors()
        self._turn = asyncio.Lock()
        self._is_limited = False
        """Whether the last claim saw something that a limit binds."""
        self._fitting = AGAIN_AFTER
        """How many claims in a row there was room for all that they saw of that."""
        self._takes_turns = False
        """Whether the last claim locked so many slots that ends are likely to need them too."""
        self.sight = Sight()

    async def claim(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool
    ) -> list[ClaimedJob]:
        """Take the next jobs nobody else has; within limits where something is limited."""
        claimed: list[ClaimedJob] = []
        if not self._is_limited:
            claimed = await self._claim_plainly(session, queues, limit)
        if self._is_limited and len(claimed) < limit:
            left = limit - len(claimed)
            claimed += await self._claim_within_limits(session, queues, left, far=far)
        return claimed

    async def _claim_plainly(
        self, session: str, queues: Sequence[str], limit: int
    ) -> list[ClaimedJob]:
        """Take what no limit binds, and notice whether there is something else."""
        began = self._timing.monotonic()
        floors = self.floors.next(began, queues)
        reach(CrashPoint.CLAIM_SENDING)
        answer = await self._hands.all(
            statements.CLAIM, session=session, queues=encode_names(queues), limit=limit,
            floors=encode(floors or {}).decode(),
        )  # fmt: skip
        if floors is None:
            self.floors.swept(began, self._timing.monotonic())
        *_, looked_at, opens_at, is_bound = answer[0]
        self.sight = Sight(None if opens_at is None else max(opens_at - looked_at, 0) / 1e6)
        self._is_limited = is_bound or self.sight.opens_in == 0
        rows = [row for row in answer if row[0] is not None]
        found = [(row[3], row[10], row[11]) for row in rows]
        has_seen_all = len(rows) < limit and not self._is_limited
        self.floors.learn(found, queues, at=looked_at if has_seen_all else None)
        if rows:
            reach(CrashPoint.CLAIM_ANSWERED)
        return [_claimed(row, looked_at) for row in rows]

    async def _claim_within_limits(
        self, session: str, queues: Sequence[str], limit: int, *, far: bool
    ) -> list[ClaimedJob]:
        """Look again while jobs make way for others."""
        queues = list(dict.fromkeys(queues))
        if self._fitting >= AGAIN_AFTER:
            look = Round(queues, limit, is_first=True)
            rows = await self._hands.again(partial(self._look, session, look, at_head=True))
            self._note(look)
            if look.has_fit:
                return [_claimed(row, look.now) for row in rows]
        claimed: list[ClaimedJob] = []
        slots_needed = 0
        for turn in range(LOOKS):
            look = Round(
                queues, limit - len(claimed), is_first=turn == 0, far=far,
                is_narrow=self._fitting > 0,
            )  # fmt: skip
            rows = await self._hands.again(partial(self._look, session, look, at_head=False))
            claimed += [_claimed(row, look.now) for row in rows]
            slots_needed = max(slots_needed, look.slots_needed)
            if len(claimed) == limit or not look.leaves_more:
                break
        look.slots_needed = slots_needed
        self._note(look)
        return claimed

    def _note(self, look: Round) -> None:
        """Keep what was seen for the next claim."""
        self._is_limited = look.has_opened or look.slots_needed > 0
        has_many_slots = look.slots_needed > MANY_SLOTS
        self._takes_turns = has_many_slots and look.are_shared
        self._fitting = self._fitting + 1 if look.has_fit else 0
        self.sight = Sight(
            None if look.opens_at is None else (look.opens_at - look.now) / 1e6,
            is_used_up=look.is_used_up,
            has_sole_slots=has_many_slots and not look.are_shared,
        )

    async def _look(self, session: str, look: Round, *, at_head: bool) -> list[Any]:
        """Take the head of the line as it is, if all of it has room; or look at each job of it."""
        began = self._timing.monotonic()
        floors = self.floors.next(began, look.queues)
        told = encode(floors or {}).decode()
        reach(CrashPoint.CLAIM_SENDING)
        async with self.in_turn(), self._hands.driver() as driver:
            fetch = partial(self._hands.fetch, driver)
            if at_head:
                rows = await take_head(fetch, session, look, told)
            else:
                async with self._hands.transaction(driver):
                    rows = await take_within_limits(fetch, session, look, told)
        if floors is None:
            self.floors.swept(began, self._timing.monotonic())
        # Also those that were seen and stay in their line: it does not begin behind them.
        found = [(row[3], row[10], row[11]) for row in rows] if at_head else look.seen
        self.floors.learn(found, look.queues, at=None)
        if rows:
            reach(CrashPoint.CLAIM_ANSWERED)
        return rows

    def in_turn(self) -> AbstractAsyncContextManager[None]:
        """Let claims and acks of this process come one after the other, where they share slots."""
        return self._turn if self._takes_turns else nullcontext()


def _claimed(row: Any, now: int) -> ClaimedJob:
    """A row of a claim at the moment `now`, in microseconds since 1970."""
    job, token, task, queue, attempt, max_attempts, args, options, occurrence_at, losses, *rest = (
        row
    )
    order_key = rest[1]
    return ClaimedJob(
        id=JobId(job.hex), token=token, task=task, queue=queue, attempt=attempt,
        max_attempts=max_attempts, args=args, options=options, occurrence_at=occurrence_at,
        losses=losses, waited=now - order_key,
    )  # fmt: skip
