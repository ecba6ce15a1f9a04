"""Figures are those of the jobs on record, on either engine, and look at so many and no more."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection

from onbeat.domain.jobs import Job
from onbeat.domain.states import FINAL_STATES, State
from onbeat.domain.stats import GroupedBy, Stats
from onbeat.store import stats
from onbeat.store.store import Store
from tests.contract.population import Population
from tests.timing import START, ManualTiming

KEYS = {
    GroupedBy.TASK: lambda job: job.task,
    GroupedBy.QUEUE: lambda job: job.queue,
    GroupedBy.SCHEDULE: lambda job: job.schedule,
    GroupedBy.NAME: lambda job: job.schedule or job.task,
}


@pytest.fixture
async def population(store: Store, timing: ManualTiming) -> Population:
    """Jobs in all states."""
    made = Population(store, timing, random.Random(7))
    await made.make(40)
    await made.look()
    return made


async def looked(
    store: Store, timing: ManualTiming, by: GroupedBy = GroupedBy.TASK, task: str | None = None,
    window: timedelta | None = None,
) -> Stats:  # fmt: skip
    """The figures of all there is, or of a window up to now."""
    since = START - timedelta(days=1) if window is None else timing.now() - window
    return await store.read(partial(stats.look, by=by, since=since, until=timing.now(), task=task))


def counted(jobs: list[Job], by: GroupedBy) -> dict[str, Counter[State]]:
    """How many of each group are in each state."""
    found: dict[str, Counter[State]] = {}
    for job in jobs:
        if (name := KEYS[by](job)) is not None:
            found.setdefault(name, Counter())[job.state] += 1
    return found


@pytest.mark.parametrize("by", list(GroupedBy))
async def test_counts_are_those_of_the_jobs_on_record(
    store: Store, timing: ManualTiming, population: Population, by: GroupedBy
) -> None:
    found = await looked(store, timing, by)

    assert {each.name: dict(each.states) for each in found.groups} == counted(population.jobs, by)
    assert dict(found.total.states) == Counter(job.state for job in population.jobs)
    assert found.is_exact


async def test_of_one_task_there_are_its_jobs_alone(
    store: Store, timing: ManualTiming, population: Population
) -> None:
    found = await looked(store, timing, task="mail")

    assert {each.name for each in found.groups} == {"mail"}
    assert found.total.number == sum(job.task == "mail" for job in population.jobs)


async def test_of_a_window_there_are_the_ends_in_it(
    store: Store, timing: ManualTiming, population: Population
) -> None:
    window = timedelta(seconds=20)
    found = await looked(store, timing, window=window)

    within = [
        job
        for job in population.jobs
        if job.finished_at is not None and job.finished_at >= timing.now() - window
    ]
    assert 0 < found.looked_at == len(within)
    ended = sum(n for state, n in found.total.states.items() if state in FINAL_STATES)
    assert ended == len(within)


async def test_durations_are_of_the_attempts_that_ended_the_jobs(
    store: Store, timing: ManualTiming, population: Population
) -> None:
    found = await looked(store, timing)

    assert found.total.p95 is not None
    assert timedelta() <= found.total.p95 <= timedelta(seconds=3)
    assert found.total.mean is not None


async def test_of_more_than_are_looked_at_the_newest_count_and_it_is_said(
    store: Store, timing: ManualTiming, population: Population
) -> None:
    def look(connection: Connection, now: object) -> Stats:
        return stats.look(
            connection, timing.now(), GroupedBy.TASK, START - timedelta(days=1), timing.now(),
            most=3,
        )  # fmt: skip

    found = await store.read(look)

    ends = sorted(job.finished_at for job in population.jobs if job.finished_at is not None)
    assert (found.looked_at, found.is_exact) == (3, False)
    assert found.oldest_at == ends[-3]
    assert State.PENDING not in found.exact_states or found.total.states[State.PENDING] <= 3
