"""Sources by the API: how they stand, what is posted to them, what did not fit."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from onbeat import InvalidInput, Onbeat, every
from onbeat.domain.access import Permission
from onbeat.domain.events import Event, MessageSetAside
from onbeat.domain.webhooks import headers_of, write_secret
from onbeat.sources import Advance, Enqueue, InboundWebhook, RedisPubSub, Trigger, field
from tests.api.asking import HOST, Client, allowed
from tests.servers.redis import launch
from tests.sources.listening import args_of, connected, cut, listening
from tests.waiting import wait_for

SECRET, NEXT = write_secret(os.urandom(32)), write_secret(os.urandom(32))


@pytest.fixture
async def hooked(ob: Onbeat) -> Onbeat:
    """The application with an inbound webhook."""

    @ob.task
    def settle(order: int) -> None: ...

    await ob.schedules.create("settling", settle.bind(0), every("365d"))
    source = ob.source(InboundWebhook(name="shop", secret=[SECRET, NEXT]))
    source.on("order.paid", Enqueue(settle, args={"order": field("data.id")}))
    source.on("order.{what}", Trigger("settling"), where={"data.all": True})
    source.on("time", Advance("world", to=field("data.at"), create=True))
    return ob


async def post(
    client: Client, said: Any, *, message: str = "msg_1", secret: str = SECRET,
    at: datetime | None = None, source: str = "shop", spoilt: bytes = b"",
) -> httpx.Response:  # fmt: skip
    """Post a message as its sender does."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    headers = headers_of(message, at or datetime.now(UTC), body, [secret])
    return await client.request(
        "POST", f"/sources/{source}", content=body + spoilt,
        headers={**headers, "content-type": "application/json"},
    )  # fmt: skip


PAID = {"type": "order.paid", "data": {"id": 7}}


async def test_a_signed_message_makes_a_job_once_however_often_it_is_sent(
    hooked: Onbeat, nobody: Client
) -> None:
    answers = [await post(nobody, PAID) for _ in range(2)]
    answers.append(await post(nobody, PAID, message="msg_2", secret=NEXT))

    assert [each.status_code for each in answers] == [202] * 3
    assert answers[0].json() == {"id": "msg_1", "came": "taken"}
    assert await args_of(hooked) == [{"order": 7}] * 2


async def test_a_message_that_is_sent_many_times_at_once_makes_one_job(
    hooked: Onbeat, nobody: Client
) -> None:
    answers = await asyncio.gather(*(post(nobody, PAID) for _ in range(8)))

    assert {each.status_code for each in answers} == {202}
    assert await args_of(hooked) == [{"order": 7}]


async def test_who_does_not_know_the_secret_is_refused(hooked: Onbeat, nobody: Client) -> None:
    old = datetime.now(UTC) - timedelta(minutes=6)
    refused = [
        await post(nobody, PAID, secret=write_secret(os.urandom(32))),
        await post(nobody, PAID, at=old),
        await post(nobody, PAID, at=old + timedelta(minutes=12)),
        await post(nobody, PAID, spoilt=b" "),
        await nobody.request("POST", "/sources/shop", json=PAID),
    ]

    assert [each.status_code for each in refused] == [401] * 5
    assert await args_of(hooked) == []


async def test_what_is_posted_to_no_webhook_is_not_found(hooked: Onbeat, nobody: Client) -> None:
    hooked.source(RedisPubSub(name="campaigns", url="redis://127.0.0.1:1/0"))

    for source in ("other", "campaigns"):
        assert (await post(nobody, PAID, source=source)).status_code == 404


async def test_what_is_too_large_is_refused(hooked: Onbeat, nobody: Client) -> None:
    answer = await post(nobody, b'"' + b"x" * 2_000_000 + b'"')

    assert answer.status_code == 413


async def test_a_message_may_do_all_that_its_mappings_say(hooked: Onbeat, nobody: Client) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    await post(nobody, {"type": "order.sent", "data": {"all": True}}, message="a")
    await post(nobody, {"type": "time", "data": {"at": at.isoformat()}}, message="b")
    passed = await post(nobody, {"type": "other"}, message="c")
    untyped = await post(nobody, b"plain", message="d")

    assert await args_of(hooked) == [{"order": 0}]
    assert await hooked.clocks.now("world") == at
    assert [each.json()["came"] for each in (passed, untyped)] == ["passed_over"] * 2


async def test_what_does_not_fit_is_listed_and_forgotten(
    hooked: Onbeat, nobody: Client, admin: Client
) -> None:
    answers = [
        await post(nobody, {"type": "order.paid", "data": {}}, message=f"msg_{number}")
        for number in (1, 2, 2)
    ]
    listed = await admin.told("GET", "/sources/set-aside?limit=1")
    after = listed["page"]["next"]
    rest = await admin.told("GET", f"/sources/set-aside?limit=1&after={after}")
    gone = await admin.request("DELETE", f"/sources/set-aside/{listed['data'][0]['id']}")
    again = await admin.request("DELETE", f"/sources/set-aside/{listed['data'][0]['id']}")
    left = await admin.told("GET", "/sources/set-aside?source=shop")

    assert {(each.status_code, each.json()["came"]) for each in answers} == {(202, "set_aside")}
    assert listed["data"][0]["message"] == "msg_2"
    assert listed["data"][0]["reason"] == "it has no field 'data.id'"
    assert [each["message"] for each in rest["data"]] == ["msg_1"]
    assert (gone.status_code, again.status_code) == (204, 404)
    assert [each["message"] for each in left["data"]] == ["msg_1"]
    assert (await admin.told("GET", "/sources/set-aside?source=other"))["data"] == []
    assert await args_of(hooked) == []


async def test_what_does_not_fit_is_said_to_who_runs_the_application(
    hooked: Onbeat, nobody: Client
) -> None:
    heard: list[Event] = []
    async with hooked.running(worker=False, scheduler=False, emit=heard.append):
        await post(nobody, {"type": "order.paid", "data": {}})
        await post(nobody, PAID, message="msg_2")

    assert [each for each in heard if isinstance(each, MessageSetAside)] == [
        MessageSetAside("shop", "order.paid", "msg_1", "it has no field 'data.id'")
    ]


async def test_what_is_not_said_to_be_json_is_refused(hooked: Onbeat, nobody: Client) -> None:
    body = json.dumps(PAID).encode()
    headers = headers_of("msg_1", datetime.now(UTC), body, [SECRET])
    plain = {**headers, "content-type": "text/plain"}
    answer = await nobody.request("POST", "/sources/shop", content=body, headers=plain)
    described = await nobody.told("GET", "/openapi.json")

    assert answer.status_code == 415
    assert "415" in described["paths"]["/api/v1/sources/{source}"]["post"]["responses"]


def test_a_name_that_no_address_can_have_is_refused() -> None:
    with pytest.raises(InvalidInput, match="part of an address"):
        InboundWebhook(name="shop/paid", secret=SECRET)


async def test_how_a_source_stands_is_told_here_in_health_and_in_metrics(
    ob: Onbeat, app: Any, admin: Client, nobody: Client
) -> None:
    with launch() as server:
        server.stop()
        ob.source(RedisPubSub(name="campaigns", url=server.url)).on("a.{id}", Trigger("b"))
        async with listening(ob) as manager:
            await cut(manager, "campaigns")
            down = await told_once(admin, "degraded")
            whole = await nobody.told("GET", f"{HOST}/health")
            metrics = (await nobody.request("GET", f"{HOST}/metrics")).text
            server.start()
            await connected(manager, "campaigns")
            up = await told_once(admin, "up")
            async with allowed(ob, app, Permission.WORKERS_READ) as reader:
                listed = (await reader.told("GET", "/sources"))["data"]

    assert (down["behind_s"], down["waiting"]) == (0, 0)
    assert whole["status"] == "degraded"
    assert whole["dependencies"]["source:campaigns"] == {
        "status": "degraded", "latency_ms": None, "behind_s": None, "waiting": None,
    }  # fmt: skip
    assert 'onbeat_dependency_up{dependency="source:campaigns"} 0.0' in metrics
    assert 'onbeat_source_connected{source="campaigns"} 0.0' in metrics
    assert up["status"] == "up"
    assert [(each["name"], each["up"], each["kind"]) for each in listed] == [
        ("campaigns", True, "redis pub/sub")
    ]


async def told_once(admin: Client, status: str) -> Any:
    """What /health tells of the source once it is so."""
    told: dict[str, Any] = {}

    async def is_so() -> bool:
        told.update(await admin.told("GET", f"{HOST}/health"))
        of_source = told["dependencies"].get("source:campaigns", {})
        return bool(of_source.get("status") == status and of_source["waiting"] is not None)

    await wait_for(is_so, 20, f"the source is {status}")
    return told["dependencies"]["source:campaigns"]


async def _posted(client: Client) -> dict[str, float]:
    """How many messages of the shop are counted, by what came of them."""
    text = (await client.get(f"{HOST}/metrics")).text
    return {
        each.labels["outcome"]: each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name == "onbeat_source_messages_total" and each.labels["source"] == "shop"
    }


@pytest.mark.parametrize("runs", [False, True])
async def test_what_is_posted_is_counted_by_what_came_of_it_whether_services_run_or_not(
    hooked: Onbeat, nobody: Client, runs: bool
) -> None:
    async with hooked.running(worker=False) if runs else nullcontext():
        for number in range(3):
            await post(nobody, PAID, message=f"msg_{number}")
        await post(nobody, {"type": "order.paid"}, message="msg_3")
        await post(nobody, {"type": "unheard"}, message="msg_4")

    assert await _posted(nobody) == {"taken": 3, "set_aside": 1, "passed_over": 1}


async def test_what_is_not_signed_is_not_counted(hooked: Onbeat, nobody: Client) -> None:
    await post(nobody, PAID, spoilt=b" ")

    assert await _posted(nobody) == {}
