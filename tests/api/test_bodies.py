"""What is sent: refused by name where it is wrong, too large, too deep or no JSON."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from onbeat import Onbeat
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
        (b'{"name": "x", "role": "admin", "grants": ["jobs:read", 7]}', 400, "grants.1"),
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
    assert answer.json()["detail"] == "body: it has more than 1 MiB; send less at once"


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


A_JOB = {"task": "known", "args": {"n": 1}}
RULE = {"name": "s", **A_JOB}


def started(*jobs: dict[str, Any]) -> dict[str, Any]:
    """A workflow of jobs."""
    return {"name": "w", "jobs": [A_JOB | {"label": "first"}, *({**A_JOB, **job} for job in jobs)]}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/jobs", "created_since"),
        ("/jobs/export", "finished_until"),
        ("/audit", "since"),
        ("/stats", "since"),
        ("/schedules/nightly/next", "from"),
        ("/schedules/nightly/occurrences", "begin"),
        (f"{HOST}/admin/cron-jobs", "from"),
        (f"{HOST}/admin/cron-jobs/stats", "to"),
    ],
)
async def test_a_plus_in_a_moment_need_not_be_written_as_it_must_be_in_an_address(
    admin: Client, path: str, name: str
) -> None:
    """In the query of an address a plus is a space to those who read forms, which all do."""
    await admin.told(
        "POST", "/schedules", 201, json={"name": "nightly", "task": "t", "every": "1h"}
    )
    now = datetime.now(UTC).replace(microsecond=0)
    for moment in (f"{now:%Y-%m-%dT%H:%M:%S}+00:00", f"{now:%Y-%m-%dT%H:%M}+0000"):
        answer = await admin.get(f"{path}?{name}={moment}")
        assert answer.status_code == 200, answer.text

    without = await admin.told("GET", f"{path}?{name}={now:%Y-%m-%d %H:%M}", 400)
    assert (without["errors"][0]["field"], "zone" in without["detail"]) == (name, True)


WRONG: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("/jobs", A_JOB | {"unique": 7}, "unique"),
    ("/jobs", A_JOB | {"unique": {"by": "x"}}, "unique.by"),
    ("/jobs", A_JOB | {"unique": {"bye": ["n"]}}, "unique.bye"),
    ("/jobs", A_JOB | {"args": {"n": "x"}}, "args.n"),
    ("/jobs", A_JOB | {"args": {"m": 1}}, "args.m"),
    ("/jobs", A_JOB | {"args": {"n": 1, "at": "x"}}, "args.at"),
    ("/jobs", A_JOB | {"limits": [{"name": "a"}]}, "limits.0.concurrency"),
    ("/workflows", started({"args": {}}), "jobs.1.args.n"),
    ("/workflows", started({"after": ["nope"]}), "jobs.1.after"),
    ("/workflows", started({"label": "b", "after": ["b"]}), "jobs.1.after"),
    ("/workflows", started({"clock": "c"}), "jobs.1.clock"),
    ("/workflows", started({"after": ["first"], "delay": "1s"}), "jobs.1.delay"),
    ("/workflows", started({"results": {"at": 7}}), "jobs.1.results.at"),
    ("/operations", {"action": "redrive", "where": {"state": ["running"]}}, "where.state"),
    ("/operations", {"action": "cancel", "where": {"args": {"a": [1]}}}, "where.args.a"),
    ("/operations", {"action": "cancel", "where": {"id": "zz"}}, "where.id"),
    ("/operations", {"action": "cancel", "ids": ["0" * 32, "x"]}, "ids.1"),
    ("/schedules", RULE | {"every": "1h", "args": {"n": "x"}}, "args.n"),
    ("/schedules", RULE | {"cron": "0 9 * * *", "except_cron": "x"}, "except_cron"),
    ("/schedules", RULE | {"cron": "0 9 * * *", "except_rrule": "x"}, "except_rrule"),
    (
        "/schedules",
        RULE | {"recurrence": {"kind": "cron", "expr": "x"}},
        "recurrence.expr",
    ),
    (
        "/schedules",
        RULE | {"recurrence": {"kind": "union", "members": [{"kind": "cron", "expr": "x"}]}},
        "recurrence.members.0.expr",
    ),
    (
        "/schedules",
        RULE | {"recurrence": {"kind": "exclusion", "source": 7, "excluded": 7}},
        "recurrence.source",
    ),
)
"""Where what is sent, and which field of it is wrong."""


async def test_what_is_wrong_is_named_by_the_path_that_was_written(
    ob: Onbeat, admin: Client
) -> None:
    @ob.task
    def known(n: int, at: int = 0) -> int:
        return n + at

    answers = [await admin.told("POST", path, 400, json=body) for path, body, _ in WRONG]

    wanted = [[field] for _, _, field in WRONG]
    assert [[each["field"] for each in answer["errors"]] for answer in answers] == wanted
    assert all(
        answer["detail"].startswith(f"{field}: ")
        for answer, [field] in zip(answers, wanted, strict=True)
    )


@pytest.mark.parametrize(
    ("path", "field"), [("/limits/queue/mail", "concurrency"), ("/retention/task/t", "completed")]
)
async def test_a_body_that_bounds_nothing_is_told_what_may_be_in_it(
    admin: Client, path: str, field: str
) -> None:
    answer = await admin.told("PUT", path, 400, json={})

    assert answer["errors"][0]["field"] == field


MISTYPED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("/users", {"name": "x", "rol": "admin"}, "rol: there is no such field; is role meant?"),
    ("/jobs", A_JOB | {"prio": 3}, "is priority meant?"),
    ("/jobs", A_JOB | {"unique": {"bye": ["n"]}}, "is by meant?"),
    ("/jobs", A_JOB | {"limits": [{"name": "a", "concurency": 1}]}, "is concurrency meant?"),
    ("/workflows", started({"afer": ["first"]}), "is after meant?"),
    ("/operations", {"action": "cancel", "where": {"stat": ["failed"]}}, "is state meant?"),
    ("/backfills", {"schedule": "s", "frm": "x", "to": "x"}, "is from meant?"),
    ("/schedules", RULE | {"every": "1h", "keep": {"complete": 1}}, "is completed meant?"),
    ("/users", {"name": "x", "role": "admin", "zzz": 1}, "zzz: it is not known here"),
)
"""Where what is sent, and what is said of the field that is none."""


async def test_a_field_that_is_none_is_told_with_the_one_that_was_meant(admin: Client) -> None:
    answers = [await admin.told("POST", path, 400, json=body) for path, body, _ in MISTYPED]

    wrong = [
        (answer["detail"], told)
        for answer, (_, _, told) in zip(answers, MISTYPED, strict=True)
        if told not in answer["detail"]
    ]
    assert wrong == []


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


PAGED = sorted(
    path
    for path, methods in DESCRIBED.items()
    if any(each["name"] == "after" for each in methods.get("get", {}).get("parameters", ()))
    and "{" not in path
)


def made_up(said: str) -> str:
    """A cursor as anybody can make one, for there is no secret in it."""
    raw = said.encode()
    return base64.urlsafe_b64encode(zlib.crc32(raw).to_bytes(4, "big") + raw).decode().rstrip("=")


OF_ALL = zlib.crc32(b"null")
WRONG_KEYS = ("7", "1e300", "true", "null", "{}", "[[]]", r'"\ud800"', "[" * 1_000)


@pytest.mark.parametrize("path", PAGED)
async def test_a_cursor_that_somebody_made_up_is_refused(ann: Client, path: str) -> None:
    taken = {}
    for key in WRONG_KEYS:
        answer = await ann.get(HOST + path, params={"after": made_up(f"[{key},{OF_ALL}]")})
        if answer.status_code != 400 or answer.json()["errors"][0]["field"] != "after":
            taken[key] = answer.text

    assert taken == {}
