"""The watcher: each end is folded once, into its task, its queue and its schedule."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from onbeat.domain.durations import parse_duration
from onbeat.domain.health import (
    ACCURACY,
    KEPT,
    SPANS,
    Kind,
    Slice,
    Subject,
    Tally,
    Took,
    read_window,
    total,
)
from onbeat.domain.lateness import FAR
from onbeat.runtime.watcher import LOOK_EVERY, Watcher
from onbeat.store import folding, triggers
from onbeat.store import health as stored
from onbeat.store.cleaning import Walk
from onbeat.store.loads import loads
from onbeat.store.schema import health, rollups
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import create
from tests.contract.world import acked, begin, cancel, claim_one, enqueue, everything, running
from tests.timing import ManualTiming

SEND, QUEUE = Subject(Kind.TASK, "send"), Subject(Kind.QUEUE, "default")
OVER = FAR + timedelta(seconds=10)
"""After so long an end is folded: nothing of before can be committed any more."""


async def ended(
    store: Store, timing: ManualTiming, move: str, took: float = 1.0, **said: Any
) -> None:
    """A job that ran so long, and came to that."""
    claimed = await running(store, **said)
    timing.advance(seconds=took)
    await acked(store, factories.ack(claimed, move))


async def watched(store: Store, timing: ManualTiming, watcher: Watcher | None = None) -> None:
    """What has ended is folded."""
    watcher = watcher or Watcher(store)
    for _ in range(2):  # it has to look twice until it knows that something is over
        while await watcher.step() < LOOK_EVERY:
            pass
        timing.advance(by=OVER)
    while await watcher.step() < LOOK_EVERY:
        pass


async def fares(store: Store) -> dict[Subject, Tally]:
    """How all fare."""
    rows = await store.read(lambda connection, _: connection.execute(select(health)).all())
    return {Subject(Kind(row.kind), row.subject): folding.read_tally(row) for row in rows}


async def rolled_up(store: Store, subject: Subject, span: timedelta) -> list[Tally]:
    """The roll-ups of a subject, the oldest first."""
    query = select(rollups).where(
        rollups.c.kind == subject.kind, rollups.c.subject == subject.id,
        rollups.c.span == int(span.total_seconds()),
    ).order_by(rollups.c.begins_at)  # fmt: skip
    rows = await store.read(lambda connection, _: connection.execute(query).all())
    return [folding.read_tally(row) for row in rows]


async def test_every_end_is_counted_for_its_task_its_queue_and_its_schedule(
    store: Store, timing: ManualTiming
) -> None:
    daily = await create(store, task="send")
    job, backfill = store.ids.many(2)
    await store.write(
        partial(triggers.trigger, name=daily.name, job=job, at=None, by="ann", backfill=backfill)
    )
    claimed = await claim_one(store, await begin(store))
    await acked(store, factories.ack(claimed))
    await ended(store, timing, "bury")
    await cancel(store, await enqueue(store, task="charge", queue="bank"))

    await watched(store, timing)

    found = await fares(store)
    counts = {of: (each.completed, each.failed, each.cancelled) for of, each in found.items()}
    assert counts == {
        SEND: (1, 1, 0), QUEUE: (1, 1, 0), Subject(Kind.SCHEDULE, daily.id): (1, 0, 0),
        Subject(Kind.TASK, "charge"): (0, 0, 1), Subject(Kind.QUEUE, "bank"): (0, 0, 1),
    }  # fmt: skip


async def test_an_attempt_that_is_tried_again_is_no_end(store: Store, timing: ManualTiming) -> None:
    await ended(store, timing, "retry")

    await watched(store, timing)

    assert await fares(store) == {}


async def test_failures_in_a_row_are_those_since_the_last_success(
    store: Store, timing: ManualTiming
) -> None:
    watcher = Watcher(store)
    for moves, failed, completed in [
        (("bury", "bury"), 2, 0),
        (("bury",), 3, 0),
        (("complete", "bury"), 1, 0),
        (("bury", "complete", "complete"), 0, 2),
        (("complete",), 0, 3),
    ]:
        for move in moves:
            await ended(store, timing, move)
        await watched(store, timing, watcher)

        send = (await fares(store))[SEND]
        assert (send.failed_since, send.completed_since) == (failed, completed), moves


async def test_of_ends_that_were_stored_together_the_success_counts_as_the_later(
    store: Store, timing: ManualTiming
) -> None:
    session = await begin(store)
    both = [await running(store, session) for _ in range(2)]
    await acked(store, factories.ack(both[0], "complete"), factories.ack(both[1], "bury"))

    await watched(store, timing)

    send = (await fares(store))[SEND]
    assert (send.failed_since, send.completed_since) == (0, 1)


async def test_how_long_runs_took_is_known_within_the_accuracy(
    store: Store, timing: ManualTiming
) -> None:
    for seconds in range(1, 22):
        await ended(store, timing, "complete", seconds)
    await ended(store, timing, "bury", 500)

    await watched(store, timing)

    took = total(await rolled_up(store, SEND, SPANS[1])).took
    assert took.count == 21
    median = took.quantile(0.5)
    assert median is not None
    assert abs(median.total_seconds() / 11 - 1) <= ACCURACY


async def test_each_roll_up_has_what_ended_within_it(store: Store, timing: ManualTiming) -> None:
    for _ in range(3):
        await ended(store, timing, "complete")
        timing.advance(by=SPANS[0])

    await watched(store, timing)

    short, long = [await rolled_up(store, SEND, span) for span in SPANS]
    assert [each.completed for each in short] == [1, 1, 1]
    assert [each.completed for each in long] == [3]


async def test_what_two_read_at_once_is_folded_once(store: Store, timing: ManualTiming) -> None:
    await ended(store, timing, "complete")
    slice_ = Slice(timing.now() - OVER, timing.now() + OVER)
    found = await store.read(partial(folding.tallies, wanted=slice_))

    folds = [partial(folding.fold, was=None, of=slice_, found=found) for _ in range(2)]
    assert sorted([await store.write(each) for each in folds]) == [False, True]
    assert (await fares(store))[SEND].completed == 1


async def test_what_cannot_be_known_yet_is_not_folded(store: Store, timing: ManualTiming) -> None:
    watcher = Watcher(store)
    await watched(store, timing, watcher)
    await ended(store, timing, "complete")

    while await watcher.step() < LOOK_EVERY:
        pass

    assert await fares(store) == {}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_a_slow_transaction_commits_is_not_passed_over(
    store: Store, timing: ManualTiming
) -> None:
    watcher, slow = Watcher(store), await asyncpg.connect(store.url)
    try:
        held = slow.transaction()
        await held.start()
        await slow.fetch("SELECT pg_current_xact_id()")
        await ended(store, timing, "complete")
        await watched(store, timing, watcher)
        early = await fares(store)
        await held.commit()
    finally:
        await slow.close()
    await watched(store, timing, watcher)

    assert early == {}
    assert (await fares(store))[SEND].completed == 1


async def test_where_nothing_ends_nothing_is_written_but_the_lease(
    store: Store, timing: ManualTiming
) -> None:
    watcher = Watcher(store)
    await ended(store, timing, "complete")
    await watched(store, timing, watcher)
    before = await everything(store)

    timing.advance(by=OVER)
    await watcher.step()

    after = await everything(store)
    assert {name for name in after if after[name] != before[name]} <= {"onbeat_duties"}


def test_tallies_added_in_two_steps_are_as_in_one() -> None:
    each = [
        Tally(failed=2, failed_since=2, took=Took()),
        Tally(completed=1, completed_since=1, took=Took({3: 1})),
        Tally(failed=1, failed_since=1, took=Took({3: 1, 4: 2})),
    ]

    assert total([total(each[:2]), each[2]]) == total(each)


async def test_roll_ups_are_kept_as_long_as_those_of_their_span(
    store: Store, timing: ManualTiming
) -> None:
    await ended(store, timing, "complete")
    await watched(store, timing)

    left = []
    for kept in (timedelta(), *KEPT.values()):
        timing.advance(by=kept + SPANS[1])
        await store.write(partial(stored.clean, walk=Walk()))
        left.append([len(await rolled_up(store, SEND, span)) for span in SPANS])

    assert left == [[1, 1], [0, 1], [0, 0]]
    assert (await fares(store))[SEND].completed == 1


async def test_the_load_of_a_queue_knows_how_long_its_jobs_took_of_late(
    store: Store, timing: ManualTiming
) -> None:
    await ended(store, timing, "complete", took=2.0)
    await ended(store, timing, "complete", took=4.0)
    await watched(store, timing)
    await enqueue(store)

    [found] = await store.read(partial(loads, within=timedelta(seconds=1)))

    assert found.mean is not None
    assert abs(found.mean - timedelta(seconds=3)) < timedelta(seconds=3) * ACCURACY
    assert found.needed_slots == 1


async def test_of_what_ended_long_ago_no_roll_up_is_made_that_is_not_kept(
    store: Store, timing: ManualTiming
) -> None:
    await ended(store, timing, "complete")
    timing.advance(by=KEPT[SPANS[0]] + SPANS[1])

    await watched(store, timing)

    assert [len(await rolled_up(store, SEND, span)) for span in SPANS] == [0, 1]
    assert (await fares(store))[SEND].completed == 1


async def test_a_window_has_what_ended_since_its_roll_up_began(
    store: Store, timing: ManualTiming
) -> None:
    watcher = Watcher(store)
    await ended(store, timing, "bury")
    timing.advance(by=timedelta(hours=2))
    await ended(store, timing, "complete")
    await watched(store, timing, watcher)

    seen = []
    for window in ("1h", "3h", "1d"):
        since, span = read_window(timing.now(), parse_duration(window, "window"))
        [found] = (
            await store.read(partial(stored.page, kind=Kind.TASK, since=since, span=span))
        ).rows
        seen.append((found.lately.completed, found.lately.failed))

    assert seen == [(1, 0), (1, 1), (1, 1)]
