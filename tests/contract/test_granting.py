"""Giving out slots in SQL: it comes to the same as the decision about each job by itself."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import Connection, insert, select

from onbeat.domain.granting import Candidate, Slot, grant
from onbeat.domain.limits import UNBOUND, Bounds, limit_of, queue_limit, queue_slot
from onbeat.store import limits
from onbeat.store.column_types import from_micros, to_micros
from onbeat.store.schema import slots
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import begin
from tests.timing import START, ManualTiming

NAMES = ("calls:a", "calls:b", "mails:x")
OF_QUEUE = queue_slot("default")


@pytest.mark.parametrize("seed", range(40))
async def test_a_claim_gives_slots_as_if_each_job_were_looked_at_alone(
    store: Store, timing: ManualTiming, seed: int
) -> None:
    draw = random.Random(seed)
    bounds = _bounds(draw)
    of_queue = (OF_QUEUE,) if queue_limit("default") in bounds else ()
    found = {name: _slot(draw, name, bounds) for name in (*NAMES, *of_queue)}
    needs = [tuple(draw.sample(NAMES, draw.randint(0, 2))) for _ in range(draw.randint(0, 6))]
    line = [factories.job(ties=tuple(f"slot:{name}" for name in each)) for each in needs]
    session = await begin(store)
    await store.write(partial(limits.declare, wanted=bounds, by="code:app"))
    await store.write(partial(_put, found=list(found.values())))
    await store.enqueue(line)

    taken = await store.claim(session.id, ["default"], 100)

    by_id = sorted(zip((job.id for job in line), needs, strict=True))
    candidates = [
        (Candidate(job, "default", 5, 0, None, None), (*of_queue, *each)) for job, each in by_id
    ]
    granted = grant(candidates, found, now=to_micros(timing.now()), wanted=100)
    assert {each.id for each in taken} == {each.candidate.job for each in granted.taken}
    if granted.taken:
        assert await store.read(_as_they_stand) == {
            name: (slot.used, slot.waiting, slot.open_at, slot.spent_at)
            for name, slot in found.items()
        }


def _bounds(draw: random.Random) -> dict[str, Bounds]:
    """What the limits allow; each bounds something, or is not there."""
    return {
        name: draw.choice(
            (
                Bounds(concurrency=draw.randint(1, 9)),
                Bounds(rate=draw.randint(1, 9), period=draw.choice((1, 60)) * 1_000_000),
                Bounds(draw.randint(1, 9), draw.randint(1, 9), 1_000_000, draw.randint(1, 9)),
            )
        )
        for name in ("calls", "mails", queue_limit("default"))
        if draw.random() < 0.8
    }


def _slot(draw: random.Random, name: str, bounds: dict[str, Bounds]) -> Slot:
    """A slot as it may stand: some of its rate used up, or all of it, or none."""
    bound, now = bounds.get(limit_of(name), UNBOUND), to_micros(START)
    if bound.rate is None:
        return Slot(name, draw.randint(0, 4), bounds=bound)
    interval = -(-(bound.period or 0) // bound.rate)
    burst = bound.burst or bound.rate
    spent = now + draw.randint(-2, burst + 1) * interval + draw.randint(0, 1)
    return Slot(
        name, draw.randint(0, 4), open_at=spent - (burst - 1) * interval, spent_at=spent,
        bounds=bound,
    )  # fmt: skip


def _put(connection: Connection, _: datetime, *, found: Iterable[Slot]) -> None:
    """Let the slots stand so; that of a queue is there by its limit."""
    connection.execute(slots.delete())
    connection.execute(insert(slots), [
        {"slot": each.name, "limit": each.limit, "used": each.used, "waiting": 0, "full": 0,
         "open_at": from_micros(each.open_at), "spent_at": from_micros(each.spent_at)}
        for each in found
    ])  # fmt: skip


def _as_they_stand(connection: Connection, _: datetime) -> dict[str, tuple[int, int, int, int]]:
    rows = connection.execute(
        select(slots.c.slot, slots.c.used, slots.c.waiting, slots.c.open_at, slots.c.spent_at)
    )
    return {
        name: (used, waiting, to_micros(open_at), to_micros(spent_at))
        for name, used, waiting, open_at, spent_at in rows
    }
