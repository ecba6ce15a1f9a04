"""Many schedules at once: told first, paused, resumed and removed by the servers, and stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.types import ASGIApp

from onbeat import Onbeat, every
from onbeat.domain.access import Permission, Role
from onbeat.runtime.operations import LOOK_EVERY, Operator
from onbeat.store import operations
from onbeat.store.schedule_operations import AT_ONCE
from tests.api.asking import Client, allowed, asking, misnamed

PATH = "/operations/schedules"
PAUSE: dict[str, Any] = {
    "action": "pause", "where": {"prefix": "report-"}, "reason": "the source is down",
}  # fmt: skip


async def made(ob: Onbeat, *names: str, owner: str | None = None) -> None:
    """Schedules of these names."""
    for name in names:
        call = ob.jobs.bind("build", must_be_known=False)
        await ob.schedules.create(name, call, every("1h"), owner=owner)


async def carry_on(ob: Onbeat) -> None:
    """Do what a process of ours does."""
    operator = Operator(await ob.store())
    while await operator.step() < LOOK_EVERY:
        pass
    await operator.clean_up()


async def paused(ob: Onbeat) -> list[str]:
    """The names of those that are."""
    return [each.name for each in await ob.schedules.list(limit=500) if each.paused_at is not None]


async def test_a_dry_run_counts_and_changes_nothing(ob: Onbeat, admin: Client) -> None:
    await made(ob, "report-a", "report-b", "other")

    told = await admin.told("POST", PATH, json=PAUSE | {"dry_run": True})

    assert told == {"count": 2, "is_exact": True, "names": ["report-a", "report-b"]}
    assert await paused(ob) == []
    assert (await admin.told("GET", "/operations"))["data"] == []


async def test_those_that_fit_are_paused_and_the_others_left(ob: Onbeat, admin: Client) -> None:
    await made(ob, "report-a", "report-b", "other")
    begun = await admin.told("POST", PATH, 202, json=PAUSE)
    await made(ob, "report-late")
    await carry_on(ob)
    ended = await admin.told("GET", f"/operations/{begun['id']}")
    [listed] = (await admin.told("GET", "/operations"))["data"]
    schedule = await ob.schedules.find("report-a")

    assert (begun["of"], begun["state"], begun["total"]) == ("schedules", "running", 2)
    assert (ended["state"], ended["done"], ended["failed"]) == ("completed", 2, 0)
    assert listed == ended
    assert await paused(ob) == ["report-a", "report-b"]
    assert (schedule.paused_by, schedule.paused_why) == ("token:root", "the source is down")


async def test_those_that_are_paused_until_a_moment_go_on_then(ob: Onbeat, admin: Client) -> None:
    await made(ob, "report-a", "report-b")
    until = (await ob.store()).timing.now() + timedelta(hours=1)
    begun = await admin.told("POST", PATH, 202, json=PAUSE | {"until": until.isoformat()})
    await carry_on(ob)

    found = [await ob.schedules.find(each) for each in ("report-a", "report-b")]

    assert datetime.fromisoformat(begun["until"]) == until
    assert [each.paused_until for each in found] == [until, until]
    assert begun["where"] == {"prefix": "report-"}


async def test_those_that_are_paused_are_resumed(ob: Onbeat, admin: Client) -> None:
    await made(ob, "report-a", "report-b")
    await ob.schedules.pause("report-a", "ann")
    sent = {"action": "resume", "where": {"paused": True}}
    begun = await admin.told("POST", PATH, 202, json=sent)
    await carry_on(ob)

    assert begun["total"] == 1
    assert await paused(ob) == []


async def test_more_than_a_batch_are_removed_and_that_is_written_down(
    ob: Onbeat, admin: Client
) -> None:
    await made(ob, *(f"report-{number:03}" for number in range(AT_ONCE + 5)), "other")
    sent = {"action": "remove", "where": {"task": ["build"], "prefix": "report"}}
    begun = await admin.told("POST", PATH, 202, json=sent)
    await carry_on(ob)
    ended = await admin.told("GET", f"/operations/{begun['id']}")
    entries = (await admin.told("GET", f"/audit?subject={begun['id']}"))["data"]

    assert (ended["state"], ended["done"]) == ("completed", AT_ONCE + 5)
    assert [each.name for each in await ob.schedules.list()] == ["other"]
    assert [each["action"] for each in entries] == ["operation.end", "operation.begin"]
    assert entries[0]["after"]["done"] == AT_ONCE + 5


async def test_one_that_is_stopped_changes_no_more(ob: Onbeat, admin: Client) -> None:
    await made(ob, *(f"report-{number:03}" for number in range(AT_ONCE + 5)))
    begun = (await admin.told("POST", PATH, 202, json=PAUSE))["id"]
    store = await ob.store()
    entry = store.new_id()
    await store.write(lambda c, now: operations.go_on(c, now, identity=begun, entry=entry))
    stopped = await admin.told("POST", f"/operations/{begun}/stop")
    await carry_on(ob)

    assert (stopped["state"], stopped["done"]) == ("stopped", AT_ONCE)
    assert len(await paused(ob)) == AT_ONCE


async def test_owners_touch_their_own_alone(ob: Onbeat, app: ASGIApp) -> None:
    await made(ob, "amy:report-a", owner="amy")
    await made(ob, "report-b")
    token = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="amy")
    async with asking(app, token.text) as client:
        sent = {"action": "pause", "where": {"task": ["build"]}}
        told = await client.told("POST", PATH, json=sent | {"dry_run": True})
        await client.told("POST", PATH, 202, json=sent)
    await carry_on(ob)

    assert told["names"] == ["amy:report-a"]
    assert await paused(ob) == ["amy:report-a"]


async def test_it_needs_what_one_schedule_does(ob: Onbeat, app: ASGIApp) -> None:
    who = (Permission.SCHEDULES_READ, Permission.SCHEDULES_TRIGGER)
    async with allowed(ob, app, *who) as client:
        await client.told("POST", PATH, 202, json=PAUSE)
        refused = await client.told("POST", PATH, 403, json=PAUSE | {"action": "remove"})

    assert "schedules:write" in refused["detail"]


async def test_never_are_all_meant_by_omission(admin: Client) -> None:
    nothing: tuple[dict[str, Any], ...] = ({}, {"name": []})
    for where in nothing:
        told = await admin.told("POST", PATH, 400, json=PAUSE | {"where": where})
        assert told["errors"][0]["field"] == "where"


async def test_what_is_wrong_is_named_by_its_field(admin: Client) -> None:
    wrong = [
        ("action", "cancel"), ("where", {"nome": ["x"]}), ("where", {"prefix": ""}),
        ("where", {"name": ["x"] * 1_001}), ("reason", 7),
        ("until", "2020-01-01T00:00:00Z"), ("until", "soon"),
    ]  # fmt: skip

    assert await misnamed(admin, "POST", PATH, PAUSE, wrong) == []
    resume = {"action": "resume", "where": {"paused": True}}
    until = [("until", "2099-01-01T00:00:00Z")]
    assert await misnamed(admin, "POST", PATH, resume, until) == []
