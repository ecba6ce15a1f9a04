"""Edits by those who say what they have seen: `ETag`, `If-Match`, `If-None-Match`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from onbeat import Onbeat, Settings
from tests.api.asking import CRON_SECRET, Client

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
