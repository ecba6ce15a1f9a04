"""The client against real servers: what it reaches, what it does not, and how much it takes."""

from __future__ import annotations

import asyncio
import socket
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import web

from onbeat.domain.addresses import Allowed, read_allowed
from onbeat.outbound.client import Bounds, Client, Unanswered
from onbeat.outbound.resolving import Gate
from onbeat.outbound.targets import Rules, TargetRefused
from tests.outbound.receivers import (
    Authority,
    always,
    listening,
    nobodys_port,
    receiving,
)

LOOPBACK = Rules(read_allowed("allow", ["127.0.0.0/8"]), http=True)
STRICT = Rules(http=True)
SHORT = Bounds(connect=0.3, total=0.3)
LONGER = Bounds(connect=1, total=1)
"""Where something must come within that time, on a machine that stalls."""


class Names:
    """Resolves as a test says: each answer once, the last one from then on."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


async def post(client: Client, url: str) -> int:
    return (await client.post(url, b"{}", {"webhook-id": "msg_1"})).status


async def test_a_request_arrives_as_it_was_sent() -> None:
    async with receiving() as receiver:
        answer = await Client(LOOPBACK).post(
            receiver.url(path="/a%2Fb?c=%20d"), b'{"n":1}', {"webhook-id": "msg_1"}
        )

        assert (answer.status, answer.body, answer.is_cut) == (200, b"thanks", False)
        [came] = receiver.came
        assert (came.body, came.path, came.host) == (
            b'{"n":1}', "/a%2Fb?c=%20d", f"127.0.0.1:{receiver.port}",
        )  # fmt: skip
        assert came.headers["webhook-id"] == "msg_1"
        assert came.headers["accept-encoding"] == "identity"
        assert came.headers["user-agent"] == "onbeat"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_what_lies_within_is_not_reached_unless_it_is_allowed(host: str) -> None:
    async with listening() as inner:
        with pytest.raises(TargetRefused, match=r"^url: .*no address outside"):
            await post(Client(STRICT), f"http://{host}:{inner.port}/")

        assert inner.connections == 0


async def test_a_name_that_leads_within_is_not_reached_unless_it_is_allowed() -> None:
    async with listening() as inner:
        client = Client(STRICT, resolve=Names(["127.0.0.1"]))

        with pytest.raises(
            TargetRefused, match=r"hooks.example leads to no address outside \(this host\)"
        ):
            await post(client, f"http://hooks.example:{inner.port}/")

        assert inner.connections == 0


async def test_a_name_that_leads_outside_and_within_is_not_reached() -> None:
    async with listening() as inner:
        for addresses in (["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]):
            with pytest.raises(TargetRefused):
                await post(
                    Client(STRICT, resolve=Names(addresses)), f"http://x.example:{inner.port}/"
                )

        assert inner.connections == 0


async def test_a_name_that_led_outside_when_it_was_checked_is_not_reached_within() -> None:
    async with listening() as inner:
        names = Names(["8.8.8.8"], ["127.0.0.1"])
        client = Client(STRICT, resolve=names)
        url = f"http://rebinding.example:{inner.port}/"

        await client.check(url)
        with pytest.raises(TargetRefused, match=r"leads to no address outside"):
            await post(client, url)

        assert (inner.connections, names.asked) == (0, 2)


async def test_a_name_is_asked_for_once_and_what_was_judged_is_connected_to() -> None:
    async with receiving() as receiver:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        client = Client(LOOPBACK, resolve=names)

        assert await post(client, receiver.url("hooks.example")) == 200

        assert names.asked == 1
        assert receiver.came[0].host == f"hooks.example:{receiver.port}"


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254"])
def test_the_gate_makes_no_socket_for_what_lies_within_whatever_came_before(address: str) -> None:
    found = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 80))

    with pytest.raises(TargetRefused, match=r"hooks.example leads to no address outside"):
        Gate("hooks.example", Allowed())(found)


async def test_a_host_may_be_allowed_by_its_name() -> None:
    async with receiving() as receiver:
        rules = Rules(read_allowed("allow", ["inner.example"]), http=True)
        client = Client(rules, resolve=Names(["127.0.0.1"]))

        assert await post(client, receiver.url("inner.example")) == 200
        with pytest.raises(TargetRefused):
            await post(client, receiver.url("other.example"))


async def test_when_the_first_address_does_not_answer_the_next_is_tried() -> None:
    async with receiving() as receiver:
        client = Client(LOOPBACK, resolve=Names(["127.0.0.2", "127.0.0.1"]))

        assert await post(client, receiver.url("hooks.example")) == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_told_and_not_followed(status: int) -> None:
    async with listening() as metadata:
        to = f"http://127.0.0.1:{metadata.port}/latest/meta-data/"
        async with receiving(always(status, Location=to)) as receiver:
            answer = await Client(LOOPBACK).post(receiver.url(), b"{}", {})

        assert (answer.status, answer.location) == (status, to)
        assert metadata.connections == 0


async def test_of_a_huge_answer_no_more_is_read_than_was_said() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)

    async with receiving(endless) as receiver:
        answer = await Client(LOOPBACK).post(receiver.url(), b"{}", {})

    assert (answer.status, len(answer.body), answer.is_cut) == (200, 64 * 1024, True)
    assert answer.seconds < Bounds().total / 2, "it was read on until its time was over"


async def test_a_packed_answer_is_not_unpacked() -> None:
    packed = zlib.compress(b"\0" * 10_000_000)

    async def bomb(_: web.Request) -> web.StreamResponse:
        return web.Response(body=packed, headers={"Content-Encoding": "deflate"})

    async with receiving(bomb) as receiver:
        answer = await Client(LOOPBACK).post(receiver.url(), b"{}", {})

    assert answer.body == packed


async def test_one_that_takes_the_connection_and_says_nothing_is_left_in_time() -> None:
    async with listening() as silent:
        with pytest.raises(Unanswered, match=r"did not answer within 0.3 s"):
            await post(Client(LOOPBACK, bounds=SHORT), f"http://127.0.0.1:{silent.port}/")


async def test_one_that_says_its_headers_for_ever_is_left_in_time() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: 1\r\n")
            await writer.drain()

    async with listening(drip) as slow:
        with pytest.raises(Unanswered):
            await post(Client(LOOPBACK, bounds=SHORT), f"http://127.0.0.1:{slow.port}/")


async def test_one_that_sends_a_line_without_end_is_left() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with listening(drip) as long:
        with pytest.raises(Unanswered):
            await post(Client(LOOPBACK, bounds=SHORT), f"http://127.0.0.1:{long.port}/")


async def test_a_status_that_came_is_the_answer_even_if_the_rest_does_not_come() -> None:
    async def stall(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    async with listening(stall) as slow:
        answer = await Client(LOOPBACK, bounds=LONGER).post(
            f"http://127.0.0.1:{slow.port}/", b"{}", {}
        )

    assert (answer.status, answer.body, answer.is_cut) == (202, b"half", True)


async def test_what_is_no_http_is_no_answer() -> None:
    async def garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 10)
        await writer.drain()

    async with listening(garbage) as server:
        with pytest.raises(Unanswered, match="did not answer"):
            await post(Client(LOOPBACK, bounds=SHORT), f"http://127.0.0.1:{server.port}/")


async def test_where_nobody_listens_is_told() -> None:
    with pytest.raises(Unanswered, match=r"127.0.0.1:\d+ did not answer"):
        await post(Client(LOOPBACK), f"http://127.0.0.1:{nobodys_port()}/")


async def test_a_name_that_leads_nowhere_is_told_and_passes_a_check() -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise OSError("no address")

    client = Client(LOOPBACK, resolve=nowhere)
    await client.check("http://hooks.example/")

    with pytest.raises(Unanswered, match=r"hooks.example:80 did not answer"):
        await post(client, "http://hooks.example/")


async def test_a_check_refuses_what_a_request_would() -> None:
    with pytest.raises(TargetRefused, match=r"^target: x.example leads to no address outside"):
        await Client(resolve=Names(["10.0.0.1"])).check("https://x.example/", "target")


async def test_the_proxies_of_the_environment_are_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with receiving() as receiver, listening() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

        assert await post(Client(LOOPBACK), receiver.url()) == 200
        assert proxy.connections == 0


async def test_a_cookie_is_not_kept_for_the_next_request() -> None:
    async with receiving(always(200, Set_Cookie="a=b; Path=/")) as receiver:
        client = Client(LOOPBACK, resolve=Names(["127.0.0.1"]))
        for _ in range(2):
            await post(client, receiver.url("hooks.example"))

        assert all("cookie" not in came.headers for came in receiver.came)


async def test_a_header_cannot_be_slipped_in() -> None:
    async with receiving() as receiver:
        with pytest.raises(ValueError, match=r"(?i)header|newline|carriage"):
            await Client(LOOPBACK).post(receiver.url(), b"{}", {"webhook-id": "1\r\nHost: inner"})

        assert receiver.came == []


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_a_certificate_is_judged_by_the_name_and_not_by_the_address(
    authority: Authority,
) -> None:
    client = Client(LOOPBACK, resolve=Names(["127.0.0.1"]), tls=authority.trusting())

    async with receiving(tls=authority.serving("hooks.example")) as receiver:
        assert await post(client, receiver.url("hooks.example", scheme="https")) == 200
        with pytest.raises(Unanswered, match=r"certificate of other.example:\d+ is not good"):
            await post(client, receiver.url("other.example", scheme="https"))

        assert len(receiver.came) == 1


@pytest.mark.parametrize(("host", "days"), [("hooks.example", -1), ("127.0.0.1", 1)])
async def test_a_certificate_that_is_over_or_another_s_is_not_taken(
    authority: Authority, host: str, days: int
) -> None:
    client = Client(LOOPBACK, resolve=Names(["127.0.0.1"]), tls=authority.trusting())

    async with receiving(tls=authority.serving(host, days)) as receiver:
        with pytest.raises(Unanswered, match="is not good"):
            await post(client, receiver.url("hooks.example", scheme="https"))

        assert receiver.came == []


async def test_a_certificate_of_an_authority_nobody_knows_is_not_taken(
    authority: Authority,
) -> None:
    client = Client(LOOPBACK, resolve=Names(["127.0.0.1"]))

    async with receiving(tls=authority.serving("hooks.example")) as receiver:
        with pytest.raises(Unanswered, match="is not good"):
            await post(client, receiver.url("hooks.example", scheme="https"))

        assert receiver.came == []
