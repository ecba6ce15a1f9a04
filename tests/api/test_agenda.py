"""The calendar by REST: what ended and what is to come, by the clock of a zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from onbeat import Onbeat
from onbeat.domain.health import Kind, Slice, Subject, Tally
from onbeat.store import folding
from onbeat.store.schema import rollups
from tests.api.asking import Client, Wrong
from tests.api.owners import SAID, amy, bob, entering

__all__ = ["amy", "bob", "entering"]

HOURLY = {"name": "hourly", "task": "report", "every": "1h"}


async def agenda(client: Client, **asked: Any) -> Any:
    """Today and the days after it, in UTC."""
    today = datetime.fromisoformat(await _now(client)).date()
    span = {"from": today, "to": today + timedelta(days=6)} | asked
    return await client.told(
        "GET", "/calendar", params={name: str(each) for name, each in span.items()}
    )


async def _now(client: Client) -> str:
    told = await client.told("GET", "/calendar", params={"from": "2027-01-01", "to": "2027-01-01"})
    found: str = told["now"]
    return found


async def ended(ob: Onbeat, name: str, *, completed: int = 0, failed: int = 0) -> None:
    """So many jobs of the schedule ended in the last hour."""
    store = await ob.store()
    schedule = await ob.schedules.find(name)
    now = store.timing.now()
    of = Slice(now - timedelta(minutes=1), now)
    found = {Subject(Kind.SCHEDULE, schedule.id): Tally(completed=completed, failed=failed)}
    front = await store.read(folding.front)
    assert await store.write(partial(folding.fold, was=front.folded_to, of=of, found=found))


async def test_days_tell_what_ended_and_what_is_to_come(admin: Client, ob: Onbeat) -> None:
    await admin.told("POST", "/schedules", 201, json=HOURLY)
    await ended(ob, "hourly", completed=3, failed=1)

    told = await agenda(admin)

    sums = {
        each: sum(day["counts"][each] for day in told["buckets"])
        for each in ("completed", "failed", "coming")
    }
    assert (sums["completed"], sums["failed"]) == (3, 1)
    assert told["buckets"][1]["counts"]["coming"] == 24
    assert (told["buckets"][1]["hours"], told["schedules"]) == (24, [])
    assert told["today"] == told["buckets"][0]["local"][:10]


async def test_the_ends_of_all_schedules_are_one_row_of_each_hour(
    admin: Client, ob: Onbeat
) -> None:
    for name in ("hourly", "other"):
        await admin.told("POST", "/schedules", 201, json={**HOURLY, "name": name})
    await ended(ob, "hourly", completed=3)
    await ended(ob, "other", completed=4, failed=1)

    store = await ob.store()
    rows = await store.read(lambda c, _: c.execute(
        select(rollups.c.completed, rollups.c.failed)
        .where(rollups.c.kind == folding.ALL_SCHEDULES)
        .where(rollups.c.span == 3600)
    ).all())  # fmt: skip
    alone = await agenda(admin, schedule="other")

    assert len(rows) < 3  # two, where an hour is over in between
    assert (sum(row.completed for row in rows), sum(row.failed for row in rows)) == (7, 1)
    assert sum(day["counts"]["completed"] for day in alone["buckets"]) == 4


async def test_hours_tell_it_of_each_schedule_and_how_evenly_it_is_due(
    admin: Client, ob: Onbeat
) -> None:
    await admin.told("POST", "/schedules", 201, json={**HOURLY, "every": "5m"})
    await admin.told("POST", "/schedules", 201, json={**HOURLY, "name": "other"})
    tomorrow = datetime.fromisoformat(await _now(admin)).date() + timedelta(days=1)

    told = await agenda(admin, by="hour", **{"from": tomorrow, "to": tomorrow})

    assert [each["name"] for each in told["schedules"]] == ["hourly", "other"]
    cell = told["schedules"][0]["cells"][3]
    assert (cell["bucket"], cell["counts"]["coming"], cell["every_s"]) == (3, 12, 300)
    assert told["buckets"][3]["counts"]["coming"] == 13
    alone = await agenda(
        admin, by="hour", schedule="other", **{"from": tomorrow, "to": tomorrow}
    )  # fmt: skip
    assert [each["name"] for each in alone["schedules"]] == ["other"]


async def test_what_is_paused_is_to_come_from_when_it_goes_on_by_itself(
    admin: Client, ob: Onbeat
) -> None:
    for name in ("until", "for-good"):
        await admin.told("POST", "/schedules", 201, json={**HOURLY, "name": name})
    now = datetime.fromisoformat(await _now(admin))
    until = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
    await admin.told("POST", "/schedules/until/pause", json={"until": until.isoformat()})
    await admin.told("POST", "/schedules/for-good/pause")

    told = await agenda(admin)

    assert [day["counts"]["coming"] for day in told["buckets"][:4]] == [0, 0, 24, 24]


async def test_a_day_on_which_clocks_are_moved_is_as_long_as_it_is(admin: Client) -> None:
    days = {"from": "2027-03-27", "to": "2027-03-29", "tz": "Europe/Paris"}

    told = await agenda(admin, **days)
    hours = await agenda(
        admin, **{**days, "from": "2027-03-28", "to": "2027-03-28", "by": "hour"}
    )  # fmt: skip

    assert [each["hours"] for each in told["buckets"]] == [24, 23, 24]
    assert [each["local"] for each in hours["buckets"][1:3]] == [
        "2027-03-28T01:00:00+01:00", "2027-03-28T03:00:00+02:00",
    ]  # fmt: skip


async def test_owners_see_their_own_alone(
    amy: Client, bob: Client, admin: Client, ob: Onbeat
) -> None:
    await amy.told("POST", "/schedules", 201, json={"name": "tea", **SAID})
    await ended(ob, "amy:tea", completed=5)

    told = {name: await agenda(who) for name, who in (("amy", amy), ("bob", bob), ("all", admin))}

    sums = {
        name: [sum(day["counts"][each] for day in of["buckets"]) for each in ("completed",)]
        for name, of in told.items()
    }
    coming = {name: of["buckets"][1]["counts"]["coming"] for name, of in told.items()}
    assert sums == {"amy": [5], "bob": [0], "all": [5]}
    assert coming == {"amy": 24, "bob": 0, "all": 24}
    await bob.told("GET", "/calendar", 404, params={
        "from": "2027-01-01", "to": "2027-01-01", "schedule": "amy:tea",
    })  # fmt: skip


WRONG: Wrong = [("tz", "Mars/Base"), ("from", "soon"), ("to", "2026-01-01"), ("by", "minute")]


@pytest.mark.parametrize(("field", "value"), WRONG)
async def test_what_is_wrong_is_refused_by_its_name(admin: Client, field: str, value: str) -> None:
    asked = {"from": "2027-01-01", "to": "2027-01-02", field: value}

    told = await admin.told("GET", "/calendar", 400, params=asked)

    assert told["errors"][0]["field"] == field
