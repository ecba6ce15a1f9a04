"""Each crash point, on each engine it is in: who dies there loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from onbeat.app.processes import Parts
from onbeat.crash_points import OF_NOTICES, SQLITE_ONLY, CrashPoint, arm, disarm, reach
from onbeat.domain.jobs import JobId
from onbeat.runtime.maintenance import rescue
from onbeat.runtime.worker.worker import WorkerOptions
from onbeat.store import schedules, workers
from onbeat.store.schema import occurrences, sessions
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests import factories
from tests.chaos.checker import check
from tests.chaos.effects import read_effects
from tests.chaos.history import Answer, History, read_answers, read_record
from tests.chaos.run import BEATS, count_open
from tests.chaos.tasks import beat, blink, breed, log, ob, stroll, stumble
from tests.conftest import opened
from tests.contract.world import begin
from tests.forking import Forked, Program
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
SECONDS = 30.0
LEASE = timedelta(milliseconds=600)
HEARTBEAT = timedelta(milliseconds=200)

PASSES = {
    CrashPoint.GROUP_BEFORE_COMMIT: 12,
    CrashPoint.GROUP_AFTER_COMMIT: 12,
    CrashPoint.ENQUEUE_SENDING: 3,
    CrashPoint.ENQUEUE_ANSWERED: 3,
    CrashPoint.CLAIM_SENDING: 2,
    CrashPoint.CLAIM_ANSWERED: 2,
    CrashPoint.ACK_SENDING: 2,
    CrashPoint.ACK_ANSWERED: 2,
    CrashPoint.WRITE_BEFORE_COMMIT: 3,
    CrashPoint.WRITE_AFTER_COMMIT: 3,
    CrashPoint.JOB_STARTING: 40,
    CrashPoint.JOB_ENDED: 40,
}
"""When it is reached for which time the process dies, where not for the first."""

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    """No test leaves a point armed."""
    yield
    disarm()


def test_a_point_acts_once_on_the_pass_it_was_armed_for() -> None:
    acted: list[str] = []
    arm(CrashPoint.ACK_SENDING, lambda: acted.append("acted"), on_pass=3)

    so_far = []
    for _ in range(5):
        reach(CrashPoint.ACK_SENDING)
        so_far.append(len(acted))

    assert so_far == [0, 0, 1, 1, 1]


def test_another_point_does_not_act() -> None:
    acted: list[str] = []
    arm(CrashPoint.ACK_SENDING, lambda: acted.append("sending"))
    arm(CrashPoint.ACK_ANSWERED, lambda: acted.append("answered"))

    reach(CrashPoint.ACK_ANSWERED)

    assert acted == ["answered"]


def test_nothing_acts_when_all_is_disarmed() -> None:
    acted: list[str] = []
    arm(CrashPoint.ACK_SENDING, lambda: acted.append("sending"))

    disarm()
    reach(CrashPoint.ACK_SENDING)

    assert acted == []


def test_every_point_says_what_it_means() -> None:
    assert all(point.meaning for point in CrashPoint)


@pytest.fixture
async def record(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Store]:
    """The database, as an onlooker sees it; jobs of this process note what they do too."""
    monkeypatch.setenv("CHAOS_FOLDER", str(tmp_path))
    ob.use_database(database_url)
    async with opened(database_url) as store:
        yield store
    log.close()


PLACES = [
    pytest.param(engine, point, id=f"{engine}-{point}")
    for engine in ("sqlite", "postgresql")
    for point in CrashPoint
    if (engine == "sqlite" or point not in SQLITE_ONLY) and point not in OF_NOTICES
]


@pytest.mark.parametrize(("database_url", "point"), PLACES, indirect=["database_url"])
async def test_who_dies_there_loses_and_doubles_nothing(
    record: Store, tmp_path: Path, point: CrashPoint
) -> None:
    history = History()
    await _create_schedules(record, history)
    asked = await _ask(record)
    await _leave_leases(record, asked[:5])

    history.deaths = await _die_at(point, record.url, tmp_path)
    await _take_over(record)

    history.effects = read_effects(tmp_path)
    history.asked = read_answers(tmp_path / "client.log", history.effects)
    history.asked |= dict.fromkeys(asked, Answer.ACCEPTED)
    await record.read(lambda connection, _: read_record(connection, history))
    history.breaches = [str(each) for each in (await verify(record)).breaches]
    assert check(history) == []


async def _create_schedules(store: Store, history: History) -> None:
    for name, (when, step) in BEATS.items():
        made = factories.schedule(name=name, task=beat.name, recurrence=when)
        await store.write(partial(schedules.create, schedule=made))
        history.steps[made.id] = step


async def _ask(store: Store) -> list[JobId]:
    calls = [
        *(blink.bind() for _ in range(150)),
        *(stroll.bind() for _ in range(20)),
        *(breed.bind(2) for _ in range(10)),
        *(stumble.bind(1) for _ in range(10)),
        *(blink.opts(delay="300ms").bind() for _ in range(10)),
    ]
    jobs = [call.new_job(store.new_id()) for call in calls]
    await store.enqueue(jobs)
    return [job.id for job in jobs] + await _ask_workflow()


async def _ask_workflow() -> list[JobId]:
    """A few jobs that wait for each other, so that there are ends to follow."""
    async with ob, ob.workflow("fan") as flow:
        first = flow.add(blink.bind())
        some = [flow.add(stroll.bind(), after=first) for _ in range(5)]
        last = flow.chain(blink.bind(), blink.bind(), after=some)
    return [each.id for each in (first, *some, *last)]


async def _leave_leases(store: Store, jobs: list[JobId]) -> None:
    """Some jobs are held by a worker that is gone, so that there is something to rescue."""
    gone = await begin(store)
    await store.claim(gone.id, ["default"], len(jobs))
    await store.write(lambda connection, now: workers.end(connection, now, gone.id))


async def _die_at(point: CrashPoint, url: str, folder: Path) -> dict[int, float]:
    """Run the application until it dies there; when that was, by its process id."""
    (folder / "client.log").touch()
    settings = {
        "ONBEAT_DB": url,
        "ONBEAT_HEARTBEAT": f"{HEARTBEAT // timedelta(milliseconds=1)}ms",
        "ONBEAT_RESCUE_AFTER": f"{LEASE // timedelta(milliseconds=1)}ms",
        "CHAOS_FOLDER": str(folder),
        "ARMED": f"{point}:{PASSES.get(point, 1)}",
    }
    parts = ("worker", "scheduler")
    program = Program("tests.chaos.app", parts, ROOT, {**os.environ, **settings}, is_strict=True)
    process = Forked(program, subprocess.PIPE)
    try:
        _, told = await asyncio.to_thread(process.communicate, SECONDS)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"it did not pass {point}") from None
    assert process.returncode == -signal.SIGKILL, told
    return {process.pid: time.monotonic()}


async def _take_over(store: Store) -> None:
    """Give back what the dead process held when its session is over; run all to its end."""
    await wait_for(lambda: _is_silent(store), SECONDS)
    await rescue(store)
    options = WorkerOptions(heartbeat=HEARTBEAT, rescue_after=LEASE)
    async with ob, ob.running(parts=Parts(options=options)):
        await wait_for(lambda: store.read(_has_ledger), SECONDS, "a moment of each schedule")
        for name in BEATS:
            await store.write(partial(schedules.remove, name=name))
        await wait_for(lambda: _is_over(store), SECONDS, "the end of all jobs")


async def _is_silent(store: Store) -> bool:
    """Whether every session has ended, the dead process's by its own silence."""
    await store.write(workers.expire)
    alive = select(func.count(sessions.c.id)).where(sessions.c.ended_at.is_(None))
    return await store.read(lambda connection, _: connection.scalar(alive) == 0)


async def _is_over(store: Store) -> bool:
    return await store.read(count_open) == 0


def _has_ledger(connection: Connection, _: object) -> bool:
    """Whether every schedule has made something of a moment."""
    counted = select(func.count(occurrences.c.schedule.distinct()))
    return connection.scalar(counted) == len(BEATS)
