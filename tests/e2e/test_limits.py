"""Limits across processes: never exceeded, whoever claims, also when a worker is killed."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from onbeat.domain.jobs import NewJob
from onbeat.domain.states import State
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests.conftest import opened
from tests.e2e.crews import DEADLINE, Crew, Effect, crew, outcomes
from tests.waiting import wait_for

JOBS = 600
AT_ONCE = 2

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def record(database_url: str) -> AsyncIterator[Store]:
    """The database, as an onlooker sees it."""
    async with opened(database_url) as store:
        yield store


@pytest.fixture
def processes(database_url: str, tmp_path: Path) -> Iterator[Crew]:
    """Workers of an application."""
    with crew(database_url, tmp_path) as made:
        yield made


async def test_three_workers_and_a_killed_one_never_exceed_the_limit_of_a_key(
    record: Store, processes: Crew
) -> None:
    keys = ["big"] * (JOBS // 2) + [f"k{n % 10}" for n in range(JOBS // 2)]
    await record.enqueue(
        [
            NewJob(
                id=record.new_id(), task="bounded", args=json.dumps({"key": key}).encode(),
                ties=(f"slot:bound:{key}",),
            )
            for key in keys
        ]
    )  # fmt: skip
    doomed, *_ = [await asyncio.to_thread(processes.start, "worker") for _ in range(3)]
    await wait_for(lambda: _effects(processes, JOBS // 4), DEADLINE)

    doomed.kill()
    doomed.wait()
    killed_at = time.time()
    await wait_for(lambda: _ended(record), DEADLINE, "the end of all jobs")

    assert await outcomes(record) == Counter({State.COMPLETED: JOBS})
    assert most_at_once(processes.effects(), doomed.pid, killed_at) == AT_ONCE
    assert (await verify(record)).breaches == []


def most_at_once(effects: list[Effect], doomed: int, killed_at: float) -> int:
    """The most jobs of one key that ran at one moment; those of the killed worker ended with it."""
    begun: dict[tuple[str, int], tuple[str, float, int]] = {}
    ended: dict[tuple[str, int], float] = {}
    for each in effects:
        key, _, what = each.word.partition(":")
        if what == "begun":
            begun[each.job, each.token] = key, each.at, each.worker
        else:
            ended[each.job, each.token] = each.at
    steps: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for attempt, (key, at, worker) in begun.items():
        end = ended.get(attempt, killed_at if worker == doomed else float("inf"))
        steps[key] += [(at, 1), (end, -1)]
    return max(_peak(sorted(each)) for each in steps.values())


def _peak(steps: list[tuple[float, int]]) -> int:
    running = peak = 0
    for _, step in steps:
        running += step
        peak = max(peak, running)
    return peak


async def _effects(processes: Crew, count: int) -> bool:
    return len(processes.effects()) >= count


async def _ended(record: Store) -> bool:
    return sum((await outcomes(record)).values()) >= JOBS
