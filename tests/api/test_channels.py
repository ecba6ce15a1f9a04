"""Channels and notices over REST: added, tried, changed; where one leads is never answered."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from onbeat import Onbeat, Settings
from onbeat.alerts.dispatcher import Dispatcher
from tests.api.asking import Client, misnamed
from tests.contract.troubles import Troubles
from tests.outbound.receivers import receiving

SETTINGS = Settings(
    secret_key=("a key of a test that has 32 characters or more",),
    outbound_allow=("127.0.0.0/8",), outbound_http=True,
)  # fmt: skip
URL = "http://127.0.0.1:18080/services/T0/B0/SECRET"
OPS = {"name": "ops", "kind": "slack", "url": URL}
AT_ONCE = {"group_wait": "0s", "group_interval": "0s", "gap": "0s"}


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """An application that may send to loopback."""
    async with Onbeat(database_url, settings=SETTINGS) as ob:
        yield ob


async def test_a_channel_is_added_seen_changed_and_taken_away(admin: Client) -> None:
    made = await admin.told(
        "POST", "/channels", 201, json={**OPS, "options": {"severity": "error", "tags": ["shop"]}}
    )
    assert made.pop("secret") is None
    assert (made["target"], made["options"]["severity"]) == ("http://127.0.0.1:18080/…", "error")
    assert await admin.told("GET", "/channels/ops") == made
    assert (await admin.told("GET", "/channels"))["data"] == [{**made, "waiting": 0}]

    changed = await admin.told(
        "PATCH", "/channels/ops", json={"options": {"severity": None, "repeat": "2h"}}
    )
    assert (changed["options"]["severity"], changed["options"]["repeat"]) == ("warning", "2h")
    assert changed["options"]["tags"] == ["shop"]
    off = await admin.told("PATCH", "/channels/ops", json={"enabled": False})
    assert (off["enabled"], off["disabled_why"]) == (False, "by hand")
    await admin.told("DELETE", "/channels/ops", 204)
    await admin.told("GET", "/channels/ops", 404)


async def test_nothing_that_is_answered_says_where_it_leads(admin: Client) -> None:
    await admin.told("POST", "/channels", 201, json=OPS)

    for path in ("/channels", "/channels/ops", "/notices", "/channels/stats", "/audit"):
        assert "SECRET" not in (await admin.get(path)).text


async def test_what_is_wrong_is_named(admin: Client) -> None:
    wrong = [("name", "a b"), ("name", ""), ("kind", "pigeon"), ("url", "ftp://x"), ("key", "x"),
             ("options", {"severity": "bad"}), ("options", {"nothing": 1})]  # fmt: skip

    assert await misnamed(admin, "POST", "/channels", OPS, wrong) == []
    for field, value in (("title", "{wat}"), ("text", "{"), ("repeat", "often"), ("quiet", "x")):
        answer = await admin.told("POST", "/channels", 400, json={**OPS, "options": {field: value}})
        assert answer["errors"][0]["field"].split(".")[-1] == field


async def test_a_channel_is_tried_and_what_it_was_told_is_seen_and_sent_again(
    ob: Onbeat, admin: Client
) -> None:
    async with receiving() as receiver:
        hook = {"name": "hook", "kind": "webhook", "url": receiver.url(), "options": AT_ONCE}
        made = await admin.told("POST", "/channels", 201, json=hook)
        tested = await admin.told("POST", "/channels/hook/test")
        await Troubles(await ob.store()).open("charge")
        await _dispatched(ob)
        listed = (await admin.told("GET", "/notices?channel=hook"))["data"]
        sent, test = listed
        shown = await admin.told("GET", f"/notices/{sent['id']}")
        of_it = await admin.told("GET", f"/notices?incident={sent['incidents'][0]['id']}")
        await admin.told("GET", "/notices?incident=x", 400)
        again = await admin.told("POST", f"/notices/{sent['id']}/resend", 202)
        await admin.told("POST", f"/notices/{sent['id']}/resend", 409)
        await _dispatched(ob)

    assert made["secret"].startswith("whsec_")
    assert (tested["sent"], tested["status"], tested["notice"]) == (True, 200, test["id"])
    assert (sent["kind"], sent["state"], sent["incidents"][0]["name"]) == (
        "opening", "sent", "charge",
    )  # fmt: skip
    assert [each["id"] for each in of_it["data"]] == [sent["id"]]
    assert [each["status"] for each in shown["tries"]] == [200]
    assert again["state"] == "due"
    ids = [each.headers["webhook-id"] for each in receiver.came]
    assert len(ids) == 3
    assert ids[1] == ids[2]
    [stats] = (await admin.told("GET", "/channels/stats"))["data"]
    assert (stats["sent"], stats["incidents"], stats["seen"]) == (1, 1, 0)


async def _dispatched(ob: Onbeat) -> None:
    [dispatcher] = ob.channels.services(await ob.store(), lambda _: None)
    assert isinstance(dispatcher, Dispatcher)
    for _ in range(3):
        await dispatcher.step()
        await dispatcher.settle()
