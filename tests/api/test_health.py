"""What the process depends on: what can be done without makes it degraded, and not down."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import text
from starlette.types import ASGIApp

from onbeat import Onbeat, Settings
from onbeat.api import make_asgi
from onbeat.api.asgi import make_app
from onbeat.api.dependencies import disk
from onbeat.domain.access import Permission, Principal, Role
from onbeat.domain.live import read_topic
from onbeat.store.wakeups import SERVICES
from tests.api.asking import HOST, Client, allowed, asking
from tests.timing import ManualTiming
from tests.waiting import wait_for

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
MEASURES = {"behind_s", "age_s", "free_bytes"}
ANN = Principal(kind="user", id="1", name="ann", permissions=frozenset(Permission))


async def health(client: Client, status: int = 200) -> Any:
    """What is told."""
    return await client.told("GET", f"{HOST}/health", status)


def told(client: Client, name: str, state: str) -> Callable[[], Awaitable[bool]]:
    """Whether that dependency is in that state."""

    async def is_so() -> bool:
        return bool((await health(client))["dependencies"][name]["status"] == state)

    return is_so


async def await_hints(ob: Onbeat) -> None:
    """Be somebody in this process who is to be woken."""
    (await ob.store()).wakeups.subscribe(asyncio.Event(), [SERVICES])


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    """Public keys of another issuer."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True)]}))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


async def test_hints_of_others_are_up_once_they_come_in(ob: Onbeat, nobody: Client) -> None:
    await await_hints(ob)

    await wait_for(told(nobody, "hints", "up"))

    assert (await health(nobody))["status"] == "ok"


@on_postgresql
async def test_while_they_do_not_the_process_polls_and_is_degraded(
    ob: Onbeat, nobody: Client
) -> None:
    said: dict[str, Any] = {}
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"
    store = await ob.store()

    async def are_lost() -> bool:
        await store.read(lambda connection, _: connection.execute(text(end)).all())
        said.update(await health(nobody))
        return bool(said["dependencies"]["hints"]["status"] == "degraded")

    await wait_for(told(nobody, "hints", "up"))
    await wait_for(are_lost)

    assert said["status"] == "degraded"
    await wait_for(told(nobody, "hints", "up"))


async def test_live_updates_are_told_of_while_somebody_listens(ob: Onbeat) -> None:
    app = make_app(ob)
    async with app.router.lifespan_context(app), asking(app) as nobody:
        before = (await health(nobody))["dependencies"]
        await app.state.live.join(ANN, _ann, "")

        assert "live" not in before
        await wait_for(told(nobody, "live", "up"))


async def test_live_updates_that_are_far_behind_are_degraded_until_they_are_not(
    ob: Onbeat,
) -> None:
    store = await ob.store()
    timing = store.timing = ManualTiming()
    app = make_app(ob)
    async with asking(app) as nobody:
        client = await app.state.live.join(ANN, _ann, "")
        app.state.live.subscribe(client, [read_topic("queues")], None)
        await wait_for(told(nobody, "live", "up"))
        await rename(ob, "subject", "other")

        async def falls_behind() -> bool:
            timing.advance(seconds=40)
            return await told(nobody, "live", "degraded")()

        await wait_for(falls_behind)
        behind = await health(nobody)
        await rename(ob, "other", "subject")

        async def catches_up() -> bool:
            timing.advance(seconds=1)
            return await told(nobody, "live", "up")()

        await wait_for(catches_up)
        await app.state.live.close()

    assert behind["status"] == "degraded"


async def rename(ob: Onbeat, column: str, name: str) -> None:
    """Rename a column that each look reads."""
    change = text(f"ALTER TABLE onbeat_audit RENAME COLUMN {column} TO {name}")
    await (await ob.store()).write(lambda connection, _: connection.execute(change) and None)


async def _ann() -> Principal:
    return ANN


async def test_keys_of_another_issuer_are_up_while_their_file_can_be_read(
    database_url: str, jwks: Path
) -> None:
    ob = Onbeat(database_url, settings=Settings(jwks=str(jwks)))
    app = make_asgi(ob)
    async with ob, allowed(ob, app, Permission.WORKERS_READ) as client:
        there = (await health(client))["dependencies"]["jwks"]
        jwks.unlink()  # noqa: ASYNC240 - of this test alone
        gone = await health(client)

    assert (there["status"], there["age_s"] > 0) == ("up", True)
    assert (gone["dependencies"]["jwks"], gone["status"]) == (
        {"status": "degraded", "latency_ms": None, "age_s": None}, "degraded",
    )  # fmt: skip


async def test_keys_of_another_issuer_are_degraded_while_their_file_holds_none(
    database_url: str, jwks: Path
) -> None:
    ob = Onbeat(database_url, settings=Settings(jwks=str(jwks)))
    app = make_asgi(ob)
    async with ob, asking(app) as client:
        kept = jwks.read_text()  # noqa: ASYNC240 - of this test alone
        jwks.write_text("{")  # noqa: ASYNC240 - as above
        broken = (await health(client))["dependencies"]["jwks"]["status"]
        jwks.write_text(kept)  # noqa: ASYNC240 - as above
        mended = (await health(client))["dependencies"]["jwks"]["status"]

    assert (broken, mended) == ("degraded", "up")


@on_sqlite
async def test_the_disk_of_a_file_is_told_of(ob: Onbeat, app: ASGIApp) -> None:
    async with allowed(ob, app, Permission.WORKERS_READ) as client:
        said = await health(client)

    assert (said["status"], said["dependencies"]["disk"]["status"]) == ("ok", "up")
    assert said["dependencies"]["disk"]["free_bytes"] > 0


def test_a_disk_is_degraded_when_it_is_nearly_full_or_not_there(tmp_path: Path) -> None:
    free = disk(tmp_path).free_bytes or 0

    assert [
        disk(tmp_path, least=1).status,
        disk(tmp_path, least=1_000 * free).status,
        disk(tmp_path / "gone").status,
    ] == ["up", "degraded", "degraded"]


@on_postgresql
async def test_where_there_is_no_file_no_disk_is_told_of(nobody: Client) -> None:
    assert "disk" not in (await health(nobody))["dependencies"]


async def test_strangers_are_told_states_and_how_long_it_took_alone(
    database_url: str, jwks: Path
) -> None:
    ob = Onbeat(database_url, settings=Settings(jwks=str(jwks)))
    app = make_asgi(ob)
    async with ob:
        await await_hints(ob)
        own = await ob.tokens.create("own", Role.OWNER.permissions, by="test", owner="u-1")
        for token in (None, "onb_pat_wrong", "x.y.z", own.text):
            async with asking(app, token) as client:
                said = (await health(client))["dependencies"]
                shown = {name: found for each in said.values() for name, found in each.items()
                         if found is not None}  # fmt: skip
                assert set(shown) == {"status", "latency_ms"}, token
                assert MEASURES & {name for each in said.values() for name in each}


async def test_without_the_database_it_is_down_whatever_else_is_up(
    ob: Onbeat, nobody: Client
) -> None:
    spoil = text("UPDATE onbeat_schema SET version_num = '0001'")
    await (await ob.store()).write(lambda connection, _: connection.execute(spoil) and None)

    said = await health(nobody, 503)

    assert (said["status"], said["dependencies"]["database"]) == (
        "error", {"status": "down", "latency_ms": None},
    )  # fmt: skip
    await nobody.told("GET", f"{HOST}/readyz", 503)


async def test_readiness_asks_the_database_alone(nobody: Client) -> None:
    ready = await nobody.told("GET", f"{HOST}/readyz")

    assert (ready["status"], list(ready["dependencies"])) == ("ok", ["database"])
