"""A circuit breaker among three worker processes: its state is shared, and so are its probes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from onbeat.domain.breakers import BreakerState, tie_of
from onbeat.domain.jobs import NewJob
from onbeat.domain.states import State
from onbeat.store import breakers
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests.conftest import opened
from tests.e2e.crews import DEADLINE, Crew, Effect, crew, outcomes
from tests.waiting import wait_for

JOBS = 60
PROBES = 2
FAILURES = 8
"""Of probes, before the dependency comes back."""

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def record(database_url: str) -> AsyncIterator[Store]:
    """The database, as an onlooker sees it."""
    async with opened(database_url) as store:
        yield store


async def test_three_workers_share_a_breaker_and_never_try_more_at_once_than_it_lets(
    record: Store, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    env = {"GATE": str(gate)}
    with crew(record.url, tmp_path) as processes:
        for _ in range(3):
            await asyncio.to_thread(processes.start, "worker", env=env)
        await ask(record, 6)
        await wait_for(lambda: _is(record, BreakerState.HALF_OPEN), DEADLINE, "that it opens")
        opened_at = time.time()
        await ask(record, JOBS)
        await wait_for(lambda: _failed(processes, opened_at, FAILURES), DEADLINE, "probes")
        up_at = time.time()
        gate.touch()
        await wait_for(lambda: _is_over(record), DEADLINE, "the end of all jobs")
        effects = processes.effects()

    tried = attempts(effects, opened_at, up_at)
    assert most_at_once(tried) <= PROBES
    assert len(tried) >= FAILURES
    assert await outcomes(record) == Counter({State.COMPLETED: JOBS + 6})
    assert await _is(record, BreakerState.CLOSED)
    assert (await verify(record)).breaches == []


async def ask(record: Store, count: int) -> None:
    """Ask for calls of the dependency, as the application would."""
    await record.enqueue(
        [
            NewJob(id=job, task="call_out", ties=(tie_of("dependency"),), max_attempts=1_000)
            for job in record.ids.many(count)
        ]
    )


def attempts(effects: list[Effect], since: float, until: float) -> list[tuple[float, float, int]]:
    """Begin, end and worker of each attempt that began in that time."""
    begun = {(each.job, each.token): each for each in effects if each.word == "call:begun"}
    ended = {(each.job, each.token): each.at for each in effects if each.word != "call:begun"}
    return [
        (each.at, ended[attempt], each.worker)
        for attempt, each in begun.items()
        if since < each.at < until
    ]


def most_at_once(tried: list[tuple[float, float, int]]) -> int:
    """How many of them ran at one moment, at most."""
    return max(sum(begin <= at < end for begin, end, _ in tried) for at, _, _ in tried)


async def _is(record: Store, state: BreakerState) -> bool:
    listed = await record.read(breakers.list_breakers)
    return [each.state for each in listed] == [state]


async def _failed(processes: Crew, since: float, count: int) -> bool:
    failed = [each for each in processes.effects() if each.word == "call:failed"]
    return sum(each.at > since for each in failed) >= count


async def _is_over(record: Store) -> bool:
    return sum((await outcomes(record)).values()) >= JOBS + 6
