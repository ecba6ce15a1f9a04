"""Operations by REST: tried without a change, begun, seen, stopped, written down."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.app.options import read_options
from onbeat.domain.access import Permission, Role
from onbeat.domain.errors import InvalidInput
from onbeat.domain.operations import Action, Meant, Where, read_meant
from onbeat.runtime.operations import LOOK_EVERY, Operator
from tests.api.asking import Client, allowed, asking

CANCEL = {"action": "cancel", "where": {"task": ["charge"]}, "reason": "by mistake"}


async def asked(ob: Onbeat, count: int, task: str = "charge", **options: Any) -> list[str]:
    """The ids of new jobs."""
    return [
        (await ob.jobs.enqueue(task, options=read_options(**options), must_be_known=False)).id
        for _ in range(count)
    ]


async def carry_on(ob: Onbeat) -> None:
    """Do what a process of ours does."""
    operator = Operator(await ob.store())
    while await operator.step() < LOOK_EVERY:
        pass
    await operator.clean_up()


async def test_a_dry_run_counts_and_changes_nothing(admin: Client, ob: Onbeat) -> None:
    made = await asked(ob, 25)
    await asked(ob, 3, "refund")

    told = await admin.told("POST", "/operations", 200, json={**CANCEL, "dry_run": True})

    assert (told["count"], told["is_exact"], told["ids"]) == (25, True, made[:20])
    assert (await admin.told("GET", "/operations"))["data"] == []
    assert (await admin.told("GET", "/jobs/counts"))["data"]["pending"]["number"] == 28


async def test_one_is_begun_carried_on_and_seen(admin: Client, ob: Onbeat) -> None:
    [first, *_] = await asked(ob, 5)
    begun = await admin.post("/operations", json=CANCEL)
    operation = begun.json()["id"]
    await carry_on(ob)

    found = await admin.told("GET", f"/operations/{operation}")
    listed = await admin.told("GET", "/operations")
    job = await admin.told("GET", f"/jobs/{first}")

    assert (begun.status_code, begun.json()["state"], begun.json()["total"]) == (202, "running", 5)
    assert begun.headers["location"] == f"operations/{operation}"
    assert (found["state"], found["done"], found["failed"]) == ("completed", 5, 0)
    assert listed["data"] == [found]
    assert (job["state"], job["reason"]) == ("cancelled", "by mistake (by token:root)")


async def test_it_is_carried_on_where_the_api_runs_alone(admin: Client, ob: Onbeat) -> None:
    await asked(ob, 5)
    operation = (await admin.told("POST", "/operations", 202, json=CANCEL))["id"]
    async with ob.running(worker=False, scheduler=False) as manager:
        assert "operator" in {each.id for each in manager.snapshots()}
        while (await admin.told("GET", f"/operations/{operation}"))["state"] == "running":
            pass


async def test_its_begin_its_end_and_its_stop_are_written_down(admin: Client, ob: Onbeat) -> None:
    await asked(ob, 5)
    first = (await admin.told("POST", "/operations", 202, json=CANCEL))["id"]
    await carry_on(ob)
    second = (await admin.told("POST", "/operations", 202, json=CANCEL))["id"]
    await admin.told("POST", f"/operations/{second}/stop")

    listed = (await admin.told("GET", "/audit?subject_kind=operation"))["data"]

    said = [(each["action"], each["subject"], each["actor_name"]) for each in reversed(listed)]
    assert said == [
        ("operation.begin", first, "root"), ("operation.end", first, "root"),
        ("operation.begin", second, "root"), ("operation.stop", second, "root"),
    ]  # fmt: skip
    assert listed[2]["after"]["done"] == 5


async def test_one_that_has_ended_is_not_stopped(admin: Client, ob: Onbeat) -> None:
    operation = (await admin.told("POST", "/operations", 202, json=CANCEL))["id"]
    await carry_on(ob)

    await admin.told("POST", f"/operations/{operation}/stop", 409)


async def test_a_key_begins_one_alone(admin: Client, ob: Onbeat) -> None:
    key = {"Idempotency-Key": "once"}
    first = await admin.told("POST", "/operations", 202, json=CANCEL, headers=key)
    second = await admin.told("POST", "/operations", 202, json=CANCEL, headers=key)

    assert first["id"] == second["id"]


async def test_jobs_that_are_named_run_again(admin: Client, ob: Onbeat) -> None:
    first, second, third = await asked(ob, 3)
    for job in (first, second, third):
        await admin.told("POST", f"/jobs/{job}/cancel")
    body = {"action": "retry", "ids": [first, second]}
    await admin.told("POST", "/operations", 202, json=body)
    await carry_on(ob)

    states = [(await admin.told("GET", f"/jobs/{job}"))["state"] for job in (first, second, third)]
    assert states == ["pending", "pending", "cancelled"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "cancel"}, "where"),
        ({"action": "cancel", "where": {}}, "where"),
        ({"action": "cancel", "where": {"task": ["x"]}, "ids": ["0" * 32]}, "where"),
        ({"action": "cancel", "where": {"state": ["failed"]}}, "where.state"),
        ({"action": "retry", "where": {"task": ["x"]}}, "where.state"),
        ({"action": "retry", "where": {"state": ["pending"]}}, "where.state"),
        ({"action": "redrive", "where": {"state": ["completed"]}}, "where.state"),
        ({"action": "cancel", "where": {"tsk": ["x"]}}, "where.tsk"),
        ({"action": "delete", "where": {"task": ["x"]}}, "action"),
        ({"action": "cancel", "ids": []}, "ids"),
        ({"action": "cancel", "ids": ["0" * 32] * 1_001}, "ids"),
        ({"action": "cancel", "ids": ["x"]}, "ids.0"),
        (
            {"action": "cancel", "where": {"created_since": "2030-01-01T00:00:00"}},
            "where.created_since",
        ),
    ],
)
async def test_what_is_wrong_is_named(body: dict[str, object], field: str, admin: Client) -> None:
    refused = await admin.told("POST", "/operations", 400, json=body)

    assert refused["errors"][0]["field"] == field


async def test_a_job_that_is_named_and_not_there_is_told(admin: Client) -> None:
    body = {"action": "cancel", "ids": ["0" * 32]}

    assert "0" * 32 in (await admin.told("POST", "/operations", 404, json=body))["detail"]


async def test_who_may_not_see_arguments_does_not_choose_by_them(ob: Onbeat, app: ASGIApp) -> None:
    async with allowed(ob, app, Permission.JOBS_READ, Permission.JOBS_MANAGE) as client:
        for where in ({"args": {"card": "4111"}}, {"error": "timeout"}):
            body = {"action": "cancel", "where": where, "dry_run": True}
            await client.told("POST", "/operations", 403, json=body)


async def test_an_owner_touches_and_sees_its_own_alone(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    [mine] = await asked(ob, 1, owner="u-1")
    [others] = await asked(ob, 1, owner="u-2")
    token = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="u-1")
    everybodys = (await admin.told("POST", "/operations", 202, json={
        "action": "cancel", "where": {"task": ["refund"]}}))["id"]  # fmt: skip
    async with asking(app, token.text) as own:
        wide = {"action": "cancel", "where": {"task": ["charge"], "owner": ["u-2"]}}
        begun = await own.told("POST", "/operations", 202, json=wide)
        named = {"action": "cancel", "ids": [others]}
        await own.told("POST", "/operations", 404, json=named)
        await carry_on(ob)
        listed = await own.told("GET", "/operations")
        await own.told("GET", f"/operations/{everybodys}", 404)
        await own.told("POST", f"/operations/{everybodys}/stop", 404)

    assert [each["id"] for each in listed["data"]] == [begun["id"]]
    assert (await admin.told("GET", f"/jobs/{mine}"))["state"] == "cancelled"
    assert (await admin.told("GET", f"/jobs/{others}"))["state"] == "pending"


@pytest.mark.parametrize(
    "where", [{}, {"args": {}}, {"id": ""}, {"task": []}, {"state": [], "error": None}]
)
async def test_a_filter_that_says_nothing_is_never_all_jobs(
    admin: Client, ob: Onbeat, where: dict[str, Any]
) -> None:
    await asked(ob, 2)

    await admin.told("POST", "/operations", 400, json={"action": "cancel", "where": where})

    assert (await admin.told("GET", "/operations"))["data"] == []


def test_nor_is_one_that_code_gives_so() -> None:
    for where in (Where(), Where(args={}), Where(id=""), Where(error="")):
        with pytest.raises(InvalidInput, match="where"):
            read_meant(Meant(action=Action.CANCEL, where=where))
