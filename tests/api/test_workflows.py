"""Workflows by REST."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.api.examples import EXAMPLES
from onbeat.domain.access import Permission
from onbeat.domain.cursors import cursor
from tests.api.asking import Client, allowed
from tests.waiting import wait_for

NIGHTLY: dict[str, Any] = EXAMPLES["WorkflowIn"]


async def test_one_is_started_and_its_jobs_hand_on_their_results(ob: Onbeat, admin: Client) -> None:
    @ob.task
    def fetch(region: str) -> str:
        return region[0]

    @ob.task
    def merge(parts: list[str]) -> str:
        return "".join(parts)

    @ob.task
    def tidy() -> None: ...

    made = await admin.told("POST", "/workflows", 201, json=NIGHTLY)

    async def is_done() -> bool:
        found = await admin.told("GET", f"/workflows/{made['id']}")
        return bool(found["state"] == "completed")

    async with ob.running(scheduler=False):
        await wait_for(is_done)
    merged = await admin.told("GET", f"/jobs/{made['jobs']['merge']}/attempts")

    assert merged["data"][0]["result"] == "ns"
    assert list(made["jobs"]) == ["north", "south", "merge", "tidy"]


async def test_tasks_that_are_not_known_here_are_left_to_workers_that_know_them(
    admin: Client,
) -> None:
    made = await admin.post("/workflows", json=NIGHTLY)
    found = await admin.told("GET", f"/{made.headers['location']}/jobs")

    assert [each["after"] for each in found["data"]] == [
        {}, {}, {"north": "success", "south": "success"}, {"merge": "end"},
    ]  # fmt: skip


async def test_pages_hold_each_job_once_in_the_order_they_were_added(admin: Client) -> None:
    jobs = [{"label": f"n-{n}", "task": "t", "after": [f"n-{n - 1}"] * (n > 0)} for n in range(7)]
    made = await admin.told("POST", "/workflows", 201, json={"name": "chain", "jobs": jobs})

    seen: list[Any] = []
    after: dict[str, str] = {}
    while True:
        address = f"/workflows/{made['id']}/jobs"
        page = await admin.told("GET", address, params={"limit": 3, **after})
        seen += page["data"]
        if page["page"]["next"] is None:
            break
        after = {"after": page["page"]["next"]}

    assert [each["label"] for each in seen] == [f"n-{n}" for n in range(7)]
    assert [list(each["after"]) for each in seen] == [[], *([f"n-{n}"] for n in range(6))]


async def test_pages_hold_each_workflow_once_while_more_are_started(admin: Client) -> None:
    async def started(name: str) -> str:
        body = {"name": name, "jobs": [{"task": "t"}]}
        return str((await admin.told("POST", "/workflows", 201, json=body))["id"])

    made = [await started("a") for _ in range(3)]
    first = await admin.told("GET", "/workflows", params={"limit": 2})
    await started("b")
    rest = await admin.told("GET", "/workflows", params={"after": first["page"]["next"]})

    assert [each["id"] for each in first["data"] + rest["data"]] == made[::-1]


@pytest.mark.parametrize(
    ("jobs", "field"),
    [
        ([], "jobs"),
        ([{"task": "t", "after": ["x"]}], "jobs.0.after"),
        ([{"task": "t", "results": {"a": "x"}}], "jobs.0.results.a"),
        ([{"task": "t", "results": {"a": "u"}}, {"task": "u"}], "jobs.0.results.a"),
        ([{"task": "t"}, {"task": "t", "label": "t"}], "jobs.1.label"),
        ([{"label": "a", "task": "t", "after": ["b"]}, {"label": "b", "task": "t", "after": ["a"]}],
         "jobs.0.after"),
        ([{"task": "t", "retry": {"base": "soon"}}], "jobs.0.retry.base"),
        ([{"task": "t", "key": "k"}], "jobs.0.key"),
        ([{"task": "t"}, {"task": "t", "unique": {"key": "k"}}], "jobs.1.unique"),
        ([{"task": "t", "on": "never"}], "jobs.0.on"),
        ([{"task": "t", "clock": "world"}], "jobs.0.clock"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_and_nothing_is_stored(
    admin: Client, jobs: list[Any], field: str
) -> None:
    answer = await admin.told("POST", "/workflows", 400, json={"name": "n", "jobs": jobs})

    assert answer["errors"][0]["field"] == field, answer
    assert (await admin.told("GET", "/jobs"))["data"] == []
    assert (await admin.told("GET", "/workflows"))["data"] == []


async def test_a_result_for_an_argument_that_the_task_does_not_have_is_refused(
    ob: Onbeat, admin: Client
) -> None:
    @ob.task
    async def send(report: str) -> None: ...

    jobs = [{"task": "make"}, {"task": "send", "results": {"rapport": "make"}}]
    answer = await admin.told("POST", "/workflows", 400, json={"name": "n", "jobs": jobs})

    assert answer["errors"][0]["field"] == "jobs.1.results.rapport"
    assert "send has no such argument; it takes (report)" in answer["detail"]


@pytest.mark.parametrize("job", [{"task": "shell"}, {"task": "onbeat.webhook"}])
async def test_what_may_not_be_asked_for_alone_may_not_be_in_one(
    ob: Onbeat, app: ASGIApp, job: dict[str, str]
) -> None:
    async with allowed(ob, app, Permission.JOBS_ENQUEUE) as client:
        await client.told("POST", "/workflows", 403, json={"name": "n", "jobs": [job]})


async def test_who_started_it_is_on_record(admin: Client) -> None:
    made = await admin.told("POST", "/workflows", 201, json=NIGHTLY)
    found = await admin.told("GET", "/audit", params={"action": "workflow.start"})

    assert [each["subject"] for each in found["data"]] == [made["id"]]


@pytest.mark.parametrize("key", [5, ["x"], {"a": 1}, "no id"])
async def test_a_cursor_that_is_not_ours_is_refused(admin: Client, key: object) -> None:
    await admin.told("GET", "/workflows", 400, params={"after": cursor(key)})
    made = await admin.told("POST", "/workflows", 201, json=NIGHTLY)
    forged = {"after": cursor(key, made["id"])}
    await admin.told("GET", f"/workflows/{made['id']}/jobs", 400, params=forged)


async def test_that_of_a_job_is_found_by_it(admin: Client) -> None:
    made = await admin.told("POST", "/workflows", 201, json=NIGHTLY)
    await admin.told("POST", "/workflows", 201, json={**NIGHTLY, "name": "another"})
    alone = await admin.told("POST", "/jobs", 201, json={"task": "charge"})

    of_it = await admin.told("GET", f"/workflows?job={made['jobs']['merge']}")
    of_none = await admin.told("GET", f"/workflows?job={alone['id']}")

    assert [each["id"] for each in of_it["data"]] == [made["id"]]
    assert of_none["data"] == []
    await admin.told("GET", "/workflows?job=no-id", 400)
