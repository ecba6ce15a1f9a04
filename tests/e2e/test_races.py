"""Unique keys among three workers and three processes that ask for the same at once."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from onbeat.domain.states import State
from onbeat.store.schema import finished
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests.conftest import opened
from tests.e2e.crews import DEADLINE, Answered, Crew, crew, left_over, outcomes
from tests.waiting import wait_for

KEYS = 4
ROUNDS = 12
PROCESSES = 3

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def record(database_url: str) -> AsyncIterator[Store]:
    """The database, as an onlooker sees it."""
    async with opened(database_url) as store:
        yield store


async def test_of_what_three_processes_ask_for_at_once_there_is_one_of_each_key(
    record: Store, tmp_path: Path
) -> None:
    keys, gate = 20, tmp_path / "gate"
    with crew(record.url, tmp_path) as processes:
        told = await race(processes, "stay_alone", keys, 1, tmp_path)
        gate.touch()
        await wait_for(lambda: _is_over(record), DEADLINE, "the end of all jobs")
        ran = Counter(each.word.partition(":")[0] for each in processes.effects())

    new = Counter(each.key for each in told if each.is_new)
    assert new == Counter({f"k{number}": 1 for number in range(keys)})
    assert len({(each.key, each.job) for each in told}) == keys
    assert ran == new
    assert (await verify(record)).breaches == []


@pytest.mark.parametrize("task", ["alone", "latest"])
async def test_while_jobs_end_no_two_of_a_key_run_at_once_and_each_stored_one_ends_once(
    record: Store, tmp_path: Path, task: str
) -> None:
    with crew(record.url, tmp_path) as processes:
        told = await race(processes, task, KEYS, ROUNDS, tmp_path)
        await wait_for(lambda: _is_over(record), DEADLINE, "the end of all jobs")
        spans = spans_of(processes)

    new = {each.job for each in told if each.is_new}
    ends = await reasons(record)
    assert set(ends) == new
    assert {each.job for each in told} <= new
    replaced = {job for job, reason in ends.items() if reason is not None}
    assert set(spans) == new - replaced
    assert overlaps(told, spans) == []
    assert all(ends[job] == f"replaced by job {by(ends[job])}" for job in replaced)
    assert {by(ends[job]) for job in replaced} <= new
    assert (await verify(record)).breaches == []


@pytest.mark.parametrize("task", ["one_waits", "newest_waits"])
async def test_where_a_key_is_had_until_it_begins_one_begins_after_each_asking(
    record: Store, tmp_path: Path, task: str
) -> None:
    with crew(record.url, tmp_path) as processes:
        told = await race(processes, task, KEYS, ROUNDS, tmp_path)
        await wait_for(lambda: _is_over(record), DEADLINE, "the end of all jobs")
        spans = spans_of(processes)

    ends = await reasons(record)
    assert set(ends) == {each.job for each in told if each.is_new}
    begins: dict[str, list[float]] = defaultdict(list)
    for each in told:
        if each.is_new and each.job in spans:
            begins[each.key].append(spans[each.job][0])
    missed = [each for each in told if max(begins[each.key]) < each.began]
    assert missed == []
    unheard = [
        each for each in told
        if not each.is_new and each.job in spans and spans[each.job][0] < each.began
    ]  # fmt: skip
    assert unheard == []
    assert (await verify(record)).breaches == []


async def test_who_waits_until_it_begins_is_always_replaced(record: Store, tmp_path: Path) -> None:
    with crew(record.url, tmp_path) as processes:
        told = await race(processes, "newest_waits", 1, 3 * ROUNDS, tmp_path)
        await wait_for(lambda: _is_over(record), DEADLINE, "the end of all jobs")

    assert [each for each in told if not each.is_new] == []
    (tmp_path.parent / "slowest").write_text(str(sorted(e.answered - e.began for e in told)[-5:]))


async def race(processes: Crew, task: str, keys: int, rounds: int, folder: Path) -> list[Answered]:
    """What three processes are told that ask at once, while three workers run the jobs."""
    go = folder / "go"
    env = {"GO": str(go), "GATE": str(folder / "gate")}
    for _ in range(PROCESSES):
        await asyncio.to_thread(processes.start, "worker", env=env)
    racers = [
        await asyncio.to_thread(processes.start_racer, task, keys, rounds, env)
        for _ in range(PROCESSES)
    ]
    go.touch()
    told = await asyncio.gather(*(asyncio.to_thread(processes.answers, each) for each in racers))
    return [each for some in told for each in some]


def spans_of(processes: Crew) -> dict[str, tuple[float, float]]:
    """When each job began and ended; each ran once."""
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    for each in processes.effects():
        places = begun if each.word.endswith(":begun") else ended
        assert each.job not in places, "it ran twice"
        places[each.job] = each.at
    assert set(begun) == set(ended)
    return {job: (at, ended[job]) for job, at in begun.items()}


def overlaps(told: list[Answered], spans: dict[str, tuple[float, float]]) -> list[tuple[str, str]]:
    """Jobs of one key that ran at one moment."""
    by_key: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for each in told:
        if each.is_new and each.job in spans:
            by_key[each.key].append((*spans[each.job], each.job))
    found = []
    for some in by_key.values():
        some.sort()
        found += [(a[2], b[2]) for a, b in pairwise(some) if b[0] < a[1]]
    return found


def by(reason: str | None) -> str:
    """Who replaced a job, as its reason says."""
    return (reason or "").rpartition(" ")[2]


async def reasons(record: Store) -> dict[str, str | None]:
    """All jobs that ended, with the reasons of those that were called off."""
    rows = await record.read(
        lambda connection, _: connection.execute(
            select(finished.c.job, finished.c.outcome, finished.c.reason)
        ).all()
    )
    assert {row.outcome for row in rows} <= {State.COMPLETED, State.CANCELLED}
    return {str(row.job): row.reason for row in rows}


async def _is_over(record: Store) -> bool:
    return await left_over(record) == (0, 0) and bool(await outcomes(record))
