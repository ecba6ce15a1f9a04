"""Backfills by REST."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import Client, Wrong, misnamed
from tests.api.test_by_hand import OF_ITS_CLOCK

MORNING = {"schedule": "acme", "from": "2026-01-01T08:00:00Z", "to": "2026-01-01T11:00:00Z"}


@pytest.fixture(autouse=True)
async def _acme(admin: Client) -> None:
    clock = {"name": "world", "at": "2026-01-01T12:00:00Z"}
    await admin.told("POST", "/clocks", 201, json=clock)
    await admin.told("POST", "/schedules", 201, json={"name": "acme", **OF_ITS_CLOCK})


async def begun(client: Client, **body: object) -> Any:
    """A new backfill."""
    return await client.told("POST", "/backfills", 201, json=MORNING | body)


async def test_a_dry_run_says_what_would_be_and_does_nothing(admin: Client) -> None:
    gaps = await admin.told("POST", "/backfills", 200, json=MORNING | {"dry_run": True})

    assert (gaps["total"], gaps["passed"], gaps["moments"][0]) == (4, 0, "2026-01-01T08:00:00Z")
    assert (await admin.told("GET", "/backfills"))["data"] == []


async def test_one_is_begun_found_and_stopped(admin: Client) -> None:
    answer = await admin.post("/backfills", json=MORNING | {"at_once": 2, "why": "outage"})
    backfill = answer.json()
    found = await admin.told("GET", f"/backfills/{backfill['id']}")
    stopped = await admin.told("POST", f"/backfills/{backfill['id']}/stop")

    assert (answer.status_code, found) == (201, backfill)
    assert answer.headers["location"] == f"backfills/{backfill['id']}"
    assert (backfill["total"], backfill["at_once"], backfill["by"]) == (4, 2, "token:root")
    assert stopped["stopped"] == "by token:root"
    await admin.told("POST", f"/backfills/{backfill['id']}/stop", 409)


async def test_moments_that_had_a_job_are_left_unless_they_are_wanted_again(
    admin: Client,
) -> None:
    await begun(admin)

    await admin.told("POST", "/backfills", 409, json=MORNING)
    assert (await begun(admin, again=True))["total"] == 4


async def test_pages_hold_each_once_the_newest_first(admin: Client) -> None:
    ids = [(await begun(admin, again=True))["id"] for _ in range(3)]

    first = await admin.told("GET", "/backfills", params={"schedule": "acme", "limit": 2})
    asked = {"schedule": "acme", "limit": 2, "after": first["page"]["next"]}
    second = await admin.told("GET", "/backfills", params=asked)

    seen = [each["id"] for page in (first, second) for each in page["data"]]
    assert (seen, second["page"]["next"]) == (ids[::-1], None)


async def test_a_wrong_value_is_named(admin: Client) -> None:
    wrong: Wrong = [
        ("from", "soon"), ("from", "2026-01-01T08:00:00"), ("to", "2026-01-01T07:00:00Z"),
        ("to", "2090-01-01T00:00:00Z"), ("at_once", 0), ("at_once", 1_001), ("priority", 11),
        ("why", ""), ("dry_run", "perhaps"), ("schedule", ""), ("too", "x"),
    ]  # fmt: skip

    assert await misnamed(admin, "POST", "/backfills", MORNING, wrong) == []


async def test_a_range_without_moments_is_refused(admin: Client) -> None:
    asked = {"from": "2026-01-01T08:10:00Z", "to": "2026-01-01T08:20:00Z"}
    answer = await admin.post("/backfills", json=MORNING | asked)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "from")


async def test_one_that_rests_after_its_jobs_has_no_moments_to_fill(admin: Client) -> None:
    rests = {"kind": "after_finish", "every": "1h"}
    body = {"name": "rests", "task": "t", "recurrence": rests}
    await admin.told("POST", "/schedules", 201, json=body)

    answer = await admin.post("/backfills", json=MORNING | {"schedule": "rests"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "schedule")


async def test_what_is_not_there_is_told_so(admin: Client) -> None:
    await admin.told("GET", f"/backfills/{'0' * 32}", 404)
    await admin.told("POST", f"/backfills/{'0' * 32}/stop", 404)
    await admin.told("GET", "/backfills/x", 400)
    await admin.told("GET", "/backfills", 404, params={"schedule": "nowhere"})
    await admin.told("POST", "/backfills", 404, json=MORNING | {"schedule": "nowhere"})


async def test_begin_and_stop_are_written_down_once_each(admin: Client) -> None:
    backfill = (await begun(admin))["id"]
    await admin.told("POST", f"/backfills/{backfill}/stop")

    entries = (await admin.told("GET", "/audit", params={"subject": backfill}))["data"]

    stopped, started = entries
    assert (stopped["action"], started["action"]) == ("backfill.stop", "backfill.begin")
    assert (started["before"], started["after"]["total"]) == (None, 4)
    assert (stopped["before"]["stopped"], stopped["after"]["stopped"]) == (None, "by token:root")
