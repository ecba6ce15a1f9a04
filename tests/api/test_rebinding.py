"""A schedule with other arguments: what its jobs are unique by, and what they are bounded by."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onbeat import Limit, Onbeat, Unique, every
from tests.api.asking import Client

BODY: dict[str, Any] = {"name": "a", "task": "charge", "every": "1h", "args": {"order_id": 1}}


@pytest.fixture
def tasks(ob: Onbeat) -> None:
    """Two that are unique by what they are given, and one that is not."""

    @ob.task(unique=Unique(by=("order_id",)), limits=Limit("calls", concurrency=3, by="order_id"))
    async def charge(order_id: int, note: str = "") -> None: ...

    @ob.task(unique=Unique(by=("order_id",), until="begun"))
    async def refund(order_id: int) -> None: ...

    @ob.task
    async def report(order_id: int) -> None: ...


async def ties(ob: Onbeat, name: str = "a") -> list[str]:
    found = (await ob.schedules.find(name)).ties
    return [] if found is None else sorted(json.loads(found))


@pytest.mark.parametrize(
    "patch",
    [
        {"args": {"order_id": 2}},
        {"args": {"order_id": 2}, "replace_args": True},
        {"args": {"order_id": 12345678901234567890, "note": "x"}},
        {"task": "refund"},
        {"task": "report", "args": {"order_id": 3}},
    ],
)
async def test_after_a_change_its_jobs_have_the_ties_of_one_that_was_made_so(
    admin: Client, ob: Onbeat, tasks: None, patch: dict[str, Any]
) -> None:
    await admin.told("POST", "/schedules", 201, json=BODY)
    made = BODY | {each: patch[each] for each in ("task", "args") if each in patch}

    await admin.told("PATCH", "/schedules/a", json=patch)
    await admin.told("POST", "/schedules", 201, json=made | {"name": "b"})

    assert await ties(ob) == await ties(ob, "b")


async def test_a_job_with_new_arguments_is_no_duplicate_of_one_with_the_old(
    admin: Client, tasks: None
) -> None:
    await admin.told("POST", "/schedules", 201, json=BODY)
    await admin.told("POST", "/jobs", 201, json={"task": "charge", "args": {"order_id": 1}})
    await admin.told("POST", "/schedules/a/trigger", 409)

    await admin.told("PATCH", "/schedules/a", json={"args": {"order_id": 2}})

    made = await admin.told("POST", "/schedules/a/trigger", 201)
    assert (made["args"], made["state"]) == ({"order_id": 2}, "pending")


async def test_what_was_said_of_the_schedule_alone_stays(
    admin: Client, ob: Onbeat, tasks: None
) -> None:
    charge = ob.jobs.bind("charge", '{"order_id": 1}').opts(tags=("vip",), start_within="5m")
    await ob.schedules.create("a", charge, every("1h"))
    before = await ties(ob)

    changed = await admin.told("PATCH", "/schedules/a", json={"args": {"order_id": 2}})
    await admin.told("PATCH", "/schedules/a", json={"args": {"order_id": 1}})

    assert (changed["tags"], await ties(ob)) == (["vip"], before)


async def test_a_key_that_cannot_be_made_anew_is_not_kept_in_silence(
    admin: Client, ob: Onbeat, tasks: None
) -> None:
    own = ob.jobs.bind("report", '{"order_id": 1}').opts(unique=Unique(by=("order_id",)))
    await ob.schedules.create("a", own, every("1h"))

    told = await admin.told("PATCH", "/schedules/a", 400, json={"args": {"order_id": 2}})
    await admin.told("PATCH", "/schedules/a", json={"args": {"order_id": 1}, "priority": 7})

    assert told["errors"][0]["field"] == "args"
