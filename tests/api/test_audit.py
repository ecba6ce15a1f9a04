"""The audit log is searched: who, what, on which; so much at a time, and all of it page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from onbeat import Onbeat
from onbeat.app.acting import acting
from onbeat.domain.access import Principal
from onbeat.domain.audit import Actor, Entry
from onbeat.domain.errors import InvalidInput
from onbeat.store import audit
from onbeat.store.audit import AuditFilter
from tests.api.asking import Client


@pytest.fixture
async def changes(ob: Onbeat) -> list[str]:
    """Six queues paused by two people, alternately; their names, the last first."""
    for number in range(6):
        who = "Ann" if number % 2 else "bob_100%"
        principal = Principal(kind="user", id=who, name=who)
        with acting(Actor(principal=principal)):
            await ob.queues.pause(f"queue-{number}", who)
    return [f"queue-{number}" for number in reversed(range(6))]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("ann", [5, 3, 1]), ("BOB_1", [4, 2, 0]), ("100%", [4, 2, 0]), ("queue-4", [4]),
        ("PAUSE", [5, 4, 3, 2, 1, 0]), ("_", [4, 2, 0]), ("nothing", []),
    ],
)  # fmt: skip
async def test_a_text_is_found_in_who_what_and_on_which(
    admin: Client, changes: list[str], q: str, expected: list[int]
) -> None:
    found = (await admin.told("GET", "/audit", params={"q": q}))["data"]

    assert [each["subject"] for each in found] == [f"queue-{number}" for number in expected]


async def test_what_is_found_comes_page_by_page(admin: Client, changes: list[str]) -> None:
    found: list[Any] = []
    asked: dict[str, Any] = {"q": "ann", "limit": 2}
    while True:
        page = await admin.told("GET", "/audit", params=asked)
        found += page["data"]
        if page["page"]["next"] is None:
            break
        asked["after"] = page["page"]["next"]

    assert [each["subject"] for each in found] == changes[::2]


async def test_one_search_looks_at_so_many_entries_and_says_from_where_to_go_on(
    ob: Onbeat, changes: list[str]
) -> None:
    async def seen(before: str | None) -> tuple[list[Entry], str | None]:
        def look(connection: Connection, now: datetime) -> tuple[list[Entry], str | None]:
            wanted = AuditFilter(search="bob", before=before)
            found, onward = audit.search(connection, now, wanted, most=3)
            return list(found), onward

        return await (await ob.store()).read(look)

    first, onward = await seen(None)
    second, last = await seen(onward)
    third, end = await seen(last)

    assert [each.subject for each in (*first, *second, *third)] == changes[1::2]
    assert (len(first), len(second), end) == (1, 2, None)


async def test_a_search_goes_with_other_filters(admin: Client, changes: list[str]) -> None:
    asked = {"q": "queue", "actor": "Ann", "subject": "queue-3"}

    found = (await admin.told("GET", "/audit", params=asked))["data"]

    assert [each["subject"] for each in found] == ["queue-3"]


async def test_a_text_that_is_none_is_refused(ob: Onbeat, admin: Client) -> None:
    await admin.told("GET", "/audit", 400, params={"q": ""})
    with pytest.raises(InvalidInput, match="search: it is empty"):
        await ob.audit.search(AuditFilter(search=""))


@pytest.mark.parametrize("path", ["/audit", "/audit/export"])
async def test_a_moment_without_a_zone_is_refused(admin: Client, path: str) -> None:
    answer = await admin.told("GET", path, 400, params={"since": "2026-01-01T00:00:00"})

    assert answer["errors"][0]["field"] == "since"
