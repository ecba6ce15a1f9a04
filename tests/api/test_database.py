"""The doctor and the database over HTTP: what is found, what is put right, and no secret told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text
from starlette.types import ASGIApp

from onbeat import Onbeat, Settings
from onbeat.api.asgi import make_asgi
from onbeat.domain.access import Permission
from onbeat.store.schema_state import HEAD
from tests.api.asking import Client, allowed


async def an_index(ob: Onbeat) -> str:
    """The name of one that is there."""
    store = await ob.store()
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%onbeat_schedules%'"
        if ob.url.startswith("sqlite")
        else "SELECT indexname FROM pg_indexes WHERE tablename = 'onbeat_schedules' "
        "AND indexdef NOT LIKE '%UNIQUE%'"
    )
    found = await store.read(lambda connection, _: connection.scalars(text(query)).all())
    return str(next(each for each in found if each))


async def drop(ob: Onbeat, index: str) -> None:
    """Take an index away."""

    def work(connection: Any, _: Any) -> None:
        connection.exec_driver_sql(f"DROP INDEX {index}")

    await (await ob.store()).write(work)


def check(told: Any, name: str) -> Any:
    """What was found by that name."""
    return next(each for each in told["checks"] if each["name"] == name)


async def test_the_doctor_finds_a_good_database_good(admin: Client) -> None:
    told = await admin.told("GET", "/doctor")

    assert told["healthy"] is True
    assert {"versions", "settings", "database", "schema", "writes", "clock", "indexes"} <= {
        each["name"] for each in told["checks"]
    }


async def test_a_repair_puts_an_index_back_and_is_written_down(ob: Onbeat, admin: Client) -> None:
    index = await an_index(ob)
    await drop(ob, index)
    before = await admin.told("GET", "/doctor")
    told = await admin.told("POST", "/doctor/repair")
    entries = (await admin.told("GET", "/audit?action=database.repair"))["data"]

    assert (before["healthy"], check(before, "indexes")["can_fix"]) == (False, True)
    assert index in check(before, "indexes")["message"]
    assert (told["healthy"], check(told, "indexes")["verdict"]) == (True, "ok")
    assert any(index in each for each in told["done"])
    assert [each["after"]["statement"] for each in entries] == told["done"][::-1]
    assert entries[0]["actor_name"] == "root"


async def test_a_repair_that_is_sent_again_is_done_once(ob: Onbeat, admin: Client) -> None:
    await drop(ob, await an_index(ob))
    headers = {"Idempotency-Key": "mend"}
    first = await admin.post("/doctor/repair", headers=headers)
    again = await admin.post("/doctor/repair", headers=headers)

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_who_may_only_look_puts_nothing_right(ob: Onbeat, app: ASGIApp) -> None:
    async with allowed(ob, app, Permission.DATABASE_READ) as client:
        await client.told("GET", "/doctor")
        await client.told("POST", "/doctor/repair", 403)


async def test_no_secret_is_in_what_is_told(database_url: str) -> None:
    secret = "hunter2-hunter2-hunter2-hunter2-hunter2"  # noqa: S105 - of a test
    settings = Settings(
        cron_secret=secret, jwt_secret=secret, secret_key=(secret,),
        smtp=f"smtp://ann:{secret}@mail.example", smtp_from="Onbeat <onbeat@mail.example>",
        deadman_url=f"https://beat.example/{secret}",
    )  # fmt: skip
    ob = Onbeat(database_url, settings=settings)
    async with ob, allowed(ob, make_asgi(ob), Permission.DATABASE_READ) as client:
        answers = [await client.get(path) for path in ("/doctor", "/database")]

    shown = {each["name"]: each for each in answers[0].json()["settings"]}
    assert not any(secret in each.text for each in answers)
    assert {shown[name]["value"] for name in ("cron_secret", "jwt_secret", "smtp")} == {"***"}
    assert (shown["cron_secret"]["source"], shown["port"]["source"]) == ("given", "default")


async def test_the_schema_and_the_environments_are_told(ob: Onbeat, admin: Client) -> None:
    schema = await admin.told("GET", "/database")
    found = (await admin.told("GET", "/database/environments"))["data"]

    assert (schema["current"], schema["is_current"]) == (HEAD, True)
    assert {"environment": None, "schema": HEAD, "is_current": True} in found


async def test_the_laws_of_the_store_are_verified_line_by_line(ob: Onbeat, admin: Client) -> None:
    await ob.jobs.enqueue("charge", must_be_known=False)
    answer = await admin.get("/database/verify")
    lines = [json.loads(each) for each in answer.text.splitlines()]

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert lines[-1]["report"] | {"duration_s": 0} == {
        "sound": True, "jobs": 1, "attempts": 0, "occurrences": 0, "duration_s": 0,
        "breaches": [], "remarks": lines[-1]["report"]["remarks"],
    }  # fmt: skip
    assert all(set(each) == {"progress"} for each in lines[:-1])


async def test_a_law_that_is_broken_is_named_with_what_breaks_it(ob: Onbeat, admin: Client) -> None:
    job = (await ob.jobs.enqueue("charge", must_be_known=False)).id

    def lose(connection: Any, _: Any) -> None:
        connection.exec_driver_sql("DELETE FROM onbeat_ready")

    await (await ob.store()).write(lose)
    report = json.loads((await admin.get("/database/verify")).text.splitlines()[-1])["report"]

    assert report["sound"] is False
    assert job in {each["id"] for each in report["breaches"]}


async def test_one_process_verifies_for_one_at_a_time(ob: Onbeat, admin: Client) -> None:
    reading = ob.database.verify_telling()
    await anext(reading)
    refused = await admin.told("GET", "/database/verify", 409)
    await reading.aclose()
    answer = await asyncio.wait_for(admin.get("/database/verify"), 60)

    assert "ask again later" in refused["detail"]
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/doctor", "/database", "/database/environments"])
async def test_an_operator_sees_none_of_it(path: str, ob: Onbeat, app: ASGIApp) -> None:
    async with allowed(ob, app, Permission.QUEUES_MANAGE, Permission.JOBS_MANAGE) as client:
        await client.told("GET", path, 403)
