"""Lists of jobs by whatever they are found by: each page in bounded work, none lost, none twice."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, event

from onbeat.domain.job_cursors import Sort
from onbeat.domain.job_filters import JobFilter, JobPage, read_filter
from onbeat.domain.jobs import Job
from onbeat.domain.marks import marks
from onbeat.domain.regions import Regions
from onbeat.domain.states import State
from onbeat.store import bulk, counts, listing, regions
from onbeat.store.counts import Count
from onbeat.store.listing import Bounds
from onbeat.store.store import Store
from tests import factories
from tests.contract.conditions import ask
from tests.contract.population import OWNERS, TAGS, Population
from tests.contract.world import acked, begin, claim_one, enqueue, state
from tests.timing import ManualTiming

WIDE = Bounds()
NARROW = Bounds(few=3, looked_at=7, pieces=(2, 3, 4))
"""With these a few dozen jobs are what millions are with the usual ones."""


async def page(store: Store, wanted: JobFilter, bounds: Bounds = WIDE) -> JobPage:
    return await store.read(partial(listing.page, wanted=read_filter(wanted), bounds=bounds))


async def forth(
    store: Store, wanted: JobFilter, bounds: Bounds = WIDE
) -> tuple[list[Job], JobPage]:
    """All pages, one after the other, and the last of them."""
    last = await page(store, wanted, bounds)
    found = list(last.jobs)
    while last.after is not None:
        last = await page(store, replace(wanted, after=last.after, before=None), bounds)
        found += last.jobs
    return found, last


async def back(store: Store, wanted: JobFilter, last: JobPage, bounds: Bounds = WIDE) -> list[Job]:
    """All that comes before the last page, and that page, in the order of the list."""
    found = list(last.jobs)
    while last.before is not None:
        last = await page(store, replace(wanted, before=last.before), bounds)
        found = [*last.jobs, *found]
    return found


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


@pytest.mark.parametrize("seed", range(3))
async def test_pages_there_and_back_are_what_fits_in_its_order(
    store: Store, timing: ManualTiming, seed: int
) -> None:
    population = Population(store, timing, random.Random(seed))
    await population.make(40)
    await population.look()

    for _ in range(40):
        wanted = population.any_filter()
        expected = population.fitting(wanted)
        for bounds in (WIDE, NARROW):
            found, last = await forth(store, wanted, bounds)
            assert ids(found) == expected, (wanted, bounds)
            assert ids(await back(store, wanted, last, bounds)) == expected, (wanted, bounds)


@pytest.mark.parametrize("wanted", [JobFilter(), JobFilter(tag="vip"), JobFilter(queue="default")])
@pytest.mark.parametrize("bounds", [WIDE, NARROW])
async def test_jobs_that_come_while_one_pages_shift_nothing_and_are_met_on_the_way_back(
    store: Store, wanted: JobFilter, bounds: Bounds
) -> None:
    def marked() -> Any:
        return factories.job(ties=marks(("vip",), None), is_marked=True)

    first = [marked() for _ in range(9)]
    await ask(store, *first)
    wanted = replace(wanted, limit=2)
    last = await page(store, wanted, bounds)
    found, made = list(last.jobs), list(first)
    while last.after is not None:
        made.append(marked())
        await ask(store, made[-1])
        last = await page(store, replace(wanted, after=last.after), bounds)
        found += last.jobs

    assert ids(found) == [job.id for job in reversed(first)]
    assert ids(await back(store, wanted, last, bounds)) == [job.id for job in reversed(made)]


async def test_a_page_on_which_too_little_fits_is_cut_and_says_where_to_go_on(store: Store) -> None:
    wanted = await enqueue(store, args=b'{"n":1}')
    await store.enqueue(factories.jobs(20, args=b'{"n":2}'))
    asked = JobFilter(args={"n": 1}, limit=2)

    first = await page(store, asked, NARROW)
    found, last = await forth(store, asked, NARROW)

    assert (first.jobs, first.is_cut, first.before) == ([], True, None)
    assert first.after is not None
    assert (ids(found), last.after, last.is_cut) == ([wanted], None, False)
    assert ids(await back(store, asked, last, NARROW)) == [wanted]


async def test_where_few_can_fit_no_page_is_cut(store: Store) -> None:
    rare = factories.jobs(3, queue="rare", args=b'{"n":1}')
    await store.enqueue(rare[:2])
    await store.enqueue(factories.jobs(20))
    await store.enqueue(rare[2:])

    found = await page(store, JobFilter(queue="rare", args={"n": 1}), NARROW)

    assert ids(list(found.jobs)) == [job.id for job in reversed(rare)]
    assert (found.is_cut, found.after) == (False, None)


async def test_jobs_that_ended_at_the_same_moment_are_paged_without_holes(store: Store) -> None:
    session = await begin(store)
    await store.enqueue(factories.jobs(7))
    claimed = await store.claim(session.id, ["default"], 7)
    await acked(store, *(factories.ack(each) for each in claimed))

    for sort in (Sort.LAST_ENDED, Sort.FIRST_ENDED):
        wanted = JobFilter(sort=sort, limit=2)
        found, last = await forth(store, wanted)
        expected = sorted((each.id for each in claimed), reverse=sort.descends)
        assert ids(found) == ids(await back(store, wanted, last)) == expected


EQUAL: list[tuple[Any, Any]] = [
    (1, 1), (1, 1.0), (1.5, 1.5), ("1", "1"), ("", ""), (True, True), (False, False), (None, None),
    (2**62, 2**62), (-(2**63), -(2**63)), ("größe 'x' \\ %_", "größe 'x' \\ %_"), (1e22, 1e22),
]  # fmt: skip
UNLIKE: list[tuple[Any, Any]] = [
    (1, "1"), (1, True), (0, False), (None, "null"), ("", None), ("a", "A"), ([1], 1), ({}, None),
    ("1", 1), (True, "true"), (2**62, 2**62 + 1),
]  # fmt: skip


@pytest.mark.parametrize(("kept", "asked", "fits"), [
    *((*pair, True) for pair in EQUAL), *((*pair, False) for pair in UNLIKE),
])  # fmt: skip
async def test_what_is_at_a_place_of_the_arguments_is_compared_as_json(
    store: Store, kept: Any, asked: Any, fits: bool
) -> None:
    args = msgspec.json.encode({"a": {"b.c": 0, "d": [kept]}, "é x": kept})
    job = await enqueue(store, args=args)
    await enqueue(store, args=b'{"a":3}')
    await enqueue(store, args=b"{}")

    for path in ("a.d.0", "é x"):
        found = await page(store, JobFilter(args={path: asked}))
        assert ids(list(found.jobs)) == ([job] if fits else [])


async def test_nobody_learns_a_secret_by_asking_for_it(store: Store) -> None:
    args = b'{"token":"s3cret","card":{"number":7},"n":1}'
    job = await enqueue(store, args=args, secrets=(("token",), ("card", "number")))

    for asked in ({"token": "s3cret"}, {"card.number": 7}, {"token": "***"}):
        assert (await page(store, JobFilter(args=asked))).jobs == []
    assert ids(list((await page(store, JobFilter(args={"n": 1}))).jobs)) == [job]


async def test_a_region_is_the_queue_it_has(store: Store) -> None:
    wanted = Regions({"eu": "eu-jobs", "us": "us-jobs"}, default="default")
    await store.write(partial(regions.declare, wanted=wanted, source="code:app"))
    eu, us = await enqueue(store, queue="eu-jobs"), await enqueue(store, queue="us-jobs")
    await enqueue(store)

    for asked, expected in (
        (JobFilter(region="eu"), [eu]),
        (JobFilter(region=("eu", "us")), [us, eu]),
        (JobFilter(region=("eu", "us"), queue=("us-jobs", "default")), [us]),
        (JobFilter(region="eu", queue="us-jobs"), []),
        (JobFilter(region="mars"), []),
    ):
        assert ids(list((await page(store, asked)).jobs)) == expected


async def test_a_schedule_s_jobs_are_found_that_it_made_of_another_task(
    store: Store, timing: ManualTiming
) -> None:
    population = Population(store, timing, random.Random(1))
    await population.make(6)
    before = await page(store, JobFilter(schedule=population.schedule.id), NARROW)

    await population.change_task("mail")
    await population.make_more(6)
    found, _ = await forth(store, JobFilter(schedule=population.schedule.id), NARROW)

    assert before.jobs
    assert {job.task for job in found} == {"bill", "mail"}


async def test_each_state_is_counted_and_beyond_a_bound_at_least_so_many(store: Store) -> None:
    session = await begin(store)
    await store.enqueue(factories.jobs(6, queue="q"))
    for _ in range(5):
        await acked(store, factories.ack(await claim_one(store, session, "q")))
    await acked(store, factories.ack(await claim_one(store, session, "q"), "bury"))
    await store.enqueue(factories.jobs(3))
    await store.enqueue(factories.jobs(2, delay=timedelta(hours=1)))

    exact = await store.read(counts.by_state)
    bounded = await store.read(partial(counts.by_state, most=1))

    assert {state: count.number for state, count in exact.items() if count.number} == {
        State.COMPLETED: 5, State.FAILED: 1, State.PENDING: 3, State.SCHEDULED: 2
    }  # fmt: skip
    assert all(count.is_exact for count in exact.values())
    assert bounded[State.COMPLETED] == bounded[State.PENDING] == Count(1, is_exact=False)
    assert bounded[State.FAILED] == Count(1, is_exact=True)
    assert not bounded[State.SCHEDULED].is_exact
    assert not bounded[State.RETRYING].is_exact
    assert str(bounded[State.PENDING]) == "at least 1"


@pytest.mark.parametrize(
    "wanted", [bulk.Selection(tag=TAGS[0]), bulk.Selection(owner=OWNERS[0])], ids=str
)
async def test_many_are_called_off_and_run_again_by_tag_and_by_owner(
    store: Store, wanted: bulk.Selection
) -> None:
    session = await begin(store)
    dead = [factories.job(ties=by, is_marked=True)
            for by in (marks(TAGS[:1], OWNERS[0]), marks(TAGS[1:], OWNERS[1]))]  # fmt: skip
    await ask(store, *dead)
    for claimed in await store.claim(session.id, ["default"], 2):
        await acked(store, factories.ack(claimed, "bury"))
    waiting = [msgspec.structs.replace(job, id=factories.new_id()) for job in dead]
    await ask(store, *waiting, factories.job())

    assert await store.read(partial(bulk.count_dead, wanted=wanted)) == 1
    assert await store.read(partial(bulk.count_open, wanted=wanted)) == (1, 0)
    done = partial(bulk.cancel, wanted=wanted, reason="by ann", after=None, limit=10)
    assert (await store.write(done)).cancelled == 1
    again = await store.write(partial(bulk.redrive, wanted=wanted, after=None, limit=10))

    assert again.count == 1
    assert [await state(store, job.id) for job in (*dead, *waiting)] == [
        State.PENDING, State.FAILED, State.CANCELLED, State.PENDING
    ]  # fmt: skip


BY_ONE_FIELD = [
    JobFilter(), JobFilter(sort="oldest"), JobFilter(sort="last-ended"), JobFilter(task="bill"),
    JobFilter(queue="q"), JobFilter(tag="vip"), JobFilter(owner="ann"), JobFilter(state="pending"),
    JobFilter(state=("pending", "running")), JobFilter(state="failed", sort="last-ended"),
    JobFilter(state="failed"), JobFilter(task="bill", sort="first-ended"), JobFilter(id="01"),
    JobFilter(error="x"), JobFilter(args={"n": 1}), JobFilter(tag=("vip", "eu"), state="failed"),
]  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("wanted", BY_ONE_FIELD, ids=str)
async def test_a_page_sorts_no_more_than_it_has_looked_at(store: Store, wanted: JobFilter) -> None:
    """What is read is read through an index, and of a table in its order but for LIMIT rows."""

    def look(connection: Connection, now: Any) -> list[str]:
        said: list[tuple[str, Any]] = []
        event.listen(connection, "before_cursor_execute",
                     lambda *given: said.append((given[2], given[3])))  # fmt: skip
        listing.page(connection, now, read_filter(wanted), bounds=NARROW)
        asked = list(said)
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            for statement, values in asked
        ]
        return [row[3] for plan in plans for row in plan]

    await ask(store, *(factories.job(ties=marks(TAGS, "ann"), is_marked=True) for _ in range(9)))
    steps = await store.read(look)

    history = ("SCAN onbeat_jobs", "SCAN onbeat_finished", "SCAN onbeat_marks")
    assert [step for step in steps if step.startswith(history) and "USING" not in step] == []
