"""Lists of jobs: filtered, newest first, page after page without holes or doubles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.jobs import Job, JobId
from onbeat.domain.states import State
from onbeat.runtime.tick import tick
from onbeat.store import jobs, listing, schedules
from onbeat.store.store import Store
from tests import factories
from tests.contract.test_transitions import WAYS, Walker
from tests.contract.world import begin, cancel, enqueue, find


async def listed(store: Store, **wanted: Any) -> list[Job]:
    return await store.read(lambda c, now: listing.list_jobs(c, now, JobFilter(**wanted)))


async def pages(store: Store, size: int, **wanted: Any) -> list[JobId]:
    """Every page of a list, one after the other."""
    found: list[JobId] = []
    page = await listed(store, limit=size, **wanted)
    while page:
        found += [each.id for each in page]
        page = await listed(store, limit=size, after=page[-1].id, **wanted)
    return found


async def one_of_each(store: Store) -> dict[State, JobId]:
    walker = Walker(store, await begin(store))
    return {state: await walker.bring(state) for state in WAYS if state is not None}


async def test_a_list_is_newest_first(store: Store) -> None:
    wanted = factories.jobs(5)
    await store.enqueue(wanted)

    assert [each.id for each in await listed(store)] == [each.id for each in reversed(wanted)]


@pytest.mark.parametrize("state", State)
async def test_a_list_of_one_state_holds_the_jobs_in_it_and_no_others(
    store: Store, state: State
) -> None:
    by_state = await one_of_each(store)

    found = await listed(store, state=state)

    assert [(each.id, each.state) for each in found] == [(by_state[state], state)]


async def test_a_list_of_all_states_shows_each_as_it_stands(store: Store) -> None:
    by_state = await one_of_each(store)

    assert {each.state: each.id for each in await listed(store)} == by_state


@pytest.mark.parametrize("field", ["task", "queue"])
async def test_a_list_of_one_task_or_queue_holds_its_jobs_and_no_others(
    store: Store, field: str
) -> None:
    wanted = await enqueue(store, **{field: "wanted"})
    await enqueue(store, **{field: "other"})

    assert [each.id for each in await listed(store, **{field: "wanted"})] == [wanted]


async def test_a_list_of_one_schedule_holds_the_jobs_it_made(store: Store) -> None:
    schedule = factories.schedule()
    await store.write(lambda c, now: schedules.create(c, now, schedule))
    await tick(store)
    await enqueue(store)

    found = await listed(store, schedule=schedule.id)

    assert [each.schedule for each in found] == [schedule.name]


async def test_filters_hold_together(store: Store) -> None:
    wanted = await enqueue(store, task="a", queue="q", delay=timedelta(hours=1))
    for fields in ({"task": "b", "queue": "q"}, {"task": "a", "queue": "r"}):
        await enqueue(store, **fields, delay=timedelta(hours=1))
    await enqueue(store, task="a", queue="q")

    found = await listed(store, task="a", queue="q", state=State.SCHEDULED)

    assert [each.id for each in found] == [wanted]


@pytest.mark.parametrize("wanted", [{}, {"queue": "q"}, {"task": "t"}, {"state": State.PENDING}])
@pytest.mark.parametrize("size", [1, 7, 25, 100])
async def test_pages_have_no_holes_and_no_doubles(
    store: Store, size: int, wanted: dict[str, Any]
) -> None:
    made = factories.jobs(25, queue="q", task="t")
    await store.enqueue(made)

    assert await pages(store, size, **wanted) == [each.id for each in reversed(made)]


async def test_jobs_made_while_one_pages_do_not_shift_the_pages(store: Store) -> None:
    made = factories.jobs(6)
    await store.enqueue(made)
    first = await listed(store, limit=3)
    await store.enqueue(factories.jobs(3))

    second = await listed(store, limit=3, after=first[-1].id)

    assert [each.id for each in (*first, *second)] == [each.id for each in reversed(made)]


async def test_a_job_nobody_made_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="jobs ls"):
        await find(store, factories.new_id())


async def test_an_ended_job_cannot_be_cancelled(store: Store) -> None:
    job = await enqueue(store)
    await cancel(store, job)

    with pytest.raises(Conflict, match="is cancelled"):
        await cancel(store, job)


async def test_those_of_many_that_have_ended_are_told_apart(store: Store) -> None:
    ended, waiting = await enqueue(store), await enqueue(store)
    await cancel(store, ended)

    found = await store.read(lambda c, now: jobs.ended(c, now, [ended, waiting]))

    assert found == {ended}
