"""Lists of schedules by REST: narrowed, with how their jobs fared and how many stand how."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat, every
from onbeat.domain.access import Permission
from onbeat.domain.schedules import Occurrence, OccurrenceOutcome
from onbeat.store import ledger
from tests.api.asking import Client, allowed
from tests.api.owners import SAID, amy, bob, entering
from tests.api.test_agenda import ended

__all__ = ["amy", "bob", "entering"]


@pytest.fixture
async def three(admin: Client, ob: Onbeat) -> None:
    """One that is on, one that is paused, one with tags."""
    for name, task in (("acme/report", "report"), ("BETA_100%", "charge")):
        body = {"name": name, "task": task, "every": "1h", "queue": task}
        await admin.told("POST", "/schedules", 201, json=body)
    await admin.told("POST", "/schedules/BETA_100%25/pause")

    @ob.task
    async def clean() -> None: ...

    await ob.schedules.create("clean", clean.bind(), every("1h"), tags=("eu",))


async def names(client: Client, **asked: Any) -> list[str]:
    told = await client.told("GET", "/schedules", params=asked)
    return [each["name"] for each in told["data"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["BETA_100%", "acme/report", "clean"]),
        ({"search": "REP"}, ["acme/report"]),
        ({"search": "_100%"}, ["BETA_100%"]),
        ({"search": "%"}, ["BETA_100%"]),
        ({"standing": "on"}, ["acme/report", "clean"]),
        ({"standing": "paused"}, ["BETA_100%"]),
        ({"standing": "broken"}, []),
        ({"standing": "late"}, []),
        ({"source": "api"}, ["BETA_100%", "acme/report", "clean"]),
        ({"source": "code"}, []),
        ({"task": "charge"}, ["BETA_100%"]),
        ({"queue": "report"}, ["acme/report"]),
        ({"tag": "eu"}, ["clean"]),
        ({"tag": "e"}, []),
        ({"clock": "world"}, []),
    ],
)
async def test_a_list_is_of_those_that_are_all_that_is_asked(
    admin: Client, three: None, asked: dict[str, str], found: list[str]
) -> None:
    assert sorted(await names(admin, **asked)) == found


async def test_code_is_a_source_that_all_applications_have(admin: Client, ob: Onbeat) -> None:
    @ob.schedule(every("1h"))
    @ob.task
    async def clean() -> None: ...

    await ob.schedules.reconcile()

    assert await names(admin, source="code") == await names(admin, source="code:app") == ["clean"]


async def test_a_cursor_is_of_the_list_it_was_given_with(admin: Client, three: None) -> None:
    first = await admin.told("GET", "/schedules", params={"limit": 1, "source": "api"})
    after = first["page"]["next"]

    await admin.told("GET", "/schedules", 400, params={"after": after, "task": "charge"})
    rest = await names(admin, source="api", after=after)

    assert len(rest) == 2


async def test_details_tell_how_jobs_fared_and_how_many_stand_how(
    admin: Client, three: None, ob: Onbeat
) -> None:
    await ended(ob, "acme/report", completed=9, failed=1)
    await admin.told("POST", "/schedules/clean/trigger", 201)

    told = await admin.told("GET", "/schedules", params={"details": True, "search": "e"})
    plain = await admin.told("GET", "/schedules")

    by_name = {each["name"]: each["recent"] for each in told["data"]}
    assert by_name["acme/report"] == {
        "completed": 9, "failed": 1, "cancelled": 0, "last_state": None, "moments": [],
    }  # fmt: skip
    assert told["counts"] == {"on": 2, "paused": 1, "broken": 0, "late": 0}
    assert (plain["counts"], plain["data"][0]["recent"]) == (None, None)


async def test_details_tell_what_came_of_the_last_moments(admin: Client, ob: Onbeat) -> None:
    body = {"name": "sync", "task": "report", "every": "1h"}
    await admin.told("POST", "/schedules", 201, json=body)
    schedule, store = await ob.schedules.find("sync"), await ob.store()
    assert schedule.next_due_at is not None
    missed = Occurrence(schedule.next_due_at, OccurrenceOutcome.MISSED)
    await store.write(partial(ledger.record, schedule=schedule.id, occurrence=missed))

    [listed] = (await admin.told("GET", "/schedules", params={"details": True}))["data"]

    [moment] = listed["recent"]["moments"]
    assert datetime.fromisoformat(moment.pop("due_at")) == schedule.next_due_at
    assert moment == {"through_at": None, "came": "missed", "job": None}


async def test_who_may_not_read_jobs_is_not_told_how_they_fared(
    admin: Client, three: None, ob: Onbeat, app: ASGIApp
) -> None:
    async with allowed(ob, app, Permission.SCHEDULES_READ) as some:
        told = await some.told("GET", "/schedules", params={"details": True})

    assert [each["recent"] for each in told["data"]] == [None, None, None]


async def test_an_owner_is_told_of_their_own_alone(
    admin: Client, amy: Client, bob: Client, three: None
) -> None:
    await amy.told("POST", "/schedules", 201, json={"name": "tea", **SAID})

    told = await amy.told("GET", "/schedules", params={"details": True})
    others = await bob.told("GET", "/schedules", params={"details": True, "search": "tea"})

    assert (told["counts"]["on"], [each["name"] for each in told["data"]]) == (1, ["amy:tea"])
    assert (others["counts"]["on"], others["data"]) == (0, [])


async def test_a_schedule_goes_back_to_what_it_said_in_a_version(admin: Client) -> None:
    body = {
        "name": "acme", "task": "report", "cron": "30 2 * * *", "tz": "Europe/Paris",
        "args": {"id": 12345678901234567890}, "queue": "slow", "priority": 8, "limit": 5,
        "catch_up": "all within 6h", "overlap": "allow", "jitter": "5m", "pause_after": 3,
        "end_at": "2090-01-01T00:00:00Z", "timeout": "5m",
    }  # fmt: skip
    first = await admin.told("POST", "/schedules", 201, json=body)
    await admin.told("PUT", "/schedules/acme", json={"task": "other", "every": "1h"})
    seen = (await admin.get("/schedules/acme")).headers["etag"]

    back = await admin.told(
        "POST", "/schedules/acme/revert", json={"version": 1}, headers={"If-Match": seen}
    )
    await admin.told(
        "POST", "/schedules/acme/revert", 412, json={"version": 1}, headers={"If-Match": seen}
    )
    versions = (await admin.told("GET", "/schedules/acme/versions"))["data"]

    moved = {"version", "next_due_at", "keep"}
    assert {k: v for k, v in back.items() if k not in moved} == {
        k: v for k, v in first.items() if k not in moved
    }
    assert [(each["version"], each["why"]) for each in versions] == [
        (3, "back to version 1"), (2, None), (1, None),
    ]  # fmt: skip
    assert versions[0]["said"] == versions[2]["said"]


async def test_arguments_are_replaced_whole_where_that_is_asked(admin: Client) -> None:
    body = {"name": "acme", "task": "report", "every": "1h", "args": {"a": 1, "b": {"c": 2}}}
    await admin.told("POST", "/schedules", 201, json=body)

    said = {"args": {"a": None, "b": {}}, "replace_args": True}
    changed = await admin.told("PATCH", "/schedules/acme", json=said)

    assert changed["args"] == {"a": None, "b": {}}


async def test_a_version_that_there_is_not_is_refused_by_its_name(admin: Client) -> None:
    await admin.told("POST", "/schedules", 201, json={"name": "a", "task": "b", "every": "1h"})

    told = await admin.told("POST", "/schedules/a/revert", 400, json={"version": 2})

    assert told["errors"][0]["field"] == "version"


async def test_an_owner_does_not_go_back_to_what_was_the_application_s_to_say(
    admin: Client, amy: Client
) -> None:
    await amy.told("POST", "/schedules", 201, json={"name": "tea", **SAID})
    await admin.told("PATCH", "/schedules/amy:tea", json={"priority": 9})
    await admin.told("PATCH", "/schedules/amy:tea", json={"priority": 2})
    await amy.told("PATCH", "/schedules/tea", json={"every": "2h"})

    await amy.told("POST", "/schedules/tea/revert", 403, json={"version": 2})
    back = await amy.told("POST", "/schedules/tea/revert", json={"version": 3})

    assert (back["priority"], back["recurrence"]["every"]) == (2, "1h")


async def test_a_job_is_made_by_hand_with_other_arguments(admin: Client, ob: Onbeat) -> None:
    @ob.task
    async def charge(order_id: int) -> None: ...

    body = {"name": "hourly", "task": "charge", "every": "1h", "args": {"order_id": 1}}
    await admin.told("POST", "/schedules", 201, json=body)
    other = {"args": {"order_id": 12345678901234567890}}

    made = await admin.told("POST", "/schedules/hourly/trigger", 201, json=other)
    wrong = await admin.told("POST", "/schedules/hourly/trigger", 400, json={"args": {"no": 1}})

    assert made["args"] == other["args"]
    assert (await admin.told("GET", "/schedules/hourly"))["args"] == {"order_id": 1}
    assert wrong["errors"][0]["field"] == "args.no"


async def test_the_soonest_lead_whatever_they_are_called_and_what_is_late_leads_them(
    admin: Client, three: None
) -> None:
    body = {"name": "zzz", "task": "charge", "every": "1m"}
    await admin.told("POST", "/schedules", 201, json=body)
    await admin.told("POST", "/clocks", 201, json={"name": "c", "at": "2020-01-01T00:00:00Z"})
    lives = {"name": "by-a-clock", "task": "charge", "every": "1m", "clock": "c"}
    await admin.told("POST", "/schedules", 201, json=lives)

    found = await names(admin, soonest=True)
    assert (found[0], sorted(found)) == ("zzz", ["acme/report", "clean", "zzz"])
    assert await names(admin, soonest=True, limit=1) == ["zzz"]
    assert await names(admin, soonest=True, task="report") == ["acme/report"]


async def test_the_soonest_have_no_further_page(admin: Client, three: None) -> None:
    told = await admin.told("GET", "/schedules", params={"soonest": True, "limit": 1})
    assert told["page"]["next"] is None
    listed = await admin.told("GET", "/schedules", params={"limit": 1})
    after = {"soonest": True, "after": listed["page"]["next"]}
    refused = await admin.told("GET", "/schedules", 400, params=after)
    assert refused["errors"][0]["field"] == "after"
