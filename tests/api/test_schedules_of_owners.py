"""Owners make schedules of their own, and those of others are as if they were not there."""

from __future__ import annotations

from typing import Any

import pytest

from onbeat import Onbeat, every
from onbeat.domain.user_schedules import MOST_SCHEDULES
from tests.api.asking import HOST, Client
from tests.api.owners import SAID, Entering, amy, bob, entering, names

__all__ = ["amy", "bob", "entering"]

RANGE = {"from": "2026-01-01T08:00:00Z", "to": "2026-01-01T11:00:00Z"}


async def test_a_name_is_each_owner_s_own_and_is_found_with_and_without_its_head(
    amy: Client, bob: Client, admin: Client
) -> None:
    made = await amy.told("POST", "/schedules", 201, json={"name": "tea", **SAID})
    await bob.told("POST", "/schedules", 201, json={"name": "tea", **SAID})

    assert (made["name"], made["owner"]) == ("amy:tea", "amy")
    assert (await names(amy), await names(bob)) == (["amy:tea"], ["bob:tea"])
    assert await names(admin) == ["amy:tea", "bob:tea"]
    for name in ("tea", "amy:tea"):
        assert (await amy.told("GET", f"/schedules/{name}"))["name"] == "amy:tea"


@pytest.mark.parametrize("name", ["bob:tea", "nothing"])
async def test_another_s_schedule_is_told_of_as_one_that_is_not_there(
    amy: Client, bob: Client, name: str
) -> None:
    await bob.told("POST", "/schedules", 201, json={"name": "tea", **SAID})

    answers = [
        await amy.told("GET", f"/schedules/{name}", 404),
        await amy.told("PATCH", f"/schedules/{name}", 404, json={"every": "2h"}),
        await amy.told("DELETE", f"/schedules/{name}", 404),
        await amy.told("POST", f"/schedules/{name}/pause", 404),
        await amy.told("POST", f"/schedules/{name}/trigger", 404),
        await amy.told("GET", f"/schedules/{name}/occurrences", 404),
        await amy.told("POST", "/backfills", 404, json={"schedule": name, **RANGE}),
    ]

    told = f"no schedule named {name!r} is yours; GET /api/v1/schedules lists yours"
    assert {each["message"] for each in answers} == {told}
    assert await names(bob) == ["bob:tea"]


async def test_what_the_application_made_for_an_owner_is_theirs_by_its_name(
    ob: Onbeat, amy: Client, bob: Client
) -> None:
    await ob.schedules.create("tea", ob.jobs.bind("close_day"), every("1h"), owner="amy")

    assert (await amy.told("GET", "/schedules/tea"))["name"] == "tea"
    paused = await amy.told("POST", "/schedules/tea/pause")
    assert paused["paused_by"] == "token:own"
    await bob.told("GET", "/schedules/tea", 404)
    made = await bob.told("PUT", "/schedules/tea", 201, json=SAID)
    assert made["name"] == "bob:tea"


async def test_an_owner_may_do_all_there_is_to_do_with_their_schedule(amy: Client) -> None:
    await amy.told("PUT", "/schedules/tea", 201, json=SAID)
    put = await amy.told("PUT", "/schedules/tea", json={**SAID, "every": "2h"})
    patched = await amy.told("PATCH", "/schedules/tea", json={"args": {"text": "coffee"}})
    job = await amy.told("POST", "/schedules/tea/trigger", 201)
    await amy.told("POST", "/schedules/tea/skip")
    assert len((await amy.told("GET", "/schedules/tea/next"))["runs"]) == 10
    assert len((await amy.told("GET", "/schedules/tea/versions"))["data"]) == 3
    await amy.told("GET", "/schedules/tea/why")

    assert (put["owner"], put["recurrence"]["every"]) == ("amy", "2h")
    assert (patched["owner"], patched["args"]) == ("amy", {"user_id": "amy", "text": "coffee"})
    assert (job["owner"], job["schedule"]) == ("amy", "amy:tea")
    assert [each["id"] for each in (await amy.told("GET", "/jobs"))["data"]] == [job["id"]]
    listed = await amy.told("GET", "/jobs", params={"schedule": "tea"})
    assert [each["id"] for each in listed["data"]] == [job["id"]]
    await amy.told("DELETE", "/schedules/tea", 204)
    assert await names(amy) == []


@pytest.mark.parametrize("forged", [{"user_id": "bob"}, {"userId": "bob"}])
async def test_whose_a_job_is_cannot_be_forged(amy: Client, forged: dict[str, Any]) -> None:
    await amy.told("POST", "/schedules", 201, json={"name": "tea", **SAID, "args": forged})
    assert (await amy.told("GET", "/schedules/tea"))["args"] == {"user_id": "amy"}

    changed = await amy.told("PATCH", "/schedules/tea", json={"args": forged})
    assert changed["args"] == {"user_id": "amy"}
    put = await amy.told("PUT", "/schedules/tea", json={**SAID, "args": forged})
    assert put["args"] == {"user_id": "amy"}


@pytest.mark.parametrize("task", ["close_day", "onbeat", "nothing"])
async def test_an_owner_may_schedule_what_is_marked_for_users_alone(amy: Client, task: str) -> None:
    await amy.told("POST", "/schedules", 201, json={"name": "tea", **SAID})
    said = {"task": task, "every": "1h"}

    for method, path, body in (
        ("POST", "/schedules", {"name": "new", **said}),
        ("PUT", "/schedules/new", said),
        ("PUT", "/schedules/tea", said),
        ("PATCH", "/schedules/tea", {"task": task}),
    ):
        answer = await amy.told(method, path, 400, json=body)
        assert answer["errors"] == [
            {"field": "task", "detail": f"{task!r} cannot be scheduled by users; what can is: "
             "remind"}
        ]  # fmt: skip


async def test_an_owner_is_offered_what_is_marked_for_users_alone(
    amy: Client, admin: Client
) -> None:
    offered = [
        [each["name"] for each in (await who.told("GET", "/tasks"))["data"]] for who in (amy, admin)
    ]

    assert offered[0] == ["remind"]
    assert {"remind", "close_day"} <= {*offered[1]}


@pytest.mark.parametrize("task", ["onbeat.fire", "onbeat.webhook"])
async def test_nobody_schedules_tasks_of_the_product_s_own(
    amy: Client, admin: Client, task: str
) -> None:
    for client in (amy, admin):
        said = {"task": task, "every": "1h"}
        await client.told("POST", "/schedules", 403, json={"name": "new", **said})
        await client.told("PUT", "/schedules/new", 403, json=said)


@pytest.mark.parametrize(
    "reserved",
    [{"queue": "urgent"}, {"priority": 10}, {"region": "eu"}, {"timeout": "9h"}, {"clock": "x"}],
)
async def test_what_is_at_the_cost_of_others_is_the_application_s_to_say(
    amy: Client, reserved: dict[str, Any]
) -> None:
    [field] = reserved
    answer = await amy.told("POST", "/schedules", 400, json={"name": "t", **SAID, **reserved})
    assert answer["errors"][0]["field"] == field

    await amy.told("PUT", "/schedules/tea", 201, json=SAID)
    answer = await amy.told("PUT", "/schedules/tea", 400, json={**SAID, **reserved})
    assert answer["errors"][0]["field"] == field
    if field in ("queue", "priority"):
        answer = await amy.told("PATCH", "/schedules/tea", 400, json=reserved)
        assert answer["errors"][0]["field"] == field


async def test_an_owner_backfills_schedules_of_their_own_and_sees_no_others(
    amy: Client, bob: Client, admin: Client
) -> None:
    for client in (amy, bob):
        await client.told("PUT", "/schedules/tea", 201, json=SAID)
    mine = await amy.told("POST", "/backfills", 201, json={"schedule": "tea", **RANGE})
    await bob.told("POST", "/backfills", 201, json={"schedule": "tea", **RANGE})

    assert mine["schedule"] == "amy:tea"
    for params in ({}, {"schedule": "tea"}):
        listed = await amy.told("GET", "/backfills", params=params)
        assert [each["id"] for each in listed["data"]] == [mine["id"]]
    assert len((await admin.told("GET", "/backfills"))["data"]) == 2
    await bob.told("GET", f"/backfills/{mine['id']}", 404)
    await bob.told("POST", f"/backfills/{mine['id']}/stop", 404)
    await amy.told("POST", f"/backfills/{mine['id']}/stop")


async def test_the_priority_of_a_backfill_is_the_application_s_to_say(
    amy: Client, admin: Client
) -> None:
    await amy.told("PUT", "/schedules/tea", 201, json=SAID)
    first = {"schedule": "amy:tea", **RANGE, "priority": 10}

    for dry_run in (False, True):
        answer = await amy.told("POST", "/backfills", 400, json={**first, "dry_run": dry_run})
        assert answer["errors"][0]["field"] == "priority"
    assert (await amy.told("GET", "/backfills"))["data"] == []
    await admin.told("POST", "/backfills", 201, json=first)


async def test_an_owner_has_so_many_schedules_and_makes_another_when_one_is_gone(
    ob: Onbeat, amy: Client, bob: Client, admin: Client
) -> None:
    call = ob.jobs.bind("close_day").opts(owner="amy")
    rows = [(f"amy:{number}", call, every("1d")) for number in range(MOST_SCHEDULES)]
    await ob.schedules.create_many(rows)
    new, at = {"name": "tea", **SAID}, f"{HOST}/jobs/schedule"
    more = {"name": "remind", "schedule": {"cron": "0 9 * * *"}}

    answers = [
        await amy.told("POST", "/schedules", 409, json=new),
        await amy.told("PUT", "/schedules/tea", 409, json=SAID),
        await amy.told("POST", at, 409, json=more),
    ]

    told = (
        "'amy' has 1,000 schedules, and no owner may have more than 1,000; remove some of them "
        "first"
    )
    assert {each["message"] for each in answers} == {told}
    await bob.told("POST", at, json=more)
    theirs = {"name": "x", "task": "close_day", "every": "1h"}
    await admin.told("POST", "/schedules", 201, json=theirs)
    await amy.told("DELETE", "/schedules/1", 204)
    await amy.told("PUT", "/schedules/tea", 201, json=SAID)
    await amy.told("PUT", "/schedules/tea", 200, json=SAID)
    await amy.told("DELETE", "/schedules/2", 204)
    await amy.told("POST", at, json=more)
    await amy.told("POST", at, 409, json=more)


async def test_owners_whose_names_look_alike_have_names_apart(entering: Entering) -> None:
    """Whatever an owner is called, and however long: none gets to the names of another."""
    long = "x" * 200
    owners = ["a", "a:b", "a%3Ab", "a b", "a/b", long, long[:-1]]
    clients = [await entering(owner) for owner in owners]
    for client in clients:
        await client.told("PUT", "/schedules/b:c", 201, json=SAID)

    shown = [await names(client) for client in clients]

    assert [len(each) for each in shown] == [1] * len(owners)
    assert len({name for each in shown for name in each}) == len(owners)
    for client, [name] in zip(clients, shown, strict=True):
        assert (await client.told("GET", "/schedules/b:c"))["name"] == name
