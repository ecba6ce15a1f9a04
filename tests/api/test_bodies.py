"""What is sent: refused by name where it is wrong, too large, too deep or no JSON."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import HOST, Client
from tests.api.test_isolation import DESCRIBED

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, "body"),
        (b"[]", 400, "body"),
        (b"\xff\xfe", 400, None),
        (b'{"name": "x", "role": "king"}', 400, "role"),
        (b'{"name": "x", "role": "admin", "rol": 1}', 400, "rol"),
        (b'{"name": 7, "role": "admin"}', 400, "name"),
        (b'{"name": "a b", "role": "admin"}', 400, "name"),
        (b'{"role": "admin"}', 400, "name"),
        (b'{"name": NaN}', 400, None),
        (b"[" * 100_000, 400, None),
        (b'{"grants": ' + b"[" * 70 + b"]" * 70 + b"}", 400, None),
        (b'{"name": "' + b"x" * 1_100_000 + b'"}', 413, None),
    ],
)
async def test_a_wrong_body_is_refused(
    admin: Client, body: bytes, status: int, field: str | None
) -> None:
    answer = await admin.post("/users", content=body, headers=JSON)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if field is not None:
        assert field in [each["field"] for each in answer.json()["errors"]]


async def test_a_body_that_grows_past_the_limit_is_cut_off(admin: Client) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 65_536

    answer = await admin.post("/users", content=endless(), headers=JSON)

    assert answer.status_code == 413


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "a/b"])
async def test_a_body_that_is_no_json_is_refused(admin: Client, kind: str) -> None:
    answer = await admin.post("/users", content=b"{}", headers={"content-type": kind})

    assert answer.status_code == 415


@pytest.mark.parametrize("after", ["", "x", "AAAA", "%00", "é", "e30", "x" * 1_900])
async def test_a_cursor_that_is_not_ours_is_refused(admin: Client, after: str) -> None:
    answer = await admin.get("/users", params={"after": after})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "after")


async def test_a_cursor_of_another_list_is_refused(admin: Client) -> None:
    for name in ("a", "b"):
        await admin.told("POST", "/users", 201, json={"name": name, "role": "admin"})
    page = await admin.told("GET", "/audit", params={"limit": 1})

    answer = await admin.get(
        "/audit", params={"after": page["page"]["next"], "action": "user.create"}
    )

    assert (answer.status_code, "other filters" in answer.text) == (400, True)


@pytest.mark.parametrize("limit", ["0", "-1", "501", "x", "1e9", ""])
async def test_a_limit_out_of_range_is_refused(admin: Client, limit: str) -> None:
    answer = await admin.get("/users", params={"limit": limit})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "limit")


@pytest.mark.parametrize(
    ("path", "name", "told"),
    [
        ("/jobs?status=failed", "status", "is state meant?"),
        ("/jobs/export?format=csv&stat=failed", "stat", "is state meant?"),
        ("/audit?search=nightly", "search", "give one of"),
        ("/stats?windw=1h", "windw", "is window meant?"),
        ("/jobs?page=2", "page", "pages have no numbers"),
        ("/limits?after=x", "after", "there are no parameters here"),
    ],
)
async def test_a_parameter_that_is_none_is_named(
    admin: Client, path: str, name: str, told: str
) -> None:
    answer = await admin.told("GET", path, 400)

    assert answer["errors"][0]["field"] == name
    assert told in answer["detail"]


async def test_every_route_that_may_be_asked_refuses_a_parameter_that_is_none(
    ann: Client,
) -> None:
    taken = []
    for path, operations in DESCRIBED.items():
        if "get" in operations and "security" in operations["get"] and "/cron/" not in path:
            answer = await ann.get(
                HOST + path.replace("{", "x").replace("}", ""), params={"odd": 1}
            )
            if answer.status_code != 400 or "odd" not in answer.text:
                taken.append((path, answer.status_code))

    assert taken == []


async def test_every_route_that_takes_no_body_refuses_one(ann: Client) -> None:
    taken = []
    for path, operations in DESCRIBED.items():
        for method in ("post", "put", "patch", "delete"):
            told = operations.get(method, {})
            if "security" in told and "requestBody" not in told and "/cron/" not in path:
                answer = await ann.request(
                    method, HOST + path.replace("{", "x").replace("}", ""), json={"reason": "odd"}
                )
                if answer.status_code != 400 or "body: nothing is taken" not in answer.text:
                    taken.append((method, path, answer.status_code))

    assert taken == []


@pytest.mark.parametrize("body", [b"", b"{}", b"null"])
async def test_a_body_that_says_nothing_is_taken_everywhere(ann: Client, body: bytes) -> None:
    answer = await ann.post(f"{HOST}/api/v1/queues/mail/pause", content=body, headers=JSON)

    assert answer.status_code == 200
