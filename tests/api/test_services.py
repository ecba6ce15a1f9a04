"""Services of all processes: a probe that tells states alone, and wishes that are done elsewhere.

The API is asked in one application while another, on the same database, runs the services.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat, Settings
from onbeat.api.asgi import make_asgi
from onbeat.domain.access import Permission
from onbeat.runtime.manager import ServiceManager
from onbeat.runtime.service import Service
from onbeat.store.store import Store
from tests.api.asking import HOST, Client, allowed, asking
from tests.waiting import wait_for

PROBE = f"{HOST}/api/admin/schedulers/health"
SCHEDULERS = f"{HOST}/api/admin/schedulers"


class Broken(Service):
    """One that fails at once."""

    async def step(self) -> float:
        """Fail."""
        raise RuntimeError("it is broken: secret-of-its-own")


@pytest.fixture
async def elsewhere(database_url: str) -> AsyncIterator[ServiceManager]:
    """The services of a scheduler, in an application of its own."""
    settings = Settings(heartbeat=timedelta(seconds=1), instance_id="pod-7")
    async with (
        Onbeat(database_url, settings=settings) as other,
        other.running(worker=False) as manager,
    ):
        yield manager


async def probed(client: Client) -> tuple[int, Any]:
    """What the probe says."""
    answer = await client.get(PROBE)
    return answer.status_code, answer.json()


async def until_healthy(client: Client) -> Any:
    """What the probe says once all is well."""
    said: list[Any] = []

    async def is_healthy() -> bool:
        status, body = await probed(client)
        said[:] = [body]
        return status == 200 and body["status"] == "healthy"

    await wait_for(is_healthy, what="the services to be seen")
    return said[0]


async def test_the_probe_says_how_each_service_is_and_nothing_more(
    nobody: Client, elsewhere: ServiceManager
) -> None:
    said = await until_healthy(nobody)

    assert set(said) == {"healthy", "status", "timestamp", "schedulers", "details"}
    assert set(said["schedulers"]) == {"total", "running", "errors"}
    assert {frozenset(each) for each in said["details"].values()} == {
        frozenset({"status", "healthy", "lastSuccess"})
    }
    assert said["schedulers"]["total"] == said["schedulers"]["running"] == len(said["details"])
    assert {each.partition("@")[0] for each in said["details"]} >= {"scheduler", "watchdog"}
    assert "steward" not in str(said)
    assert "pod-7" not in str(said)


async def test_where_no_scheduler_is_heard_of_the_probe_fails(nobody: Client) -> None:
    status, said = await probed(nobody)

    assert (status, said["healthy"], said["schedulers"]["total"]) == (503, False, 0)


async def test_where_the_database_does_not_answer_the_probe_fails_in_its_own_words() -> None:
    ob = Onbeat("postgresql://nobody:pw@127.0.0.1:1/nowhere")
    async with asking(make_asgi(ob)) as client:
        status, said = await probed(client)

    assert (status, said["healthy"], said["status"]) == (503, False, "unhealthy")
    assert said["details"] == {}


async def test_a_critical_service_that_fails_is_told_without_its_error(
    database_url: str, nobody: Client
) -> None:
    other = Onbeat(database_url)
    other.service(lambda store: Broken(id="broken", timing=store.timing))
    async with other, other.running(worker=False):

        async def is_told() -> bool:
            return bool((await probed(nobody))[1]["schedulers"]["errors"])

        await wait_for(is_told)
        status, said = await probed(nobody)

    assert (status, said["status"]) == (503, "unhealthy")
    assert "secret-of-its-own" not in str(said)


@pytest.mark.parametrize("path", ["/services", SCHEDULERS])
async def test_the_list_tells_in_which_process_each_runs(
    admin: Client, elsewhere: ServiceManager, path: str
) -> None:
    await until_healthy(admin)

    listed = (await admin.told("GET", path))["data"]

    [scheduler] = [each for each in listed if each["kind"] == "scheduler"]
    assert scheduler["status"] == "RUNNING"
    assert scheduler["process"]["instance"] == "pod-7"
    assert scheduler["id"] == f"scheduler@{scheduler['process']['id'][-8:]}"


@pytest.mark.parametrize("path", ["/services", SCHEDULERS])
@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (["stop"], "STOPPED"),
        (["stop", "start"], "RUNNING"),
        (["pause"], "PAUSED"),
        (["pause", "resume"], "RUNNING"),
        (["restart"], "RUNNING"),
    ],
)
async def test_what_is_wished_takes_effect_in_the_process_that_runs_it(
    admin: Client, elsewhere: ServiceManager, path: str, actions: list[str], expected: str
) -> None:
    await until_healthy(admin)
    for action in actions:
        came = await admin.told("POST", path, json={"action": action, "id": "scheduler"})
        assert came["done"], came

    assert elsewhere.get("scheduler").status == expected
    [seen] = (await admin.told("GET", "/services/scheduler"))["data"]
    assert seen["status"] == expected


async def test_of_two_of_a_kind_the_one_that_is_named_stops_alone(
    database_url: str, admin: Client, elsewhere: ServiceManager
) -> None:
    async with Onbeat(database_url) as third, third.running(worker=False) as manager:

        async def are_two() -> bool:
            answer = await admin.get("/services/scheduler")
            return answer.status_code == 200 and len(answer.json()["data"]) == 2

        await wait_for(are_two)
        await admin.told("POST", "/services", json={"action": "stop", "id": "scheduler@pod-7"})

        assert elsewhere.get("scheduler").status == "STOPPED"
        assert manager.get("scheduler").status == "RUNNING"
        await admin.told("POST", "/services", json={"action": "pause", "id": "watchdog"})
        assert elsewhere.get("watchdog").status == manager.get("watchdog").status == "PAUSED"


async def test_what_cannot_be_done_is_refused_with_why(
    admin: Client, elsewhere: ServiceManager
) -> None:
    await until_healthy(admin)
    await admin.told("POST", "/services", json={"action": "stop", "id": "boots"})

    said = await admin.told("POST", "/services", 409, json={"action": "pause", "id": "boots"})

    assert "it is STOPPED; only one that is RUNNING can be paused" in said["detail"]


async def test_a_service_that_nobody_runs_is_not_found(admin: Client) -> None:
    said = await admin.told("POST", "/services", 404, json={"action": "stop", "id": "nothing"})

    assert "there are: none" in said["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [({"action": "kill", "id": "scheduler"}, "action"), ({"action": "stop"}, "id"),
     ({"action": "stop", "id": ""}, "id")],
)  # fmt: skip
async def test_a_wrong_wish_names_its_field(
    admin: Client, body: dict[str, Any], field: str
) -> None:
    said = await admin.told("POST", "/services", 400, json=body)

    assert [each["field"] for each in said["errors"]] == [field]


class Stubborn(Service):
    """One that cannot stop before it is let go."""

    is_free = False

    async def step(self) -> float:
        """Rest."""
        return 1.0

    async def clean_up(self) -> None:
        """Wait."""

        async def is_free() -> bool:
            return self.is_free

        await wait_for(is_free, seconds=60)


async def test_what_takes_longer_stays_wished_and_is_done_in_the_end(
    database_url: str, admin: Client, ob: Onbeat
) -> None:
    made: list[Stubborn] = []

    def make(store: Store) -> Service:
        made.append(Stubborn(id="stubborn"))
        return made[-1]

    other = Onbeat(database_url)
    other.service(make)
    async with other, other.running(worker=False) as manager:
        await until_healthy(admin)
        [came] = await ob.services.act("stubborn", "stop", "test", wait=timedelta())
        made[0].is_free = True

        async def has_stopped() -> bool:
            return manager.get("stubborn").status == "STOPPED"

        await wait_for(has_stopped)
        assert came.came == "wished"


async def test_what_is_wished_is_written_down(
    admin: Client, elsewhere: ServiceManager, ob: Onbeat
) -> None:
    await until_healthy(admin)
    await admin.told("POST", "/services", json={"action": "restart", "id": "watchdog"})

    [entry, *_] = await ob.audit.list()
    assert (entry.action, entry.subject_kind, entry.subject) == (
        "service.restart", "service", "watchdog",
    )  # fmt: skip
    assert entry.actor_name == "root"


async def test_who_may_see_services_may_not_steer_them(
    ob: Onbeat, app: ASGIApp, elsewhere: ServiceManager
) -> None:
    async with allowed(ob, app, Permission.WORKERS_READ) as client:
        await client.told("GET", "/services")
        await client.told("POST", "/services", 403, json={"action": "stop", "id": "scheduler"})


async def test_a_paused_worker_begins_no_more_jobs_until_it_is_resumed(
    database_url: str, admin: Client
) -> None:
    other = Onbeat(database_url)
    ran: list[int] = []

    @other.task
    async def note(number: int) -> None:
        ran.append(number)

    async with other, other.running() as manager:
        await until_healthy(admin)
        await (await note.enqueue(1)).result("10s")
        await admin.told("POST", "/services", json={"action": "pause", "id": "worker"})
        job = await note.enqueue(2)
        before = manager.get("worker").snapshot().runs

        async def looked_again() -> bool:
            return manager.get("worker").snapshot().runs > before + 1

        await wait_for(looked_again)
        assert ran == [1]
        await admin.told("POST", "/services", json={"action": "resume", "id": "worker"})
        await job.result("10s")
        assert ran == [1, 2]
