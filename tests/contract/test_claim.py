"""Claiming: who gets which job, and in which order."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

import pytest

from onbeat.domain.retries import Retry
from onbeat.store import queues
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import begin, drain, enqueue, find
from tests.timing import ManualTiming


async def test_the_most_urgent_job_is_claimed_first_whichever_queue_it_waits_in(
    store: Store,
) -> None:
    session = await begin(store)
    lines = [(priority, queue) for priority in range(11) for queue in ("mail", "default")]
    wanted = [factories.job(priority=priority, queue=queue) for priority, queue in lines]
    await store.enqueue(random.sample(wanted, len(wanted)))

    taken = await drain(store, session, ["default", "mail"], 1)

    priority_of = {each.id: each.priority for each in wanted}
    assert [priority_of[job] for job in taken] == sorted(
        (priority for priority, _ in lines), reverse=True
    )


async def test_of_equal_priority_the_queue_that_is_named_first_is_claimed_first(
    store: Store,
) -> None:
    session = await begin(store)
    later = await enqueue(store, queue="a")
    first = await enqueue(store, queue="b")

    taken = await drain(store, session, ["b", "a"], 1)

    assert taken == [first, later]


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_within_a_line_jobs_are_claimed_in_the_order_they_were_enqueued(
    store: Store, timing: ManualTiming, limit: int
) -> None:
    session = await begin(store)
    wanted = factories.jobs(40)
    await store.enqueue(wanted[:20])
    timing.advance(seconds=0.001)
    await store.enqueue(wanted[20:])

    taken = await drain(store, session, ["default"], limit)

    assert taken == [each.id for each in wanted]


async def test_a_later_job_with_a_smaller_id_is_claimed_later(
    store: Store, timing: ManualTiming
) -> None:
    session = await begin(store)
    small, great = factories.jobs(2)
    await store.enqueue([great])
    timing.advance(seconds=0.001)
    await store.enqueue([small])

    assert await drain(store, session, ["default"], 1) == [great.id, small.id]


async def test_the_jobs_of_a_paused_queue_are_not_claimed_until_it_is_resumed(
    store: Store,
) -> None:
    session = await begin(store)
    held = await enqueue(store, queue="mail")
    other = await enqueue(store)
    await store.write(lambda c, now: queues.pause(c, now, "mail", "ann"))
    while_paused = await drain(store, session, ["mail", "default"], 10)

    await store.write(lambda c, now: queues.resume(c, now, "mail"))

    assert while_paused == [other]
    assert await drain(store, session, ["mail", "default"], 10) == [held]


async def test_a_session_that_is_not_on_record_claims_nothing(store: Store) -> None:
    await enqueue(store)

    assert await store.claim(uuid.uuid4().hex, ["default"], 10) == []


async def test_no_more_is_claimed_than_the_limit(store: Store) -> None:
    session = await begin(store)
    await store.enqueue([*factories.jobs(10), *factories.jobs(10, queue="mail", priority=9)])

    claimed = await store.claim(session.id, ["default", "mail"], 7)

    assert len(claimed) == 7


async def test_a_claim_fills_its_limit_from_several_lines(store: Store) -> None:
    session = await begin(store)
    wanted = [factories.job(priority=priority) for priority in range(11)]
    await store.enqueue(wanted)

    claimed = await store.claim(session.id, ["default"], 9)

    assert {each.id for each in claimed} == {each.id for each in wanted[2:]}


async def test_only_the_queues_asked_for_are_claimed_from(store: Store) -> None:
    session = await begin(store)
    await enqueue(store, queue="mail")
    wanted = await enqueue(store, queue="default")

    assert await drain(store, session, ["default"], 10) == [wanted]


async def test_a_queue_asked_for_twice_is_claimed_from_once(store: Store) -> None:
    session = await begin(store)
    wanted = factories.jobs(3)
    await store.enqueue(wanted)

    claimed = await store.claim(session.id, ["default", "default"], 10)

    assert [each.id for each in claimed] == [each.id for each in wanted]


async def test_no_queues_means_no_jobs(store: Store) -> None:
    session = await begin(store)
    await enqueue(store)

    assert await store.claim(session.id, [], 10) == []


async def test_a_claimed_job_carries_what_its_worker_needs(store: Store) -> None:
    session = await begin(store)
    wanted = factories.job(
        task="charge", queue="bills", args=b'{"order":42}', max_attempts=7,
        timeout=timedelta(seconds=90), retry=Retry(2),
    )  # fmt: skip
    await store.enqueue([wanted])

    [claimed] = await store.claim(session.id, ["bills"], 1)

    assert (claimed.id, claimed.task, claimed.queue) == (wanted.id, "charge", "bills")
    assert (claimed.attempt, claimed.max_attempts) == (1, 7)
    assert claimed.options is not None
    assert '"timeout"' in claimed.options


async def test_a_claimed_job_shows_since_when_it_runs(store: Store, timing: ManualTiming) -> None:
    session = await begin(store)
    job = await enqueue(store)
    timing.advance(seconds=5)

    await store.claim(session.id, ["default"], 1)

    shown = await find(store, job)
    assert (shown.started_at, shown.attempt) == (timing.now(), 1)


async def test_a_claim_returns_its_jobs_most_urgent_first(store: Store) -> None:
    session = await begin(store)
    wanted = [factories.job(priority=priority) for priority in (1, 9, 5, 10, 0)]
    await store.enqueue(wanted)

    claimed = await store.claim(session.id, ["default"], 10)

    priority_of = {each.id: each.priority for each in wanted}
    assert [priority_of[each.id] for each in claimed] == [10, 9, 5, 1, 0]
