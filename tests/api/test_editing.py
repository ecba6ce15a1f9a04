"""Edits by those who say what they have seen: `ETag`, `If-Match`, `If-None-Match`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from onbeat import Onbeat, Settings
from tests.api.asking import CRON_SECRET, PASSWORD, Client

KEY = "a key of a test that has 32 characters or more"

Made = tuple[str, str, dict[str, Any], dict[str, Any]]
"""Where it is, how it is edited, by what, and by what somebody else does."""


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """One that can seal secrets, as webhooks need."""
    settings = Settings(cron_secret=CRON_SECRET, secret_key=(KEY,))
    async with Onbeat(database_url, settings=settings) as ob:
        yield ob


async def a_user(admin: Client) -> Made:
    await admin.told("POST", "/users", 201, json={"name": "ben", "role": "viewer"})
    return "/users/ben", "PATCH", {"role": "operator"}, {"grants": ["audit:read"]}


async def a_limit(admin: Client) -> Made:
    body = {"task": "t", "limits": [{"name": "calls", "concurrency": 3}]}
    await admin.told("POST", "/jobs", 201, json=body)
    await admin.told("PUT", "/limits/calls", json={"concurrency": 2})
    return "/limits/calls", "PUT", {"concurrency": 4}, {"rate": "5/min"}


async def a_webhook(admin: Client) -> Made:
    said = {"url": "https://93.184.216.34/", "owner": "ann"}
    made = await admin.told("POST", "/webhooks", 201, json=said)
    return f"/webhooks/{made['id']}", "PATCH", {"enabled": False}, {"events": ["job.failed"]}


async def a_schedule(admin: Client) -> Made:
    said = {"name": "nightly", "task": "t", "every": "1h"}
    await admin.told("POST", "/schedules", 201, json=said)
    return "/schedules/nightly", "PATCH", {"every": "2h"}, {"every": "3h"}


async def a_calendar(admin: Client) -> Made:
    await admin.told("PUT", "/calendars/work", 201, json={})
    return "/calendars/work", "PUT", {"weekend": ["fri"]}, {"weekend": []}


EACH = pytest.mark.parametrize("make", [a_user, a_limit, a_webhook, a_schedule, a_calendar])


@EACH
async def test_who_has_seen_it_as_it_is_may_edit_it_and_who_has_not_is_told(
    admin: Client, make: Callable[[Client], Awaitable[Made]]
) -> None:
    path, method, edit, others = await make(admin)
    seen = (await admin.get(path)).headers["ETag"]
    await admin.told(method, path, json=others)

    late = await admin.request(method, path, json=edit, headers={"If-Match": seen})
    fresh = (await admin.get(path)).headers["ETag"]
    told = await admin.request(method, path, json=edit, headers={"If-Match": fresh})

    assert late.status_code == 412, late.text
    assert "read it again" in late.json()["detail"]
    assert told.status_code == 200, told.text


@EACH
async def test_who_has_it_as_it_is_need_not_read_it_again(
    admin: Client, make: Callable[[Client], Awaitable[Made]]
) -> None:
    path, method, _, others = await make(admin)
    seen = {"If-None-Match": (await admin.get(path)).headers["ETag"]}

    same = await admin.get(path, headers=seen)
    await admin.told(method, path, json=others)
    other = await admin.get(path, headers=seen)

    assert (same.status_code, same.content, other.status_code) == (304, b"", 200)


@EACH
async def test_it_is_not_removed_by_who_has_seen_another(
    admin: Client, make: Callable[[Client], Awaitable[Made]]
) -> None:
    path, method, _, others = await make(admin)
    seen = (await admin.get(path)).headers["ETag"]
    await admin.told(method, path, json=others)

    refused = await admin.delete(path, headers={"If-Match": seen})

    assert refused.status_code == 412, refused.text
    await admin.told("GET", path)


async def test_how_a_limit_is_used_is_no_edit_of_it(admin: Client) -> None:
    path, method, edit, _ = await a_limit(admin)
    seen = (await admin.get(path)).headers["ETag"]
    body = {"task": "t", "limits": [{"name": "calls", "concurrency": 3}]}
    await admin.told("POST", "/jobs", 201, json=body)

    told = await admin.request(method, path, json=edit, headers={"If-Match": seen})

    assert told.status_code == 200, told.text


async def noted(admin: Client) -> int:
    """How many changes are on record."""
    return len((await admin.told("GET", "/audit", params={"limit": 500}))["data"])


@EACH
async def test_an_edit_that_says_what_is_so_already_leaves_no_trace(
    admin: Client, make: Callable[[Client], Awaitable[Made]]
) -> None:
    path, method, edit, _ = await make(admin)
    await admin.told(method, path, json=edit)
    before, seen = await noted(admin), await admin.get(path)

    again = await admin.request(method, path, json=edit)

    assert again.status_code == 200, again.text
    after = await admin.get(path)
    assert (after.headers["ETag"], after.json()) == (seen.headers["ETag"], seen.json())
    assert await noted(admin) == before


@pytest.mark.parametrize("make", [a_user, a_webhook, a_schedule])
async def test_an_edit_that_says_nothing_leaves_no_trace(
    admin: Client, make: Callable[[Client], Awaitable[Made]]
) -> None:
    path = (await make(admin))[0]
    before, seen = await noted(admin), await admin.get(path)

    answer = await admin.patch(path, json={})

    assert (answer.status_code, answer.json()) == (200, seen.json())
    assert answer.headers["ETag"] == seen.headers["ETag"]
    assert await noted(admin) == before


SAID = {
    "name": "nightly", "task": "t", "cron": "0 9 * * *", "tz": "Europe/Paris", "limit": 9,
    "args": {"a": 1, "b": 2}, "catch_up": "latest within 6h", "jitter": "5m", "priority": 3,
    "keep": {"completed": "100"}, "start_at": "2026-01-01T00:00:00Z",
}  # fmt: skip
"""A schedule that says much."""


@pytest.mark.parametrize(
    "edit",
    [
        {"cron": "0 9 * * *"}, {"tz": "Europe/Paris"}, {"tz": None}, {"limit": 9},
        {"args": {"b": 2}}, {"args": {"b": 2, "a": 1}}, {"catch_up": "latest  within 6h"},
        {"jitter": "300s"}, {"priority": 3}, {"keep": {"completed": "100"}}, {"pause_after": None},
        {"start_at": "2026-01-01T01:00:00+01:00"}, {"end_at": None}, {"why": "no reason"},
        {"task": "t"}, {"workdays": None}, {"closed": None}, {"recurrence": {}},
    ],
    ids=str,
)  # fmt: skip
async def test_an_edit_of_a_schedule_that_changes_nothing_makes_no_version(
    admin: Client, edit: dict[str, Any]
) -> None:
    made = await admin.post("/schedules", json=SAID)
    before = await noted(admin)

    answer = await admin.patch("/schedules/nightly", json=edit)

    assert (answer.status_code, answer.json()) == (200, made.json())
    assert answer.headers["ETag"] == made.headers["ETag"]
    assert len((await admin.told("GET", "/schedules/nightly/versions"))["data"]) == 1
    assert await noted(admin) == before


async def test_a_schedule_that_is_put_as_it_is_makes_no_version(admin: Client) -> None:
    said = {field: value for field, value in SAID.items() if field != "name"}
    made = await admin.put("/schedules/nightly", json=said)
    before = await noted(admin)

    answer = await admin.put("/schedules/nightly", json=said)

    assert (made.status_code, answer.status_code) == (201, 200)
    assert (answer.json(), await noted(admin)) == (made.json(), before)


async def test_what_alone_changes_how_much_is_kept_is_an_edit(admin: Client) -> None:
    await admin.told("POST", "/schedules", 201, json=SAID)
    before = await noted(admin)

    answer = await admin.told("PATCH", "/schedules/nightly", json={"keep": None})

    assert (answer["version"], answer["keep"]) == (2, None)
    assert await noted(admin) == before + 1


async def test_the_same_retention_set_again_leaves_no_trace(admin: Client) -> None:
    kept = await admin.told("PUT", "/retention/task/t", json={"completed": "100"})
    before = await noted(admin)

    again = await admin.told("PUT", "/retention/task/t", json={"completed": "100"})

    assert (again, await noted(admin)) == (kept, before)


async def test_a_new_password_is_a_change_whatever_it_is(admin: Client) -> None:
    path = (await a_user(admin))[0]
    before = await noted(admin)

    for _ in range(2):
        await admin.told("PATCH", path, json={"password": PASSWORD})

    assert await noted(admin) == before + 2
