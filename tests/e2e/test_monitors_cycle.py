"""The cycle of `examples/monitors/regions`: what it makes of a table, on a real one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from examples.monitors.regions.checks import ob
from examples.monitors.regions.dispatching import (
    QUEUE,
    ask_for_rest,
    dispatch,
    look,
    make_batch,
)
from examples.monitors.regions.filling import fill_table
from examples.monitors.regions.problems import Wanted, look_at
from examples.monitors.regions.table import (
    Due,
    monitors,
    next_check,
    open_table,
    tables,
    utc_now,
)
from sqlalchemy import Engine, insert, select, update

from onbeat import Job, JobFilter
from onbeat.timing import SystemTiming
from tests.waiting import wait_for

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).replace(tzinfo=None)
MINUTE = timedelta(minutes=1)
DUE = Due(7, "shop", "https://shop.example", "high", "us", 5.0, NOON)
REGIONS = frozenset({"us", "eu"})
ROOT = Path(__file__).parents[2]
APP = "examples.monitors.regions.app:ob"
PATIENCE = 60
CHECKS = JobFilter(task="check", limit=1_000)

Begin = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The table of monitors, empty, where Onbeat is too."""
    made = open_table(database_url)
    tables.create_all(made)
    with ob.elsewhere(database_url, SystemTiming()):
        yield made
    made.dispose()


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Begins a worker that runs cycles in the smallest of pieces; what is left of it is ended."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(url: str, **more: str) -> subprocess.Popen[bytes]:
        settings = {"ONBEAT_DB": url, "MONITORS_BATCH": "1", "ONBEAT_HEARTBEAT": "200ms",
                    "ONBEAT_RESCUE_AFTER": "1s", **more}  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "onbeat", "worker", "--queues", QUEUE, "--app", APP], cwd=ROOT,
            env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        begun.append(process)
        return process

    yield start
    for each in begun:
        each.kill()
        each.wait()


async def checks() -> list[Job]:
    async with ob:
        return list(await ob.jobs.list(CHECKS))


def put(engine: Engine, **row: Any) -> None:
    """A monitor that is due."""
    plain = {
        "name": "shop", "url": "/fast/1", "criticality": "high", "preferred_region": None,
        "check_interval_minutes": 5.0, "is_active": True, "next_check_at": utc_now() - MINUTE,
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(monitors), [plain | row])


def rows(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(monitors).order_by(monitors.c.id)))


async def test_cycles_at_once_give_each_monitor_one_job(engine: Engine) -> None:
    fill_table(engine, 300)
    counted, now = [Counter[str](), Counter[str]()], utc_now()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda mine: drain(engine, now, mine), counted))

    active = {row.id for row in rows(engine) if row.is_active}
    made = [json.loads(job.args)["monitor"] for job in await checks()]
    assert sorted(made) == sorted(active)
    assert sum(each["scheduled"] for each in counted) == len(active)


def drain(engine: Engine, now: datetime, counted: Counter[str]) -> None:
    while make_batch(engine, now, counted):
        pass


async def test_a_cycle_that_is_killed_has_doubled_none_and_the_next_forgets_none(
    engine: Engine, database_url: str, begin: Begin
) -> None:
    fill_table(engine, 300)
    wanted = {row.id for row in rows(engine) if row.is_active and row.name != "no-address"}

    async def made() -> list[int]:
        return [json.loads(job.args)["monitor"] for job in await ob.jobs.list(CHECKS)]

    async def has_begun() -> bool:
        return bool(await made())

    async def is_through() -> bool:
        return set(await made()) == wanted

    async with ob:
        await dispatch.enqueue()
        first = begin(database_url)
        await wait_for(has_begun, PATIENCE)
        first.kill()
        first.wait()
        left = len(wanted) - len(await made())
        begin(database_url)
        await wait_for(is_through, PATIENCE)

        assert left > 0
        assert sorted(await made()) == sorted(wanted)


async def test_only_what_is_active_and_due_is_scheduled(engine: Engine) -> None:
    now = utc_now()
    put(engine, name="due", next_check_at=now - 7 * MINUTE)
    put(engine, name="later", next_check_at=now + MINUTE)
    put(engine, name="off", is_active=False)

    make_batch(engine, now, Counter())

    due, later, off = rows(engine)
    assert [json.loads(job.args)["name"] for job in await checks()] == ["due"]
    assert (due.last_scheduled_at, due.next_check_at) == (now, now + 3 * MINUTE)
    assert [each.last_scheduled_at for each in (later, off)] == [None, None]
    assert later.next_check_at == now + MINUTE


async def test_what_is_due_again_within_the_window_gets_no_second_job(engine: Engine) -> None:
    put(engine)
    now, counted = utc_now(), Counter[str]()
    make_batch(engine, now, counted)
    with engine.begin() as connection:
        connection.execute(update(monitors).values(next_check_at=now))

    make_batch(engine, now, counted)

    assert (counted["scheduled"], counted["duplicate"], len(await checks())) == (1, 1, 1)


async def test_a_monitor_whose_job_is_not_accepted_stops_no_other(engine: Engine) -> None:
    due, now, counted = utc_now() - MINUTE, utc_now(), Counter[str]()
    put(engine, name="too long" * 40_000, next_check_at=due)
    put(engine, name="fine", next_check_at=due)

    make_batch(engine, now, counted)

    long, fine = rows(engine)
    assert [json.loads(job.args)["name"] for job in await checks()] == ["fine"]
    assert (counted["scheduled"], counted["refused"]) == (1, 1)
    assert fine.problem is None
    assert long.problem.endswith("it is tried again at its next time")
    assert long.next_check_at == fine.next_check_at == due + 5 * MINUTE


async def test_an_interval_beyond_all_calendars_stops_no_other(engine: Engine) -> None:
    due, now = utc_now() - MINUTE, utc_now()
    put(engine, name="once", check_interval_minutes=9_999_999_999.0, next_check_at=due - MINUTE)
    put(engine, name="fine", next_check_at=due)

    make_batch(engine, now, Counter())

    once, fine = rows(engine)
    assert {json.loads(job.args)["name"] for job in await checks()} == {"once", "fine"}
    assert once.problem.endswith("it is checked every 5 minutes")
    assert (once.next_check_at, fine.next_check_at) == (due + 4 * MINUTE, due + 5 * MINUTE)


@pytest.mark.parametrize("changes", [{"url": None}, {"next_check_at": NOON.replace(tzinfo=UTC)}])
def test_a_row_that_nobody_thought_of_is_put_off_by_itself(changes: dict[str, Any]) -> None:
    fields = {name: getattr(DUE, name) for name in Due.__dataclass_fields__}

    wanted, [problem], after = look(Due(**fields | changes), NOON)

    assert (wanted.is_active, wanted.is_put_off, after) == (True, True, NOON + 5 * MINUTE)
    assert problem.recovery == "it is looked at again in 5 minutes"


async def test_of_cycles_that_go_on_one_waits_and_while_it_runs_it_may_ask_for_the_next(
    engine: Engine, database_url: str, begin: Begin
) -> None:
    fill_table(engine, 1_000)  # each by itself: more than is done in a second
    wanted = JobFilter(task=dispatch.name, limit=1_000)

    async def are_through() -> bool:
        jobs = await ob.jobs.list(wanted)
        return len(jobs) > 1 and all(job.state.is_final for job in jobs)

    first, second = [await asyncio.to_thread(ask_for_rest) for _ in range(2)]
    begin(database_url, MONITORS_BUDGET="1")

    async with ob:
        await wait_for(are_through, PATIENCE)
    assert (first.is_new, second.is_new, second.id) == (True, False, first.id)


@pytest.mark.parametrize(
    ("changes", "problem", "expected"),
    [
        ({}, None, Wanted(DUE, 5 * MINUTE, 8, "us")),
        ({"criticality": "critical"}, None, Wanted(DUE, 5 * MINUTE, 10, "us")),
        ({"criticality": "low"}, None, Wanted(DUE, 5 * MINUTE, 2, "us")),
        ({"criticality": "urgent"}, "UnknownCriticality", Wanted(DUE, 5 * MINUTE, 5, "us")),
        ({"preferred_region": "mars"}, "UnknownRegion", Wanted(DUE, 5 * MINUTE, 8, None)),
        ({"preferred_region": None}, None, Wanted(DUE, 5 * MINUTE, 8, None)),
        ({"check_interval_minutes": 0}, "BadInterval", Wanted(DUE, 5 * MINUTE, 8, "us")),
        ({"check_interval_minutes": -1}, "BadInterval", Wanted(DUE, 5 * MINUTE, 8, "us")),
        ({"check_interval_minutes": float("inf")}, "BadInterval", Wanted(DUE, 5 * MINUTE, 8, "us")),
        ({"check_interval_minutes": float("nan")}, "BadInterval", Wanted(DUE, 5 * MINUTE, 8, "us")),
        ({"check_interval_minutes": 9e9}, "BadInterval", Wanted(DUE, 5 * MINUTE, 8, "us")),
        ({"url": "ftp:/x"}, "BadAddress", Wanted(DUE, 5 * MINUTE, 8, "us", is_active=False)),
    ],
)
def test_each_problem_has_its_recovery(
    changes: dict[str, Any], problem: str | None, expected: Wanted
) -> None:
    fields = {name: getattr(DUE, name) for name in Due.__dataclass_fields__}

    wanted, problems = look_at(Due(**fields | changes), REGIONS)

    shown = (wanted.every, wanted.priority, wanted.region, wanted.is_active)
    assert shown == (expected.every, expected.priority, expected.region, expected.is_active)
    assert [type(each).__name__ for each in problems] == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("late", "after"),
    [
        (timedelta(), MINUTE),
        (MINUTE / 2, MINUTE),
        (MINUTE, 2 * MINUTE),
        (9.5 * MINUTE, 10 * MINUTE),
    ],
)
def test_the_next_time_is_the_first_of_its_own_moments_that_is_to_come(
    late: timedelta, after: timedelta
) -> None:
    assert next_check(NOON, MINUTE, NOON + late) == NOON + after
