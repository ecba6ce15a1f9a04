"""Every route, asked by those who may not: nobody, somebody without permissions, another's owner.

The routes are read from the application itself: one that is added is in here by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from starlette.types import ASGIApp

from onbeat import Onbeat, every
from onbeat.api.asgi import make_app
from onbeat.api.bodies import PREFIX
from onbeat.domain.access import Permission, Role
from tests.api.asking import HOST, allowed, asking

OPEN = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/api/admin/schedulers/health"),
    ("POST", f"{PREFIX}/auth/login"),
    ("GET", f"{PREFIX}/auth/setup"),
    ("POST", f"{PREFIX}/auth/setup"),
    ("POST", f"{PREFIX}/sources/{{source}}"),
    ("POST", f"{PREFIX}/callbacks/{{token}}"),
}
"""What answers without a token; the list of architecture.md §10, and what is signed instead."""

OWN = {"/me", "/me/password", "/auth/logout", "/tokens", "/tokens/{token}"}
"""What everybody may ask about themselves."""

OWN_LISTS = {
    ("GET", f"{PREFIX}/jobs"),
    ("GET", f"{PREFIX}/jobs/export"),
    ("GET", f"{PREFIX}/jobs/by-id"),
    ("GET", f"{PREFIX}/operations"),
    ("GET", f"{PREFIX}/schedules"),
    ("GET", f"{PREFIX}/tasks"),
    ("GET", f"{PREFIX}/backfills"),
    ("GET", f"{PREFIX}/webhooks"),
    ("GET", "/jobs/schedule"),
}
"""Lists of which others' rows are no part."""

NOBODYS = "0" * 32

DESCRIBED = make_app(Onbeat("sqlite:///nowhere.db")).openapi()["paths"]


def every_route() -> Iterator[tuple[str, str]]:
    """Method and path of all that can be asked."""
    for path, operations in DESCRIBED.items():
        for method in operations:
            yield method.upper(), path


ROUTES = sorted(set(every_route()) - OPEN)
OTHERS = [each for each in ROUTES if each[1].removeprefix(PREFIX) not in OWN]


def filled(path: str) -> str:
    """The address of a path with something in its places."""
    asked = "?topic=queues" if path.endswith("/events") else ""  # it follows nothing by itself
    if path.endswith("/by-id"):
        asked = f"?id={NOBODYS}"
    return HOST + re.sub(r"\{[^}]*\}", NOBODYS, path) + asked


def test_nothing_else_is_open() -> None:
    without = {
        (method.upper(), path)
        for path, operations in DESCRIBED.items()
        for method, operation in operations.items()
        if "security" not in operation
    }
    assert without == OPEN


async def test_nobody_is_refused(app: ASGIApp) -> None:
    wrong = {}
    async with asking(app) as client:
        for method, path in ROUTES:
            answer = await client.request(method, filled(path), json={})
            if answer.status_code != 401:
                wrong[method, path] = answer.text

    assert wrong == {}


async def test_who_has_another_permission_is_refused(app: ASGIApp, ob: Onbeat) -> None:
    wrong = {}
    for method, path in OTHERS:
        other = Permission.AUDIT_READ if "/cron/" in path else Permission.CRON_TICK
        async with allowed(ob, app, other) as client:
            answer = await client.request(method, filled(path), json=body_of(method, path))
        if answer.status_code != 403:
            wrong[method, path] = answer.text

    assert wrong == {}


async def test_who_has_an_owner_finds_nothing_of_others(app: ASGIApp, ob: Onbeat) -> None:
    job = (await ob.jobs.enqueue("charge", must_be_known=False)).id
    made = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="u-1")
    wrong = {}
    async with asking(app, made.text) as client:
        for method, path in OTHERS:
            answer = await client.request(
                method, filled(path).replace(NOBODYS, job), json=body_of(method, path)
            )
            is_told = job in answer.text and answer.status_code != 404
            if answer.status_code not in for_owners(method, path) or is_told:
                wrong[method, path] = answer.text

    assert wrong == {}
    assert (await ob.jobs.find(job)).state == "pending"


OWN_MAKING = {
    ("POST", f"{PREFIX}/schedules"),
    ("POST", f"{PREFIX}/schedules/many"),
    ("PUT", f"{PREFIX}/schedules/{{name}}"),
    ("POST", f"{PREFIX}/schedules/preview"),
    ("GET", f"{PREFIX}/calendar"),
    ("POST", f"{PREFIX}/backfills"),
    ("POST", "/jobs/schedule"),
    ("POST", f"{PREFIX}/webhooks"),
    ("POST", f"{PREFIX}/operations/schedules"),
}
"""What owners may make and see of their own; what is sent here is not right for it."""


def for_owners(method: str, path: str) -> tuple[int, ...]:
    """What somebody who has an owner may be answered about what is nobody's, or another's."""
    if (method, path) in OWN_LISTS:
        return (200,)
    return (400,) if (method, path) in OWN_MAKING else (403, 404)


def body_of(method: str, path: str) -> dict[str, object]:
    """A body that is right, so that nothing but the asker is wrong."""
    if method == "GET":
        return {}
    if path.endswith("/users"):
        return {"name": "x", "role": "viewer"}
    if path.endswith("/jobs"):
        return {"task": "charge"}
    if path.endswith("/revert"):
        return {"version": 1}
    if path.endswith("/operations"):
        return {"action": "cancel", "ids": [NOBODYS]}
    return {}


async def test_what_an_owner_calls_as_another_does_is_their_own(app: ASGIApp, ob: Onbeat) -> None:
    @ob.task(for_users=True)
    async def remind(user_id: str) -> None: ...

    await ob.schedules.create("close-day", remind.bind("nobody"), every("1h"))
    before = await ob.schedules.find("close-day")
    made = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="u-1")
    told = {}
    async with asking(app, made.text) as client:
        for method, path in OTHERS:
            if "{" in path:
                own = {"task": "remind", "every": "1h"}
                await client.put("/schedules/close-day", json=own)
                address = re.sub(r"\{[^}]*\}", "close-day", path)
                answer = await client.request(method, HOST + address, json={"every": "2h"})
                told[method, path] = answer.text

    assert await ob.schedules.find("close-day") == before
    assert [each.schedule for each in await ob.jobs.list() if each.owner is None] == []
    assert [where for where, text in told.items() if '"nobody"' in text] == []
