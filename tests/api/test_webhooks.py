"""Webhooks over REST: owners make and see theirs alone, and what came of each message is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from onbeat import Onbeat, Settings, verify_webhook
from onbeat.api.asgi import make_asgi
from onbeat.domain.access import Role
from tests.api.asking import Client, asking
from tests.api.owners import Entering, add_tasks, amy, bob, entering
from tests.outbound.receivers import receiving
from tests.waiting import wait_for

__all__ = ["amy", "bob", "entering"]

SETTINGS = Settings(
    secret_key=("a key of a test, which has 32 characters or more",),
    outbound_allow=("127.0.0.0/8",), outbound_http=True, queues=("default", "webhooks"),
)  # fmt: skip
HOOK = {"url": "http://127.0.0.1:18080/hook"}


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """An application that may send to loopback."""
    async with Onbeat(database_url, settings=SETTINGS) as ob:
        yield ob


async def ids(client: Client, **params: Any) -> list[str]:
    return [each["id"] for each in (await client.told("GET", "/webhooks", params=params))["data"]]


async def test_an_owner_makes_changes_and_takes_away_a_webhook(amy: Client) -> None:
    made = await amy.told("POST", "/webhooks", 201, json={**HOOK, "events": ["job.failed"]})
    path = f"/webhooks/{made['id']}"

    assert made.pop("secret").startswith("whsec_")
    assert (made["owner"], made["events"]) == ("amy", ["job.failed"])
    assert await amy.told("GET", path) == made
    assert (await amy.told("GET", "/webhooks"))["data"] == [made]
    off = await amy.told("PATCH", path, json={"enabled": False})
    assert (off["enabled"], off["disabled_why"], off["url"]) == (False, "by hand", made["url"])
    assert (await amy.told("PATCH", path, json={"enabled": True, "events": []}))["events"] == [
        "job.completed", "job.failed", "job.cancelled",
    ]  # fmt: skip
    await amy.told("DELETE", path, 204)
    assert await ids(amy) == []


async def test_another_owner_s_webhooks_are_as_if_they_were_not_there(
    ob: Onbeat, amy: Client, bob: Client, admin: Client
) -> None:
    theirs = await bob.told("POST", "/webhooks", 201, json=HOOK)
    path = f"/webhooks/{theirs['id']}"

    for method, where, body in (
        ("GET", path, None),
        ("PATCH", path, {"enabled": False}),
        ("DELETE", path, None),
        ("POST", f"{path}/rotate-secret", None),
        ("POST", f"{path}/ping", None),
        ("GET", f"{path}/deliveries", None),
        ("POST", f"{path}/deliveries/{'0' * 32}/resend", None),
    ):
        await amy.told(method, where, 404, json=body)

    assert (await ids(amy), await ids(amy, owner="bob")) == ([], [])
    assert await ids(bob) == await ids(admin) == await ids(admin, owner="bob") == [theirs["id"]]
    assert await ids(admin, owner="amy") == []


async def test_who_sees_all_says_whose_a_webhook_is(admin: Client, amy: Client) -> None:
    answer = await admin.told("POST", "/webhooks", 400, json=HOOK)
    assert answer["errors"][0]["field"] == "owner"
    made = await admin.told("POST", "/webhooks", 201, json={**HOOK, "owner": "amy"})
    assert await ids(amy) == [made["id"]]
    answer = await amy.told("POST", "/webhooks", 400, json={**HOOK, "owner": "bob"})
    assert answer["errors"][0]["field"] == "owner"


async def test_viewers_see_none(ob: Onbeat, amy: Client) -> None:
    made = await ob.tokens.create("v", Role.VIEWER.permissions, by="test")
    async with asking(make_asgi(ob), made.text) as viewer:
        await viewer.told("GET", "/webhooks", 403)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"events": ["job.begun"]}, "events.0"),
        ({"secret": "mine"}, "secret"),
    ],
)
async def test_what_is_wrong_is_named(amy: Client, wrong: dict[str, Any], field: str) -> None:
    answer = await amy.told("POST", "/webhooks", 400, json={**HOOK, **wrong})

    assert answer["errors"][0]["field"] == field


async def test_a_delivery_is_shown_and_sent_once_more_and_a_ping_arrives(
    ob: Onbeat, amy: Client
) -> None:
    async with receiving() as receiver, ob.running(scheduler=False):
        made = await amy.told("POST", "/webhooks", 201, json={"url": receiver.url()})
        path = f"/webhooks/{made['id']}"

        async def shown(count: int) -> list[Any]:
            async def all_there() -> bool:
                return len((await amy.told("GET", f"{path}/deliveries"))["data"]) >= count

            await wait_for(all_there, what="deliveries")
            found: list[Any] = (await amy.told("GET", f"{path}/deliveries"))["data"]
            return found

        ping = await amy.told("POST", f"{path}/ping", 202)
        [first] = await shown(1)
        again = await amy.told("POST", f"{path}/deliveries/{first['id']}/resend", 202)
        second, _ = await shown(2)

        assert (first["job"], second["job"]) == (ping["job"], again["job"])
        assert first["message"] == second["message"]
        assert (first["status"], first["error"], first["answer"]) == (200, None, "thanks")
        listed = await amy.told("GET", "/jobs", params={"queue": "webhooks"})
        assert {each["id"] for each in listed["data"]} == {ping["job"], again["job"]}
        for came in receiver.came:
            assert verify_webhook(came.body, came.headers, made["secret"]).type == "webhook.ping"
        page = await amy.told("GET", f"{path}/deliveries", params={"limit": 1})
        rest = {"limit": 1, "after": page["page"]["next"]}
        page = await amy.told("GET", f"{path}/deliveries", params=rest)
        assert [each["id"] for each in page["data"]] == [first["id"]]


async def test_a_secret_that_was_rotated_is_another_and_shown_once(amy: Client) -> None:
    made = await amy.told("POST", "/webhooks", 201, json=HOOK)
    path = f"/webhooks/{made['id']}"

    other = await amy.told("POST", f"{path}/rotate-secret", json={"keep_for": "1h"})

    assert other["secret"].startswith("whsec_")
    assert other["secret"] != made["secret"]
    assert "secret" not in await amy.told("GET", path)
    answer = await amy.told("POST", f"{path}/rotate-secret", 400, json={"keep_for": "8d"})
    assert answer["errors"][0]["field"] == "keep_for"


async def test_what_is_changed_is_written_down_without_secrets(amy: Client, admin: Client) -> None:
    made = await amy.told("POST", "/webhooks", 201, json=HOOK)
    await amy.told("PATCH", f"/webhooks/{made['id']}", json={"enabled": False})

    log = await admin.told("GET", "/audit")
    entries = [each for each in log["data"] if each["subject_kind"] == "webhook"]
    assert [each["action"] for each in entries] == ["webhook.change", "webhook.create"]
    assert [each["before"] and each["before"]["enabled"] for each in entries] == [True, None]
    assert made["secret"] not in str(entries)


async def test_without_a_key_of_the_server_it_says_so(
    database_url: str, entering: Entering, ob: Onbeat
) -> None:
    token = (await ob.tokens.create("o", Role.OWNER.permissions, by="t", owner="amy")).text
    async with Onbeat(database_url, settings=Settings()) as without:
        add_tasks(without)
        async with asking(make_asgi(without), token) as client:
            answer = await client.told("POST", "/webhooks", 503, json=HOOK)

    assert "ONBEAT_SECRET_KEY" in answer["message"]
