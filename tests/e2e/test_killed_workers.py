"""Workers that are killed, drained and restarted: every job ends as it should, and once."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from onbeat.domain.states import State
from onbeat.domain.workers import DEFAULT_HEARTBEAT, DEFAULT_RESCUE_AFTER
from onbeat.store import workers
from onbeat.store.store import Store
from tests.conftest import opened
from tests.contract import world
from tests.e2e.crews import DEADLINE, Crew, crew, enqueue, left_over, outcomes, tried
from tests.forking import Running
from tests.waiting import wait_for
from tests.worker.test_ends import gone, pids_in

JOBS = 1_000

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def record(database_url: str) -> AsyncIterator[Store]:
    """The database, as an onlooker sees it."""
    async with opened(database_url) as store:
        yield store


@pytest.fixture
def processes(database_url: str, tmp_path: Path) -> Iterator[Crew]:
    """Workers and schedulers of an application."""
    with crew(database_url, tmp_path) as made:
        yield made


def test_in_earnest_a_worker_beats_every_5_seconds_and_is_rescued_after_15() -> None:
    assert (timedelta(seconds=5), timedelta(seconds=15)) == (
        DEFAULT_HEARTBEAT,
        DEFAULT_RESCUE_AFTER,
    )


@pytest.mark.parametrize("second", ["runs already", "is started after"])
async def test_a_worker_killed_among_a_thousand_jobs_costs_none_of_them(
    record: Store, processes: Crew, second: str
) -> None:
    jobs = await enqueue(record, JOBS, "work")
    doomed = await _start(processes, "worker")
    if second == "runs already":
        await _start(processes, "worker")
    await wait_for(lambda: _effects(processes, JOBS // 5), DEADLINE)

    doomed.kill()
    doomed.wait()
    if second == "is started after":
        await _start(processes, "worker")
    await wait_for(lambda: _ended(record, JOBS), DEADLINE, "the end of all jobs")

    await check_record(record, processes, list(jobs))


async def check_record(record: Store, processes: Crew, jobs: list[str]) -> None:
    """Compare what was done with what is on record; every job was to succeed."""
    effects, attempts = processes.effects(), await tried(record)
    succeeded = [each for each in attempts if each.outcome == "succeeded"]
    lost = [each for each in attempts if each.outcome == "lost"]

    assert await outcomes(record) == Counter({State.COMPLETED: len(jobs)})
    assert sorted(each.job for each in succeeded) == sorted(jobs), "each succeeds once"
    assert len(succeeded) + len(lost) == len(attempts), "and else was lost"
    tokens = Counter(each.token for each in attempts)
    assert max(tokens.values()) == 1, "no attempt is recorded twice"
    last = {each.job: each.token for each in succeeded}
    assert all(each.token < last[each.job] for each in lost), "the fence only goes forward"
    done = Counter((each.job, each.token) for each in effects)
    assert max(done.values()) == 1, "no attempt ran twice"
    assert set(done) <= {(each.job, each.token) for each in attempts}, "nothing ran off the record"
    assert {(each.job, each.token) for each in succeeded} <= set(done), "what is recorded was done"
    assert await left_over(record) == (0, 0)


async def test_a_dead_workers_session_is_gone_when_its_jobs_are_rescued(
    record: Store, processes: Crew, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    await enqueue(record, 1, "hold", json.dumps({"gate": str(gate)}).encode())
    doomed = await _start(processes, "worker")
    await wait_for(lambda: _effects(processes, 1), DEADLINE)
    doomed.kill()
    doomed.wait()
    await _start(processes, "worker")

    await wait_for(lambda: _effects(processes, 2), DEADLINE, "the job's second attempt")

    assert len(await record.read(workers.list_sessions)) == 1
    gate.touch()


@pytest.mark.parametrize("task", ["hang", "grind"])
async def test_no_process_of_a_job_outlives_its_killed_worker(
    record: Store, processes: Crew, tmp_path: Path, task: str
) -> None:
    note = tmp_path / "pids"
    await enqueue(record, 1, task, json.dumps({"pids": str(note)}).encode())
    doomed = await _start(processes, "worker")
    pids = await pids_in(note)

    doomed.kill()
    doomed.wait()

    await gone(*pids)


async def test_sigterm_lets_running_jobs_end_and_leaves_the_rest_pending(
    record: Store, processes: Crew, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    jobs = await enqueue(record, 5, "hold", json.dumps({"gate": str(gate)}).encode())
    worker = await _start(processes, "worker", ONBEAT_CONCURRENCY="2")
    await wait_for(lambda: _effects(processes, 2), DEADLINE)

    worker.send_signal(signal.SIGTERM)
    await wait_for(lambda: _drains(record), DEADLINE)
    gate.touch()
    code = await asyncio.to_thread(worker.wait, DEADLINE)

    states = Counter([await world.state(record, job) for job in jobs])
    assert states == {State.COMPLETED: 2, State.PENDING: 3}
    assert (code, await left_over(record)) == (0, (0, 3)), processes.errors.read_text()


async def test_sigterm_gives_back_what_does_not_end_within_the_grace_period(
    record: Store, processes: Crew, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    [job] = await enqueue(record, 1, "hold", json.dumps({"gate": str(gate)}).encode())
    worker = await _start(processes, "worker", ONBEAT_SHUTDOWN_GRACE="100ms")
    await wait_for(lambda: _effects(processes, 1), DEADLINE)

    worker.send_signal(signal.SIGTERM)
    code = await asyncio.to_thread(worker.wait, DEADLINE)

    shown = await world.find(record, job)
    assert (code, shown.state, shown.attempt) == (0, State.PENDING, 0)
    assert await record.read(workers.list_sessions) == []


async def _start(processes: Crew, *parts: str, **env: str) -> Running:
    return await asyncio.to_thread(processes.start, *parts, env=env)


async def _effects(processes: Crew, count: int) -> bool:
    return len(processes.effects()) >= count


async def _ended(record: Store, count: int) -> bool:
    return sum((await outcomes(record)).values()) >= count


async def _drains(record: Store) -> bool:
    return all(each.draining for each in await record.read(workers.list_sessions))
