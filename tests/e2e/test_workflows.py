"""Workflows among three worker processes, also where one is killed: each job runs once, in turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from onbeat import Flow, Onbeat, Run, Settings
from onbeat.domain.states import State
from onbeat.store.schema import workflows
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests.conftest import opened
from tests.e2e.crews import DEADLINE, Crew, crew, tried
from tests.waiting import wait_for

CHILDREN = 300
WORKERS = 3

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def record(database_url: str) -> AsyncIterator[Store]:
    """The database, as an onlooker sees it."""
    async with opened(database_url) as store:
        yield store


async def test_three_workers_run_every_job_once_and_none_before_its_parents(
    record: Store, tmp_path: Path
) -> None:
    flow, waits = await start(record.url)
    with crew(record.url, tmp_path) as processes:
        await asyncio.gather(
            *(asyncio.to_thread(processes.start, "worker") for _ in range(WORKERS))
        )
        await wait_for(lambda: _is_over(record.url, flow), DEADLINE, "the end of the workflow")
        at = {each.job: each.at for each in processes.effects()}
        ran = Counter(each.job for each in processes.effects())

    assert set(ran.values()) == {1}
    assert set(ran) == set(waits)
    early = [(job, up) for job, parents in waits.items() for up in parents if at[up] > at[job]]
    assert early == []
    assert (await verify(record)).breaches == []


async def test_a_killed_worker_costs_a_workflow_nothing(record: Store, tmp_path: Path) -> None:
    flow, waits = await start(record.url)
    with crew(record.url, tmp_path) as processes:
        started = [
            await asyncio.to_thread(processes.start, "worker") for _ in range(WORKERS)
        ]  # fmt: skip
        await wait_for(lambda: _has_begun(processes), DEADLINE)
        started[0].kill()
        started[0].wait()
        await wait_for(lambda: _is_over(record.url, flow), DEADLINE, "the end of the workflow")

    succeeded = Counter(each.job for each in await tried(record) if each.outcome == "succeeded")
    assert succeeded == Counter(dict.fromkeys(waits, 1))
    assert set(await _states(record.url, flow)) == {State.COMPLETED}
    assert (await verify(record)).breaches == []


MEETINGS = 30


async def test_a_child_whose_last_two_parents_end_at_once_in_two_processes_begins_once(
    record: Store, tmp_path: Path
) -> None:
    with crew(record.url, tmp_path) as processes:
        for queue in ("left", "right", "default"):
            env = {"ONBEAT_QUEUES": queue}
            await asyncio.to_thread(processes.start, "worker", env=env)
        flows = await _meetings(record.url, tmp_path)
        await wait_for(lambda: _are_over(record), DEADLINE, "the end of all workflows")
        effects = processes.effects()

    ran = Counter(each.job for each in effects)
    assert set(ran.values()) == {1}
    at = {each.job: each for each in effects}
    for left, right, child in flows:
        assert at[left].worker != at[right].worker
        assert at[child].at > max(at[left].at, at[right].at)
    assert len(ran) == 3 * MEETINGS
    assert (await verify(record)).breaches == []


async def _meetings(url: str, folder: Path) -> list[tuple[str, str, str]]:
    """Workflows of two jobs that wait for each other in two queues, and one that waits for both."""
    ob = Onbeat(url, settings=Settings(db=url))

    @ob.task(name="last_parent")
    async def last_parent(run: Run, mine: str, other: str) -> None:
        """Made here, run by the crew."""

    @ob.task(name="work")
    async def work(run: Run) -> int:
        """The same."""
        return run.token

    made: list[tuple[str, str, str]] = []
    async with ob:
        for number in range(MEETINGS):
            async with ob.workflow("meeting") as flow:
                mine, other = (str(folder / f"{side}-{number}") for side in ("left", "right"))
                left = flow.add(last_parent.opts(queue="left").bind(mine, other))
                right = flow.add(last_parent.opts(queue="right").bind(other, mine))
                child = flow.add(work.bind(), after=[left, right])
            made.append((left.id, right.id, child.id))
    return made


async def _are_over(record: Store) -> bool:
    counted = select(func.count()).select_from(workflows).where(workflows.c.ended_at.is_(None))
    return await record.read(lambda connection, _: connection.scalar(counted)) == 0


async def start(url: str) -> tuple[Flow, dict[str, list[str]]]:
    """A fan of jobs, of which every second waits for the one before too; who waits for whom."""
    ob = Onbeat(url, settings=Settings(db=url))

    @ob.task(name="work")
    async def work(run: Run) -> int:
        """Made here, run by the crew."""
        return run.token

    async with ob, ob.workflow("fan") as flow:
        first = flow.add(work.bind())
        steps = [flow.add(work.bind(), after=first)]
        for number in range(1, CHILDREN):
            before = [first, steps[-1]] if number % 2 else [first]
            steps.append(flow.add(work.bind(), after=before, on="end" if number % 3 else "success"))
        last = flow.chain(*[work.bind()] * 10, after=steps)
    waits: dict[str, list[str]] = {
        each.id: [parent.id for parent, _ in each.waits_for if not isinstance(parent, str)]
        for each in (first, *steps, *last)
    }
    return flow, waits


async def _has_begun(processes: Crew) -> bool:
    return len(processes.effects()) > CHILDREN // 3


async def _is_over(url: str, flow: Flow) -> bool:
    async with Onbeat(url, settings=Settings(db=url)) as ob:
        return (await ob.workflows.find(flow.id)).ended_at is not None


async def _states(url: str, flow: Flow) -> list[State]:
    async with Onbeat(url, settings=Settings(db=url)) as ob:
        return [each.state for each in await ob.workflows.graph(flow.id)]
