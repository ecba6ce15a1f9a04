"""What a client sends, what it gives back, and which requests it makes again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from onbeat import (
    ApiClient,
    Breaker,
    CallError,
    CallFailed,
    CallLimited,
    CallRefused,
    CallUnanswered,
    InvalidInput,
    Onbeat,
    Permanent,
    Retry,
    Transient,
)
from onbeat.domain.client_errors import AnswerUnreadable
from tests.clients.breakers import opened
from tests.outbound.receivers import (
    Receiver,
    always,
    in_turn,
    listening,
    nobodys_port,
    receiving,
    saying,
    well,
)
from tests.waiting import wait_for

TOKEN = "tok-5f2b8e71c0"  # noqa: S105 - of a test
SOON = Retry(3, base="1ms", cap="5ms")


def client(ob: Onbeat, receiver: Receiver, **options: Any) -> ApiClient:
    options = {"token": TOKEN, "retry": SOON, **options}
    return ob.client("game-api", url=receiver.url(path="/v1", host="localhost"), **options)


async def test_a_call_is_sent_with_the_token_and_what_comes_back_is_the_answer(ob: Onbeat) -> None:
    async with receiving(saying({"power": 9}, X_Power="9")) as receiver:
        api = client(ob, receiver, headers={"X-Tenant": "acme"})

        answer = await api.get("/effects/42?of=fire", params={"deep": True, "none": None})

        assert (answer.status, answer.json(), answer.headers["x-power"]) == (200, {"power": 9}, "9")
        [came] = receiver.came
        assert came.path == "/v1/effects/42?of=fire&deep=true"
        assert came.headers["authorization"] == f"Bearer {TOKEN}"
        assert came.headers["x-tenant"] == "acme"
        assert came.headers["x-request-id"] == answer.request_id


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
async def test_a_call_sends_json_by_each_method(ob: Onbeat, method: str) -> None:
    async with receiving(saying([])) as receiver:
        await getattr(client(ob, receiver), method)("/effects", json={"n": 1})

        [came] = receiver.came
        assert (came.body, came.headers["content-type"]) == (b'{"n":1}', "application/json")


async def test_a_token_may_be_asked_for_anew_with_each_request(ob: Onbeat) -> None:
    tokens = iter(["first", "second"])

    async def token() -> str:
        return next(tokens)

    async with receiving(in_turn(always(503), well)) as receiver:
        await client(ob, receiver, token=token).get("/")

        sent = [came.headers["authorization"] for came in receiver.came]
        assert sent == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("given", [f"{TOKEN}\n", f"{TOKEN}\x01", " ", "", None, 5])
async def test_a_token_that_cannot_be_sent_is_refused_and_says_nothing_of_the_api(
    ob: Onbeat, given: Any
) -> None:
    async with receiving(well) as receiver:
        breaker = Breaker("game-api", threshold=1)
        api = client(ob, receiver, token=lambda: given, breaker=breaker)
        with pytest.raises(CallRefused, match="its token is no printable text") as caught:
            await api.get("/")

        assert TOKEN not in f"{caught.value}"
        assert receiver.came == []
        assert await opened(ob) == []


async def test_a_request_that_cannot_be_written_is_refused_and_says_nothing_of_the_api(
    ob: Onbeat,
) -> None:
    breaker = Breaker("game-api", threshold=1)
    url = f"http://{'x' * 64}.example"
    api = ob.client("game-api", url=url, breaker=breaker, retry=SOON)

    with pytest.raises(CallRefused, match="cannot be sent"):
        await api.get("/")

    assert await opened(ob) == []


async def test_an_answer_that_is_no_http_is_told_without_what_it_says(ob: Onbeat) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=hunter2\x00\r\n\r\n")
        await writer.drain()

    async with listening(talk) as odd:
        api = ob.client("game-api", url=f"http://127.0.0.1:{odd.port}", retry=Retry(1))
        with pytest.raises(CallUnanswered, match=r"did not answer: [A-Za-z]+ ") as caught:
            await api.get("/")

    assert "hunter2" not in f"{caught.value}"


async def test_an_answer_that_is_no_json_says_so(ob: Onbeat) -> None:
    async with receiving(well) as receiver:
        answer = await client(ob, receiver).get("/")

        assert answer.text == "thanks"
        with pytest.raises(AnswerUnreadable, match="is no JSON"):
            answer.json()


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_what_passes_is_asked_again_within_the_call(ob: Onbeat, status: int) -> None:
    async with receiving(in_turn(always(status), well)) as receiver:
        answer = await client(ob, receiver).get("/")

        assert answer.status == 200
        ids = [came.headers["x-request-id"] for came in receiver.came]
        assert ids == [answer.request_id] * 2


async def test_what_does_not_pass_is_raised_after_as_many_requests_as_the_policy_says(
    ob: Onbeat,
) -> None:
    async with receiving(always(503)) as receiver:
        with pytest.raises(CallFailed, match="GET /x was answered 503 Service Unavail") as caught:
            await client(ob, receiver).get("/x")

        assert isinstance(caught.value, Transient)
        assert (caught.value.status, len(receiver.came)) == (503, SOON.attempts)


async def test_what_may_not_be_done_twice_is_asked_once(ob: Onbeat) -> None:
    async with receiving(always(503)) as receiver:
        api = client(ob, receiver, breaker=None)
        for ask in (api.post, api.patch):
            with pytest.raises(CallFailed):
                await ask("/", json={})

        assert len(receiver.came) == 2


async def test_with_a_key_it_may_be_done_twice_and_the_key_stays_the_same(ob: Onbeat) -> None:
    async with receiving(in_turn(always(503), well)) as receiver:
        await client(ob, receiver).post("/", json={}, idempotency_key="order-7")

        assert [came.headers["idempotency-key"] for came in receiver.came] == ["order-7"] * 2


async def test_one_who_asks_to_wait_a_little_is_asked_again_in_the_call(ob: Onbeat) -> None:
    async with receiving(in_turn(always(429, Retry_After="0"), well)) as receiver:
        assert (await client(ob, receiver).get("/")).status == 200


@pytest.mark.parametrize("status", [429, 503])
async def test_one_who_asks_to_wait_for_long_is_left_to_the_job(ob: Onbeat, status: int) -> None:
    async with receiving(always(status, Retry_After="3600")) as receiver:
        with pytest.raises(CallLimited) as caught:
            await client(ob, receiver).get("/")

        assert (caught.value.retry_after, len(receiver.came)) == (timedelta(hours=1), 1)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 409, 422])
async def test_what_would_be_answered_again_is_final(ob: Onbeat, status: int) -> None:
    async with receiving(always(status, Location="https://elsewhere.example/")) as receiver:
        with pytest.raises(CallRefused, match=f"was answered {status}") as caught:
            await client(ob, receiver).get("/")

        assert isinstance(caught.value, Permanent)
        assert len(receiver.came) == 1


async def test_where_nobody_listens_it_is_told_and_may_be_the_next_time(ob: Onbeat) -> None:
    api = ob.client("game-api", url=f"http://127.0.0.1:{nobodys_port()}", retry=Retry(1))

    with pytest.raises(CallUnanswered, match="did not answer") as caught:
        await api.get("/")

    assert isinstance(caught.value, Transient)


async def test_who_says_nothing_is_waited_for_no_longer_than_the_timeout(ob: Onbeat) -> None:
    async with listening() as silent:
        api = ob.client("game-api", url=f"http://127.0.0.1:{silent.port}", retry=Retry(1))

        with pytest.raises(CallUnanswered, match=r"did not answer within 0\.1 s"):
            await api.get("/", timeout="100ms")


async def test_more_than_is_read_of_an_answer_is_told(ob: Onbeat) -> None:
    async with receiving(saying("x" * 100_000)) as receiver:
        with pytest.raises(CallRefused, match="more than 1,000 bytes"):
            await client(ob, receiver, largest_answer=1_000).get("/")


async def test_answers_are_kept_for_as_long_as_is_said_unless_they_are_not_to_be(
    ob: Onbeat,
) -> None:
    async with receiving(saying(1)) as receiver:
        api = client(ob, receiver, cache="1h")
        for _ in range(3):
            answer = await api.get("/kept")
        assert (answer.json(), answer.is_cached, len(receiver.came)) == (1, True, 1)

        await api.get("/kept", fresh=True)
        await api.get("/kept", headers={"X-As": "ann"})
        await api.get("/other")
        await api.post("/kept", json=1)
        assert len(receiver.came) == 5


async def test_an_answer_that_says_so_is_not_kept(ob: Onbeat) -> None:
    async with receiving(saying(1, Cache_Control="no-store")) as receiver:
        api = client(ob, receiver, cache="1h")
        await api.get("/")
        await api.get("/")

        assert len(receiver.came) == 2


async def test_a_connection_is_used_again_and_closed_with_the_application(ob: Onbeat) -> None:
    seen: list[web.Request] = []

    async def note(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.Response()

    async with receiving(note) as receiver:
        api = client(ob, receiver)
        for _ in range(3):
            await api.get("/")
        [transport] = {each.transport for each in seen}
        assert transport is not None

        await ob.close()

        async def is_closed() -> bool:
            return transport.is_closing()

        await wait_for(is_closed)


@pytest.mark.parametrize(
    "path", ["effects", "//evil.example/", "/a/../admin", "/a/%2e%2e/admin", "/a b", "/a\n", "/#x"]
)
async def test_a_path_leads_nowhere_but_below_the_client_s_own_address(
    ob: Onbeat, path: str
) -> None:
    api = ob.client("game-api", url="http://127.0.0.1:9/v1")

    with pytest.raises(InvalidInput, match="path: "):
        await api.get(path)


@pytest.mark.parametrize("name", ["Authorization", "X-Request-Id", "host"])
async def test_a_call_cannot_say_what_the_client_says(ob: Onbeat, name: str) -> None:
    api = ob.client("game-api", url="http://127.0.0.1:9/v1")

    with pytest.raises(InvalidInput, match="set by Onbeat itself"):
        await api.get("/", headers={name: "x"})


@pytest.mark.parametrize("status", [404, 500])
async def test_nothing_that_is_told_has_the_token_in_it(ob: Onbeat, status: int) -> None:
    async with receiving(saying({"you sent": TOKEN}, status=status)) as receiver:
        api = client(ob, receiver)
        with pytest.raises(CallError) as caught:
            await api.get("/effects?key=hunter2")

        told = f"{api!r} {caught.value} {caught.value!r} {caught.value.answer!r}"
        assert TOKEN not in told
        assert "hunter2" not in told
