"""Queues: paused, resumed, and what stands in each."""

from __future__ import annotations

from datetime import timedelta

from onbeat.domain.queues import Queue
from onbeat.store import jobs, queues
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import begin, enqueue, running
from tests.timing import START, ManualTiming


async def listed(store: Store) -> dict[str, Queue]:
    return {queue.name: queue for queue in await store.read(queues.list_queues)}


async def pause(store: Store, name: str, by: str = "ann") -> None:
    await store.write(lambda c, now: queues.pause(c, now, name, by))


async def test_a_new_store_has_no_queues(store: Store) -> None:
    assert await listed(store) == {}


async def test_a_queue_shows_what_stands_in_it(store: Store) -> None:
    session = await begin(store)
    await store.enqueue(factories.jobs(2, queue="mail"))
    await store.claim(session.id, ["mail"], 1)
    await store.enqueue(factories.jobs(3, queue="mail", delay=timedelta(hours=1)))

    shown = (await listed(store))["mail"]

    assert (shown.pending, shown.running, shown.delayed) == (1, 1, 3)


async def test_every_queue_with_jobs_or_a_worker_is_listed_in_order_of_name(store: Store) -> None:
    await enqueue(store, queue="ready")
    await enqueue(store, queue="later", delay=timedelta(hours=1))
    await running(store, queue="busy")
    await pause(store, "held")

    assert list(await listed(store)) == ["busy", "default", "held", "later", "ready"]


async def test_a_queue_shows_since_when_its_first_job_waits(
    store: Store, timing: ManualTiming
) -> None:
    await enqueue(store, priority=5)
    timing.advance(seconds=10)
    await enqueue(store, priority=9)

    shown = (await listed(store))["default"]

    assert shown.oldest_at == START + timedelta(seconds=10)


async def test_a_pause_is_remembered_with_who_and_when(store: Store) -> None:
    await pause(store, "mail", "ann")

    shown = (await listed(store))["mail"]

    assert (shown.paused_at, shown.paused_by) == (START, "ann")


async def test_a_second_pause_leaves_the_first(store: Store, timing: ManualTiming) -> None:
    await pause(store, "mail", "ann")
    timing.advance(seconds=10)

    await pause(store, "mail", "bob")

    shown = (await listed(store))["mail"]
    assert (shown.paused_at, shown.paused_by) == (START, "ann")


async def test_a_resumed_queue_is_as_if_it_had_never_been_paused(store: Store) -> None:
    await pause(store, "mail")

    await store.write(lambda c, now: queues.resume(c, now, "mail"))

    shown = (await listed(store))["mail"]
    assert (shown.paused_at, shown.paused_by) == (None, None)


async def test_resuming_a_queue_nobody_paused_does_nothing(store: Store) -> None:
    await store.write(lambda c, now: queues.resume(c, now, "mail"))

    assert await listed(store) == {}


async def test_an_empty_queue_that_a_worker_serves_is_listed(store: Store) -> None:
    await begin(store, queues=("mail", "bills"))

    assert sorted(await listed(store)) == ["bills", "mail"]


async def test_a_queue_whose_jobs_are_all_blocked_is_listed(store: Store) -> None:
    job = await enqueue(store, queue="held")
    await store.write(lambda c, now: jobs.block(c, now, job, "a limit"))

    assert list(await listed(store)) == ["held"]
