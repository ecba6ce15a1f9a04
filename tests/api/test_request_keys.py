"""A request that is sent again with its key is carried out once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.types import ASGIApp

from onbeat import Onbeat, Settings
from onbeat.api.asgi import make_asgi
from onbeat.api.keyed import shows_secret
from onbeat.crash_points import CrashPoint, arm, disarm
from onbeat.domain.access import Permission, Role
from onbeat.domain.errors import StoreUnavailable
from onbeat.domain.request_keys import HEADER
from onbeat.runtime.cleaner import Cleaner
from onbeat.store.schema import jobs, request_keys
from tests.api.asking import Client, allowed, asking
from tests.api.test_isolation import DESCRIBED
from tests.api.test_webhooks import HOOK, SETTINGS

JOB = {"task": "charge", "args": {"order_id": 42}}
KEY = {"Idempotency-Key": "order-42"}


class Crash(BaseException):
    """Takes down what runs, as the end of its process would."""


@pytest.fixture
def crashing() -> Iterator[None]:
    """What was armed is not armed for the next test."""
    yield
    disarm()


def crash() -> None:
    """Die here."""
    raise Crash


async def count_of_jobs(ob: Onbeat) -> int:
    """How many jobs there are."""
    count = select(func.count()).select_from(jobs)
    store = await ob.store()
    return await store.read(lambda connection, _: connection.scalar(count) or 0)


async def age(ob: Onbeat, by: timedelta) -> None:
    """Let all keys be older by so much."""
    store = await ob.store()
    at = request_keys.c.taken_at

    def back(connection: Any, now: Any) -> None:
        for row in connection.execute(select(request_keys.c.identity, at)).all():
            connection.execute(
                update(request_keys)
                .where(request_keys.c.identity == row.identity)
                .values(taken_at=row.taken_at - by)
            )

    await store.write(back)


async def keys_of(ob: Onbeat) -> list[Any]:
    """All that is stored of keys."""
    store = await ob.store()
    return await store.read(lambda connection, _: list(connection.execute(select(request_keys))))


async def test_the_same_request_is_answered_as_it_was_and_done_once(
    admin: Client, ob: Onbeat
) -> None:
    first = await admin.post("/jobs", json=JOB, headers=KEY)
    second = await admin.post("/jobs", json=JOB, headers=KEY)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["content-type"] == first.headers["content-type"]
    assert (first.headers.get("idempotent-replayed"), second.headers["idempotent-replayed"]) == (
        None, "true",
    )  # fmt: skip
    assert await count_of_jobs(ob) == 1


async def test_without_a_key_the_same_request_is_done_twice(admin: Client, ob: Onbeat) -> None:
    await admin.post("/jobs", json=JOB)
    await admin.post("/jobs", json=JOB)

    assert await count_of_jobs(ob) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/jobs", {"task": "charge", "args": {"order_id": 42}, "priority": 9}),
        ("/jobs", {"task": "charge", "args": {"order_id": 42}, "key": "order-42"}),
        ("/jobs", {"task": "charge", "delay": "1m"}),
        ("/schedules", {"name": "nightly", "task": "charge", "cron": "0 2 * * *"}),
        ("/clocks", {"name": "test", "at": "2030-01-01T00:00:00Z"}),
        ("/users", {"name": "bob", "role": "viewer"}),
    ],
)
async def test_what_is_made_is_made_once(path: str, body: dict[str, object], admin: Client) -> None:
    first = await admin.post(path, json=body, headers=KEY)
    second = await admin.post(path, json=body, headers=KEY)

    assert first.status_code == 201, first.text
    assert (second.status_code, second.content) == (201, first.content)


async def test_a_schedule_is_triggered_once(admin: Client, ob: Onbeat) -> None:
    nightly = {"name": "nightly", "task": "charge", "cron": "0 2 * * *"}
    await admin.told("POST", "/schedules", 201, json=nightly)

    first = await admin.told("POST", "/schedules/nightly/trigger", 201, headers=KEY)
    second = await admin.told("POST", "/schedules/nightly/trigger", 201, headers=KEY)

    assert (second["id"], await count_of_jobs(ob)) == (first["id"], 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/jobs", {"task": "charge", "args": {"order_id": 43}}),
        ("/users", JOB),
    ],
)
async def test_another_request_with_the_key_is_refused(
    path: str, body: dict[str, object], admin: Client, ob: Onbeat
) -> None:
    await admin.told("POST", "/jobs", 201, json=JOB, headers=KEY)

    refused = await admin.told("POST", path, 422, json=body, headers=KEY)

    assert refused["code"] == "key-reused"
    assert await count_of_jobs(ob) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\x7f", "a\tb"])
async def test_a_malformed_key_is_refused(key: str, admin: Client, ob: Onbeat) -> None:
    refused = await admin.told("POST", "/jobs", 400, json=JOB, headers={"Idempotency-Key": key})

    assert refused["errors"][0]["field"] == "Idempotency-Key"
    assert await count_of_jobs(ob) == 0


async def test_two_keys_in_one_request_are_refused(admin: Client) -> None:
    answer = await admin.request(
        "POST", "/jobs", json=JOB, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    )

    assert answer.status_code == 400


async def test_of_many_at_once_one_is_carried_out(admin: Client, ob: Onbeat) -> None:
    answers = await asyncio.gather(*(admin.post("/jobs", json=JOB, headers=KEY) for _ in range(8)))

    assert await count_of_jobs(ob) == 1
    made = {each.json()["id"] for each in answers if each.status_code == 201}
    refused = {each.json()["code"] for each in answers if each.status_code != 201}
    assert (len(made), refused <= {"in-progress"}) == (1, True)


async def test_of_many_schedules_at_once_one_is_made_and_none_is_told_that_it_exists(
    admin: Client,
) -> None:
    body = {"name": "nightly", "task": "charge", "cron": "0 2 * * *"}
    answers = await asyncio.gather(
        *(admin.post("/schedules", json=body, headers=KEY) for _ in range(8))
    )

    said = {(each.status_code, each.json().get("code")) for each in answers}
    assert (201, None) in said
    assert said <= {(201, None), (409, "in-progress")}


async def test_what_was_refused_is_asked_anew(admin: Client, ob: Onbeat) -> None:
    body = {"name": "nightly", "task": "charge", "cron": "0 2 * * *"}
    await admin.told("POST", "/schedules", 201, json=body)
    await admin.told("POST", "/schedules", 409, json=body, headers=KEY)
    await admin.told("DELETE", "/schedules/nightly", 204)

    await admin.told("POST", "/schedules", 201, json=body, headers=KEY)


async def test_one_asker_never_meets_the_key_of_another(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    first = await admin.told("POST", "/jobs", 201, json=JOB, headers=KEY)
    async with allowed(ob, app, Permission.JOBS_ENQUEUE) as other:
        second = await other.told("POST", "/jobs", 201, json=JOB, headers=KEY)
        different = {"task": "refund"}
        await other.told("POST", "/jobs", 422, json=different, headers=KEY)

    assert second["id"] != first["id"]


async def test_owners_of_one_token_issuer_do_not_share_keys(ob: Onbeat, app: ASGIApp) -> None:
    job = (await ob.jobs.enqueue("charge", must_be_known=False)).id
    made = [
        await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner=owner)
        for owner in ("u-1", "u-2")
    ]
    async with asking(app, made[0].text) as one, asking(app, made[1].text) as two:
        for each in (one, two):
            answer = await each.post(f"/jobs/{job}/cancel", headers=KEY)
            assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (404, None)


async def test_who_may_not_ask_is_not_told_what_was_answered(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    await admin.told("POST", "/jobs", 201, json=JOB, headers=KEY)
    async with allowed(ob, app, Permission.JOBS_READ) as other:
        await other.told("POST", "/jobs", 403, json=JOB, headers=KEY)
    async with asking(app) as nobody:
        await nobody.told("POST", "/jobs", 401, json=JOB, headers=KEY)


async def test_the_key_is_stored_with_the_change_or_not_at_all(
    admin: Client, ob: Onbeat, crashing: None
) -> None:
    await admin.told("GET", "/me")  # that the token was used is noted
    arm(CrashPoint.WRITE_BEFORE_COMMIT, crash)
    with pytest.raises(Crash):
        await admin.post("/jobs", json=JOB, headers=KEY)

    assert (await keys_of(ob), await count_of_jobs(ob)) == ([], 0)
    await admin.told("POST", "/jobs", 201, json=JOB, headers=KEY)
    assert await count_of_jobs(ob) == 1


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/jobs", JOB, "job"),
        ("/schedules", {"name": "nightly", "task": "charge", "cron": "0 2 * * *"}, "schedule"),
    ],
)
async def test_who_dies_between_the_change_and_the_answer_makes_no_second(
    path: str, body: dict[str, object], kind: str, admin: Client, ob: Onbeat, crashing: None
) -> None:
    await admin.told("GET", "/me")  # that the token was used is noted
    arm(CrashPoint.WRITE_AFTER_COMMIT, crash)
    with pytest.raises(Crash):
        await admin.post(path, json=body, headers=KEY)
    before = await count_of_jobs(ob)

    soon = await admin.told("POST", path, 409, json=body, headers=KEY)
    await age(ob, timedelta(minutes=3))
    later = await admin.told("POST", path, 409, json=body, headers=KEY)

    assert (soon["code"], later["code"]) == ("in-progress", "answer-lost")
    assert f"({kind} " in later["detail"]
    assert await count_of_jobs(ob) == before


def cut_off() -> None:
    """Lose the database."""
    raise StoreUnavailable("it is away")


async def test_what_was_done_is_answered_though_the_answer_cannot_be_kept(
    admin: Client, ob: Onbeat, crashing: None
) -> None:
    await admin.told("GET", "/me")  # that the token was used is noted
    arm(CrashPoint.WRITE_BEFORE_COMMIT, cut_off, on_pass=2)

    await admin.told("POST", "/jobs", 201, json=JOB, headers=KEY)
    again = await admin.told("POST", "/jobs", 409, json=JOB, headers=KEY)

    assert (again["code"], await count_of_jobs(ob)) == ("in-progress", 1)


async def test_whose_answer_was_lost_is_told_which_job_has_its_unique_key(
    admin: Client, ob: Onbeat, crashing: None
) -> None:
    body = {**JOB, "key": "order-42"}
    holder = await admin.told("POST", "/jobs", 201, json=body)
    arm(CrashPoint.WRITE_AFTER_COMMIT, crash)
    with pytest.raises(Crash):
        await admin.post("/jobs", json=body, headers=KEY)
    await age(ob, timedelta(minutes=3))

    told = await admin.told("POST", "/jobs", 409, json=body, headers=KEY)

    assert f"(job {holder['id']})" in told["detail"]


async def test_a_key_ends_after_a_day(admin: Client, ob: Onbeat) -> None:
    first = await admin.told("POST", "/jobs", 201, json=JOB, headers=KEY)
    await age(ob, timedelta(hours=23, minutes=59))
    again = await admin.told("POST", "/jobs", 201, json=JOB, headers=KEY)
    await age(ob, timedelta(minutes=2))

    anew = await admin.told("POST", "/jobs", 201, json=JOB, headers=KEY)

    assert (again["id"] == first["id"], anew["id"] == first["id"]) == (True, False)


async def test_the_cleaner_takes_keys_that_have_ended(admin: Client, ob: Onbeat) -> None:
    await admin.told("POST", "/jobs", 201, json=JOB, headers=KEY)
    await age(ob, timedelta(hours=25))
    await admin.told("POST", "/jobs", 201, json=JOB, headers={"Idempotency-Key": "new"})

    cleaner = Cleaner(await ob.store(), timedelta(days=365))
    while await cleaner.perform() < 1:
        pass

    assert len(await keys_of(ob)) == 1


TOKEN = {"name": "ci", "scopes": ["jobs:read"], "service": True}


async def test_a_secret_that_is_shown_once_is_not_kept_in_clear_nor_made_twice(
    admin: Client, ob: Onbeat
) -> None:
    first = await admin.told("POST", "/tokens", 201, json=TOKEN, headers=KEY)
    second = await admin.told("POST", "/tokens", 409, json=TOKEN, headers=KEY)

    assert second["code"] == "answer-lost"
    assert first["id"] in second["detail"]
    assert first["token"] not in str(await keys_of(ob))


async def test_a_secret_is_kept_sealed_and_shown_again_where_there_is_a_key_for_that(
    database_url: str,
) -> None:
    settings = Settings(secret_key=("a key of thirty-two or more characters",))
    async with Onbeat(database_url, settings=settings) as ob:
        made = await ob.tokens.create("root", frozenset(Permission), by="test")
        async with asking(make_asgi(ob), made.text) as admin:
            first = await admin.told("POST", "/tokens", 201, json=TOKEN, headers=KEY)
            second = await admin.told("POST", "/tokens", 201, json=TOKEN, headers=KEY)
        kept = str(await keys_of(ob))

    assert second == first
    assert first["token"] not in kept


def test_every_answer_that_shows_a_secret_shows_it_where_it_is_looked_for() -> None:
    assert shows_secret('{"token": "onb_pat_x"}')
    assert shows_secret('{"secret": "whsec_x"}')
    assert not shows_secret('{"id": "x", "is_new": true}')
    assert not shows_secret("")


def test_every_route_that_makes_things_says_that_it_takes_keys() -> None:
    without = {
        path
        for path, operations in DESCRIBED.items()
        for method, operation in operations.items()
        if method == "post"
        and "Idempotency-Key" not in {each["name"] for each in operation.get("parameters", [])}
    }

    assert {each.removeprefix("/api/v1") for each in without} == {
        "/auth/login", "/auth/setup", "/auth/logout", "/me/password", "/cron/tick",
        "/api/cron/scheduler", "/sources/{source}", "/callbacks/{token}",
    }  # fmt: skip


async def at_once(client: Client, path: str, count: int, **body: Any) -> list[int]:
    """What that many requests with one key are answered."""
    key = {HEADER: "one"}
    asked = [client.post(path, json=body, headers=key) for _ in range(count)]
    return sorted(each.status_code for each in await asyncio.gather(*asked))


async def test_a_clock_is_moved_once_by_requests_at_once(admin: Client) -> None:
    await admin.told("POST", "/clocks", 201, json={"name": "c", "at": "2026-01-01T00:00:00Z"})

    told = await at_once(admin, "/clocks/c/advance", 4, by="1h")

    assert set(told) <= {200, 409}
    assert (await admin.told("GET", "/clocks/c"))["now_at"] == "2026-01-01T01:00:00Z"


async def test_a_move_that_is_refused_keeps_no_key(admin: Client) -> None:
    await admin.told("POST", "/clocks", 201, json={"name": "c", "at": "2026-01-01T00:00:00Z"})
    key = {HEADER: "one"}
    back = {"to": "2025-01-01T00:00:00Z"}

    await admin.told("POST", "/clocks/c/advance", 400, json=back, headers=key)
    await admin.told("POST", "/clocks/c/advance", 200, json={"by": "1h"}, headers=key)


async def test_a_webhook_is_pinged_once_by_requests_at_once(database_url: str) -> None:
    async with Onbeat(database_url, settings=SETTINGS) as ob:
        made = await ob.tokens.create("root", frozenset(Permission), by="test")
        async with asking(make_asgi(ob), made.text) as admin:
            hook = await admin.told("POST", "/webhooks", 201, json={**HOOK, "owner": "amy"})

            told = await at_once(admin, f"/webhooks/{hook['id']}/ping", 5)

            assert set(told) <= {202, 409}
            assert len((await admin.told("GET", "/jobs?queue=webhooks"))["data"]) == 1
            found = await admin.told("GET", "/audit?action=webhook.ping")
            assert len(found["data"]) == 1


async def test_what_changes_nothing_keeps_no_key(admin: Client, ob: Onbeat) -> None:
    body = {"every": "1h", "count": 5}
    first = await admin.post("/schedules/preview", json=body, headers=KEY)
    second = await admin.post("/schedules/preview", json=body, headers=KEY)

    assert (first.status_code, second.status_code) == (200, 200)
    assert "idempotent-replayed" not in second.headers
    store = await ob.store()
    assert (
        await store.read(lambda c, _: c.scalar(select(func.count()).select_from(request_keys))) == 0
    )
