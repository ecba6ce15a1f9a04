"""What every answer has: an id, headers that keep browsers careful, problems as RFC 9457 says."""

from __future__ import annotations

import pytest
from fastapi import Request
from starlette.applications import Starlette
from starlette.routing import Mount

from onbeat import Onbeat
from onbeat.api.asgi import make_asgi
from onbeat.api.requests import HEADERS
from onbeat.domain.access import Permission, Principal
from tests.api.asking import HOST, Client, asking


@pytest.mark.parametrize("path", ["/me", "/nothing", "/users", "/openapi.json"])
async def test_every_answer_has_the_headers_and_an_id(nobody: Client, path: str) -> None:
    answer = await nobody.get(path)

    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert len(answer.headers["x-request-id"]) == 16


async def test_a_problem_names_the_request(nobody: Client) -> None:
    answer = await nobody.get("/me")

    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_problem_has_what_the_standard_says_and_a_message(nobody: Client) -> None:
    answer = await nobody.get("/me")

    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert {"type", "title", "status", "detail", "code", "message"} <= set(problem)
    assert problem["status"] == answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/queues", "GET"),
        ("DELETE", "/schedules", "GET, POST"),
        ("POST", "/schedules/nightly", "GET, PUT, PATCH, DELETE"),
        ("PUT", "/users/ann", "GET, PATCH, DELETE"),
        ("GET", "/jobs/x/cancel", "POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_a_method_that_is_none_is_told_with_all_that_are(
    admin: Client, method: str, path: str, allow: str
) -> None:
    answer = await admin.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.json()["detail"] == f"{method} is not for {answer.url.path}; give {allow}"


async def test_a_method_that_is_none_is_told_of_so_where_it_is_mounted(ob: Onbeat) -> None:
    host = Starlette(routes=[Mount("/tools/onbeat", app=make_asgi(ob))])
    async with asking(host) as client:
        answer = await client.delete(f"{HOST}/tools/onbeat/api/v1/schedules")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


NONE = "0" * 32

GONE = (
    f"/jobs/{NONE}", "/schedules/x", f"/backfills/{NONE}", "/calendars/x", "/clocks/x", "/limits/x",
    "/breakers/x", f"/operations/{NONE}", f"/workflows/{NONE}", "/users/x",
)  # fmt: skip
"""Where nothing is."""


async def test_what_is_not_there_is_told_with_the_route_that_lists_what_is(admin: Client) -> None:
    for path in GONE:
        told = (await admin.told("GET", path, 404))["detail"]
        what, _, route = told.partition("; GET ")
        assert ("onbeat " in what, route.endswith(" lists them")) == (False, True), told
        await admin.told("GET", f"{HOST}{route.removesuffix(' lists them')}")

    body = {"name": "a", "task": "t", "every": "1h", "workdays": "x"}
    wrong = await admin.told("POST", "/schedules", 400, json=body)
    assert wrong["detail"] == "workdays: no calendar named 'x'; GET /api/v1/calendars lists them"


async def test_what_goes_wrong_here_says_nothing_of_how(ob: Onbeat) -> None:
    async def broken(_: Request) -> Principal | None:
        raise RuntimeError("hunter2")

    async with asking(make_asgi(ob, host=broken)) as client:
        answer = await client.get("/queues")

    assert (answer.status_code, "hunter2" in answer.text) == (500, False)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_host_application_says_who_asks(ob: Onbeat) -> None:
    async def known(_: Request) -> Principal | None:
        reading = frozenset({Permission.QUEUES_READ})
        return Principal(kind="host", id="7", name="eve", permissions=reading)

    async with asking(make_asgi(ob, host=known)) as client:
        assert (await client.told("GET", "/me"))["name"] == "eve"
        await client.told("GET", "/queues")
        await client.told("GET", "/users", 403)


@pytest.mark.parametrize("path", ["/users/%00", "/audit?actor=%00", "/queues/%00/pause"])
async def test_what_no_database_keeps_is_no_failure_of_ours(admin: Client, path: str) -> None:
    method = "POST" if path.endswith("pause") else "GET"

    answer = await admin.request(method, path)

    assert answer.status_code in (200, 400, 404)


async def test_health_is_open_and_names_what_is_needed(nobody: Client) -> None:
    for path in ("/livez", "/readyz", "/health"):
        answer = await nobody.get(f"https://onbeat.test{path}")
        assert answer.status_code == 200
    assert answer.json()["dependencies"]["database"]["status"] == "up"


async def test_where_the_database_is_is_told_to_the_log_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nowhere = Onbeat("postgresql://shop:hunter2@127.0.0.1:1/orders")
    async with asking(make_asgi(nowhere)) as client:
        body = {"name": "ann", "password": "a password of many letters"}
        answer = await client.post("/auth/login", json=body)

    assert answer.status_code == 503
    assert not any(word in answer.text for word in ("127.0.0.1", "shop", "orders", "hunter2"))
    assert answer.json()["request_id"] in caplog.text
    assert "127.0.0.1:1/orders" in caplog.text
    assert "hunter2" not in caplog.text
