"""Lists as files: whole, safe, streamed; never cut short without its being noticed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import MutableMapping
from typing import Any

import pytest
from sqlalchemy import text
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.app import exports
from onbeat.app.options import read_options
from onbeat.domain.access import Permission, Role
from onbeat.domain.job_filters import JobFilter
from tests.api.asking import HOST, Client, allowed, asking
from tests.factories import job as made


def rows_of(answer: Any) -> list[dict[str, str]]:
    """The rows of a CSV answer."""
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def lines_of(answer: Any) -> list[dict[str, Any]]:
    """The objects of an NDJSON answer."""
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.content.splitlines()]


async def filled(ob: Onbeat, count: int, **said: Any) -> None:
    """Ask for so many jobs."""
    store = await ob.store()
    for start in range(0, count, 5_000):
        size = min(5_000, count - start)
        await store.enqueue([made(id=each, **said) for each in store.ids.many(size)])


async def test_a_file_has_what_the_list_has_in_its_order(admin: Client, ob: Onbeat) -> None:
    await filled(ob, 1_203)
    listed: list[Any] = []
    after: dict[str, str] = {}
    while True:
        page = await admin.told("GET", "/jobs", params={"limit": "500", **after})
        listed += page["data"]
        if page["page"]["next"] is None:
            break
        after = {"after": page["page"]["next"]}

    exported = lines_of(await admin.get("/jobs/export?format=ndjson"))
    as_csv = rows_of(await admin.get("/jobs/export?format=csv"))

    assert exported == listed
    assert [row["id"] for row in as_csv] == [job["id"] for job in listed]


async def test_a_file_of_nothing_has_a_header_alone(admin: Client) -> None:
    as_csv = await admin.get("/jobs/export?format=csv")
    as_json = await admin.get("/jobs/export?format=ndjson")

    assert as_csv.text.split(",")[0] == "id"
    assert as_csv.text.count("\r\n") == 1
    assert as_json.content == b""


async def test_a_file_says_what_it_is(admin: Client) -> None:
    as_csv = await admin.get("/jobs/export?format=csv")
    as_json = await admin.get("/audit/export?format=ndjson")

    assert as_csv.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert as_csv.headers["content-disposition"] == 'attachment; filename="jobs.csv"'
    assert as_json.headers["content-type"] == "application/x-ndjson"
    assert as_json.headers["content-disposition"] == 'attachment; filename="audit.ndjson"'


async def test_it_is_of_the_jobs_that_fit(admin: Client, ob: Onbeat) -> None:
    await filled(ob, 3, task="charge")
    await filled(ob, 2, task="refund")

    found = rows_of(await admin.get("/jobs/export?format=csv&task=refund&state=pending"))

    assert [row["task"] for row in found] == ["refund", "refund"]


@pytest.mark.parametrize("query", ["format=xml", "format=csv&state=odd", "format=csv&sort=x"])
async def test_what_is_wrong_is_told_before_the_file_begins(query: str, admin: Client) -> None:
    answer = await admin.get(f"/jobs/export?{query}")

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_arguments_are_for_those_who_may_see_them(
    admin: Client, ob: Onbeat, app: ASGIApp
) -> None:
    await admin.told("POST", "/jobs", 201, json={"task": "charge", "args": {"card": "4111"}})
    async with allowed(ob, app, Permission.JOBS_READ) as viewer:
        as_csv = await viewer.get("/jobs/export?format=csv")
        as_json = await viewer.get("/jobs/export?format=ndjson")
        refused = await viewer.get("/jobs/export?format=csv&arg=card=4111")
    [full] = rows_of(await admin.get("/jobs/export?format=csv"))

    assert "4111" not in as_csv.text + as_json.text
    assert "args" not in rows_of(as_csv)[0] | lines_of(as_json)[0]
    assert refused.status_code == 403
    assert full["args"] == '{"card":"4111"}'


async def test_a_formula_in_a_reason_is_carried_out_by_nobody(admin: Client) -> None:
    job = (await admin.told("POST", "/jobs", 201, json={"task": "charge"}))["id"]
    await admin.told("POST", f"/jobs/{job}/cancel", json={"reason": "=cmd|'/c calc'!A1"})

    [row] = rows_of(await admin.get("/jobs/export?format=csv"))
    [exact] = lines_of(await admin.get("/jobs/export?format=ndjson"))

    assert exact["reason"].startswith("=cmd|'/c calc'!A1")
    assert row["reason"] == f"'{exact['reason']}"


async def test_an_owner_gets_rows_of_its_own_alone(ob: Onbeat, app: ASGIApp) -> None:
    await filled(ob, 3)
    for owner in ("u-1", "u-1", "u-2"):
        await ob.jobs.enqueue("charge", options=read_options(owner=owner), must_be_known=False)
    token = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="u-1")
    async with asking(app, token.text) as own:
        mine = rows_of(await own.get("/jobs/export?format=csv"))
        others = rows_of(await own.get("/jobs/export?format=csv&owner=u-2"))
        refused = await own.get("/audit/export?format=csv")

    assert ({row["owner"] for row in mine + others}, len(mine)) == ({"u-1"}, 2)
    assert refused.status_code == 403


@pytest.mark.parametrize("sort", ["newest", "oldest"])
async def test_what_is_made_meanwhile_is_no_part_of_it(sort: str, ob: Onbeat) -> None:
    await filled(ob, 700)
    wanted = JobFilter(sort=sort)
    pieces = exports.export_jobs(ob, wanted, exports.Format.NDJSON, with_args=True)

    first = await anext(pieces)
    await filled(ob, 700)
    rest = [piece async for piece in pieces]

    assert sum(piece.count(b"\n") for piece in (first, *rest)) == 700


async def test_no_more_than_a_hundred_jobs_are_held_at_a_time(ob: Onbeat) -> None:
    await filled(ob, 250)

    pieces = exports.export_jobs(ob, JobFilter(), exports.Format.NDJSON, with_args=True)

    assert [piece.count(b"\n") async for piece in pieces] == [100, 100, 50]


async def test_the_audit_log_is_exported_whole_and_newest_first(admin: Client) -> None:
    for number in range(3):
        body = {"name": f"t-{number}", "at": "2030-01-01T00:00:00Z"}
        await admin.told("POST", "/clocks", 201, json=body)

    listed = (await admin.told("GET", "/audit?action=clock.create"))["data"]
    found = lines_of(await admin.get("/audit/export?format=ndjson&action=clock.create"))
    as_csv = rows_of(await admin.get("/audit/export?format=csv&action=clock.create"))

    assert (found, len(found)) == (listed, 3)
    assert [json.loads(row["after"])["name"] for row in as_csv] == ["t-2", "t-1", "t-0"]


async def streamed(app: ASGIApp, token: str, path: str, on_piece: Any) -> list[Any]:
    """The messages of an answer; `on_piece` is called after each piece of its body."""
    sent: list[MutableMapping[str, Any]] = []
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        return asked.pop() if asked else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and message.get("body"):
            await on_piece()

    name, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
        "method": "GET", "scheme": "https", "path": f"/api/v1{name}", "raw_path": name.encode(),
        "query_string": query.encode(), "root_path": "", "server": (HOST, 443),
        "client": ("127.0.0.1", 1), "state": {},
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }  # fmt: skip
    try:
        await app(scope, receive, send)
    except Exception as error:  # a server then cuts the connection
        sent.append({"type": "raised", "error": error})
    return sent


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_an_error_on_the_way_leaves_the_file_without_an_end(
    form: str, app: ASGIApp, ob: Onbeat
) -> None:
    await filled(ob, 1_200)
    token = (await ob.tokens.create("root", frozenset(Permission), by="test")).text
    store = await ob.store()

    async def break_it() -> None:
        await store.write(
            lambda connection, _: connection.execute(
                text("ALTER TABLE onbeat_jobs RENAME TO onbeat_gone")
            )
        )

    sent = await streamed(app, token, f"/jobs/export?format={form}", break_it)

    bodies = [each for each in sent if each["type"] == "http.response.body"]
    assert sent[-1]["type"] == "raised"
    assert len(bodies) == 1
    assert all(each["more_body"] for each in bodies)


async def test_who_goes_away_ends_the_reading(app: ASGIApp, ob: Onbeat) -> None:
    await filled(ob, 2_000)
    token = (await ob.tokens.create("root", frozenset(Permission), by="test")).text
    pieces = 0

    async def hang_up() -> None:
        nonlocal pieces
        pieces += 1
        raise OSError("the connection is gone")

    await streamed(app, token, "/jobs/export?format=csv", hang_up)

    assert pieces == 1
