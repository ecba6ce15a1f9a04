"""The history of runs under the names it was first asked for by: `/admin/cron-jobs`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat, Retry, every
from onbeat.app.processes import Parts
from onbeat.domain.access import Permission
from onbeat.domain.errors import OnbeatError
from tests.api.asking import HOST, Client, allowed
from tests.waiting import wait_for

RUNS = f"{HOST}/admin/cron-jobs"
FIELDS = {
    "id", "jobName", "jobGroup", "status", "startedAt", "completedAt", "duration", "error",
    "metadata", "nextRunAt", "lastHeartbeat", "attempt", "maxAttempts", "createdAt", "updatedAt",
}  # fmt: skip


class World:
    """What has run, and what waits."""

    done: str
    failed: str
    waiting: str
    scheduled: str


@pytest.fixture
async def world(ob: Onbeat) -> World:
    """A run that completed, one that failed, one that waits, and one of a schedule."""

    @ob.task(queue="billing")
    async def charge(order: int) -> None: ...

    @ob.task(retry=Retry(1))
    async def fails() -> None:
        raise ValueError("no such 100% customer")

    made = World()
    settings = replace(ob.settings, queues=("billing", "default"))
    async with ob.running(parts=Parts.from_settings(settings, worker=True, scheduler=True)):
        job = await charge.enqueue(1)
        await job.result("10s")
        failing = await fails.enqueue()
        with suppress(OnbeatError):
            await failing.result("10s")
        made.done, made.failed = job.id, failing.id
        await ob.schedules.create("nightly", charge.bind(3), every("1d"), by="test")
        by_hand = await ob.schedules.trigger("nightly", by="test")
        await by_hand.result("10s")
        made.scheduled = by_hand.id
    made.waiting = (await charge.opts(delay="1h").enqueue(2)).id
    return made


async def listed(client: Client, **asked: Any) -> list[str]:
    """The ids of a page."""
    return [each["id"] for each in (await client.told("GET", RUNS, params=asked))["data"]]


async def test_a_run_is_told_under_the_names_that_were_asked_for(
    admin: Client, world: World
) -> None:
    runs = (await admin.told("GET", RUNS))["data"]
    by_id = {each["id"]: each for each in runs}

    assert {frozenset(each) for each in runs} == {frozenset(FIELDS)}
    done = by_id[world.done]
    assert (done["jobName"], done["jobGroup"], done["status"]) == ("charge", "billing", "completed")
    assert done["createdAt"] <= done["startedAt"] <= done["completedAt"] == done["updatedAt"]
    assert 0 <= done["duration"] < 60_000
    assert by_id[world.failed]["error"] == "ValueError: no such 100% customer"
    assert by_id[world.scheduled]["jobName"] == "nightly"
    assert by_id[world.scheduled]["nextRunAt"] is not None
    waiting = by_id[world.waiting]
    assert (waiting["status"], waiting["startedAt"], waiting["duration"]) == ("pending", None, None)
    assert waiting["nextRunAt"] > waiting["createdAt"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["waiting", "scheduled", "failed", "done"]),
        ({"sort": "createdAt"}, ["done", "failed", "scheduled", "waiting"]),
        ({"status": "pending"}, ["waiting"]),
        ({"status": ["failed", "completed"]}, ["scheduled", "failed", "done"]),
        ({"status": "running"}, []),
        ({"job": "charge"}, ["waiting", "done"]),
        ({"job": "nightly"}, ["scheduled"]),
        ({"job": ["nightly", "fails"]}, ["scheduled", "failed"]),
        ({"group": "billing"}, ["waiting", "scheduled", "done"]),
        ({"search": "NIGHT"}, ["scheduled"]),
        ({"search": "100%"}, ["failed"]),
        ({"search": "arge"}, ["waiting", "scheduled", "done"]),
        ({"from": "2100-01-01T00:00:00Z"}, []),
        ({"to": "2100-01-01T00:00:00Z", "status": "failed"}, ["failed"]),
        ({"limit": 1}, ["waiting"]),
    ],
)
async def test_runs_are_filtered_sorted_and_searched(
    admin: Client, world: World, asked: dict[str, Any], expected: list[str]
) -> None:
    assert await listed(admin, **asked) == [getattr(world, each) for each in expected]


async def test_runs_are_sorted_by_their_end_too(admin: Client, world: World) -> None:
    first = await listed(admin, sort="completedAt")
    last = await listed(admin, sort="-completedAt")

    assert set(first) == {world.done, world.failed, world.scheduled}
    assert first == last[::-1]


async def test_pages_follow_each_other_without_loss(admin: Client, world: World) -> None:
    page = await admin.told("GET", RUNS, params={"limit": 2})
    rest = await admin.told("GET", RUNS, params={"limit": 2, "after": page["page"]["next"]})

    assert [each["id"] for each in (*page["data"], *rest["data"])] == await listed(admin)
    assert rest["page"]["next"] is None


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"page": 2}, "page"), ({"offset": 50}, "offset"), ({"sort": "size"}, "sort"),
     ({"status": "done"}, "status"), ({"limit": 0}, "limit"), ({"after": "x"}, "after"),
     ({"sort": "completedAt", "status": "running"}, "sort")],
)  # fmt: skip
async def test_what_is_asked_wrongly_is_named(
    admin: Client, asked: dict[str, Any], field: str
) -> None:
    said = await admin.told("GET", RUNS, 400, params=asked)

    assert said["errors"][0]["field"].split(".")[0] == field


async def test_one_run_is_told_with_its_log_its_error_and_others_by_its_name(
    admin: Client, world: World
) -> None:
    told = await admin.told("GET", f"{RUNS}/{world.failed}")
    done = await admin.told("GET", f"{RUNS}/{world.done}")

    assert told["attempts"][0]["error"]["type"] == "ValueError"
    assert told["logs"] == []
    assert told["relatedRuns"] == []
    assert [each["id"] for each in done["relatedRuns"]] == [world.waiting]


async def test_a_run_that_is_not_there_is_not_found(admin: Client) -> None:
    await admin.told("GET", f"{RUNS}/{'0' * 32}", 404)
    await admin.told("GET", f"{RUNS}/nothing", 400)


async def test_the_status_tells_of_each_schedule_and_how_many_runs_stand_how(
    admin: Client, world: World
) -> None:
    told = await admin.told("GET", f"{RUNS}/status")

    assert {name: each["number"] for name, each in told["counts"].items()} == {
        "pending": 1, "running": 0, "completed": 2, "failed": 1, "cancelled": 0,
    }  # fmt: skip
    [nightly] = told["data"]
    assert (nightly["jobName"], nightly["enabled"], nightly["healthy"]) == ("nightly", True, True)
    assert nightly["nextRunAt"] is not None


async def test_the_status_tells_the_last_run_that_was_due(ob: Onbeat, admin: Client) -> None:
    @ob.task
    async def tick() -> None: ...

    await ob.schedules.create("often", tick.bind(), every("1s"), by="test")
    async with ob.running(worker=False):

        async def has_run() -> bool:
            return (await ob.schedules.find("often")).last_job is not None

        await wait_for(has_run)
    [often] = (await admin.told("GET", f"{RUNS}/status"))["data"]

    assert often["lastRun"]["id"] == (await ob.schedules.find("often")).last_job
    assert often["lastRun"]["jobName"] == "often"


async def test_a_schedule_is_triggered_paused_and_resumed_by_its_name(
    admin: Client, ob: Onbeat, world: World
) -> None:
    run = await admin.told("POST", f"{RUNS}/nightly/trigger", 201)
    paused = await admin.told("POST", f"{RUNS}/nightly/pause", json={"why": "a test"})
    is_paused = (await ob.schedules.find("nightly")).paused_why
    resumed = await admin.told("POST", f"{RUNS}/nightly/resume")

    assert (run["jobName"], run["status"]) == ("nightly", "pending")
    assert (paused["enabled"], paused["nextRunAt"], is_paused) == (False, None, "a test")
    assert resumed["enabled"]


async def test_its_configuration_is_changed_by_its_name(
    admin: Client, ob: Onbeat, world: World
) -> None:
    told = await admin.told("PATCH", f"{RUNS}/nightly", json={"every": "2h", "queue": "mail"})

    assert (told["jobGroup"], told["schedule"][:8]) == ("mail", "every 2h")
    assert (await ob.schedules.find("nightly")).queue == "mail"


@pytest.mark.parametrize("verb", ["trigger", "pause", "resume"])
async def test_a_name_that_is_no_schedules_is_not_found(admin: Client, verb: str) -> None:
    await admin.told("POST", f"{RUNS}/nothing/{verb}", 404)


async def test_who_may_not_see_arguments_sees_neither_them_nor_logs_and_finds_nothing_by_errors(
    ob: Onbeat, app: ASGIApp, world: World
) -> None:
    async with allowed(ob, app, Permission.JOBS_READ) as client:
        told = await client.told("GET", f"{RUNS}/{world.done}")
        found = await listed(client, search="100%")

    assert (told["metadata"]["args"], told["logs"], told["attempts"]) == (None, None, None)
    assert found == []
