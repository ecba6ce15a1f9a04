"""Every route about time, asked by those who may not."""

from __future__ import annotations

import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.api.asgi import make_app
from onbeat.api.bodies import PREFIX
from onbeat.domain.access import Permission, Role
from tests.api.asking import Client, allowed, asking

READ, WRITE = Permission.SCHEDULES_READ, Permission.SCHEDULES_WRITE
TRIGGER = Permission.SCHEDULES_TRIGGER
SAID = {"task": "report", "every": "1h"}
RANGE = {"from": "2026-01-01T08:00:00Z", "to": "2026-01-01T11:00:00Z"}
OPEN_BACKFILL = f"/backfills/{'0' * 32}"

ROUTES = [
    ("GET", "/schedules", READ, None),
    ("POST", "/schedules", WRITE, {"name": "new", **SAID}),
    ("POST", "/schedules/many", WRITE, {"schedules": [{"name": "more", **SAID}]}),
    ("POST", "/schedules/preview", READ, {"every": "1h"}),
    ("GET", "/schedules/acme", READ, None),
    ("PUT", "/schedules/acme", WRITE, SAID),
    ("PUT", "/schedules/new", WRITE, SAID),
    ("PATCH", "/schedules/acme", WRITE, {"priority": 3}),
    ("DELETE", "/schedules/acme", WRITE, None),
    ("POST", "/schedules/acme/pause", TRIGGER, None),
    ("POST", "/schedules/acme/resume", TRIGGER, None),
    ("POST", "/schedules/acme/skip", TRIGGER, None),
    ("POST", "/schedules/acme/trigger", TRIGGER, None),
    ("POST", "/schedules/acme/revert", WRITE, {"version": 1}),
    ("GET", "/schedules/acme/next", READ, None),
    ("GET", "/schedules/acme/occurrences", READ, None),
    ("GET", "/schedules/acme/versions", READ, None),
    ("GET", "/schedules/acme/why", READ, None),
    ("GET", "/backfills", READ, None),
    ("POST", "/backfills", TRIGGER, {"schedule": "acme", "dry_run": True, **RANGE}),
    ("POST", "/backfills", TRIGGER, {"schedule": "acme", **RANGE}),
    ("GET", OPEN_BACKFILL, READ, None),
    ("POST", f"{OPEN_BACKFILL}/stop", TRIGGER, None),
    ("GET", "/calendars", READ, None),
    ("GET", "/calendars/fr", READ, None),
    ("PUT", "/calendars/fr", WRITE, {}),
    ("DELETE", "/calendars/fr", WRITE, None),
    ("GET", "/clocks", READ, None),
    ("POST", "/clocks", WRITE, {"name": "new", "at": "2026-01-01T12:00:00Z"}),
    ("GET", "/clocks/world", READ, None),
    ("POST", "/clocks/world/advance", WRITE, {"by": "1h"}),
    ("DELETE", "/clocks/world", WRITE, None),
]


@pytest.fixture(autouse=True)
async def _things(admin: Client) -> None:
    await admin.told("POST", "/schedules", 201, json={"name": "acme", **SAID})
    await admin.told("PUT", "/calendars/fr", 201, json={})
    clock = {"name": "world", "at": "2026-01-01T12:00:00Z"}
    await admin.told("POST", "/clocks", 201, json=clock)


async def statuses(client: Client) -> dict[str, int]:
    """What each of them answers."""
    return {
        f"{method} {path}": (await client.request(method, path, json=body)).status_code
        for method, path, _, body in ROUTES
    }


async def test_nobody_is_refused(nobody: Client) -> None:
    assert set((await statuses(nobody)).values()) == {401}


@pytest.mark.parametrize("needed", [READ, WRITE, TRIGGER])
async def test_one_permission_opens_what_needs_it_and_nothing_else(
    ob: Onbeat, app: ASGIApp, needed: Permission
) -> None:
    others = frozenset(Permission) - {needed}
    refused = {f"{method} {path}" for method, path, wanted, _ in ROUTES if wanted == needed}
    async with allowed(ob, app, *others) as client:
        without = await statuses(client)
    async with allowed(ob, app, needed) as client:
        alone = await statuses(client)

    assert {route for route, status in without.items() if status == 403} == refused
    assert {route for route, status in alone.items() if status != 403} == refused
    assert max(*without.values(), *alone.values()) < 500


async def test_who_sees_rows_of_their_own_alone_finds_nothing_of_others(
    ob: Onbeat, app: ASGIApp
) -> None:
    made = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="u-1")
    async with asking(app, made.text) as client:
        found = await statuses(client)
        lists = [await client.told("GET", path) for path in ("/schedules", "/backfills")]

    assert [each["data"] for each in lists] == [[], []]
    assert found == {f"{method} {path}": for_owners(method, path) for method, path, _, _ in ROUTES}


MAKING = {("POST", "/schedules"), ("POST", "/schedules/many")}


def for_owners(method: str, path: str) -> int:
    """What an owner is answered, who has no schedule, by an application without tasks for users."""
    if path.startswith(("/calendars", "/clocks")):
        return 403  # these are everybody's
    if (path in ("/schedules", "/backfills") and method == "GET") or path == "/schedules/preview":
        return 200
    makes = method == "PUT" or (method, path) in MAKING
    return 400 if makes else 404


def test_every_route_about_time_is_asked() -> None:
    paths = make_app(Onbeat("sqlite:///nowhere.db")).openapi()["paths"]
    nouns = ("/schedules", "/backfills", "/calendars", "/clocks")
    there = {
        (method.upper(), path.removeprefix(PREFIX))
        for path, operations in paths.items()
        for method in operations
        if path.removeprefix(PREFIX).startswith(nouns)
    }
    places = {"acme": "{name}", "new": "{name}", "fr": "{name}", "world": "{name}"}
    asked = {
        (method, "/".join(places.get(part, part) for part in path.split("/")))
        for method, path, _, _ in ROUTES
    }
    assert {(method, path.replace("0" * 32, "{backfill}")) for method, path in asked} == there
