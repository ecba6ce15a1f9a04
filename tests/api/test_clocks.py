"""Virtual clocks by REST."""

from __future__ import annotations

import pytest

from tests.api.asking import Client, Wrong, misnamed

NOON = "2026-01-01T12:00:00Z"


@pytest.fixture(autouse=True)
async def _world(admin: Client) -> None:
    await admin.told("POST", "/clocks", 201, json={"name": "world", "at": NOON})


async def test_one_is_made_found_moved_and_removed(admin: Client) -> None:
    found = await admin.told("GET", "/clocks/world")
    by = await admin.told("POST", "/clocks/world/advance", json={"by": "90m"})
    to = await admin.told("POST", "/clocks/world/advance", json={"to": "2026-01-02T00:00:00Z"})
    await admin.told("DELETE", "/clocks/world", 204)

    assert found["now_at"] == NOON
    assert (by["now_at"], by["is_done"]) == ("2026-01-01T13:30:00Z", True)
    assert to["now_at"] == "2026-01-02T00:00:00Z"
    await admin.told("GET", "/clocks/world", 404)


async def test_one_that_stops_on_the_way_says_where_it_was_going(admin: Client) -> None:
    body = {"name": "acme", "task": "t", "every": "1m", "clock": "world", "overlap": "allow"}
    await admin.told("POST", "/schedules", 201, json=body)

    part = await admin.told("POST", "/clocks/world/advance", json={"by": "5h", "most": 2})
    jump = {"to": part["goal_at"], "jump": True}
    rest = await admin.told("POST", "/clocks/world/advance", json=jump)

    assert (part["is_done"], part["fired"], part["goal_at"]) == (False, 100, "2026-01-01T17:00:00Z")
    assert (rest["is_done"], rest["fired"]) == (True, 1)


async def test_one_that_something_lives_by_stays(admin: Client) -> None:
    body = {"name": "acme", "task": "t", "every": "1h", "clock": "world"}
    await admin.told("POST", "/schedules", 201, json=body)

    await admin.told("DELETE", "/clocks/world", 409)
    await admin.told("POST", "/clocks", 409, json={"name": "world", "at": NOON})


async def test_pages_hold_each_once(admin: Client) -> None:
    await admin.told("POST", "/clocks", 201, json={"name": "moon", "at": NOON})

    first = await admin.told("GET", "/clocks", params={"limit": 1})
    second = await admin.told("GET", "/clocks", params={"after": first["page"]["next"]})

    assert [each["name"] for page in (first, second) for each in page["data"]] == [
        "moon", "world",
    ]  # fmt: skip


async def test_a_wrong_value_is_named(admin: Client) -> None:
    made = {"name": "x", "at": NOON}
    clock: Wrong = [
        ("name", "wall"), ("name", "a b"), ("at", None), ("at", "2026-01-01T12:00:00"),
        ("to", NOON),
    ]  # fmt: skip
    way: Wrong = [
        ("by", "soon"), ("by", "-1h"), ("to", "2026-01-02T00:00:00Z"), ("most", 0),
        ("jump", "high"),
    ]  # fmt: skip
    goal: Wrong = [("to", "2025-01-01T00:00:00Z"), ("to", "2027-01-01T00:00:00"), ("to", None)]

    assert await misnamed(admin, "POST", "/clocks", made, clock) == []
    assert await misnamed(admin, "POST", "/clocks/world/advance", {"by": "1h"}, way) == []
    assert await misnamed(admin, "POST", "/clocks/world/advance", {}, goal) == []


async def test_what_is_not_there_is_told_so(admin: Client) -> None:
    await admin.told("GET", "/clocks/nowhere", 404)
    await admin.told("DELETE", "/clocks/nowhere", 404)
    await admin.told("POST", "/clocks/nowhere/advance", 404, json={"by": "1h"})


async def test_each_change_is_written_down_once(admin: Client) -> None:
    await admin.told("POST", "/clocks/world/advance", json={"by": "1h"})
    await admin.told("POST", "/clocks/world/advance", 400, json={"by": "-1h"})
    await admin.told("DELETE", "/clocks/world", 204)

    entries = (await admin.told("GET", "/audit", params={"subject": "world"}))["data"]

    assert [each["action"] for each in entries] == ["clock.remove", "clock.advance", "clock.create"]
    moved = entries[1]
    assert (moved["before"]["now_at"], moved["after"]["now_at"]) == (NOON, "2026-01-01T13:00:00Z")
